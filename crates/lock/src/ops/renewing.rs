use super::{LockGrant, LockGrantKind, QueueStanding, WaitObserver, lifetime, renew};
use crate::{caller::Caller, rules::Obstacle, store::LockStore};
use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

/// Accompanies the wait for one of several locks: renews those that are held already, three times in a
/// lifetime, so that readers of their records see them as held. Everything else it passes on to its observer.
pub(super) struct RenewingObserver<'a, S: LockStore> {
    pub(super) store: &'a S,
    pub(super) caller: &'a Caller,
    pub(super) grants: &'a [LockGrant<S::Ticket>],
    pub(super) observer: &'a mut dyn WaitObserver,
    every: Option<Duration>,
    due: Instant,
    reported: Option<(Obstacle, Instant)>,
}

impl<'a, S: LockStore> RenewingObserver<'a, S> {
    pub(super) fn new(
        (store, caller): (&'a S, &'a Caller),
        grants: &'a [LockGrant<S::Ticket>],
        observer: &'a mut dyn WaitObserver,
    ) -> Self {
        let shortest =
            grants.iter().filter(|it| has_record(it)).filter_map(|it| lifetime(&it.record)).min();
        let every = shortest.map(|ttl| (ttl / 3).max(Duration::from_millis(10)));
        // How long ago the first of them was taken is not known.
        Self { store, caller, grants, observer, every, due: Instant::now(), reported: None }
    }

    /// Renews what is due.
    fn renew_due(&mut self, now: Instant) {
        let Some(every) = self.every.filter(|_| self.due <= now) else { return };
        self.due = now + every;
        for grant in self.grants.iter().filter(|it| has_record(it)) {
            // What was taken away is found out when all of them are there, and what cannot be written is only an
            // announcement.
            let _ = renew(self.store, grant, self.caller);
        }
    }
}

/// Whether the record that a grant is in is this process's to renew.
fn has_record<T>(grant: &LockGrant<T>) -> bool {
    grant.kind != LockGrantKind::Nested
}

impl<S: LockStore> WaitObserver for RenewingObserver<'_, S> {
    fn waiting(&mut self, standing: &QueueStanding) {
        let now = Instant::now();
        self.renew_due(now);
        let is_news = match (&self.reported, self.observer.interval()) {
            (Some((obstacle, _)), _) if *obstacle != standing.obstacle => true,
            (Some((_, at)), Some(interval)) => now.duration_since(*at) >= interval,
            (Some(_), None) => false,
            (None, _) => true,
        };
        if is_news {
            self.reported = Some((standing.obstacle.clone(), now));
            self.observer.waiting(standing);
        }
    }

    fn interval(&self) -> Option<Duration> {
        let until_due = self.every.map(|_| self.due.saturating_duration_since(Instant::now()));
        self.observer.interval().into_iter().chain(until_due).min()
    }

    fn interruption(&self) -> Option<BorrowedFd<'_>> {
        self.observer.interruption()
    }

    fn is_interrupted(&mut self) -> bool {
        self.observer.is_interrupted()
    }
}
