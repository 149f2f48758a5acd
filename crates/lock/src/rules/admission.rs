use super::{Ahead, Mode, Place, Staleness};
use crate::record::{Corruption, Record, RecordFlaw};
use std::{num::NonZeroU32, time::Duration};

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

/// A holder that is no more, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Gone {
    /// What the record says of it.
    pub holder: Box<Record>,
    /// Why it binds nobody any more.
    pub why: Staleness,
}

/// What stands in a lock's place, from the view of the one who asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Occupant {
    /// Nothing.
    Nobody,
    /// A record none of whose holders is left.
    Stale(Vec<Gone>),
    /// My own lease.
    MyLease(Box<Record>),
    /// What runs around me.
    Around(Box<Record>),
    /// Holders that get on with me: the record with those that are left, and those that are not.
    Company(Box<Record>, Vec<Gone>),
    /// A lock that is held: by another, or by a guard of mine.
    Holder(Box<Record>),
    /// Holders that ask for another number of slots than I do.
    OtherSlots(NonZeroU32),
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
    /// What of the line is in the way.
    pub ahead: Option<Ahead>,
}

/// What follows for the one who asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The lock is yours: make it so.
    Enter(Entering),
    /// Not now.
    Blocked(Obstacle),
    /// Never, as it was asked: those in line or in have this number of slots.
    OtherSlots(NonZeroU32),
}

/// In which way somebody enters.
#[derive(Clone, Debug, PartialEq)]
pub enum Entering {
    /// Nothing stands in the lock's place.
    Fresh,
    /// What stands there is to be removed first: holders that are gone, or what is no record.
    Replacing(Vec<Gone>),
    /// Beside the holders of this record, once those that are gone are taken out of it.
    Joining(Box<Record>, Vec<Gone>),
    /// A guard under the owner's own lease, whose record stays.
    UnderLease(Box<Record>),
    /// A guard inside another of the same name, whose record stays.
    Nested(Box<Record>),
    /// The owner's own lease, renewed.
    Renewing(Box<Record>),
}

/// Why somebody may not enter, and so what to wait for.
#[derive(Clone, Debug, PartialEq)]
pub enum Obstacle {
    /// Somebody came earlier and lives: wait until that ticket is gone, or, where it waits for the same slots,
    /// until it has entered.
    Ahead(Place),
    /// Every slot is taken: wait until one of these tickets is gone, or the record changes or expires.
    Full(Vec<Place>, Option<Box<Record>>),
    /// The record stands: wait until it changes or expires.
    Held(Box<Record>),
    /// An operator's order: wait until it ends or is lifted.
    Frozen(Box<Record>),
    /// A thing that is no record, and might be somebody's lock for all that is known.
    Corrupted(Corruption),
}

/// Decides whether somebody may enter. One rule for guards and leases of every mode, waiting or not.
///
/// The order of the questions is the order in which a waiter must wait: first for those who came earlier,
/// then, at the head of the line, for the record and the freeze.
pub fn decide(purpose: Purpose, scene: Scene) -> Decision {
    use Occupant as Is;
    if let (Is::MyLease(record), Purpose::Lease) = (&scene.occupant, purpose) {
        return Decision::Enter(Entering::Renewing(record.clone()));
    }
    if let Some(ahead) = scene.ahead {
        return stopped_by(ahead, scene.occupant);
    }
    let entering = match scene.occupant {
        Is::Nobody => Entering::Fresh,
        Is::Stale(gone) => Entering::Replacing(gone),
        Is::MyLease(record) => Entering::UnderLease(record),
        // It is in already, as far as others are concerned; a freeze would only keep that from ending.
        Is::Around(record) => return Decision::Enter(Entering::Nested(record)),
        Is::Company(record, gone) => Entering::Joining(record, gone),
        Is::Corrupted(corruption) if corruption.is_provably_free() => {
            Entering::Replacing(Vec::new())
        }
        Is::Corrupted(corruption) => return Decision::Blocked(Obstacle::Corrupted(corruption)),
        Is::Holder(record) => return Decision::Blocked(Obstacle::Held(record)),
        Is::OtherSlots(slots) => return Decision::OtherSlots(slots),
    };
    match scene.freeze {
        Some(freeze) => Decision::Blocked(Obstacle::Frozen(freeze)),
        None => Decision::Enter(entering),
    }
}

fn stopped_by(ahead: Ahead, occupant: Occupant) -> Decision {
    let record = match occupant {
        Occupant::Company(record, _) => Some(record),
        Occupant::OtherSlots(slots) => return Decision::OtherSlots(slots),
        _ => None,
    };
    match ahead {
        Ahead::Place(place) => Decision::Blocked(Obstacle::Ahead(place)),
        Ahead::Full(inside) => Decision::Blocked(Obstacle::Full(inside, record)),
        Ahead::OtherSlots(place) => match place.mode {
            Mode::Slots(slots) => Decision::OtherSlots(slots),
            // Whoever disagrees on slots has some; else it is in the way like any other.
            _ => Decision::Blocked(Obstacle::Ahead(place)),
        },
    }
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
