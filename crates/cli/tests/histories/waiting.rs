//! The line: who stands in it, what they wait for, and who gets in when something has changed.

use super::{
    admission::{Admission, Asking},
    expected::Expected,
    model::{Event, Freeze, Holder, Model, State},
    step::{Name, Owner},
};

/// What somebody waits for. A waiter tries again when that is gone or has changed, and not before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Somebody's place in the queue.
    Behind(usize),
    /// What stands in the record's place.
    Record(Option<Holder>),
    /// The freeze that is in force.
    Freeze(Option<Freeze>),
}

/// A guard that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiter {
    /// Its place, which is also the guard's number.
    pub(crate) place: usize,
    pub(crate) owner: Owner,
    pub(crate) obstacle: Obstacle,
}

/// A wait that has ended, and what stderr says and the exit code where the guard did not get in.
pub(crate) struct Ended {
    pub(crate) guard: usize,
    pub(crate) failed: Option<(i32, String)>,
}

impl State {
    /// Whether what somebody waits for is not as it was.
    fn has_changed(&self, obstacle: Obstacle) -> bool {
        match obstacle {
            Obstacle::Behind(place) => {
                let is_in = |it: &Holder| it.guard().is_some_and(|guard| guard.id == place);
                !self.inside().any(is_in) && !self.line.iter().any(|it| it.place == place)
            }
            Obstacle::Record(before) => self.record().copied() != before,
            Obstacle::Freeze(before) => self.freeze != before,
        }
    }

    /// Whether somebody waits for something of this kind.
    pub(crate) fn waits_for(&self, kind: impl Fn(&Obstacle) -> bool) -> bool {
        self.line.iter().any(|waiter| kind(&waiter.obstacle))
    }
}

impl Model {
    /// `lokt guard NAME --wait -- …` that stays in, or in the queue.
    pub(crate) fn queue(&mut self, by: Owner, name: Name) -> Expected {
        match self.admission(Asking::guard(by, name)) {
            Admission::Refused(refusal) => match refusal.obstacle {
                None => refusal.into_expected(false),
                Some(obstacle) => {
                    let place = self.guards;
                    self.guards += 1;
                    self.at_mut(name).line.push(Waiter { place, owner: by, obstacle });
                    Expected::default()
                }
            },
            _ => self.enter(by, name, None),
        }
    }

    /// SIGTERM for the first in the queue.
    pub(crate) fn give_up(&mut self, name: Name) -> Expected {
        let waiter = self.at_mut(name).line.remove(0);
        let (kind, holder) = match waiter.obstacle {
            Obstacle::Freeze(_) => ("freeze-deny", self.at(name).frozen_by()),
            _ => ("deny", self.at(name).holder()),
        };
        let event = Event::new(kind, name, waiter.owner).of(holder);
        Expected { code: 143, events: vec![event], ..Expected::default() }
    }

    /// Lets those in who can get in now, and those give up who cannot be told anything any more.
    pub(crate) fn settle(&mut self) -> (Vec<Ended>, Vec<Event>) {
        let (mut ended, mut events) = (Vec::new(), Vec::new());
        while let Some((name, waiter)) = self.next_to_try() {
            let asking = Asking { place: Some(waiter.place), ..Asking::guard(waiter.owner, name) };
            let admission = self.admission(asking);
            self.at_mut(name).line.retain(|it| it.place != waiter.place);
            let under = match admission {
                Admission::Refused(refusal) => {
                    match refusal.obstacle {
                        Some(obstacle) => self.stay_in_line(name, Waiter { obstacle, ..waiter }),
                        None => ended.push(Ended {
                            guard: waiter.place,
                            failed: Some((refusal.code, refusal.says)),
                        }),
                    }
                    continue;
                }
                Admission::UnderLease(lease) => Some(lease),
                Admission::Fresh | Admission::Renewing => None,
            };
            events.extend(self.let_in(asking, under, None));
            ended.push(Ended { guard: waiter.place, failed: None });
        }
        (ended, events)
    }

    fn next_to_try(&self) -> Option<(Name, Waiter)> {
        let line = |name| self.at(name).line.iter().map(move |waiter| (name, *waiter));
        let mut all = Name::ALL.into_iter().flat_map(line);
        all.find(|(name, waiter)| self.at(*name).has_changed(waiter.obstacle))
    }

    fn stay_in_line(&mut self, name: Name, waiter: Waiter) {
        let line = &mut self.at_mut(name).line;
        line.push(waiter);
        line.sort_by_key(|it| it.place);
    }
}
