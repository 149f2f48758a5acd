use super::{
    LockRequest, OperationError,
    acquire::StoreTicket,
    enter::{EntryAttempt, durability_of},
    section_view::SectionView,
    snapshot::freeze_in_force,
};
use crate::{
    audit::{Event, EventKind},
    caller::Caller,
    record::{LockRecord, RecordFile},
    rules::{AdmissionDecision, EntryKind, Obstacle, decide},
    store::{Durability, PutMode, RecordKind, RemoveOutcome, Section, Store, StoreError},
    words::LockName,
};

/// The outcome of publishing a result.
#[derive(Debug)]
#[must_use]
pub enum PublishOutcome {
    /// The lease tells of it.
    Done,
    /// Another holder has the name, or it is frozen; it stays as it is.
    Taken,
}

/// Makes a name's lease tell of a result, without waiting for a disk. Takes the name where it is free, and
/// replaces the lease of an earlier result, also of another owner, because results belong to all. A lock that a
/// caller took is never replaced, not even the caller's own.
///
/// `request` asks for a lease whose metadata was [marked](LockRecord::mark_as_result).
///
/// # Errors
/// [`OperationError`] when the state cannot be read or changed.
pub fn publish<S: Store>(
    store: &S,
    request: &LockRequest<'_>,
) -> Result<PublishOutcome, OperationError> {
    let mut section = store.section(request.name)?;
    loop {
        let slot = store.peek(request.name, RecordKind::Lock);
        let line = store.line(request.name)?;
        if let Some(before) = slot.record().filter(|record| record.result().is_some()) {
            if freeze_in_force(store, request.name)?.is_some() {
                return Ok(PublishOutcome::Taken);
            }
            replace(&mut section, request, before)?;
            return Ok(PublishOutcome::Done);
        }
        let inputs =
            SectionView { request, line: &line, mine: None, slot: &slot }.inputs(&mut section)?;
        let how = match decide(request.purpose(), inputs) {
            AdmissionDecision::Enter(how @ (EntryKind::Fresh | EntryKind::Replacing(_))) => how,
            AdmissionDecision::Blocked(Obstacle::Corrupted(corruption)) => {
                let (what, name) = ("lock", request.name.clone());
                return Err(OperationError::Corrupted { what, name, corruption });
            }
            AdmissionDecision::Enter(_)
            | AdmissionDecision::OtherSlots(_)
            | AdmissionDecision::Blocked(_) => {
                return Ok(PublishOutcome::Taken);
            }
        };
        let mut turn = EntryAttempt { section: &mut section, request, line: &line };
        let mut ticket: Option<StoreTicket<S::Section<'_>>> = None;
        if turn.enter(&mut ticket, how, &slot)?.is_some() {
            return Ok(PublishOutcome::Done);
        }
        // A program that knows no latch was faster: look again.
    }
}

/// A new acquisition in the place of an earlier result's.
fn replace<C: Section>(
    section: &mut C,
    request: &LockRequest<'_>,
    before: &LockRecord,
) -> Result<(), OperationError> {
    let now = section.store().now();
    let fence = section.next_fence(before.fence.unwrap_or_default(), now)?;
    let id = section.store().new_id()?;
    let record = request.record(&id, fence, now);
    let event = Event::new(EventKind::Acquire, request.name, request.caller).about(&record);
    let event = event.with("fence", fence.get()).with("replaces_result", before.result());
    let put = |section: &mut C, record: &LockRecord| {
        section.put(RecordKind::Lock, record, PutMode::Over, durability_of(record))
    };
    let _ = put(section, &record)?;
    section.store().log(&event, durability_of(&record)).map_err(|error| {
        // What cannot be logged does not happen. The first failure is the one to tell of.
        let _ = put(section, before);
        error.into()
    })
}

/// What came of removing the lease of a result.
#[derive(Debug)]
#[must_use]
pub enum Withdrawn {
    /// It is gone.
    Done {
        /// It took effect, but could not be logged.
        unlogged: Option<StoreError>,
    },
    /// The name's lease tells of no such result.
    NotFound,
}

/// Removes the lease of a result that `is_meant`.
///
/// # Errors
/// [`OperationError`] when it cannot be removed.
pub fn withdraw<S: Store>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    is_meant: impl Fn(&str) -> bool,
) -> Result<Withdrawn, OperationError> {
    let mut section = store.section(name)?;
    let slot = store.peek(name, RecordKind::Lock);
    let RecordFile::Record(record) = &slot else { return Ok(Withdrawn::NotFound) };
    if !record.result().is_some_and(|digest| is_meant(&digest)) {
        return Ok(Withdrawn::NotFound);
    }
    if section.remove(RecordKind::Lock, &slot, Durability::Volatile)? == RemoveOutcome::Replaced {
        return Ok(Withdrawn::NotFound);
    }
    let event = Event::new(EventKind::Release, name, caller).about(record).with_holder(record);
    Ok(Withdrawn::Done { unlogged: store.log(&event, Durability::Volatile).err() })
}
