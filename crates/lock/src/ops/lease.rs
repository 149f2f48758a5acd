use super::{Grant, GrantKind, OperationError, Request};
use crate::{
    audit::{Event, EventKind},
    record::Record,
    store::{Durability, Put, Section, Shelf, Store},
    words::Timestamp,
};

/// Renews the caller's own lease: a new life, and new metadata where some is given. The acquisition stays
/// the same one, with its id and its fence.
pub(super) fn renew_own<C: Section>(
    section: &mut C,
    request: &Request<'_>,
    mut record: Record,
) -> Result<Grant<<C::Store as Store>::Ticket>, OperationError> {
    let ttl = request
        .ttl
        .or_else(|| record.ttl_sec.map(std::time::Duration::from_secs));
    record.set_lifetime(ttl, Timestamp::now());
    if request.metadata.is_some() {
        record.metadata.clone_from(&request.metadata);
    }
    if record.lock_id.is_some() {
        record.hold = Some(request.hold.clone());
    }
    if request.hold == crate::record::Hold::Process {
        record.pid = Some(request.pid);
        record.pid_start = crate::sys::start_of(request.pid);
    }
    // What stands there is my own record, so nothing can be in the way of replacing it.
    let _ = section.put(Shelf::Lock, &record, Put::Over, Durability::Synced)?;
    let event = Event::new(EventKind::Renew, request.name, request.caller).about(&record);
    section.store().log(&event, Durability::Synced)?;
    Ok(Grant {
        record,
        ticket: None,
        kind: GrantKind::Renewed,
    })
}
