use super::{
    GuardWarning, SupervisedLocks, heartbeat::LockHeartbeatSchedule, loss_detector::LossDetector,
};
use crate::store::{LockStore, Ticket};
use std::{os::fd::BorrowedFd, time::Instant};

/// Grants that are looked after while something runs under them: their announced lives go on, and it is
/// noticed when one is taken away.
pub(super) struct HeldLocksUpkeep<'a, S: LockStore> {
    watchers: SupervisedLocks<'a, S>,
    heartbeat: Option<LockHeartbeatSchedule>,
    detector: LossDetector<S::LossWatcher>,
}

impl<'a, S: LockStore> HeldLocksUpkeep<'a, S> {
    pub(super) fn begin(watchers: SupervisedLocks<'a, S>, now: Instant) -> Self {
        let heartbeat = LockHeartbeatSchedule::of(watchers.grants, now);
        let detector = LossDetector::begin(watchers.grants, now);
        Self { watchers, heartbeat, detector }
    }

    /// When something is to be done next.
    pub(super) fn next(&self) -> Option<Instant> {
        let heartbeat = self.heartbeat.map(|heartbeat| heartbeat.next);
        [heartbeat, self.detector.next()].into_iter().flatten().min()
    }

    /// A descriptor that becomes readable when something is to be done.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        self.detector.source()
    }

    /// By when everything under the grants must have ended, if they have such a time.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let tickets = self.watchers.grants.iter().filter_map(|it| it.ticket.as_ref());
        tickets.filter_map(Ticket::deadline).min()
    }

    /// Does what is due, and says whether a grant is lost by now.
    pub(super) fn keep_up(
        &mut self,
        woken: bool,
        now: Instant,
        tell: &mut dyn FnMut(GuardWarning),
    ) -> bool {
        let SupervisedLocks { store, caller, grants } = &mut self.watchers;
        let mut look = self.detector.is_due(woken, now);
        if let Some(heartbeat) = self.heartbeat.as_mut().filter(|heartbeat| heartbeat.next <= now) {
            let outcome = heartbeat.renew_all((*store, caller), grants, now);
            look |= outcome.suspicious;
            if let Some((name, error)) = outcome.failed {
                tell(GuardWarning::Heartbeat(name, error));
            }
        }
        if look {
            for lost in self.detector.look((*store, caller), grants, now) {
                tell(GuardWarning::Lost { name: lost.name, unlogged: lost.unlogged });
            }
        }
        self.watchers.grants.iter().any(|it| it.lost)
    }
}
