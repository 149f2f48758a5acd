use super::{
    OperationError,
    look::{StoreWitness, readable},
};
use crate::{
    audit::{Event, EventKind},
    record::{Hold, Record, Slot},
    rules::{Holding, Place, Staleness, Verdict, judge},
    store::{Durability, RecordKind, Removed, Section, Store, StoreError},
    sys::Caller,
    words::LockName,
};

/// How much somebody who unlocks is willing to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Might {
    /// Nothing: give back what is mine.
    Own,
    /// What is provably stale, abandoned or corrupted.
    Stale,
    /// Anything.
    Force,
}

/// What came of an unlock.
#[derive(Debug)]
#[must_use]
pub enum Unlocked {
    /// The name is free.
    Done {
        /// It took effect, but could not be logged.
        unlogged: Option<StoreError>,
    },
    /// It was free before.
    NotFound,
    /// It is another's.
    NotYours(Box<Record>),
    /// A guard lives; its process has the lock, not its owner's commands.
    GuardLives {
        /// The guard's process, where it is known.
        pid: Option<i32>,
    },
    /// Nothing proves that it is stale.
    NotStale {
        /// The record, where there is one.
        record: Option<Box<Record>>,
        /// How it is held.
        holding: Option<Holding>,
    },
}

/// Frees a name, as far as the caller may and is willing to.
///
/// # Errors
/// [`OperationError`] when the state cannot be made out or changed. [`Might::Force`] also frees a name whose
/// record is corrupted or of a newer version, [`Might::Stale`] a corrupted one.
pub fn unlock<S: Store>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    might: Might,
) -> Result<Unlocked, OperationError> {
    let mut section = store.section(name)?;
    let slot = section.store().peek(name, RecordKind::Lock);
    let inside = entered(section.store(), name)?;
    let change = match might {
        Might::Force => Ok(forced(&slot, &inside)),
        Might::Stale => stale(section.store(), caller, name, &slot)?,
        Might::Own => own(section.store(), caller, (name, &slot), inside.first())?,
    };
    match change {
        Err(refused) => Ok(refused),
        Ok(None) => Ok(Unlocked::NotFound),
        Ok(Some(kind)) => {
            let inside = if might == Might::Force { inside } else { Vec::new() };
            break_open(&mut section, caller, &slot, (kind, inside))
        }
    }
}

/// Which event a permitted unlock is, or why it is not permitted. `None`: there is nothing to unlock.
type Permission = Result<Option<EventKind>, Unlocked>;

fn forced(slot: &Slot, inside: &[Place]) -> Option<EventKind> {
    match slot {
        Slot::Absent if inside.is_empty() => None,
        Slot::Corrupted(_) => Some(EventKind::CorruptBreak),
        _ => Some(EventKind::ForceBreak),
    }
}

fn stale<S: Store>(
    store: &S,
    caller: &Caller,
    name: &LockName,
    slot: &Slot,
) -> Result<Permission, OperationError> {
    if let Slot::Corrupted(corruption) = slot {
        return Ok(if corruption.may_be_filling() {
            Err(Unlocked::NotStale { record: None, holding: None })
        } else {
            Ok(Some(EventKind::CorruptBreak))
        });
    }
    let Some(record) = readable(slot.clone(), "lock", name)? else {
        return Ok(Ok(None));
    };
    Ok(match judge(&record, &StoreWitness::new(store, name, caller)) {
        Verdict::Stale(Staleness::Expired) => Ok(Some(EventKind::AutoPrune)),
        Verdict::Stale(Staleness::HolderGone) | Verdict::Held(Holding::Abandoned) => {
            Ok(Some(EventKind::StaleBreak))
        }
        Verdict::Held(holding) => {
            Err(Unlocked::NotStale { record: Some(Box::new(record)), holding: Some(holding) })
        }
    })
}

fn own<S: Store>(
    store: &S,
    caller: &Caller,
    (name, slot): (&LockName, &Slot),
    inside: Option<&Place>,
) -> Result<Permission, OperationError> {
    let Some(record) = readable(slot.clone(), "lock", name)? else {
        return Ok(Ok(None));
    };
    let verdict = judge(&record, &StoreWitness::new(store, name, caller));
    if verdict == Verdict::Stale(Staleness::Expired) {
        return Ok(Ok(None));
    }
    if !caller.identity.owns(&record) {
        return Ok(Err(Unlocked::NotYours(Box::new(record))));
    }
    let guarded = record.hold == Some(Hold::Guard) && matches!(verdict, Verdict::Held(_));
    let pid = || inside.and_then(|place| store.ticket_text(name, place)).map(|text| text.pid);
    Ok(match (guarded, inside) {
        (true, _) => Err(Unlocked::GuardLives { pid: record.pid }),
        (false, Some(_)) => Err(Unlocked::GuardLives { pid: pid() }),
        (false, None) => Ok(Some(EventKind::Release)),
    })
}

/// The live guards that are in: at most one, unless somebody changed tickets by hand.
fn entered<S: Store>(store: &S, name: &LockName) -> Result<Vec<Place>, OperationError> {
    let line = store.line(name)?.into_iter();
    Ok(line.filter(|place| place.entered && store.lives(name, place)).collect())
}

/// Removes the record, and by force the tickets of the guards that are in: their processes keep them
/// locked, but nobody finds them any more, and who waits for them is woken.
fn break_open<C: Section>(
    section: &mut C,
    caller: &Caller,
    slot: &Slot,
    (kind, inside): (EventKind, Vec<Place>),
) -> Result<Unlocked, OperationError> {
    let name = section.name().clone();
    if section.remove(RecordKind::Lock, slot, Durability::Synced)? == Removed::Replaced {
        let record = section.store().peek(&name, RecordKind::Lock).into_record().map(Box::new);
        return Ok(Unlocked::NotStale { record, holding: None });
    }
    let mut event = Event::new(kind, &name, caller);
    if let Some(record) = slot.record() {
        event = event.about(record);
        event = if kind == EventKind::Release { event } else { event.with_holder(record) };
    }
    let logged = section.store().log(&event, Durability::Synced);
    for place in &inside {
        section.drop_place(place)?;
    }
    Ok(Unlocked::Done { unlogged: logged.err() })
}
