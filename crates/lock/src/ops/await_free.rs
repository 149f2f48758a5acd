use super::{
    Denial, LockOperationError, LockRequest, QueueStanding, WaitObserver,
    deadlock_search::enlist,
    pause::{ObstacleWaitOutcome, WaitDeadline, pause},
    snapshot::{entered, look_with, readable},
};
use crate::{
    record::RecordSlot,
    rules::Obstacle,
    store::{LockStore, NameReader, NestedWaitEntry, ObstacleWatch},
};
use std::time::Duration;

/// The outcome of waiting until locks are free.
#[derive(Debug)]
#[must_use]
pub enum AwaitFreeOutcome {
    /// At one moment, none of the locks had a holder.
    Free,
    /// The time limit passed first.
    TimedOut(LockHeldAtTimeout),
    /// The observer ended the wait.
    Interrupted,
}

/// A lock that was still held when the time limit passed.
#[derive(Debug)]
pub struct LockHeldAtTimeout {
    /// Which of the requests names it.
    pub request: usize,
    /// Its holder.
    pub denial: Box<Denial>,
}

/// Waits until none of the requested locks has a holder, and takes nothing. The caller has no queue position:
/// waiters may enter one after the other before the locks are free, and another may take them right afterwards.
///
/// # Errors
/// [`LockOperationError::Deadlock`] where a holder waits for a lock that the caller runs under; other errors when
/// the state cannot be read.
pub fn await_free<S: LockStore>(
    store: &S,
    requests: &[LockRequest<'_>],
    limit: Duration,
    observer: &mut dyn WaitObserver,
) -> Result<AwaitFreeOutcome, LockOperationError> {
    let clock = WaitDeadline::start(limit);
    let mut reported: Option<Obstacle> = None;
    while let Some(held) = HeldLockWait::first(store, requests)? {
        if clock.left().is_zero() {
            return Ok(AwaitFreeOutcome::TimedOut(held.still_held(&clock)));
        }
        let _enlisted = held.enlist()?;
        let mut watch = store.watch(held.request().name, &held.obstacle)?;
        if watch.doze(clock.left()) {
            continue;
        }
        if reported.as_ref() != Some(&held.obstacle) {
            observer.waiting(&held.standing(&clock));
            reported = Some(held.obstacle.clone());
        }
        match pause(&mut watch, &clock, observer, || held.standing(&clock))? {
            ObstacleWaitOutcome::Over => {}
            ObstacleWaitOutcome::TimedOut => {
                return Ok(AwaitFreeOutcome::TimedOut(held.still_held(&clock)));
            }
            ObstacleWaitOutcome::Interrupted => return Ok(AwaitFreeOutcome::Interrupted),
        }
    }
    Ok(AwaitFreeOutcome::Free)
}

/// A requested lock that has a holder, and what to watch for the holder's end.
struct HeldLockWait<'a, S> {
    store: &'a S,
    requests: &'a [LockRequest<'a>],
    index: usize,
    obstacle: Obstacle,
}

impl<'a, S: LockStore> HeldLockWait<'a, S> {
    fn first(
        store: &'a S,
        requests: &'a [LockRequest<'a>],
    ) -> Result<Option<Self>, LockOperationError> {
        for (index, request) in requests.iter().enumerate() {
            if let Some(obstacle) = holder_of(store, request)? {
                return Ok(Some(Self { store, requests, index, obstacle }));
            }
        }
        Ok(None)
    }

    fn request(&self) -> &LockRequest<'a> {
        #[expect(clippy::indexing_slicing, reason = "the index comes from the same slice")]
        &self.requests[self.index]
    }

    /// A wait that cannot be registered, in a root that the caller can only read for instance, goes on: its time
    /// limit ends it.
    fn enlist(&self) -> Result<Option<NestedWaitEntry>, LockOperationError> {
        match enlist(self.store, self.request(), &self.obstacle) {
            Err(LockOperationError::Store(_)) => Ok(None),
            enlisted => enlisted,
        }
    }

    fn standing(&self, clock: &WaitDeadline) -> QueueStanding {
        let denial = self.denial(clock);
        QueueStanding {
            name: self.request().name.clone(),
            obstacle: denial.obstacle,
            holder: denial.holder,
            before: denial.ahead,
            ahead: 0,
            waited: clock.elapsed(),
        }
    }

    fn still_held(&self, clock: &WaitDeadline) -> LockHeldAtTimeout {
        LockHeldAtTimeout { request: self.index, denial: Box::new(self.denial(clock)) }
    }

    fn denial(&self, clock: &WaitDeadline) -> Denial {
        let request = self.request();
        let reader = self.store.reader(request.name);
        let ahead = match &self.obstacle {
            Obstacle::Ahead(place) => reader.ticket_text(place),
            _ => None,
        };
        Denial {
            obstacle: self.obstacle.clone(),
            holder: look_with(&reader, request.caller).held(),
            ahead,
            waited: Some(clock.elapsed()),
        }
    }
}

/// What shows the end of a lock's holder soonest: its ticket where it has one, else its record.
fn holder_of<S: LockStore>(
    store: &S,
    request: &LockRequest<'_>,
) -> Result<Option<Obstacle>, LockOperationError> {
    let reader = store.reader(request.name);
    let snapshot = look_with(&reader, request.caller);
    if let Some(place) = entered(&reader)?.into_iter().next() {
        return Ok(Some(Obstacle::Ahead(place)));
    }
    if let Some(record) = snapshot.held() {
        return Ok(Some(Obstacle::Held(Box::new(record))));
    }
    match snapshot.slot {
        RecordSlot::Corrupted(corruption) if corruption.may_be_filling() => {
            Ok(Some(Obstacle::Corrupted(corruption)))
        }
        slot => readable(slot, "lock", request.name).map(|_| None),
    }
}
