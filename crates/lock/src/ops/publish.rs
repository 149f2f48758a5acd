use super::{
    LockOperationError, LockRequest,
    enter::{AcquireAttempt, durability_of},
    section_view::LockAdmissionInputReader,
    snapshot::freeze_in_force,
};
use crate::{
    audit::{AuditEvent, AuditEventKind},
    caller::Caller,
    record::{LockRecord, RecordSlot},
    rules::{AdmissionDecision, LockAdmissionPlan, Obstacle, decide},
    store::{
        Durability, LockRecordKind, LockStore, LockStoreError, NameReader, NameSection,
        RecordPutMode, RecordRemoveOutcome,
    },
    words::LockName,
};

/// The outcome of publishing a result.
#[derive(Debug)]
#[must_use]
pub enum ResultLeasePublishOutcome {
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
/// [`LockOperationError`] when the state cannot be read or changed.
pub fn publish<S: LockStore>(
    store: &S,
    request: &LockRequest<'_>,
) -> Result<ResultLeasePublishOutcome, LockOperationError> {
    store.within(request.name, |section| publish_within(section, request))
}

/// In the section: makes the lease, or finds that another has the name.
fn publish_within<C: NameSection>(
    section: &mut C,
    request: &LockRequest<'_>,
) -> Result<ResultLeasePublishOutcome, LockOperationError> {
    loop {
        let slot = section.slot(LockRecordKind::Lock);
        let line = section.line()?;
        if let Some(before) = slot.record().filter(|record| record.result().is_some()) {
            if freeze_in_force(section)?.is_some() {
                return Ok(ResultLeasePublishOutcome::Taken);
            }
            replace(section, request, before)?;
            return Ok(ResultLeasePublishOutcome::Done);
        }
        let inputs = LockAdmissionInputReader::new(request, &line, None, &slot).inputs(section)?;
        let how = match decide(request.purpose(), inputs) {
            AdmissionDecision::Enter(
                how @ (LockAdmissionPlan::Fresh | LockAdmissionPlan::Replacing(_)),
            ) => how,
            AdmissionDecision::Blocked(Obstacle::Corrupted(corruption)) => {
                let (what, name) = ("lock", request.name.clone());
                return Err(LockOperationError::Corrupted { what, name, corruption });
            }
            AdmissionDecision::Enter(_)
            | AdmissionDecision::OtherSlots(_)
            | AdmissionDecision::Blocked(_) => {
                return Ok(ResultLeasePublishOutcome::Taken);
            }
        };
        let mut entry = AcquireAttempt { section, request, line: &line };
        if entry.enter(None, how, &slot)?.is_some() {
            return Ok(ResultLeasePublishOutcome::Done);
        }
        // A program that knows no latch was faster: look again.
    }
}

/// A new acquisition in the place of an earlier result's.
fn replace<C: NameSection>(
    section: &mut C,
    request: &LockRequest<'_>,
    before: &LockRecord,
) -> Result<(), LockOperationError> {
    let now = section.store().now();
    let fence = section.next_fence(before.fence.unwrap_or_default(), now)?;
    let id = section.store().new_id()?;
    let record = request.record(&id, fence, now);
    let event =
        AuditEvent::new(AuditEventKind::Acquire, request.name, request.caller).about(&record);
    let event = event.with("fence", fence.get()).with("replaces_result", before.result());
    let put = |section: &mut C, record: &LockRecord| {
        section.put(LockRecordKind::Lock, record, RecordPutMode::Over, durability_of(record))
    };
    let _ = put(section, &record)?;
    section.log(&event, durability_of(&record)).map_err(|error| {
        // What cannot be logged does not happen. The first failure is the one to tell of.
        let _ = put(section, before);
        error.into()
    })
}

/// What came of removing the lease of a result.
#[derive(Debug)]
#[must_use]
pub enum ResultWithdrawOutcome {
    /// It is gone.
    Done {
        /// It took effect, but could not be logged.
        unlogged: Option<LockStoreError>,
    },
    /// The name's lease tells of no such result.
    NotFound,
}

/// Removes the lease of a result that `is_meant`.
///
/// # Errors
/// [`LockOperationError`] when it cannot be removed.
pub fn withdraw<S: LockStore>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    is_meant: impl Fn(&str) -> bool,
) -> Result<ResultWithdrawOutcome, LockOperationError> {
    store.within(name, |section| {
        let slot = section.slot(LockRecordKind::Lock);
        let RecordSlot::Record(record) = &slot else { return Ok(ResultWithdrawOutcome::NotFound) };
        if !record.result().is_some_and(|digest| is_meant(&digest)) {
            return Ok(ResultWithdrawOutcome::NotFound);
        }
        if section.remove(LockRecordKind::Lock, &slot, Durability::Volatile)?
            == RecordRemoveOutcome::Replaced
        {
            return Ok(ResultWithdrawOutcome::NotFound);
        }
        let event = AuditEvent::new(AuditEventKind::Release, name, caller)
            .about(record)
            .with_holder(record);
        let unlogged = section.log(&event, Durability::Volatile).err();
        Ok(ResultWithdrawOutcome::Done { unlogged })
    })
}
