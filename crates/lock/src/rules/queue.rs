use super::QueuePlace;
use crate::words::LockMode;

/// The queue position that keeps a caller from entering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueObstacle {
    /// A live ticket that conflicts with the caller's: wait until it is gone, or, where it waits for the same
    /// slots as the caller, until it has entered.
    Place(QueuePlace),
    /// Every slot is taken by these, who are in, and by leases, if there are any: wait until one is gone.
    Full(Vec<QueuePlace>),
    /// A live ticket that asks for another number of slots.
    OtherSlots(QueuePlace),
}

/// A caller, as the line sees it.
#[derive(Clone, Copy, Debug)]
pub struct QueueObstacleQuery<'a> {
    /// The tickets of the name, in any order.
    pub line: &'a [QueuePlace],
    /// The asker's own place; `None` is the end of the line.
    pub mine: Option<u64>,
    /// In which mode.
    pub mode: LockMode,
    /// How many slots are taken by holders without a ticket: leases.
    pub leased: u32,
}

/// Finds the obstacle in the queue. `in_the_way` says whether a ticket lives (and is not to be passed for
/// another reason); it is asked from the nearest to the farthest, and no further than the answer needs: a long
/// line costs a newcomer one question.
///
/// Every holder that has entered is ahead of all waiters, whatever the numbers say: a guard under its owner's
/// lease enters past the waiters for that lease, and must keep them out when the lease is gone before it.
///
/// Waiters for a slot count as if they had it, so no other passes them; shared tickets that wait are passed by
/// other shared ones only where both wait for the same exclusive ticket ahead.
pub fn ahead<'a>(
    asker: QueueObstacleQuery<'a>,
    mut in_the_way: impl FnMut(&'a QueuePlace) -> bool,
) -> Option<QueueObstacle> {
    let mut taken = Vec::new();
    let mut waits: Option<QueuePlace> = None;
    for place in asker.ahead() {
        if asker.mode == LockMode::Shared && place.mode == LockMode::Shared {
            continue;
        }
        if !in_the_way(place) {
            continue;
        }
        if asker.mode.disagrees_on_slots(place.mode).is_some() {
            return Some(QueueObstacle::OtherSlots(place.clone()));
        }
        if !asker.mode.gets_on_with(place.mode) {
            return Some(QueueObstacle::Place(place.clone()));
        }
        if !place.entered && waits.is_none() {
            waits = Some(place.clone());
        }
        taken.push(place.clone());
        if is_full(asker, taken.len()) {
            break;
        }
    }
    let full = is_full(asker, taken.len());
    full.then(|| waits.map_or(QueueObstacle::Full(taken), QueueObstacle::Place))
}

/// Whether all slots are taken; for other modes, company is not a matter of number.
fn is_full(asker: QueueObstacleQuery<'_>, taken: usize) -> bool {
    let slots = asker.mode.slots().map(|slots| slots.get() as usize);
    slots.is_some_and(|slots| taken.saturating_add(asker.leased as usize) >= slots)
}

impl<'a> QueueObstacleQuery<'a> {
    /// Those ahead, the nearest first, whatever their mode.
    pub(super) fn ahead(self) -> Vec<&'a QueuePlace> {
        let is_ahead = |place: &&QueuePlace| match self.mine {
            Some(mine) => place.number < mine || (place.entered && place.number != mine),
            None => true,
        };
        let mut ahead: Vec<&QueuePlace> = self.line.iter().filter(is_ahead).collect();
        ahead.sort_by_key(|place| std::cmp::Reverse(place.number));
        ahead
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
