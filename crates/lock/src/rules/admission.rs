use super::{QueueObstacle, QueuePlace, StalenessCause};
use crate::record::{LockRecord, LockRecordFlaw, RecordCorruption};
use crate::words::LockMode;
use std::{num::NonZeroU32, time::Duration};

/// How long a thing that is no record counts as one that another program is writing.
pub const FILLING: Duration = Duration::from_secs(2);

/// What a caller wants to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedGuardOrLease {
    /// A lock for a process tree.
    Guard,
    /// A lock for no process.
    Lease,
}

/// A holder that is no more, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct StaleHolder {
    /// What the record says of it.
    pub holder: Box<LockRecord>,
    /// Why it is stale.
    pub why: StalenessCause,
}

/// What is in a lock's place, from the view of the caller.
#[derive(Clone, Debug, PartialEq)]
pub enum LockOccupancy {
    /// Nothing.
    Free,
    /// A record without a live holder.
    Stale(Vec<StaleHolder>),
    /// My own lease.
    MyLease(Box<LockRecord>),
    /// What runs around the caller.
    Around(Box<LockRecord>),
    /// Holders that are compatible with the caller: the record with those that are left, and those that are
    /// not.
    Company(Box<LockRecord>, Vec<StaleHolder>),
    /// A lock that is held: by another, or by a guard of the caller.
    Holder(Box<LockRecord>),
    /// Holders that ask for another number of slots than the caller.
    OtherSlots(NonZeroU32),
    /// Something that is no record.
    Corrupted(RecordCorruption),
}

/// Everything that admission depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct LockAdmissionInputs {
    /// What stands in the lock's place.
    pub occupant: LockOccupancy,
    /// The freeze that is in force.
    pub freeze: Option<Box<LockRecord>>,
    /// The obstacle in the queue.
    pub ahead: Option<QueueObstacle>,
}

/// What follows for the caller.
#[derive(Clone, Debug, PartialEq)]
pub enum AdmissionDecision {
    /// The lock is yours: make it so.
    Enter(LockAdmissionPlan),
    /// Not now.
    Blocked(Obstacle),
    /// Never, as it was asked: those in the queue or in have this number of slots.
    OtherSlots(NonZeroU32),
}

/// How a caller enters.
#[derive(Clone, Debug, PartialEq)]
pub enum LockAdmissionPlan {
    /// Nothing stands in the lock's place.
    Fresh,
    /// Something is to be removed first: holders that are gone, or a file that is not a record.
    Replacing(Vec<StaleHolder>),
    /// Beside the holders of this record, once those that are gone are taken out of it.
    Joining(Box<LockRecord>, Vec<StaleHolder>),
    /// A guard under the owner's own lease, whose record stays.
    UnderLease(Box<LockRecord>),
    /// A guard inside another of the same name, whose record stays.
    Nested(Box<LockRecord>),
    /// The owner's own lease, renewed.
    Renewing(Box<LockRecord>),
}

/// Why a caller may not enter, and so what to wait for.
#[derive(Clone, Debug, PartialEq)]
pub enum Obstacle {
    /// An earlier holder or waiter lives: wait until that ticket is gone, or, where it waits for the same
    /// slots, until it has entered.
    Ahead(QueuePlace),
    /// Every slot is taken: wait until one of these tickets is gone, or the record changes or expires.
    Full(Vec<QueuePlace>, Option<Box<LockRecord>>),
    /// The record stands: wait until it changes or expires.
    Held(Box<LockRecord>),
    /// An operator's order: wait until it ends or is lifted.
    Frozen(Box<LockRecord>),
    /// A corrupt record, which could be a holder's for all that is known.
    Corrupted(RecordCorruption),
}

/// Decides whether a caller may enter. One rule for guards and leases of every mode, waiting or not.
///
/// The order of the questions is the order in which a waiter must wait: first for earlier holders and waiters,
/// then, at the head of the line, for the record and the freeze.
pub fn decide(purpose: RequestedGuardOrLease, inputs: LockAdmissionInputs) -> AdmissionDecision {
    use LockOccupancy as Is;
    if let (Is::MyLease(record), RequestedGuardOrLease::Lease) = (&inputs.occupant, purpose) {
        return AdmissionDecision::Enter(LockAdmissionPlan::Renewing(record.clone()));
    }
    if let Some(ahead) = inputs.ahead {
        return stopped_by(ahead, inputs.occupant);
    }
    let entering = match inputs.occupant {
        Is::Free => LockAdmissionPlan::Fresh,
        Is::Stale(gone) => LockAdmissionPlan::Replacing(gone),
        Is::MyLease(record) => LockAdmissionPlan::UnderLease(record),
        // It is in already, as far as others are concerned; a freeze would only keep that from ending.
        Is::Around(record) => return AdmissionDecision::Enter(LockAdmissionPlan::Nested(record)),
        Is::Company(record, gone) => LockAdmissionPlan::Joining(record, gone),
        Is::Corrupted(corruption) if corruption.is_provably_free() => {
            LockAdmissionPlan::Replacing(Vec::new())
        }
        Is::Corrupted(corruption) => {
            return AdmissionDecision::Blocked(Obstacle::Corrupted(corruption));
        }
        Is::Holder(record) => return AdmissionDecision::Blocked(Obstacle::Held(record)),
        Is::OtherSlots(slots) => return AdmissionDecision::OtherSlots(slots),
    };
    match inputs.freeze {
        Some(freeze) => AdmissionDecision::Blocked(Obstacle::Frozen(freeze)),
        None => AdmissionDecision::Enter(entering),
    }
}

fn stopped_by(ahead: QueueObstacle, occupant: LockOccupancy) -> AdmissionDecision {
    let record = match occupant {
        LockOccupancy::Company(record, _) => Some(record),
        LockOccupancy::OtherSlots(slots) => return AdmissionDecision::OtherSlots(slots),
        _ => None,
    };
    match ahead {
        QueueObstacle::Place(place) => AdmissionDecision::Blocked(Obstacle::Ahead(place)),
        QueueObstacle::Full(inside) => AdmissionDecision::Blocked(Obstacle::Full(inside, record)),
        QueueObstacle::OtherSlots(place) => match place.mode {
            LockMode::Slots(slots) => AdmissionDecision::OtherSlots(slots),
            // A ticket that disagrees on slots has the mode `Slots`; any other is in the way as usual.
            _ => AdmissionDecision::Blocked(Obstacle::Ahead(place)),
        },
    }
}

impl RecordCorruption {
    /// Whether no live holder can be behind this: an empty file that was not filled in time, or a broken one
    /// from before this boot (what a power cut leaves of a guard's record).
    ///
    /// Anything else stays for `unlock --break-stale`: a broken file of now may be the lock of another
    /// program that runs.
    pub fn is_provably_free(&self) -> bool {
        match self.flaw {
            LockRecordFlaw::NotAFile(_) => false,
            LockRecordFlaw::Empty => !self.may_be_filling(),
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
