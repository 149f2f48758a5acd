use super::{LockGrant, LockGrantKind, LockOperationError, release};
use crate::{
    audit::AuditEventKind,
    caller::Caller,
    record::RecordSlot,
    store::{
        Durability, LockRecordKind, LockStore, LockStoreError, NameReader, NameSection, Ticket,
    },
};

/// Whether a grant still stands, by a look from outside the section: its record says so, and others find
/// its ticket.
///
/// What is found to be missing may be about to come back, where another program is at it; [`lose`] makes
/// sure.
pub fn stands<S: LockStore>(store: &S, grant: &LockGrant<S::Ticket>) -> bool {
    stands_in(&store.reader(&grant.record.name), grant)
}

fn stands_in<T: Ticket>(reader: &impl NameReader, grant: &LockGrant<T>) -> bool {
    // The ticket first: a store on a network may not answer any more.
    grant.ticket.as_ref().is_none_or(Ticket::stands) && is_recorded(reader, grant)
}

fn is_recorded<T>(reader: &impl NameReader, grant: &LockGrant<T>) -> bool {
    if grant.kind == LockGrantKind::Nested {
        // The outer guard may be gone by now; this one has its ticket.
        return true;
    }
    let slot = reader.slot(LockRecordKind::Lock);
    // What cannot be read is no proof of anything.
    matches!(slot, RecordSlot::Unreadable(_)) || release::is_in(&slot, &grant.record)
}

/// The outcome of looking closer at a grant that seems to be lost.
#[derive(Debug)]
#[must_use]
pub enum LockLossCheckOutcome {
    /// It stands.
    None,
    /// Another program may be writing the record at this moment: ask again.
    Doubtful,
    /// It is lost. That was logged, or could not be; a ticket that [has ended](Ticket::has_ended) is not logged.
    Lost {
        /// Why it could not be logged.
        unlogged: Option<LockStoreError>,
    },
}

/// Makes sure, in the section, whether a grant is lost; if so, marks it and logs that.
///
/// # Errors
/// [`LockOperationError`] when the section cannot be had; then nothing is known.
pub fn lose<S: LockStore>(
    store: &S,
    grant: &mut LockGrant<S::Ticket>,
    caller: &Caller,
) -> Result<LockLossCheckOutcome, LockOperationError> {
    if grant.ticket.as_ref().is_some_and(Ticket::has_ended) {
        grant.lost = true;
        return Ok(LockLossCheckOutcome::Lost { unlogged: None });
    }
    let outcome = store.within(&grant.record.name, |section| {
        if stands_in(section, grant) {
            return Ok(LockLossCheckOutcome::None);
        }
        if grant.ticket.as_ref().is_none_or(Ticket::stands) && may_be_filling(section) {
            return Ok(LockLossCheckOutcome::Doubtful);
        }
        let event = release::event(AuditEventKind::Lost, &grant.record, grant.kind, caller);
        let unlogged = section.log(&event, Durability::Volatile).err();
        Ok::<_, LockOperationError>(LockLossCheckOutcome::Lost { unlogged })
    })?;
    grant.lost |= matches!(outcome, LockLossCheckOutcome::Lost { .. });
    Ok(outcome)
}

/// Whether the file there is not a record, but may be one in a moment: some programs rewrite a record in place.
fn may_be_filling(reader: &impl NameReader) -> bool {
    let slot = reader.slot(LockRecordKind::Lock);
    matches!(slot, RecordSlot::Corrupted(corruption) if corruption.may_be_filling())
}
