use super::keys::{KeyKind, KeySpace};
use crate::values::{KeyRange, KeyValue, LeaseId, Revision, Snapshot};
use lokt_lock::{
    record::{LockRecord, LockRecordFlaw, RecordCorruption, RecordParseError, RecordSlot},
    rules::{QueuePlace, TicketContent},
    store::LockRecordKind,
    words::{LockId, LockMode, LockName, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Everything that one name has, at one revision.
#[derive(Clone, Debug)]
pub(super) struct NameState {
    pub(super) revision: Revision,
    pub(super) holders: Vec<StoredRecord>,
    pub(super) tickets: Vec<StoredTicket>,
    pub(super) freeze: Option<StoredRecord>,
    /// The version key of the holders: when it was last changed, and the last fence.
    pub(super) holders_version: (Revision, u64),
    pub(super) queue_version: Revision,
    /// The lease of the events of this hour, if there is one.
    pub(super) audit_lease: Option<LeaseId>,
}

/// A record at its key.
#[derive(Clone, Debug)]
pub(super) struct StoredRecord {
    pub(super) key: String,
    pub(super) mod_revision: Revision,
    pub(super) lease: Option<LeaseId>,
    pub(super) slot: RecordSlot,
}

/// A ticket at its key.
#[derive(Clone, Debug)]
pub(super) struct StoredTicket {
    pub(super) key: String,
    pub(super) mod_revision: Revision,
    pub(super) place: QueuePlace,
    pub(super) text: TicketContent,
}

/// The value of a ticket's key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TicketValue {
    /// The format: 1.
    pub(super) version: u32,
    pub(super) entered: bool,
    /// The mode, as [`LockMode::suffix`] writes it.
    pub(super) mode: String,
    pub(super) text: TicketContent,
}

/// The version of [`TicketValue`] that this program writes.
pub(super) const TICKET_VERSION: u32 = 1;

impl NameState {
    /// What has to be read for the state of a name.
    pub(super) fn ranges(keys: &KeySpace, name: &LockName) -> [KeyRange; 4] {
        [
            KeyRange::prefix(keys.name(name)),
            KeyRange::key(keys.holders_version(name)),
            KeyRange::key(keys.queue_version(name)),
            KeyRange::key(keys.audit_lease(Timestamp::now())),
        ]
    }

    /// The state that a read of [`ranges`](Self::ranges) has found.
    pub(super) fn of(keys: &KeySpace, name: &LockName, snapshot: Snapshot) -> Self {
        let Snapshot { revision, ranges } = snapshot;
        let mut ranges = ranges.into_iter();
        let mut next = || ranges.next().unwrap_or_default();
        let (own, holders_version, queue_version) = (next(), next(), next());
        let audit_lease = next();
        let fence = |it: &KeyValue| std::str::from_utf8(&it.value).ok()?.parse().ok();
        let mut state = Self::empty(revision);
        if let Some(version) = holders_version.first() {
            state.holders_version = (version.mod_revision, fence(version).unwrap_or(0));
        }
        if let Some(version) = queue_version.first() {
            state.queue_version = version.mod_revision;
        }
        state.audit_lease = audit_lease.first().and_then(|it| it.lease);
        for entry in own {
            state.add(keys, name, &entry);
        }
        state
    }

    /// The state of a name without keys.
    pub(super) fn empty(revision: Revision) -> Self {
        Self {
            revision,
            holders: Vec::new(),
            tickets: Vec::new(),
            freeze: None,
            holders_version: (Revision::ABSENT, 0),
            queue_version: Revision::ABSENT,
            audit_lease: None,
        }
    }

    /// Takes up a key of the name.
    pub(super) fn add(&mut self, keys: &KeySpace, name: &LockName, entry: &KeyValue) {
        let Ok(key) = String::from_utf8(entry.key.clone()) else { return };
        let Some((_, suffix)) = keys.split(&key) else { return };
        match KeySpace::kind(suffix) {
            KeyKind::Holder => self.holders.push(stored_record(name, key, entry)),
            KeyKind::Freeze => self.freeze = Some(stored_record(name, key, entry)),
            KeyKind::Ticket(id) => {
                let Some(lock_id) = LockId::from_record(id) else { return };
                self.tickets.extend(stored_ticket(lock_id, key, entry));
            }
            KeyKind::Unknown => {}
        }
    }

    /// What stands in the place of the lock's record or the freeze.
    pub(super) fn slot(&self, kind: LockRecordKind) -> RecordSlot {
        if kind == LockRecordKind::Freeze {
            return self.freeze.as_ref().map_or(RecordSlot::Absent, |it| it.slot.clone());
        }
        if let Some(other) = self.holders.iter().find(|it| it.slot.record().is_none()) {
            return other.slot.clone();
        }
        let mut records: Vec<LockRecord> =
            self.holders.iter().filter_map(|it| it.slot.record().cloned()).collect();
        records.sort_by_key(|it| it.fence);
        LockRecord::of_holders(records)
            .map_or(RecordSlot::Absent, |record| RecordSlot::Record(Box::new(record)))
    }

    /// The ticket of an acquisition.
    pub(super) fn ticket(&self, id: &LockId) -> Option<&StoredTicket> {
        self.tickets.iter().find(|it| it.place.lock_id == *id)
    }

    /// The record of an acquisition.
    pub(super) fn holder(&self, id: &LockId) -> Option<&StoredRecord> {
        let is_of = |it: &&StoredRecord| it.slot.record().is_some_and(|it| it.is_of(id));
        self.holders.iter().find(is_of)
    }
}

fn stored_record(name: &LockName, key: String, entry: &KeyValue) -> StoredRecord {
    let slot = match LockRecord::parse(&entry.value, name) {
        Ok(record) => RecordSlot::Record(Box::new(record)),
        Err(RecordParseError::Newer(version)) => RecordSlot::Newer(version),
        Err(RecordParseError::Flaw(flaw)) => RecordSlot::Corrupted(corruption(flaw)),
    };
    StoredRecord { key, mod_revision: entry.mod_revision, lease: entry.lease, slot }
}

/// A key's value is written at once, so what is no record now will not become one.
fn corruption(flaw: LockRecordFlaw) -> RecordCorruption {
    RecordCorruption { flaw, age: Duration::MAX, before_boot: false }
}

/// A ticket that this version cannot read counts as one of a holder that excludes all others: nothing else is known.
fn stored_ticket(lock_id: LockId, key: String, entry: &KeyValue) -> Option<StoredTicket> {
    let number = u64::try_from(entry.create_revision.get()).ok()?;
    let value = serde_json::from_slice::<TicketValue>(&entry.value).ok();
    let known = value.filter(|it| it.version == TICKET_VERSION).and_then(|it| {
        let mode = LockMode::from_suffix(&it.mode)?;
        Some((it.entered, mode, it.text))
    });
    let (entered, mode, text) =
        known.unwrap_or_else(|| (true, LockMode::Exclusive, unknown_text()));
    let place = QueuePlace { number, lock_id, entered, mode };
    Some(StoredTicket { key, mod_revision: entry.mod_revision, place, text })
}

fn unknown_text() -> TicketContent {
    TicketContent {
        name: String::new(),
        owner: String::new(),
        owner_given: false,
        agent_id: String::new(),
        pid: 0,
        command: Vec::new(),
        since: String::new(),
        held: Vec::new(),
    }
}
