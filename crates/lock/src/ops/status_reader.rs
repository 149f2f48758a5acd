use super::{
    LockOperationError, prune,
    snapshot::{LivenessProbe, LockNameSnapshot, look_with},
};
use crate::{
    caller::Caller,
    record::{HoldKind, LockRecord, RecordSlot},
    rules::{HoldState, Liveness, LockRecordVerdict, QueuePlace, StalenessCause, TicketContent},
    store::{LockListing, LockRecordKind, LockStore, NameReader},
    sys,
    words::{LockName, ProcessPresence, Timestamp},
};
use std::{cell::RefCell, collections::HashMap};

/// One line of a status: a lock or a freeze, and all that is known of it.
#[derive(Clone, Debug)]
pub struct LockStatusEntry {
    /// The name.
    pub name: LockName,
    /// Whether this is the name's lock or its freeze.
    pub kind: LockRecordKind,
    /// What is in the record's place.
    pub slot: RecordSlot,
    /// The state in one word.
    pub state: LockStatusEntryState,
    /// Whether the record's process lives.
    pub process: Liveness,
    /// When this was found out.
    pub seen: Timestamp,
    /// Guards that are in and that the record does not speak of: under their owner's lease, or with
    /// their record taken away.
    pub inside: Vec<TicketContent>,
    /// How many of the record's holders stand.
    pub taken: usize,
    /// Whether the record also lists holders that are gone.
    pub gone: bool,
    /// The waiters, in their order.
    pub waiters: Vec<TicketContent>,
}

/// The state of a lock or a freeze in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockStatusEntryState {
    /// Held as it should be.
    Held,
    /// A guard past its announced lifetime, still held.
    Overdue,
    /// A guard whose supervisor is gone, held by its command.
    Orphaned,
    /// A lease without an end whose taker is gone.
    Abandoned,
    /// The lifetime has ended: free.
    Expired,
    /// The holder is provably gone: free.
    Dead,
    /// Not held yet: a waiter is about to take it.
    Queued,
    /// A freeze in force.
    Frozen,
    /// Not a record.
    Corrupted,
    /// A record of a newer version.
    Unsupported,
    /// Not readable for this user.
    Unreadable,
}

impl LockStatusEntryState {
    /// The word that `status` shows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Overdue => "overdue",
            Self::Orphaned => "orphaned",
            Self::Abandoned => "abandoned",
            Self::Expired => "expired",
            Self::Dead => "dead",
            Self::Queued => "queued",
            Self::Frozen => "frozen",
            Self::Corrupted => "corrupted",
            Self::Unsupported => "unsupported",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Tells all about one name: its lock, then its freeze, if there are any. Expired ones are left out: they are
/// free for every purpose, unless there is a holder or a waiter all the same.
pub fn survey<S: LockStore>(store: &S, name: &LockName, caller: &Caller) -> Vec<LockStatusEntry> {
    let (reader, status) = (store.reader(name), StatusReader { probes: ProbeCache::new(caller) });
    let lock = status.lock(&reader, true);
    let freeze = status.freeze(&reader);
    let free = |entry: &LockStatusEntry| {
        matches!(entry.state, LockStatusEntryState::Expired | LockStatusEntryState::Dead)
    };
    [lock, freeze].into_iter().flatten().filter(|entry| !free(entry)).collect()
}

/// Tells all about all names, sorted: locks first, then freezes. Expired ones are listed until they are
/// pruned. The records of guards that are provably gone mean nothing any more: they are removed here.
///
/// # Errors
/// [`LockOperationError`] when the records cannot be listed.
pub fn survey_all<S: LockStore>(
    store: &S,
    caller: &Caller,
) -> Result<Vec<LockStatusEntry>, LockOperationError> {
    let listing = store.listing();
    let mut locks = listing.names(LockRecordKind::Lock)?;
    let freezes = listing.names(LockRecordKind::Freeze)?;
    let lines = listing.lines()?;
    // There may be a holder or a waiter without a record.
    let only_lines = lines.iter().filter(|name| locks.binary_search(name).is_err());
    let only_lines: Vec<LockName> = only_lines.cloned().collect();
    locks.extend(only_lines);
    locks.sort_unstable();
    let look = |names: &[LockName]| {
        let status = StatusReader { probes: ProbeCache::new(caller) };
        let seen = names
            .iter()
            .filter_map(|name| status.lock(&listing.reader(name), lines.contains(name)));
        seen.collect::<Vec<LockStatusEntry>>()
    };
    let status = StatusReader { probes: ProbeCache::new(caller) };
    let keep = |entry: LockStatusEntry| {
        let over = is_dead_guard(&entry) || entry.gone;
        let pruned = over && prune(store, &entry.name, entry.kind, caller);
        // Without its record, the name is listed if it has a waiter.
        if !pruned {
            return Some(entry);
        }
        status.lock(&store.reader(&entry.name), lines.contains(&entry.name))
    };
    let entries = sys::in_portions(&locks, look).into_iter();
    let mut entries: Vec<LockStatusEntry> = entries.filter_map(keep).collect();
    entries.extend(freezes.iter().filter_map(|name| status.freeze(&listing.reader(name))));
    Ok(entries)
}

fn is_dead_guard(entry: &LockStatusEntry) -> bool {
    let over = matches!(entry.state, LockStatusEntryState::Dead | LockStatusEntryState::Queued);
    over && entry.record().is_some_and(|it| it.hold == Some(HoldKind::Guard))
}

/// What the process table said before, for looks at many records within a moment.
struct ProbeCache<'a> {
    caller: &'a Caller,
    seen: RefCell<HashMap<i32, ProcessPresence>>,
}

impl<'a> ProbeCache<'a> {
    fn new(caller: &'a Caller) -> Self {
        Self { caller, seen: RefCell::default() }
    }
}

impl LivenessProbe for ProbeCache<'_> {
    fn liveness(&self, record: &LockRecord) -> Liveness {
        let probe = |pid| *self.seen.borrow_mut().entry(pid).or_insert_with(|| sys::probe(pid));
        self.caller.liveness_by(record, probe)
    }
}

/// Looks at names, one after the other.
struct StatusReader<'a> {
    probes: ProbeCache<'a>,
}

impl StatusReader<'_> {
    fn lock(&self, reader: &impl NameReader, has_line: bool) -> Option<LockStatusEntry> {
        let snapshot = look_with(reader, &self.probes);
        let (verdict, taken, gone) =
            (snapshot.verdict(), standing(&snapshot), snapshot.is_any_gone());
        // Of several holders, those that are left.
        let held = if gone { snapshot.held().map(Box::new).map(RecordSlot::Record) } else { None };
        let slot = held.unwrap_or(snapshot.slot);
        let state = match verdict {
            Some(LockRecordVerdict::Held(HoldState::Live)) => LockStatusEntryState::Held,
            Some(LockRecordVerdict::Held(HoldState::Overdue)) => LockStatusEntryState::Overdue,
            Some(LockRecordVerdict::Held(HoldState::Orphaned)) => LockStatusEntryState::Orphaned,
            Some(LockRecordVerdict::Held(HoldState::Abandoned)) => LockStatusEntryState::Abandoned,
            Some(LockRecordVerdict::Stale(StalenessCause::Expired)) => {
                LockStatusEntryState::Expired
            }
            Some(LockRecordVerdict::Stale(StalenessCause::HolderGone)) => {
                LockStatusEntryState::Dead
            }
            None => state_of_no_record(&slot).unwrap_or(LockStatusEntryState::Queued),
        };
        let line = if has_line { live_line(reader) } else { Vec::new() };
        let (inside, waiting): (Vec<&QueuePlace>, _) = line.iter().partition(|place| place.entered);
        let known = |place: &QueuePlace| slot.record()?.holder(&place.lock_id);
        let unknown: Vec<&QueuePlace> =
            inside.into_iter().filter(|place| known(place).is_none()).collect();
        let state = match (state, unknown.is_empty(), waiting.is_empty()) {
            (LockStatusEntryState::Queued, true, true) => return None,
            // The record is over, the guard that it does not speak of is not.
            (
                LockStatusEntryState::Queued
                | LockStatusEntryState::Expired
                | LockStatusEntryState::Dead,
                false,
                _,
            ) => LockStatusEntryState::Held,
            (LockStatusEntryState::Expired | LockStatusEntryState::Dead, true, false) => {
                LockStatusEntryState::Queued
            }
            (state, _, _) => state,
        };
        let texts = |places: Vec<&QueuePlace>| {
            places.into_iter().filter_map(|it| reader.ticket_text(it)).collect()
        };
        let entry = self.entry(reader.name(), LockRecordKind::Lock, slot, state);
        let gone = gone && taken > 0;
        Some(LockStatusEntry {
            inside: texts(unknown),
            waiters: texts(waiting),
            taken,
            gone,
            ..entry
        })
    }

    fn freeze(&self, reader: &impl NameReader) -> Option<LockStatusEntry> {
        let slot = reader.slot(LockRecordKind::Freeze);
        let state = match slot.record() {
            Some(record) if reader.is_over(record) => LockStatusEntryState::Expired,
            Some(_) => LockStatusEntryState::Frozen,
            None => state_of_no_record(&slot)?,
        };
        Some(self.entry(reader.name(), LockRecordKind::Freeze, slot, state))
    }

    fn entry(
        &self,
        name: &LockName,
        kind: LockRecordKind,
        slot: RecordSlot,
        state: LockStatusEntryState,
    ) -> LockStatusEntry {
        let process = slot.record().map_or(Liveness::Unknown, |it| self.probes.liveness(it));
        let (name, seen) = (name.clone(), Timestamp::now());
        let (inside, waiters) = (Vec::new(), Vec::new());
        LockStatusEntry {
            name,
            kind,
            slot,
            state,
            process,
            seen,
            inside,
            taken: 0,
            gone: false,
            waiters,
        }
    }
}

/// How many of a record's holders stand.
fn standing(snapshot: &LockNameSnapshot) -> usize {
    snapshot.verdicts.iter().filter(|verdict| matches!(verdict, LockRecordVerdict::Held(_))).count()
}

fn state_of_no_record(slot: &RecordSlot) -> Option<LockStatusEntryState> {
    match slot {
        RecordSlot::Absent | RecordSlot::Record(_) => None,
        RecordSlot::Newer(_) => Some(LockStatusEntryState::Unsupported),
        RecordSlot::Corrupted(_) => Some(LockStatusEntryState::Corrupted),
        RecordSlot::Unreadable(_) => Some(LockStatusEntryState::Unreadable),
    }
}

/// The waiters for a name, in their order.
pub(super) fn waiters(reader: &impl NameReader) -> Vec<TicketContent> {
    let line = live_line(reader).into_iter().filter(|place| !place.entered);
    line.filter_map(|place| reader.ticket_text(&place)).collect()
}

/// The live tickets of a name, in their order.
fn live_line(reader: &impl NameReader) -> Vec<QueuePlace> {
    // A line that cannot be listed shows no waiter; the record tells that something is wrong.
    let mut line = reader.line().unwrap_or_default();
    line.retain(|place| reader.lives(place));
    line.sort_by_key(|place| place.number);
    line
}

impl LockStatusEntry {
    /// The record, where one stands.
    pub fn record(&self) -> Option<&LockRecord> {
        self.slot.record()
    }
}
