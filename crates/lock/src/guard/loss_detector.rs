use crate::{
    caller::Caller,
    ops::{LockGrant, LockLossCheckOutcome, lose, stands},
    store::{LockStore, LockStoreError, LossWatcher, Ticket},
    words::LockName,
};
use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

/// How often to look, after the command's start, whether the locks are still there, until a watcher is set.
const OFTEN: Duration = Duration::from_millis(50);

/// How often to look where there is no watcher, or where a look failed.
const SLOW: Duration = Duration::from_secs(1);

/// How long to rest after a look: where many share a lock, each that comes or goes wakes all the others, and
/// each of these reads a record that lists all of them.
const REST: Duration = Duration::from_millis(250);

/// Finds out soon when a lock is taken away from its guard.
pub(super) struct LossDetector<A> {
    began: Instant,
    rested: Instant,
    watcher: Option<A>,
    next: Option<Instant>,
}

/// A lock that was lost.
#[derive(Debug)]
pub(super) struct LostLock {
    pub(super) name: LockName,
    /// Why that could not be logged.
    pub(super) unlogged: Option<LockStoreError>,
}

impl<A: LossWatcher> LossDetector<A> {
    /// Begins to watch over some grants; where there are none, it is never time to look.
    pub(super) fn begin<T>(grants: &[LockGrant<T>], now: Instant) -> Self {
        let next = (!grants.is_empty()).then(|| now + OFTEN);
        Self { began: now, rested: now, watcher: None, next }
    }

    /// When to look next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// A descriptor that becomes readable when it is time to look; none where that time is known.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        self.watcher.as_ref().filter(|_| self.next.is_none()).map(LossWatcher::source)
    }

    /// Whether it is time to look, maybe because the watcher woke the guard; else it will be soon.
    pub(super) fn is_due(&mut self, woken: bool, now: Instant) -> bool {
        if woken && now < self.rested {
            self.next = Some(self.rested);
        }
        self.next.map_or(woken, |at| at <= now)
    }

    /// Looks whether the grants still stand, and gives those that do not, each once.
    pub(super) fn look<S: LockStore<LossWatcher = A>>(
        &mut self,
        (store, caller): (&S, &Caller),
        grants: &mut [LockGrant<S::Ticket>],
        now: Instant,
    ) -> Vec<LostLock> {
        self.rearm(store, grants, now);
        let mut lost = Vec::new();
        for grant in grants.iter_mut().filter(|it| !it.lost) {
            if stands(store, grant) {
                continue;
            }
            match lose(store, grant, caller) {
                Ok(LockLossCheckOutcome::None) => {}
                Ok(LockLossCheckOutcome::Lost { unlogged }) => {
                    lost.push(LostLock { name: grant.record.name.clone(), unlogged });
                }
                // Nothing is known: ask again.
                Ok(LockLossCheckOutcome::Doubtful) | Err(_) => self.next = Some(now + SLOW),
            }
        }
        lost
    }

    /// Sets the watcher, if it is time for it, before the look, so that no change falls between the two.
    fn rearm<S: LockStore<LossWatcher = A>>(
        &mut self,
        store: &S,
        grants: &[LockGrant<S::Ticket>],
        now: Instant,
    ) {
        self.rested = now + REST;
        if let Some(watcher) = &mut self.watcher {
            self.next = None;
            watcher.rearm();
        } else if now < self.began + store.watch_after() {
            self.next = Some(now + OFTEN);
        } else {
            let place =
                |grant: &LockGrant<S::Ticket>| grant.ticket.as_ref().map(|it| it.place().clone());
            let places: Vec<_> = grants.iter().map(place).collect();
            let held: Vec<_> = grants
                .iter()
                .zip(&places)
                .map(|(grant, place)| (&grant.record.name, place.as_ref()))
                .collect();
            self.watcher = store.loss_watcher(&held);
            self.next = self.watcher.is_none().then(|| now + SLOW);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct DummyLossWatcher;

    impl LossWatcher for DummyLossWatcher {
        fn source(&self) -> BorrowedFd<'_> {
            unreachable!("no watcher is set")
        }

        fn rearm(&mut self) {}
    }

    #[test]
    fn where_there_is_no_lock_it_is_never_time_to_look() {
        let now = Instant::now();
        let mut detector = LossDetector::<DummyLossWatcher>::begin::<()>(&[], now);
        assert_eq!(detector.next(), None, "nothing wakes a guard without locks");
        assert!(!detector.is_due(false, now + SLOW), "and when it wakes, it does not look");
        assert!(detector.source().is_none(), "no watcher is set");
    }
}
