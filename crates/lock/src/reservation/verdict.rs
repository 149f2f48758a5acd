use super::Reservation;
use crate::{
    record::HoldKind,
    rules::{Liveness, StalenessCause},
};

/// Judges whether a reservation still stands; `None` if it does. `is_over` says whether its lifetime has ended.
/// `process` says whether its process lives. It is called only where that decides: the end of a process ends only what
/// is tied to the process, and only if that end is provable.
pub fn judge(
    record: &Reservation,
    is_over: bool,
    process: impl FnOnce(&Reservation) -> Liveness,
) -> Option<StalenessCause> {
    if is_over {
        return Some(StalenessCause::Expired);
    }
    let is_tied = record.hold == HoldKind::Process;
    (is_tied && process(record) == Liveness::Dead).then_some(StalenessCause::HolderGone)
}
