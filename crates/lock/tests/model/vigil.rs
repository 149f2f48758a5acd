//! When a vigil of the store of files ends, as a function of the world and the obstacle.
//!
//! A real vigil is set at some moment after the obstacle was found, and from then on is told of changes. This
//! is one that is set only now: it knows what it sees and nothing of what it was told before. Whatever ends
//! it would have ended every vigil that was set earlier, so a wake-up that it does not miss none of them
//! misses.

use crate::model::world::World;
use lokt_lock::{
    record::{LockRecord, LockRecordFlaw, RecordSlot},
    rules::{Obstacle, QueuePlace},
    store::{LockRecordKind, LossWatcher, ObstacleWatch},
    words::Timestamp,
};
use std::{os::fd::BorrowedFd, time::Duration};

/// A vigil that was set at one moment, and asked at the same.
pub(crate) struct MemoryVigil(pub(super) bool);

impl ObstacleWatch for MemoryVigil {
    fn doze(&mut self, _: Duration) -> bool {
        self.0
    }

    fn look(&mut self) -> bool {
        self.0
    }

    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        Vec::new()
    }

    fn patience(&self, _: Timestamp) -> Option<Duration> {
        None
    }
}

/// No guard of the model needs an alarm: it may look at any time.
pub(crate) enum NoAlarm {}

impl LossWatcher for NoAlarm {
    fn source(&self) -> BorrowedFd<'_> {
        match *self {}
    }

    fn rearm(&mut self) {}
}

/// Whether who waits for the end of an obstacle is woken.
pub(crate) fn is_over(world: &World, obstacle: &Obstacle) -> bool {
    match obstacle {
        Obstacle::Ahead(place) => is_gone(world, place),
        Obstacle::Full(inside, record) => {
            let record = record.as_deref().filter(|record| record.has_lease());
            inside.iter().any(|place| is_gone(world, place))
                || record.is_some_and(|record| has_changed(world, LockRecordKind::Lock, record))
        }
        Obstacle::Held(record) => has_changed(world, LockRecordKind::Lock, record),
        Obstacle::Frozen(record) => has_changed(world, LockRecordKind::Freeze, record),
        Obstacle::Corrupted(then) => match world.slot(LockRecordKind::Lock) {
            // What may be being filled is looked at again once it has been there for too long.
            RecordSlot::Corrupted(now) => {
                now.flaw != then.flaw || then.may_be_filling() && !now.may_be_filling()
            }
            _ => true,
        },
    }
}

/// Whether nothing wakes who waits for an obstacle: only looking again now and then would.
pub(crate) fn is_blind(obstacle: &Obstacle) -> bool {
    match obstacle {
        Obstacle::Full(inside, record) => {
            inside.is_empty() && !record.as_deref().is_some_and(LockRecord::has_lease)
        }
        Obstacle::Corrupted(corruption) => !matches!(corruption.flaw, LockRecordFlaw::Empty),
        _ => false,
    }
}

/// Whether a ticket's lock is free, or its name gone. One that has another name since is the same ticket, but
/// for one that waited for a slot and is in: that is a new one, and the old one is gone.
fn is_gone(world: &World, place: &QueuePlace) -> bool {
    if let Some(file) = world.file(place) {
        return !file.lives();
    }
    let gives_way =
        |now: &QueuePlace| place.mode.slots().is_some() && now.entered && !place.entered;
    let same = |now: &QueuePlace| now.number == place.number && now.lock_id == place.lock_id;
    let now = world.line.iter().find(|file| same(&file.place) && !gives_way(&file.place));
    now.is_none_or(|file| !file.lives())
}

/// Whether a record says something else than it did, or the first of its lifetimes has ended.
fn has_changed(world: &World, kind: LockRecordKind, then: &LockRecord) -> bool {
    let slot = world.slot(kind);
    let unchanged = slot.record().is_some_and(|now| now.still_says(then));
    !unchanged || then.next_end().is_some_and(|end| end <= world.now())
}
