//! Giving files of quiet edits to the agent or person that asks for them.

use super::{ReservationDenial, standing::event};
use crate::{
    audit::AuditEventKind,
    caller::Caller,
    reservation::{Reservation, may_yield},
    store::{Durability, LockStoreError, RecordPutMode, ReservationSection, ReservationStore},
};

/// What stands in the way of a request, if all of it may be given up: files of edits that ended a while ago, of which
/// `has_no_change` says that git tracks them and that nothing in them is uncommitted. To be asked outside of a section.
pub(super) fn quiet_edits(
    denial: &ReservationDenial,
    has_no_change: &mut dyn FnMut(&Reservation) -> bool,
) -> Option<Vec<Reservation>> {
    let is_quiet =
        |it: &Reservation| it.edit.as_ref().is_some_and(|edit| may_yield(edit, denial.seen));
    let standing = || denial.standing.iter().map(|(record, _)| record);
    let may_yield = denial.waiting.is_empty()
        && !denial.standing.is_empty()
        && standing().all(is_quiet)
        && standing().all(has_no_change);
    may_yield.then(|| standing().cloned().collect())
}

/// Parts the reservations that stand into those that stay, and those that are given up if they are in the way: the same
/// records as before.
pub(super) fn parted(
    live: Vec<Reservation>,
    yielding: &[Reservation],
) -> (Vec<Reservation>, Vec<Reservation>) {
    if yielding.is_empty() {
        return (live, Vec::new());
    }
    live.into_iter().partition(|it| !yielding.contains(it))
}

/// In the section: removes the reservations that are given up, then runs `act`. If either fails, puts them back.
pub(super) fn in_place_of<S: ReservationStore, T>(
    caller: &Caller,
    section: &mut S::ReservationSection<'_>,
    given_up: &[Reservation],
    act: impl FnOnce(&mut S::ReservationSection<'_>) -> Result<T, LockStoreError>,
) -> Result<T, LockStoreError> {
    let mut gone = Vec::new();
    let removed = given_up.iter().try_for_each(|record| {
        section.remove(&record.id, Durability::Volatile)?;
        gone.push(record);
        Ok(())
    });
    let done = removed.and_then(|()| act(section)).inspect_err(|_| {
        // A failure here is ignored: the caller gets the first one.
        for record in &gone {
            drop(section.put(record, RecordPutMode::New, Durability::Volatile));
        }
    })?;
    for record in given_up {
        let event = event(AuditEventKind::Unreserve, record, caller)
            .with("holder_owner", record.owner.as_str())
            .with("yielded", true);
        // The removal counts even if the log cannot be written.
        let _ = section.log(&event, Durability::Volatile);
    }
    Ok(done)
}
