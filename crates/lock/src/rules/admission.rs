use super::{Place, Staleness};
use crate::record::{Corruption, Record, RecordFlaw};
use std::time::Duration;

/// How long a thing that is no record counts as one that another program is writing.
pub const FILLING: Duration = Duration::from_secs(2);

/// What somebody wants to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A lock for a process tree.
    Guard,
    /// A lock for no process.
    Lease,
}

/// What stands in a lock's place, from the view of the one who asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Occupant {
    /// Nothing.
    Nobody,
    /// A record that binds nobody any more.
    Stale(Box<Record>, Staleness),
    /// My own lease.
    MyLease(Box<Record>),
    /// A lock that is held: by another, or by a guard of mine.
    Holder(Box<Record>),
    /// Something that is no record.
    Corrupted(Corruption),
}

/// Everything that admission depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// What stands in the lock's place.
    pub occupant: Occupant,
    /// The freeze that is in force.
    pub freeze: Option<Box<Record>>,
    /// The nearest live place ahead in the queue that is in the way.
    pub ahead: Option<Place>,
}

/// What follows for the one who asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The lock is yours: make it so.
    Enter(Entering),
    /// Not now.
    Blocked(Obstacle),
}

/// In which way somebody enters.
#[derive(Clone, Debug, PartialEq)]
pub enum Entering {
    /// Nothing stands in the lock's place.
    Fresh,
    /// What stands there is to be removed first.
    Replacing(Option<Staleness>),
    /// A guard under the owner's own lease, whose record stays.
    UnderLease(Box<Record>),
    /// The owner's own lease, renewed.
    Renewing(Box<Record>),
}

/// Why somebody may not enter, and so what to wait for.
#[derive(Clone, Debug, PartialEq)]
pub enum Obstacle {
    /// Somebody came earlier and lives: wait until that ticket is gone.
    Ahead(Place),
    /// The record stands: wait until it changes or expires.
    Held(Box<Record>),
    /// An operator's order: wait until it ends or is lifted.
    Frozen(Box<Record>),
    /// A thing that is no record, and might be somebody's lock for all that is known.
    Corrupted(Corruption),
}

/// Decides whether somebody may enter. One rule for guards and leases, waiting or not.
///
/// The order of the questions is the order in which a waiter must wait: first for those who came earlier,
/// then, at the head of the line, for the record and the freeze.
pub fn decide(purpose: Purpose, scene: Scene) -> Decision {
    use Occupant as Is;
    if let (Is::MyLease(record), Purpose::Lease) = (&scene.occupant, purpose) {
        return Decision::Enter(Entering::Renewing(record.clone()));
    }
    if let Some(place) = scene.ahead {
        return Decision::Blocked(Obstacle::Ahead(place));
    }
    let entering = match scene.occupant {
        Is::Nobody => Entering::Fresh,
        Is::Stale(_, why) => Entering::Replacing(Some(why)),
        Is::MyLease(record) => Entering::UnderLease(record),
        Is::Corrupted(corruption) if corruption.is_provably_free() => Entering::Replacing(None),
        Is::Corrupted(corruption) => return Decision::Blocked(Obstacle::Corrupted(corruption)),
        Is::Holder(record) => return Decision::Blocked(Obstacle::Held(record)),
    };
    match scene.freeze {
        Some(freeze) => Decision::Blocked(Obstacle::Frozen(freeze)),
        None => Decision::Enter(entering),
    }
}

/// Finds the nearest place ahead of `mine` (ahead of the line's end where I have none) that is in the
/// way. `in_the_way` is asked from the nearest to the farthest, and no further than the first yes: a long
/// line costs a newcomer one question.
///
/// Whoever has entered is ahead of everybody, whatever the numbers say: a guard under its owner's lease
/// enters past those who wait for that lease, and must keep them out when the lease is gone before it.
pub fn nearest_ahead(
    line: &[Place],
    mine: Option<u64>,
    mut in_the_way: impl FnMut(&Place) -> bool,
) -> Option<Place> {
    let is_ahead = |place: &&Place| match mine {
        Some(mine) => place.number < mine || (place.entered && place.number != mine),
        None => true,
    };
    let ahead = line.iter().filter(is_ahead);
    let mut ahead: Vec<&Place> = ahead.collect();
    ahead.sort_by_key(|place| std::cmp::Reverse(place.number));
    ahead.into_iter().find(|place| in_the_way(place)).cloned()
}

impl Corruption {
    /// Whether no live holder can be behind this: an empty file that nobody filled in time, or a broken
    /// one from before this boot (what a power cut leaves of a guard's record).
    ///
    /// Anything else stays for `unlock --break-stale`: a broken file of now may be the lock of another
    /// program that runs.
    pub fn is_provably_free(&self) -> bool {
        match self.flaw {
            RecordFlaw::NotAFile(_) => false,
            RecordFlaw::Empty => !self.may_be_filling(),
            _ => self.before_boot,
        }
    }

    /// Whether this may be a record that another program is writing at this moment; until the doubt has
    /// passed, it counts as held.
    pub fn may_be_filling(&self) -> bool {
        self.age < FILLING
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
