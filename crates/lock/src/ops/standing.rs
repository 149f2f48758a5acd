//! Which reservations stand now.

use super::{ReservationError, liveness_cache::LivenessCache};
use crate::{
    audit::{AuditEvent, AuditEventKind},
    caller::Caller,
    reservation::{
        Reservation, ReservationEntry, ReservationOrigin, ReservationSlot, WaitingReservation,
        judge,
    },
    rules::StalenessCause,
    store::{Durability, LockStoreError, ReservationReader, ReservationSection, ReservationStore},
    words::Timestamp,
};
use serde_json::Value;

/// The reservations that stand, those that are over, and what cannot be read.
pub(super) struct ReservationsByStaleness {
    pub(super) live: Vec<Reservation>,
    pub(super) over: Vec<(Reservation, StalenessCause)>,
    pub(super) faults: Vec<ReservationError>,
}

/// Reads and judges all records.
pub(super) fn read(
    reader: &impl ReservationReader,
    caller: &Caller,
) -> Result<ReservationsByStaleness, LockStoreError> {
    read_if(reader, caller, &|_| true)
}

/// Reads and judges the records that are wanted, and those that are over.
pub(super) fn read_if(
    reader: &impl ReservationReader,
    caller: &Caller,
    is_wanted: &(dyn Fn(&Reservation) -> bool + Sync),
) -> Result<ReservationsByStaleness, LockStoreError> {
    let processes = LivenessCache::new(caller);
    let judge = |it: &Reservation, is_over| judge(it, is_over, |it| processes.liveness(it));
    // The reader itself lists those whose lifetime has ended.
    let is_listed = |it: &Reservation| is_wanted(it) || judge(it, false).is_some();
    let entries = reader.reservations_if(&is_listed)?;
    let mut live = Vec::with_capacity(entries.len());
    let (mut over, mut faults) = (Vec::new(), Vec::new());
    for entry in entries {
        match readable(entry) {
            Err(fault) => faults.push(fault),
            Ok(record) => match judge(&record, reader.is_over(&record)) {
                None => live.push(record),
                Some(why) => over.push((record, why)),
            },
        }
    }
    // The first one is the first that a person sees, and that is extended.
    live.sort_by_cached_key(|it| (it.since(), it.id.clone()));
    Ok(ReservationsByStaleness { live, over, faults })
}

fn readable(entry: ReservationEntry) -> Result<Reservation, ReservationError> {
    let name = entry.name.to_string_lossy().into_owned();
    match entry.slot {
        ReservationSlot::Record(record) => Ok(*record),
        ReservationSlot::Newer(source) => Err(ReservationError::Newer { name, source }),
        ReservationSlot::Corrupted(flaw) => Err(ReservationError::Corrupted { name, flaw }),
        ReservationSlot::Unreadable(source) => Err(ReservationError::Unreadable { name, source }),
    }
}

/// In the section: reads all records, and removes those that are over. What cannot be read may reserve anything, so the
/// first such record is an error.
pub(super) fn read_and_tidy<C: ReservationSection>(
    section: &mut C,
    caller: &Caller,
) -> Result<Vec<Reservation>, ReservationError> {
    read_and_tidy_if(section, caller, &|_| true)
}

/// The same, but of the live records only those that are wanted.
pub(super) fn read_and_tidy_if<C: ReservationSection>(
    section: &mut C,
    caller: &Caller,
    is_wanted: &(dyn Fn(&Reservation) -> bool + Sync),
) -> Result<Vec<Reservation>, ReservationError> {
    let mut all = read_if(section, caller, is_wanted)?;
    tidy(section, caller, &all.over);
    if all.faults.is_empty() { Ok(all.live) } else { Err(all.faults.swap_remove(0)) }
}

/// In the section: removes reservations that are over.
pub(super) fn tidy<C: ReservationSection>(
    section: &mut C,
    caller: &Caller,
    over: &[(Reservation, StalenessCause)],
) {
    for (record, why) in over {
        // One that stays is over all the same, and the next section tries again.
        if section.remove(&record.id, Durability::Volatile).is_ok() {
            let event = event(AuditEventKind::Expire, record, caller)
                .with("holder_owner", record.owner.as_str())
                .with(
                    "why",
                    if *why == StalenessCause::Expired { "expired" } else { "process gone" },
                );
            let _ = section.log(&event, Durability::Volatile);
        }
    }
}

/// Whether any reservation stands, or what could be one.
///
/// # Errors
/// [`LockStoreError`] where they cannot be listed.
pub fn is_reserved<S: ReservationStore>(
    store: &S,
    caller: &Caller,
) -> Result<bool, LockStoreError> {
    let reader = store.reservation_reader();
    let stands = |entry: &ReservationEntry| match &entry.slot {
        ReservationSlot::Record(it) => {
            judge(it, reader.is_over(it), |it| caller.liveness(it)).is_none()
        }
        _ => true,
    };
    Ok(reader.reservations()?.iter().any(stands))
}

/// All reservations and waiters, as they stood at a moment.
#[derive(Debug)]
pub struct ReservationList {
    /// The reservations that stand, the oldest first.
    pub standing: Vec<Reservation>,
    /// What cannot be read, and may be reservations.
    pub faults: Vec<ReservationError>,
    /// The requests that wait, in the order in which they came.
    pub waiting: Vec<WaitingReservation>,
    /// When they were read.
    pub seen: Timestamp,
}

/// Lists what is reserved. Reads without a section, and changes nothing.
///
/// # Errors
/// [`LockStoreError`] where reservations cannot be listed.
pub fn list_reservations<S: ReservationStore>(
    store: &S,
    caller: &Caller,
) -> Result<ReservationList, LockStoreError> {
    let reader = store.reservation_reader();
    let ReservationsByStaleness { live, faults, .. } = read(&reader, caller)?;
    let waiting = reader.waiting()?;
    Ok(ReservationList { standing: live, faults, waiting, seen: store.now() })
}

/// An event about a reservation.
pub(super) fn event(kind: AuditEventKind, record: &Reservation, caller: &Caller) -> AuditEvent {
    let patterns = serde_json::to_value(&record.patterns).unwrap_or(Value::Null);
    let event = AuditEvent::without_name(kind, caller)
        .lasting(record.ttl_sec)
        .with("reservation", record.id.as_str())
        .with("patterns", patterns)
        .with("mode", record.mode.as_str())
        .with("scope", record.scope.as_str())
        .with("origin", record.origin.as_str());
    match &record.reason {
        Some(reason) => event.with("reason", reason.as_str()),
        None => event,
    }
}

/// Whether a change of a reservation must survive a power cut. One that a hook made is made again with the next edit.
pub(super) fn durability(record: &Reservation) -> Durability {
    match record.origin {
        ReservationOrigin::Edit => Durability::Volatile,
        _ => Durability::Synced,
    }
}
