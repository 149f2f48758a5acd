use crate::{
    caller::Caller,
    ops::{GuardRenewOutcome, LockGrant, LockGrantKind, LockOperationError, lifetime, renew},
    store::LockStore,
    words::LockName,
};
use std::time::{Duration, Instant};

/// Extends the announced lives of locks: three times in a lifetime, so that one heartbeat may be late.
#[derive(Clone, Copy, Debug)]
pub(super) struct LockHeartbeatSchedule {
    every: Duration,
    pub(super) next: Instant,
    /// Whether the last heartbeat failed: that is reported once, and not three times in every lifetime.
    failing: bool,
}

/// The outcome of one heartbeat.
#[derive(Debug, Default)]
pub(super) struct HeartbeatOutcome {
    /// A lock whose life could not be extended, and why; not where the one before failed too.
    pub(super) failed: Option<(LockName, LockOperationError)>,
    /// Whether a lock seems to be lost.
    pub(super) suspicious: bool,
}

impl LockHeartbeatSchedule {
    /// The heartbeat of locks that have a lifetime. Where it took a while to get all of them, the first
    /// heartbeat is due at once.
    pub(super) fn of<T>(grants: &[LockGrant<T>], now: Instant) -> Option<Self> {
        let ttls = grants.iter().filter(|it| is_due(it)).map(|it| lifetime(&it.record));
        let ttl = ttls.flatten().min()?;
        let every = (ttl / 3).max(Duration::from_millis(10));
        let next = if grants.len() > 1 { now } else { now + every };
        Some(Self { every, next, failing: false })
    }

    pub(super) fn renew_all<S: LockStore>(
        &mut self,
        (store, caller): (&S, &Caller),
        grants: &[LockGrant<S::Ticket>],
        now: Instant,
    ) -> HeartbeatOutcome {
        self.next = now + self.every;
        let mut outcome = HeartbeatOutcome::default();
        for grant in grants.iter().filter(|it| is_due(it)) {
            match renew(store, grant, caller) {
                Ok(GuardRenewOutcome::Done) => {}
                Ok(GuardRenewOutcome::Lost) => outcome.suspicious = true,
                Err(error) => outcome.failed = Some((grant.record.name.clone(), error)),
            }
        }
        let failing = outcome.failed.is_some();
        if self.failing {
            outcome.failed = None;
        }
        self.failing = failing;
        outcome
    }
}

/// Whether a grant's life is this guard's to extend; that of what runs around it is not.
fn is_due<T>(grant: &LockGrant<T>) -> bool {
    !grant.lost && grant.kind != LockGrantKind::Nested
}
