use super::{Trouble, Watchers, pulse::Pulse, watch::Watch};
use crate::store::Store;
use std::{os::fd::BorrowedFd, time::Instant};

/// Grants that are looked after while something runs under them: their announced lives go on, and it is
/// noticed when one is taken away.
pub(super) struct Vigilance<'a, S: Store> {
    watchers: Watchers<'a, S>,
    pulse: Option<Pulse>,
    watch: Watch<S::Alarm>,
}

impl<'a, S: Store> Vigilance<'a, S> {
    pub(super) fn begin(watchers: Watchers<'a, S>, now: Instant) -> Self {
        let pulse = Pulse::of(watchers.grants, now);
        let watch = Watch::begin(watchers.grants, now);
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
        tell: &mut dyn FnMut(Trouble),
    ) -> bool {
        let Watchers { store, caller, grants } = &mut self.watchers;
        let mut look = self.watch.is_due(alarmed, now);
        if let Some(pulse) = self.pulse.as_mut().filter(|pulse| pulse.next <= now) {
            let beat = pulse.beat((*store, caller), grants, now);
            look |= beat.suspicious;
            if let Some((name, error)) = beat.failed {
                tell(Trouble::Heartbeat(name, error));
            }
        }
        if look {
            for lost in self.watch.look((*store, caller), grants, now) {
                tell(Trouble::Lost { name: lost.name, unlogged: lost.unlogged });
            }
        }
        self.watchers.grants.iter().any(|it| it.lost)
    }
}
