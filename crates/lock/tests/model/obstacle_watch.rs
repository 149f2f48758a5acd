//! Whether a watch of the store of files has ended, as a function of the root and the obstacle.
//!
//! A real watch starts at some moment after the obstacle was found, and is notified of changes from then
//! on. This one starts only now: it sees the present root, and no earlier notification. A real watch that
//! started earlier ends whenever this one does, so a wakeup that this one gets is not missed by a real one.

use crate::model::memory_root::MemoryRoot;
use lokt_lock::{
    record::{LockRecord, LockRecordFlaw, RecordSlot},
    rules::{Obstacle, QueuePlace},
    store::{LockRecordKind, LossWatcher, ObstacleWatch},
    words::Timestamp,
};
use std::{os::fd::BorrowedFd, time::Duration};

/// A watch that started at one moment, and was asked at the same moment.
pub(crate) struct FixedAnswerObstacleWatch(pub(super) bool);

impl ObstacleWatch for FixedAnswerObstacleWatch {
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

/// No guard of the model needs a loss watcher: it may look at any time.
pub(crate) enum NoLossWatcher {}

impl LossWatcher for NoLossWatcher {
    fn source(&self) -> BorrowedFd<'_> {
        match *self {}
    }

    fn rearm(&mut self) {}
}

/// Whether an obstacle's waiter is woken.
pub(crate) fn is_over(root: &MemoryRoot, obstacle: &Obstacle) -> bool {
    match obstacle {
        Obstacle::Ahead(place) => is_gone(root, place),
        Obstacle::Full(inside, record) => {
            let record = record.as_deref().filter(|record| record.has_lease());
            inside.iter().any(|place| is_gone(root, place))
                || record.is_some_and(|record| has_changed(root, LockRecordKind::Lock, record))
        }
        Obstacle::Held(record) => has_changed(root, LockRecordKind::Lock, record),
        Obstacle::Frozen(record) => has_changed(root, LockRecordKind::Freeze, record),
        Obstacle::Corrupted(then) => match root.record_file(LockRecordKind::Lock) {
            // A file that may still be written is looked at again when it is too old for that.
            RecordSlot::Corrupted(now) => {
                now.flaw != then.flaw || then.may_be_filling() && !now.may_be_filling()
            }
            _ => true,
        },
    }
}

/// Whether nothing wakes the waiter of an obstacle. Only polling would.
pub(crate) fn is_never_signaled(obstacle: &Obstacle) -> bool {
    match obstacle {
        Obstacle::Full(inside, record) => {
            inside.is_empty() && !record.as_deref().is_some_and(LockRecord::has_lease)
        }
        Obstacle::Corrupted(corruption) => !matches!(corruption.flaw, LockRecordFlaw::Empty),
        _ => false,
    }
}

/// Whether the lock of a ticket is free, or its name is gone. A renamed ticket is the same ticket, except one
/// that waited for a slot and has entered: that is a new ticket, and the old one is gone.
fn is_gone(root: &MemoryRoot, place: &QueuePlace) -> bool {
    if let Some(file) = root.ticket_file(place) {
        return !file.lives();
    }
    let gives_way =
        |now: &QueuePlace| place.mode.slots().is_some() && now.entered && !place.entered;
    let same = |now: &QueuePlace| now.number == place.number && now.lock_id == place.lock_id;
    let now = root.queue.iter().find(|file| same(&file.place) && !gives_way(&file.place));
    now.is_none_or(|file| !file.lives())
}

/// Whether a record has changed, or its first lifetime has ended.
fn has_changed(root: &MemoryRoot, kind: LockRecordKind, then: &LockRecord) -> bool {
    let slot = root.record_file(kind);
    let unchanged = slot.record().is_some_and(|now| now.still_says(then));
    !unchanged || then.next_end().is_some_and(|end| end <= root.now())
}
