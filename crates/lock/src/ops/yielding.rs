//! Giving files of quiet edits to the agent or person that asks for them.

use super::ReservationDenial;
use crate::reservation::{Reservation, may_yield};

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
