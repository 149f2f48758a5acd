use super::{
    changes::PendingChanges,
    commit::SectionSession,
    etcd_store::EtcdLockStore,
    key_changes::KeyLease,
    name_state::{NameState, StoredRecord, StoredTicket, TICKET_VERSION, TicketValue},
    reader::is_over,
    ticket::EtcdTicket,
};
use crate::values::Revision;
use lokt_lock::{
    audit::AuditEvent,
    record::{HoldKind, LockRecord, RecordSlot},
    rules::{QueuePlace, TicketContent},
    store::{
        Durability, LockRecordKind, LockStoreError, NameReader, NameSection, RecordPutMode,
        RecordPutOutcome, RecordRemoveOutcome, Ticket,
    },
    words::{Fence, LockId, LockName, Timestamp},
};
use std::sync::Arc;

/// One name as it was read, with the changes that are to be committed.
pub struct EtcdSection<'s> {
    pub(super) store: &'s EtcdLockStore,
    pub(super) name: LockName,
    pub(super) session: SectionSession<'s>,
    /// The name with the changes.
    state: NameState,
    pub(super) pending: PendingChanges,
}

impl<'s> EtcdSection<'s> {
    pub(super) fn new(store: &'s EtcdLockStore, name: LockName, state: NameState) -> Self {
        let pending = PendingChanges::after(&state);
        Self { store, name, session: SectionSession::of(store), state, pending }
    }

    fn put_holder(&mut self, id: &LockId, record: &LockRecord) {
        let key = self.store.keys.holder(&self.name, id);
        let lease = match record.hold {
            Some(HoldKind::Guard) => KeyLease::Session,
            _ => lifetime(record, Timestamp::now()),
        };
        let before = self.state.holder(id).map(|it| it.mod_revision);
        match before {
            Some(revision) => self.pending.keys.rely_on(&key, revision),
            None => self.pending.add_holder(),
        }
        let mod_revision = before.unwrap_or(Revision::ABSENT);
        self.pending.keys.put(&key, record.encode(), lease);
        self.state.holders.retain(|it| it.key != key);
        let slot = RecordSlot::Record(Box::new(record.clone()));
        self.state.holders.push(StoredRecord { key, mod_revision, lease: None, slot });
    }

    fn delete_holder(&mut self, key: &str) {
        if let Some(before) = self.state.holders.iter().find(|it| it.key == key) {
            self.pending.keys.delete(key, before.mod_revision);
            self.state.holders.retain(|it| it.key != key);
        }
    }

    /// Puts the holders of a record that are new or changed, and deletes those that it has no more.
    fn put_lock(&mut self, record: &LockRecord) {
        let holders: Vec<LockRecord> = record.holders().map(LockRecord::alone).collect();
        let keys = |id: &LockId| self.store.keys.holder(&self.name, id);
        let kept: Vec<String> =
            holders.iter().filter_map(|it| it.lock_id.as_ref()).map(keys).collect();
        let gone = self.state.holders.iter().map(|it| it.key.clone());
        let gone: Vec<String> = gone.filter(|key| !kept.contains(key)).collect();
        for key in &gone {
            self.delete_holder(key);
        }
        for holder in holders {
            let Some(id) = holder.lock_id.clone() else { continue };
            let before = self.state.holder(&id).and_then(|it| it.slot.record());
            if before.is_none_or(|before| before.alone() != holder) {
                self.put_holder(&id, &holder);
            }
        }
    }

    fn put_freeze(&mut self, record: &LockRecord) {
        let key = self.store.keys.freeze(&self.name);
        let mod_revision =
            self.state.freeze.as_ref().map_or(Revision::ABSENT, |it| it.mod_revision);
        self.pending.keys.rely_on(&key, mod_revision);
        self.pending.keys.put(&key, record.encode(), lifetime(record, Timestamp::now()));
        let slot = RecordSlot::Record(Box::new(record.clone()));
        self.state.freeze = Some(StoredRecord { key, mod_revision, lease: None, slot });
    }

    fn put_ticket(&mut self, place: &QueuePlace, text: &TicketContent) -> String {
        let key = self.store.keys.ticket(&self.name, &place.lock_id);
        let value = TicketValue {
            version: TICKET_VERSION,
            entered: place.entered,
            mode: place.mode.suffix(),
            text: text.clone(),
        };
        self.pending.keys.put(
            &key,
            serde_json::to_vec(&value).unwrap_or_default(),
            KeyLease::Session,
        );
        key
    }

    fn delete_ticket(&mut self, id: &LockId) {
        if let Some(before) = self.state.ticket(id) {
            let (key, revision) = (before.key.clone(), before.mod_revision);
            let (waits, text) = (!before.place.entered, before.text.clone());
            self.pending.keys.delete(&key, revision);
            self.state.tickets.retain(|it| it.place.lock_id != *id);
            if waits {
                self.unlist_nested(id, &text);
            }
        }
    }

    /// Lists a waiter that runs under other locks: only such waiters can close a circle.
    fn list_as_nested(&mut self, place: &QueuePlace, text: &TicketContent) {
        if !text.held.is_empty() {
            let key = self.store.keys.nested(&place.lock_id);
            let value = serde_json::to_vec(text).unwrap_or_default();
            self.pending.keys.put(&key, value, KeyLease::Session);
        }
    }

    fn unlist_nested(&mut self, id: &LockId, text: &TicketContent) {
        if !text.held.is_empty() {
            let key = self.store.keys.nested(id);
            self.pending.keys.delete_whatever(&key);
        }
    }
}

/// The lease of a record's key: as long as what is left of its lifetime.
fn lifetime(record: &LockRecord, now: Timestamp) -> KeyLease {
    record.expiry().map_or(KeyLease::Never, |end| KeyLease::For(end.since(now)))
}

impl NameReader for EtcdSection<'_> {
    fn name(&self) -> &LockName {
        &self.name
    }

    fn slot(&self, kind: LockRecordKind) -> RecordSlot {
        self.state.slot(kind)
    }

    fn is_over(&self, record: &LockRecord) -> bool {
        is_over(record)
    }

    fn line(&self) -> Result<Vec<QueuePlace>, LockStoreError> {
        Ok(self.state.tickets.iter().map(|it| it.place.clone()).collect())
    }

    fn lives(&self, place: &QueuePlace) -> bool {
        self.state.ticket(&place.lock_id).is_some()
    }

    fn ticket_text(&self, place: &QueuePlace) -> Option<TicketContent> {
        Some(self.state.ticket(&place.lock_id)?.text.clone())
    }

    fn keepers(&self, _: &QueuePlace) -> Vec<i32> {
        Vec::new()
    }
}

impl NameSection for EtcdSection<'_> {
    type Store = EtcdLockStore;

    fn store(&self) -> &EtcdLockStore {
        self.store
    }

    fn next_fence(&mut self, floor: Fence, now: Timestamp) -> Result<Fence, LockStoreError> {
        Ok(self.pending.next_fence(floor, now))
    }

    fn enqueue(
        &mut self,
        place: QueuePlace,
        text: &TicketContent,
    ) -> Result<EtcdTicket, LockStoreError> {
        let store = self.store;
        let session = self.session.get().map_err(LockStoreError::remote)?;
        let ticket =
            EtcdTicket::draw((&store.client, session), &store.keys, &self.name, place.clone())?;
        let key = self.put_ticket(&place, text);
        self.pending.keys.rely_on(&key, Revision::ABSENT);
        if place.entered {
            self.pending.add_holder();
        } else {
            self.pending.add_waiter();
            self.list_as_nested(&place, text);
        }
        self.pending.drawn.push(Arc::clone(&ticket.state));
        let (text, mod_revision) = (text.clone(), Revision::ABSENT);
        self.state.tickets.push(StoredTicket { key, mod_revision, place, text });
        Ok(ticket)
    }

    fn enter(&mut self, ticket: &mut EtcdTicket) -> Result<(), LockStoreError> {
        let id = ticket.place().lock_id.clone();
        let Some(before) = self.state.tickets.iter_mut().find(|it| it.place.lock_id == id) else {
            return Err(LockStoreError::io("find", "the ticket")(
                std::io::ErrorKind::NotFound.into(),
            ));
        };
        before.place.entered = true;
        let (place, text, revision) =
            (before.place.clone(), before.text.clone(), before.mod_revision);
        let key = self.put_ticket(&place, &text);
        self.pending.keys.rely_on(&key, revision);
        self.pending.add_holder();
        self.pending.has_waited = true;
        self.unlist_nested(&place.lock_id, &text);
        self.pending.entered.push(Arc::clone(&ticket.state));
        Ok(())
    }

    fn withdraw(&mut self, ticket: &mut EtcdTicket) {
        let place = ticket.place().clone();
        // A lease that is taken from the queue.
        self.pending.has_waited |= !place.entered;
        self.delete_ticket(&place.lock_id);
        self.pending.withdrawn.push(Arc::clone(&ticket.state));
    }

    fn drop_place(&mut self, place: &QueuePlace) -> Result<(), LockStoreError> {
        self.delete_ticket(&place.lock_id);
        Ok(())
    }

    fn put(
        &mut self,
        kind: LockRecordKind,
        record: &LockRecord,
        _: RecordPutMode,
        _: Durability,
    ) -> Result<RecordPutOutcome, LockStoreError> {
        match kind {
            LockRecordKind::Lock => self.put_lock(record),
            LockRecordKind::Freeze => self.put_freeze(record),
        }
        Ok(RecordPutOutcome::Done)
    }

    fn remove(
        &mut self,
        kind: LockRecordKind,
        _: &RecordSlot,
        _: Durability,
    ) -> Result<RecordRemoveOutcome, LockStoreError> {
        // What was judged is what was read: another state at the cluster is a conflict.
        match kind {
            LockRecordKind::Lock => {
                let keys: Vec<String> =
                    self.state.holders.iter().map(|it| it.key.clone()).collect();
                for key in &keys {
                    self.delete_holder(key);
                }
            }
            LockRecordKind::Freeze => {
                if let Some(before) = self.state.freeze.take() {
                    self.pending.keys.delete(&before.key, before.mod_revision);
                }
            }
        }
        Ok(RecordRemoveOutcome::Done)
    }

    fn log(&mut self, event: &AuditEvent, _: Durability) -> Result<(), LockStoreError> {
        self.pending.keys.events.push(event.to_line());
        Ok(())
    }
}
