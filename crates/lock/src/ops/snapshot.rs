use super::LockOperationError;
use crate::{
    caller::Caller,
    record::{LockRecord, RecordSlot},
    rules::{Liveness, LockRecordVerdict, LockVerdictFacts, QueuePlace, judge},
    store::{LockRecordKind, LockStore, LockStoreError, NameReader},
    words::{LockId, LockName},
};
use std::cell::OnceCell;

/// What a look at a name found, without entering its section.
#[derive(Clone, Debug)]
pub struct LockNameSnapshot {
    /// What stands in the lock's place.
    pub slot: RecordSlot,
    /// Whether each of its holders still stands, where it is a record.
    pub verdicts: Vec<LockRecordVerdict>,
}

impl LockNameSnapshot {
    /// Whether the record stands, where there is one: it does as long as one of its holders does.
    pub fn verdict(&self) -> Option<LockRecordVerdict> {
        let stands = |verdict: &&LockRecordVerdict| matches!(verdict, LockRecordVerdict::Held(_));
        self.verdicts.iter().find(stands).or(self.verdicts.first()).copied()
    }

    /// The holders, with what is to be said of each.
    pub fn holders(&self) -> impl Iterator<Item = (&LockRecord, LockRecordVerdict)> {
        let holders = self.slot.record().into_iter().flat_map(LockRecord::holders);
        holders.zip(self.verdicts.iter().copied())
    }

    /// Whether any of the holders is gone.
    pub fn is_any_gone(&self) -> bool {
        self.verdicts.iter().any(|verdict| matches!(verdict, LockRecordVerdict::Stale(_)))
    }

    /// The record of the holders of the name; `None` without a holder.
    pub fn held(&self) -> Option<LockRecord> {
        let stands = |(_, verdict): &(&LockRecord, LockRecordVerdict)| {
            matches!(verdict, LockRecordVerdict::Held(_))
        };
        LockRecord::of_holders(self.holders().filter(stands).map(|(holder, _)| holder.alone()))
    }
}

/// Looks at a name. The answer was true at some moment of the call.
///
/// A guard that leaves between the reading of its record and that of its ticket looks like one that died;
/// so that verdict is given only where the record is still there afterwards.
pub fn look<S: LockStore>(store: &S, name: &LockName, caller: &Caller) -> LockNameSnapshot {
    look_with(&store.reader(name), caller)
}

/// Looks at a name, asking `prober` about processes.
pub(super) fn look_with(reader: &impl NameReader, prober: &impl LivenessProbe) -> LockNameSnapshot {
    let mut snapshot = look_once(reader, prober);
    for _ in 0..TRIES {
        if !snapshot.is_any_gone() {
            return snapshot;
        }
        let again = look_once(reader, prober);
        if again.slot.record() == snapshot.slot.record() {
            return again;
        }
        snapshot = again;
    }
    snapshot
}

/// How often to look again when a name changes faster than it can be read.
const TRIES: usize = 8;

fn look_once(reader: &impl NameReader, prober: &impl LivenessProbe) -> LockNameSnapshot {
    let slot = reader.slot(LockRecordKind::Lock);
    let verdicts: Vec<LockRecordVerdict> = slot.record().map_or_else(Vec::new, |record| {
        let judge_one = |holder| judge(holder, &LazyLockVerdictFacts::new(reader, prober));
        record.holders().map(judge_one).collect()
    });
    LockNameSnapshot { slot, verdicts }
}

/// Whether a name has a holder: one in its record, or a guard that is in without a record.
///
/// # Errors
/// [`LockOperationError`] where that cannot be found out.
pub fn is_held<S: LockStore>(
    store: &S,
    name: &LockName,
    caller: &Caller,
) -> Result<bool, LockOperationError> {
    let reader = store.reader(name);
    let snapshot = look_with(&reader, caller);
    if snapshot.held().is_some() {
        return Ok(true);
    }
    readable(snapshot.slot, "lock", name)?;
    Ok(!entered(&reader)?.is_empty())
}

/// The live guards that are in: at most one, unless tickets were changed by hand.
pub(super) fn entered(reader: &impl NameReader) -> Result<Vec<QueuePlace>, LockStoreError> {
    let line = reader.line()?.into_iter();
    Ok(line.filter(|place| place.entered && reader.lives(place)).collect())
}

/// The record of a slot, or the error that says what else is in its place.
///
/// # Errors
/// [`LockOperationError`] for a newer version, a corruption, and what cannot be read.
pub fn readable(
    slot: RecordSlot,
    what: &'static str,
    name: &LockName,
) -> Result<Option<LockRecord>, LockOperationError> {
    let name = || name.clone();
    match slot {
        RecordSlot::Absent => Ok(None),
        RecordSlot::Record(record) => Ok(Some(*record)),
        RecordSlot::Newer(source) => Err(LockOperationError::Newer { what, name: name(), source }),
        RecordSlot::Corrupted(corruption) => {
            Err(LockOperationError::Corrupted { what, name: name(), corruption })
        }
        RecordSlot::Unreadable(source) => {
            Err(LockOperationError::Unreadable { what, name: name(), source })
        }
    }
}

/// The error of a slot that could not be read: whether anything is there is not known then.
///
/// # Errors
/// [`LockOperationError`] for what cannot be read.
pub(super) fn unread(
    slot: &RecordSlot,
    what: &'static str,
    name: &LockName,
) -> Result<(), LockOperationError> {
    match slot {
        RecordSlot::Unreadable(_) => readable(slot.clone(), what, name).map(|_| ()),
        _ => Ok(()),
    }
}

/// The freeze that is in force on a name.
pub(super) fn freeze_in_force(
    reader: &impl NameReader,
) -> Result<Option<LockRecord>, LockOperationError> {
    let freeze = readable(reader.slot(LockRecordKind::Freeze), "freeze", reader.name())?;
    Ok(freeze.filter(|freeze| !reader.is_over(freeze)))
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

/// Asks a reader and the process table what a verdict needs to know, each at most once.
pub(super) struct LazyLockVerdictFacts<'a, R, P> {
    reader: &'a R,
    prober: &'a P,
    process: OnceCell<Liveness>,
}

impl<'a, R: NameReader, P: LivenessProbe> LazyLockVerdictFacts<'a, R, P> {
    pub(super) fn new(reader: &'a R, prober: &'a P) -> Self {
        Self { reader, prober, process: OnceCell::new() }
    }

    fn find(&self, id: &LockId) -> Result<Option<QueuePlace>, LockStoreError> {
        let line = self.reader.line()?;
        Ok(ticket_in(&line, id).cloned())
    }
}

impl<R: NameReader, P: LivenessProbe> LockVerdictFacts for LazyLockVerdictFacts<'_, R, P> {
    fn is_over(&self, record: &LockRecord) -> bool {
        self.reader.is_over(record)
    }

    fn ticket_lives(&self, id: &LockId) -> bool {
        let mut found = self.find(id);
        for _ in 0..TRIES {
            match &found {
                Err(_) => return true,
                Ok(None) => return false,
                Ok(Some(place)) if self.reader.lives(place) => return true,
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
