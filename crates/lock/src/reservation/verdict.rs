use super::Reservation;
use crate::{
    record::HoldKind,
    rules::{Liveness, StalenessCause},
    words::Timestamp,
};

/// Judges whether a reservation still stands; `None` if it does. `process` says whether its process lives, and is asked
/// only where that decides: the end of a process ends only what is tied to it, and only if it is provable.
pub fn judge(
    record: &Reservation,
    now: Timestamp,
    process: impl FnOnce(&Reservation) -> Liveness,
) -> Option<StalenessCause> {
    if record.is_expired(now) {
        return Some(StalenessCause::Expired);
    }
    let is_tied = record.hold == HoldKind::Process;
    (is_tied && process(record) == Liveness::Dead).then_some(StalenessCause::HolderGone)
}
