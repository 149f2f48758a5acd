use super::OperationError;
use crate::{
    caller::Caller,
    record::{LockRecord, RecordFile},
    rules::{Liveness, QueuePlace, RecordVerdict, VerdictFacts, judge},
    store::{RecordKind, Store, StoreError},
    words::{LockId, LockName, Timestamp},
};
use std::cell::OnceCell;

/// What a look at a name found, without entering its section.
#[derive(Clone, Debug)]
pub struct NameSnapshot {
    /// What stands in the lock's place.
    pub slot: RecordFile,
    /// Whether each of its holders still stands, where it is a record.
    pub verdicts: Vec<RecordVerdict>,
}

impl NameSnapshot {
    /// Whether the record stands, where there is one: it does as long as one of its holders does.
    pub fn verdict(&self) -> Option<RecordVerdict> {
        let stands = |verdict: &&RecordVerdict| matches!(verdict, RecordVerdict::Held(_));
        self.verdicts.iter().find(stands).or(self.verdicts.first()).copied()
    }

    /// The holders, with what is to be said of each.
    pub fn holders(&self) -> impl Iterator<Item = (&LockRecord, RecordVerdict)> {
        let holders = self.slot.record().into_iter().flat_map(LockRecord::holders);
        holders.zip(self.verdicts.iter().copied())
    }

    /// Whether any of the holders is gone.
    pub fn is_any_gone(&self) -> bool {
        self.verdicts.iter().any(|verdict| matches!(verdict, RecordVerdict::Stale(_)))
    }

    /// The record of the holders of the name; `None` without a holder.
    pub fn held(&self) -> Option<LockRecord> {
        let stands =
            |(_, verdict): &(&LockRecord, RecordVerdict)| matches!(verdict, RecordVerdict::Held(_));
        LockRecord::of_holders(self.holders().filter(stands).map(|(holder, _)| holder.alone()))
    }
}

/// Looks at a name. The answer was true at some moment of the call.
///
/// A guard that leaves between the reading of its record and that of its ticket looks like one that died;
/// so that verdict is given only where the record is still there afterwards.
pub fn look<S: Store>(store: &S, name: &LockName, caller: &Caller) -> NameSnapshot {
    look_with(store, name, caller)
}

/// Looks at a name, asking `prober` about processes.
pub(super) fn look_with<S: Store>(
    store: &S,
    name: &LockName,
    prober: &impl LivenessProbe,
) -> NameSnapshot {
    let mut snapshot = look_once(store, name, prober);
    for _ in 0..TRIES {
        if !snapshot.is_any_gone() {
            return snapshot;
        }
        let again = look_once(store, name, prober);
        if again.slot.record() == snapshot.slot.record() {
            return again;
        }
        snapshot = again;
    }
    snapshot
}

/// How often to look again when a name changes faster than it can be read.
const TRIES: usize = 8;

fn look_once<S: Store>(store: &S, name: &LockName, prober: &impl LivenessProbe) -> NameSnapshot {
    let slot = store.peek(name, RecordKind::Lock);
    let verdicts: Vec<RecordVerdict> = slot.record().map_or_else(Vec::new, |record| {
        record
            .holders()
            .map(|holder| judge(holder, &StoreFacts::new(store, name, prober)))
            .collect()
    });
    NameSnapshot { slot, verdicts }
}

/// Whether a name has a holder: one in its record, or a guard that is in without a record.
///
/// # Errors
/// [`OperationError`] where that cannot be found out.
pub fn is_held<S: Store>(
    store: &S,
    name: &LockName,
    caller: &Caller,
) -> Result<bool, OperationError> {
    let snapshot = look(store, name, caller);
    if snapshot.held().is_some() {
        return Ok(true);
    }
    readable(snapshot.slot, "lock", name)?;
    Ok(!entered(store, name)?.is_empty())
}

/// The live guards that are in: at most one, unless tickets were changed by hand.
pub(super) fn entered<S: Store>(store: &S, name: &LockName) -> Result<Vec<QueuePlace>, StoreError> {
    let line = store.line(name)?.into_iter();
    Ok(line.filter(|place| place.entered && store.lives(name, place)).collect())
}

/// The record of a slot, or the error that says what else is in its place.
///
/// # Errors
/// [`OperationError`] for a newer version, a corruption, and what cannot be read.
pub fn readable(
    slot: RecordFile,
    what: &'static str,
    name: &LockName,
) -> Result<Option<LockRecord>, OperationError> {
    let name = || name.clone();
    match slot {
        RecordFile::Absent => Ok(None),
        RecordFile::Record(record) => Ok(Some(*record)),
        RecordFile::Newer(source) => Err(OperationError::Newer { what, name: name(), source }),
        RecordFile::Corrupted(corruption) => {
            Err(OperationError::Corrupted { what, name: name(), corruption })
        }
        RecordFile::Unreadable(source) => {
            Err(OperationError::Unreadable { what, name: name(), source })
        }
    }
}

/// The error of a slot that could not be read: whether anything is there is not known then.
///
/// # Errors
/// [`OperationError`] for what cannot be read.
pub(super) fn unread(
    slot: &RecordFile,
    what: &'static str,
    name: &LockName,
) -> Result<(), OperationError> {
    match slot {
        RecordFile::Unreadable(_) => readable(slot.clone(), what, name).map(|_| ()),
        _ => Ok(()),
    }
}

/// The freeze that is in force on a name.
pub(super) fn freeze_in_force<S: Store>(
    store: &S,
    name: &LockName,
) -> Result<Option<LockRecord>, OperationError> {
    let freeze = readable(store.peek(name, RecordKind::Freeze), "freeze", name)?;
    Ok(freeze.filter(|freeze| !freeze.is_expired(store.now())))
}

/// The place of an acquisition in a line: for a moment, a caller that enters a slot has two, and then the one
/// that is in counts.
pub(super) fn ticket_in<'a>(line: &'a [QueuePlace], id: &LockId) -> Option<&'a QueuePlace> {
    line.iter().filter(|place| place.lock_id == *id).max_by_key(|place| place.entered)
}

/// Knows whether a record's process lives.
pub(super) trait LivenessProbe {
    /// Whether the process that the record names lives.
    fn liveness(&self, record: &LockRecord) -> Liveness;
}

impl LivenessProbe for Caller {
    fn liveness(&self, record: &LockRecord) -> Liveness {
        Self::liveness(self, record)
    }
}

/// Asks a store and the process table what a verdict needs to know, each at most once.
pub(super) struct StoreFacts<'a, S, P> {
    store: &'a S,
    name: &'a LockName,
    prober: &'a P,
    process: OnceCell<Liveness>,
}

impl<'a, S: Store, P: LivenessProbe> StoreFacts<'a, S, P> {
    pub(super) fn new(store: &'a S, name: &'a LockName, prober: &'a P) -> Self {
        Self { store, name, prober, process: OnceCell::new() }
    }

    fn find(&self, id: &LockId) -> Result<Option<QueuePlace>, StoreError> {
        let line = self.store.line(self.name)?;
        Ok(ticket_in(&line, id).cloned())
    }
}

impl<S: Store, P: LivenessProbe> VerdictFacts for StoreFacts<'_, S, P> {
    fn now(&self) -> Timestamp {
        self.store.now()
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

    fn process(&self, record: &LockRecord) -> Liveness {
        *self.process.get_or_init(|| self.prober.liveness(record))
    }
}
