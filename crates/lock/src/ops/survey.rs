use super::{
    OperationError,
    look::{Sight, look},
    prune,
};
use crate::{
    record::{Hold, Record, Slot},
    rules::{Holding, Liveness, Place, Staleness, TicketText, Verdict},
    store::{RecordKind, Store},
    sys::Caller,
    words::{LockName, Timestamp},
};

/// One line of a status: a lock or a freeze, and all that can be told of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name.
    pub name: LockName,
    /// Whether this is the name's lock or its freeze.
    pub kind: RecordKind,
    /// What stands there.
    pub slot: Slot,
    /// The state in one word.
    pub state: State,
    /// Whether the record's process lives.
    pub process: Liveness,
    /// When this was found out.
    pub seen: Timestamp,
    /// Those who wait, in their order.
    pub waiters: Vec<TicketText>,
}

/// The state of a lock or a freeze in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
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
    /// A freeze in force.
    Frozen,
    /// Not a record.
    Corrupted,
    /// A record of a newer version.
    Unsupported,
    /// Not readable for this user.
    Unreadable,
}

impl State {
    /// The word that `status` shows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Overdue => "overdue",
            Self::Orphaned => "orphaned",
            Self::Abandoned => "abandoned",
            Self::Expired => "expired",
            Self::Dead => "dead",
            Self::Frozen => "frozen",
            Self::Corrupted => "corrupted",
            Self::Unsupported => "unsupported",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Tells all about one name: its lock, then its freeze, as far as there are any. Expired ones are left
/// out: they are free for every purpose.
pub fn survey<S: Store>(store: &S, name: &LockName, caller: &Caller) -> Vec<Entry> {
    let lock = lock_entry(store, name, caller);
    let freeze = freeze_entry(store, name, caller);
    let free = |entry: &Entry| matches!(entry.state, State::Expired | State::Dead);
    [lock, freeze].into_iter().flatten().filter(|entry| !free(entry)).collect()
}

/// Tells all about all names, sorted: locks first, then freezes. Expired ones are listed until they are
/// pruned. The records of guards that are provably gone mean nothing to anybody: they are removed here.
///
/// # Errors
/// [`OperationError`] when the records cannot be listed.
pub fn survey_all<S: Store>(store: &S, caller: &Caller) -> Result<Vec<Entry>, OperationError> {
    let locks = store.names(RecordKind::Lock)?;
    let freezes = store.names(RecordKind::Freeze)?;
    let locks = locks.iter().filter_map(|name| lock_entry(store, name, caller));
    let locks = locks.filter(|entry| !is_dead_guard(entry) || !prune(store, &entry.name, caller));
    let freezes = freezes.iter().filter_map(|name| freeze_entry(store, name, caller));
    Ok(locks.chain(freezes).collect())
}

fn is_dead_guard(entry: &Entry) -> bool {
    entry.state == State::Dead && entry.record().is_some_and(|it| it.hold == Some(Hold::Guard))
}

fn lock_entry<S: Store>(store: &S, name: &LockName, caller: &Caller) -> Option<Entry> {
    let Sight { slot, verdict } = look(store, name, caller);
    let state = match verdict {
        Some(Verdict::Held(Holding::Live)) => State::Held,
        Some(Verdict::Held(Holding::Overdue)) => State::Overdue,
        Some(Verdict::Held(Holding::Orphaned)) => State::Orphaned,
        Some(Verdict::Held(Holding::Abandoned)) => State::Abandoned,
        Some(Verdict::Stale(Staleness::Expired)) => State::Expired,
        Some(Verdict::Stale(Staleness::HolderGone)) => State::Dead,
        None => state_of_no_record(&slot)?,
    };
    let waiters = waiters(store, name);
    Some(entry(name, (RecordKind::Lock, slot, state), waiters, caller))
}

fn freeze_entry<S: Store>(store: &S, name: &LockName, caller: &Caller) -> Option<Entry> {
    let slot = store.peek(name, RecordKind::Freeze);
    let state = match slot.record() {
        Some(record) if record.is_expired(Timestamp::now()) => State::Expired,
        Some(_) => State::Frozen,
        None => state_of_no_record(&slot)?,
    };
    Some(entry(name, (RecordKind::Freeze, slot, state), Vec::new(), caller))
}

fn state_of_no_record(slot: &Slot) -> Option<State> {
    match slot {
        Slot::Absent | Slot::Record(_) => None,
        Slot::Newer(_) => Some(State::Unsupported),
        Slot::Corrupted(_) => Some(State::Corrupted),
        Slot::Unreadable(_) => Some(State::Unreadable),
    }
}

fn entry(
    name: &LockName,
    (kind, slot, state): (RecordKind, Slot, State),
    waiters: Vec<TicketText>,
    caller: &Caller,
) -> Entry {
    let process = slot.record().map_or(Liveness::Unknown, |record| caller.liveness(record));
    Entry { name: name.clone(), kind, slot, state, process, seen: Timestamp::now(), waiters }
}

/// Those who wait for a name, in their order.
pub(super) fn waiters<S: Store>(store: &S, name: &LockName) -> Vec<TicketText> {
    // A line that cannot be listed shows nobody; the record tells that something is wrong.
    let mut line: Vec<Place> = store.line(name).unwrap_or_default();
    line.sort_by_key(|place| place.number);
    let waiting = line.iter().filter(|place| !place.entered && store.lives(name, place));
    waiting.filter_map(|place| store.ticket_text(name, place)).collect()
}

impl Entry {
    /// The record, where one stands.
    pub fn record(&self) -> Option<&Record> {
        self.slot.record()
    }
}
