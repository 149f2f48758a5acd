use super::OperationError;
use crate::{
    record::{Record, Slot},
    rules::{Liveness, Place, Verdict, Witness, judge},
    store::{RecordKind, Store, StoreError},
    sys::Caller,
    words::{LockId, LockName, Timestamp},
};
use std::cell::OnceCell;

/// What a look at a name found, without entering its section.
#[derive(Clone, Debug)]
pub struct Sight {
    /// What stands in the lock's place.
    pub slot: Slot,
    /// Whether it still stands, where it is a record.
    pub verdict: Option<Verdict>,
}

impl Sight {
    /// The record, where it binds somebody.
    pub fn held(&self) -> Option<&Record> {
        match self.verdict {
            Some(Verdict::Held(_)) => self.slot.record(),
            _ => None,
        }
    }
}

/// Looks at a name. The answer was true at some moment of the call.
///
/// A guard that leaves between the reading of its record and that of its ticket looks like one that died;
/// so that verdict is given only where the record is still there afterwards.
pub fn look<S: Store>(store: &S, name: &LockName, caller: &Caller) -> Sight {
    let mut sight = look_once(store, name, caller);
    for _ in 0..TRIES {
        if !matches!(sight.verdict, Some(Verdict::Stale(_))) {
            return sight;
        }
        let again = look_once(store, name, caller);
        if again.slot.record() == sight.slot.record() {
            return again;
        }
        sight = again;
    }
    sight
}

/// How often to look again when a name changes faster than it can be read.
const TRIES: usize = 8;

fn look_once<S: Store>(store: &S, name: &LockName, caller: &Caller) -> Sight {
    let slot = store.peek(name, RecordKind::Lock);
    let witness = StoreWitness::new(store, name, caller);
    let verdict = slot.record().map(|record| judge(record, &witness));
    Sight { slot, verdict }
}

/// The record that a slot holds, or the error that says what else stands there.
///
/// # Errors
/// [`OperationError`] for a newer version, a corruption, and what cannot be read.
pub fn readable(
    slot: Slot,
    what: &'static str,
    name: &LockName,
) -> Result<Option<Record>, OperationError> {
    let name = || name.clone();
    match slot {
        Slot::Absent => Ok(None),
        Slot::Record(record) => Ok(Some(*record)),
        Slot::Newer(source) => Err(OperationError::Newer { what, name: name(), source }),
        Slot::Corrupted(corruption) => {
            Err(OperationError::Corrupted { what, name: name(), corruption })
        }
        Slot::Unreadable(source) => Err(OperationError::Unreadable { what, name: name(), source }),
    }
}

/// The freeze that is in force on a name.
pub(super) fn freeze_in_force<S: Store>(
    store: &S,
    name: &LockName,
) -> Result<Option<Record>, OperationError> {
    let freeze = readable(store.peek(name, RecordKind::Freeze), "freeze", name)?;
    Ok(freeze.filter(|freeze| !freeze.is_expired(Timestamp::now())))
}

/// Asks a store and the process table what a verdict needs to know, each at most once.
pub(super) struct StoreWitness<'a, S> {
    store: &'a S,
    name: &'a LockName,
    caller: &'a Caller,
    process: OnceCell<Liveness>,
}

impl<'a, S: Store> StoreWitness<'a, S> {
    pub(super) fn new(store: &'a S, name: &'a LockName, caller: &'a Caller) -> Self {
        Self { store, name, caller, process: OnceCell::new() }
    }

    fn find(&self, id: &LockId) -> Result<Option<Place>, StoreError> {
        let line = self.store.line(self.name)?;
        Ok(line.into_iter().find(|place| place.lock_id == *id))
    }
}

impl<S: Store> Witness for StoreWitness<'_, S> {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn ticket_lives(&self, id: &LockId) -> bool {
        let mut found = self.find(id);
        for _ in 0..TRIES {
            match &found {
                Err(_) => return true,
                Ok(None) => return false,
                Ok(Some(place)) if self.store.lives(self.name, place) => return true,
                Ok(Some(_)) => {}
            }
            // A ticket that was renamed meanwhile, on being admitted, must not look dead.
            let again = self.find(id);
            if let (Ok(before), Ok(now)) = (&found, &again)
                && before == now
            {
                return false;
            }
            found = again;
        }
        true
    }

    fn process(&self, record: &Record) -> Liveness {
        *self.process.get_or_init(|| self.caller.liveness(record))
    }
}
