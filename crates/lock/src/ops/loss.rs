use super::{Grant, GrantKind, OperationError, release};
use crate::{
    audit::EventKind,
    caller::Caller,
    record::RecordFile,
    store::{Durability, RecordKind, Section, Store, StoreError, Ticket},
};

/// Whether a grant still stands, by a look from outside the section: its record says so, and others find
/// its ticket.
///
/// What is found to be missing may be about to come back, where another program is at it; [`lose`] makes
/// sure.
pub fn stands<S: Store>(store: &S, grant: &Grant<S::Ticket>) -> bool {
    is_recorded(store, grant) && grant.ticket.as_ref().is_none_or(Ticket::stands)
}

fn is_recorded<S: Store>(store: &S, grant: &Grant<S::Ticket>) -> bool {
    if grant.kind == GrantKind::Nested {
        // The outer guard may be gone by now; this one has its ticket.
        return true;
    }
    let slot = store.peek(&grant.record.name, RecordKind::Lock);
    // What cannot be read is no proof of anything.
    matches!(slot, RecordFile::Unreadable(_)) || release::is_in(&slot, &grant.record)
}

/// The outcome of looking closer at a grant that seems to be lost.
#[derive(Debug)]
#[must_use]
pub enum LossOutcome {
    /// It stands.
    None,
    /// Another program may be writing the record at this moment: ask again.
    Doubtful,
    /// It is lost. That was logged, or could not be.
    Lost {
        /// Why it could not be logged.
        unlogged: Option<StoreError>,
    },
}

/// Makes sure, in the section, whether a grant is lost; if so, marks it and logs that.
///
/// # Errors
/// [`OperationError`] when the section cannot be had; then nothing is known.
pub fn lose<S: Store>(
    store: &S,
    grant: &mut Grant<S::Ticket>,
    caller: &Caller,
) -> Result<LossOutcome, OperationError> {
    let section = store.section(&grant.record.name)?;
    if stands(section.store(), grant) {
        return Ok(LossOutcome::None);
    }
    if grant.ticket.as_ref().is_none_or(Ticket::stands) && may_be_filling(store, grant) {
        return Ok(LossOutcome::Doubtful);
    }
    grant.lost = true;
    let event = release::event(EventKind::Lost, &grant.record, grant.kind, caller);
    Ok(LossOutcome::Lost { unlogged: store.log(&event, Durability::Volatile).err() })
}

/// Whether the file there is not a record, but may be one in a moment: some programs rewrite a record in place.
fn may_be_filling<S: Store>(store: &S, grant: &Grant<S::Ticket>) -> bool {
    let slot = store.peek(&grant.record.name, RecordKind::Lock);
    matches!(slot, RecordFile::Corrupted(corruption) if corruption.may_be_filling())
}
