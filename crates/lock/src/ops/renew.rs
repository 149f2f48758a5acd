use super::{
    LockGrant, LockOperationError, enter::durability_of, release::is_in, snapshot::unread,
};
use crate::{
    audit::{AuditEvent, AuditEventKind},
    caller::Caller,
    record::LockRecord,
    store::{Durability, LockRecordKind, LockStore, NameSection, RecordPutMode},
};
use std::time::Duration;

/// The outcome of a heartbeat.
#[derive(Debug, PartialEq)]
#[must_use]
pub enum GuardRenewOutcome {
    /// The record has a new life.
    Done,
    /// It was already lost: another caller had taken it away.
    Lost,
}

/// Extends a guard's announced life by its lifetime: that of the guard's record, or of the lease above it.
///
/// Everything else in the record stays as it is, also what another program added.
///
/// # Errors
/// [`LockOperationError`] when the record could not be written; the lock itself is not affected.
pub fn renew<S: LockStore>(
    store: &S,
    grant: &LockGrant<S::Ticket>,
    caller: &Caller,
) -> Result<GuardRenewOutcome, LockOperationError> {
    store.within(&grant.record.name, |section| renew_within(section, &grant.record, caller))
}

fn renew_within<C: NameSection>(
    section: &mut C,
    granted: &LockRecord,
    caller: &Caller,
) -> Result<GuardRenewOutcome, LockOperationError> {
    let slot = section.slot(LockRecordKind::Lock);
    unread(&slot, "lock", &granted.name)?;
    if !is_in(&slot, granted) {
        return Ok(GuardRenewOutcome::Lost);
    }
    let Some(mut record) = slot.into_record() else {
        return Ok(GuardRenewOutcome::Lost);
    };
    let ttl = lifetime(granted);
    if ttl.is_none() {
        return Ok(GuardRenewOutcome::Done);
    }
    let now = section.store().now();
    match &granted.lock_id {
        Some(id) => drop(record.update(id, |mine| mine.renew(ttl, now))),
        None => record.renew(ttl, now),
    }
    // The record there lists the caller, so it can be replaced.
    let _ =
        section.put(LockRecordKind::Lock, &record, RecordPutMode::Over, durability_of(&record))?;
    let id = granted.lock_id.as_ref();
    let mine = id.and_then(|id| record.holder(id)).unwrap_or(&record);
    let event = AuditEvent::new(AuditEventKind::Renew, &record.name, caller).about(mine);
    section.log(&event, Durability::Volatile)?;
    Ok(GuardRenewOutcome::Done)
}

/// The lifetime that a record was made with, to the fraction of a second.
pub(crate) fn lifetime(record: &LockRecord) -> Option<Duration> {
    let rounded = record.ttl_sec.map(Duration::from_secs);
    let exact = record.expires_at.map(|end| end.since(record.acquired)).filter(|it| !it.is_zero());
    // Earlier versions moved the expiry alone: it is further off than one lifetime then.
    match (exact, rounded) {
        (Some(exact), Some(rounded)) => Some(exact.min(rounded)),
        (either, other) => either.or(other),
    }
}
