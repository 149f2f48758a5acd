//! The queue: its waiters, their obstacles, and which waiter enters when something has changed.

use super::{
    admission::{Admission, AdmissionRequest},
    expected::ExpectedOutcome,
    model::{ExpectedAuditEvent, Holder, Model, ModelLockFreeze, NameState},
    step::{TestLockName, TestOwnerName},
};

/// What a waiter waits for. The waiter tries again when that is gone or has changed, and not before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The queue position of another process.
    Behind(usize),
    /// The record's file.
    Record(Option<Holder>),
    /// The freeze that is in force.
    Freeze(Option<ModelLockFreeze>),
}

/// A guard that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiter {
    /// Its queue position, which is also the guard's number.
    pub(crate) place: usize,
    pub(crate) owner: TestOwnerName,
    pub(crate) obstacle: Obstacle,
}

/// The end of a wait. If the guard did not enter, its exit code and the text of stderr.
pub(crate) struct ExpectedWaitOutcome {
    pub(crate) guard: usize,
    pub(crate) failed: Option<(i32, String)>,
}

impl NameState {
    /// Whether an obstacle has changed.
    fn has_changed(&self, obstacle: Obstacle) -> bool {
        match obstacle {
            Obstacle::Behind(place) => {
                let is_in = |it: &Holder| it.guard().is_some_and(|guard| guard.id == place);
                !self.inside().any(is_in) && !self.queue.iter().any(|it| it.place == place)
            }
            Obstacle::Record(before) => self.record().copied() != before,
            Obstacle::Freeze(before) => self.freeze != before,
        }
    }

    /// Whether a waiter has an obstacle of this kind.
    pub(crate) fn has_waiter_for(&self, kind: impl Fn(&Obstacle) -> bool) -> bool {
        self.queue.iter().any(|waiter| kind(&waiter.obstacle))
    }
}

impl Model {
    /// `lokt guard NAME --wait -- …` whose command runs on, or that waits.
    pub(crate) fn start_waiting_guard(
        &mut self,
        by: TestOwnerName,
        name: TestLockName,
    ) -> ExpectedOutcome {
        match self.admission(AdmissionRequest::guard(by, name)) {
            Admission::Refused(refusal) => match refusal.obstacle {
                None => refusal.into_expected(false),
                Some(obstacle) => {
                    let place = self.guard_count;
                    self.guard_count += 1;
                    self.state_mut(name).queue.push(Waiter { place, owner: by, obstacle });
                    ExpectedOutcome::default()
                }
            },
            _ => self.start_guard(by, name, None),
        }
    }

    /// SIGTERM for the first waiter.
    pub(crate) fn end_first_waiter(&mut self, name: TestLockName) -> ExpectedOutcome {
        let waiter = self.state_mut(name).queue.remove(0);
        let (kind, holder) = match waiter.obstacle {
            Obstacle::Freeze(_) => ("freeze-deny", self.state(name).frozen_by()),
            _ => ("deny", self.state(name).holder()),
        };
        let event = ExpectedAuditEvent::new(kind, name, waiter.owner).with_holder(holder);
        ExpectedOutcome { code: 143, events: vec![event], ..ExpectedOutcome::default() }
    }

    /// Makes holders of the waiters that can enter now, and ends the wait of those that get an error.
    pub(crate) fn retry_waiters(&mut self) -> (Vec<ExpectedWaitOutcome>, Vec<ExpectedAuditEvent>) {
        let (mut ended, mut events) = (Vec::new(), Vec::new());
        while let Some((name, waiter)) = self.next_to_try() {
            let request = AdmissionRequest {
                place: Some(waiter.place),
                ..AdmissionRequest::guard(waiter.owner, name)
            };
            let admission = self.admission(request);
            self.state_mut(name).queue.retain(|it| it.place != waiter.place);
            let under = match admission {
                Admission::Refused(refusal) => {
                    match refusal.obstacle {
                        Some(obstacle) => self.keep_waiting(name, Waiter { obstacle, ..waiter }),
                        None => ended.push(ExpectedWaitOutcome {
                            guard: waiter.place,
                            failed: Some((refusal.code, refusal.stderr)),
                        }),
                    }
                    continue;
                }
                Admission::UnderLease(lease) => Some(lease),
                Admission::New | Admission::Renewal => None,
            };
            events.extend(self.add_guard(request, under, None));
            ended.push(ExpectedWaitOutcome { guard: waiter.place, failed: None });
        }
        (ended, events)
    }

    fn next_to_try(&self) -> Option<(TestLockName, Waiter)> {
        let line = |name| self.state(name).queue.iter().map(move |waiter| (name, *waiter));
        let mut all = TestLockName::ALL.into_iter().flat_map(line);
        all.find(|(name, waiter)| self.state(*name).has_changed(waiter.obstacle))
    }

    fn keep_waiting(&mut self, name: TestLockName, waiter: Waiter) {
        let line = &mut self.state_mut(name).queue;
        line.push(waiter);
        line.sort_by_key(|it| it.place);
    }
}
