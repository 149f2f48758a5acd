use super::{GuardWarning, SupervisedLocks, heartbeat::Heartbeat, loss_detector::LossDetector};
use crate::store::Store;
use std::{os::fd::BorrowedFd, time::Instant};

/// Grants that are looked after while something runs under them: their announced lives go on, and it is
/// noticed when one is taken away.
pub(super) struct LockMonitor<'a, S: Store> {
    watchers: SupervisedLocks<'a, S>,
    pulse: Option<Heartbeat>,
    watch: LossDetector<S::LossWatcher>,
}

impl<'a, S: Store> LockMonitor<'a, S> {
    pub(super) fn begin(watchers: SupervisedLocks<'a, S>, now: Instant) -> Self {
        let pulse = Heartbeat::of(watchers.grants, now);
        let watch = LossDetector::begin(watchers.grants, now);
        Self { watchers, pulse, watch }
    }

    /// When something is to be done next.
    pub(super) fn next(&self) -> Option<Instant> {
        let pulse = self.pulse.map(|pulse| pulse.next);
        [pulse, self.watch.next()].into_iter().flatten().min()
    }

    /// A descriptor that becomes readable when something is to be done.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        self.watch.source()
    }

    /// Does what is due, and says whether a grant is lost by now.
    pub(super) fn keep_up(
        &mut self,
        alarmed: bool,
        now: Instant,
        tell: &mut dyn FnMut(GuardWarning),
    ) -> bool {
        let SupervisedLocks { store, caller, grants } = &mut self.watchers;
        let mut look = self.watch.is_due(alarmed, now);
        if let Some(pulse) = self.pulse.as_mut().filter(|pulse| pulse.next <= now) {
            let beat = pulse.beat((*store, caller), grants, now);
            look |= beat.suspicious;
            if let Some((name, error)) = beat.failed {
                tell(GuardWarning::Heartbeat(name, error));
            }
        }
        if look {
            for lost in self.watch.look((*store, caller), grants, now) {
                tell(GuardWarning::Lost { name: lost.name, unlogged: lost.unlogged });
            }
        }
        self.watchers.grants.iter().any(|it| it.lost)
    }
}
