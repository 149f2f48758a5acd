use super::{LockGrant, LockGrantKind, LockOperationError, enter::durability_of, snapshot::unread};
use crate::{
    audit::{AuditEvent, AuditEventKind},
    caller::Caller,
    record::{LockRecord, RecordSlot},
    store::{
        Durability, LockRecordKind, LockStore, LockStoreError, NameSection, RecordPutMode,
        RecordPutOutcome, RecordRemoveOutcome, Ticket,
    },
};

/// The outcome of giving a lock back.
#[derive(Debug)]
#[must_use]
pub enum ReleaseOutcome {
    /// It is free.
    Done {
        /// The release itself took effect, but could not be logged.
        unlogged: Option<LockStoreError>,
    },
    /// It was already lost: another caller had taken it away.
    Lost,
}

/// Gives a guard's lock back: its record, unless it is that of the lease above it, and its ticket.
///
/// # Errors
/// [`LockOperationError`] when the record could not be removed. The ticket is given up all the same, so the next
/// taker finds a lock whose holder is provably gone.
pub fn release<S: LockStore>(
    store: &S,
    grant: LockGrant<S::Ticket>,
    caller: &Caller,
) -> Result<ReleaseOutcome, LockOperationError> {
    let LockGrant { record, mut ticket, kind, lost, .. } = grant;
    if lost || ticket.as_ref().is_some_and(Ticket::has_ended) {
        // That has been logged when it was found out, as far as it could be.
        ticket.into_iter().for_each(Ticket::leave);
        return Ok(ReleaseOutcome::Lost);
    }
    let released = store.within(&record.name, |section| {
        let released = give_back_and_log(section, (&record, kind), caller);
        // The ticket ends in the section, so the log tells of changes in their order.
        if let Some(ticket) = &mut ticket {
            section.withdraw(ticket);
        }
        released
    });
    // After the section, as this wakes the next waiter, which enters it.
    ticket.into_iter().for_each(Ticket::leave);
    released
}

fn give_back_and_log<C: NameSection>(
    section: &mut C,
    (record, kind): (&LockRecord, LockGrantKind),
    caller: &Caller,
) -> Result<ReleaseOutcome, LockOperationError> {
    let is_mine = give_back(section, record, kind)?;
    let what = if is_mine { AuditEventKind::Release } else { AuditEventKind::Lost };
    let logged = section.log(&event(what, record, kind, caller), Durability::Volatile);
    let unlogged = logged.err();
    Ok(if is_mine { ReleaseOutcome::Done { unlogged } } else { ReleaseOutcome::Lost })
}

pub(super) fn event(
    kind: AuditEventKind,
    record: &LockRecord,
    grant: LockGrantKind,
    caller: &Caller,
) -> AuditEvent {
    let event = AuditEvent::new(kind, &record.name, caller).about(record);
    match grant.note() {
        Some(note) => event.with(note, true),
        None => event,
    }
}

/// Removes the guard's own record, if it has one. Returns false if the guard's record, or the lease that it
/// was under, was already lost.
fn give_back<C: NameSection>(
    section: &mut C,
    record: &LockRecord,
    kind: LockGrantKind,
) -> Result<bool, LockOperationError> {
    let slot = section.slot(LockRecordKind::Lock);
    match kind {
        LockGrantKind::Nested => Ok(true),
        // What cannot be read is no proof of anything.
        LockGrantKind::UnderLease => {
            Ok(matches!(slot, RecordSlot::Unreadable(_)) || is_in(&slot, record))
        }
        LockGrantKind::Taken | LockGrantKind::Renewed => {
            unread(&slot, "lock", &record.name)?;
            remove_holder(section, &slot, record)
        }
    }
}

/// Whether the record there still says that the acquisition of `record` holds the name.
pub(super) fn is_in(slot: &RecordSlot, record: &LockRecord) -> bool {
    slot.record().is_some_and(|now| match &record.lock_id {
        Some(id) => now.holder(id).is_some(),
        // Another program's record names no acquisition; of one owner at one time there is one.
        None => now.owner == record.owner && now.since() == record.since(),
    })
}

/// Takes a holder out of the record, and removes the record with the last one. False where it is not, or
/// not any more, one of the holders.
pub(super) fn remove_holder<C: NameSection>(
    section: &mut C,
    slot: &RecordSlot,
    holder: &LockRecord,
) -> Result<bool, LockOperationError> {
    let Some(record) = slot.record().filter(|_| is_in(slot, holder)) else {
        return Ok(false);
    };
    let others = holder.lock_id.as_ref().and_then(|id| record.without(id));
    Ok(match others {
        None => {
            section.remove(LockRecordKind::Lock, slot, durability_of(record))?
                == RecordRemoveOutcome::Done
        }
        Some(others) => {
            let put = section.put(
                LockRecordKind::Lock,
                &others,
                RecordPutMode::Over,
                durability_of(record),
            )?;
            put == RecordPutOutcome::Done
        }
    })
}
