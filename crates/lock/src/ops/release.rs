use super::{Grant, GrantKind, OperationError};
use crate::{
    audit::{Event, EventKind},
    record::Record,
    store::{Durability, RecordKind, Removed, Section, Store, StoreError, Ticket},
    sys::Caller,
};

/// What came of giving a lock back.
#[derive(Debug)]
#[must_use]
pub enum Released {
    /// It is free.
    Done {
        /// The release itself took effect, but could not be logged.
        unlogged: Option<StoreError>,
    },
    /// It was no longer mine: somebody had taken it away.
    Lost,
}

/// Gives a guard's lock back: its record, unless it is that of the lease above it, and its ticket.
///
/// # Errors
/// [`OperationError`] when the record could not be removed. The ticket is given up all the same, so the
/// next taker finds a lock whose holder is provably gone.
pub fn release<S: Store>(
    store: &S,
    grant: Grant<S::Ticket>,
    caller: &Caller,
) -> Result<Released, OperationError> {
    let Grant { record, ticket, kind } = grant;
    // The section lasts until the ticket is gone, so the log tells of changes in their order.
    let (released, section) = match store.section(&record.name) {
        Ok(mut section) => (give_back(&mut section, &record, kind), Some(section)),
        Err(error) => (Err(error.into()), None),
    };
    let logged = released.as_ref().ok().map(|mine| {
        let what = if *mine { EventKind::Release } else { EventKind::Lost };
        store.log(&event(what, &record, kind, caller), Durability::Volatile)
    });
    ticket.into_iter().for_each(Ticket::leave);
    drop(section);
    let unlogged = logged.and_then(Result::err);
    Ok(if released? { Released::Done { unlogged } } else { Released::Lost })
}

fn event(kind: EventKind, record: &Record, grant: GrantKind, caller: &Caller) -> Event {
    let event = Event::new(kind, &record.name, caller).about(record);
    if grant == GrantKind::UnderLease { event.with("under_lease", true) } else { event }
}

/// Gives back what is the guard's own. False where it was not mine any more: my record, or the lease that
/// I was under.
fn give_back<C: Section>(
    section: &mut C,
    record: &Record,
    kind: GrantKind,
) -> Result<bool, OperationError> {
    if kind == GrantKind::UnderLease {
        let slot = section.store().peek(&record.name, RecordKind::Lock);
        return Ok(slot.record().is_some_and(|now| now.lock_id == record.lock_id));
    }
    remove_own(section, record)
}

/// Removes the record, provided that it is still this acquisition's.
fn remove_own<C: Section>(section: &mut C, record: &Record) -> Result<bool, OperationError> {
    let slot = section.store().peek(&record.name, RecordKind::Lock);
    let mine =
        record.lock_id.as_ref().is_some_and(|id| slot.record().is_some_and(|now| now.is_of(id)));
    if !mine {
        return Ok(false);
    }
    Ok(section.remove(RecordKind::Lock, &slot, Durability::Volatile)? == Removed::Done)
}
