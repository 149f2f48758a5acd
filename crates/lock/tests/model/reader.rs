//! What a process reads of the store in memory.

use crate::model::store::{InjectedStoreEvent, MemoryStore};
use lokt_lock::{
    record::{LockRecord, RecordSlot},
    rules::{QueuePlace, TicketContent},
    store::{LockListing, LockRecordKind, LockStore, LockStoreError, NameReader},
    words::LockName,
};
use std::collections::BTreeSet;

/// Reads the one name that there is, whatever it is called.
pub(crate) struct MemoryReader<'s> {
    pub(super) store: &'s MemoryStore,
    pub(super) name: &'s LockName,
}

impl NameReader for MemoryReader<'_> {
    fn name(&self) -> &LockName {
        self.name
    }

    fn slot(&self, kind: LockRecordKind) -> RecordSlot {
        self.store.before_record_access(kind);
        self.store.0.root.borrow().record_file(kind)
    }

    fn is_over(&self, record: &LockRecord) -> bool {
        record.is_expired(self.store.now())
    }

    fn line(&self) -> Result<Vec<QueuePlace>, LockStoreError> {
        self.store.try_call("list the line")?;
        // The last first: no rule may rely on an order.
        Ok(self.store.0.root.borrow().queue.iter().rev().map(|file| file.place.clone()).collect())
    }

    fn lives(&self, place: &QueuePlace) -> bool {
        let trace = &mut *self.store.0.trace.borrow_mut();
        if let InjectedStoreEvent::Death(at, process) = trace.injection
            && at == trace.ticket_probes
        {
            let mut root = self.store.0.root.borrow_mut();
            root.supervisor_dies(process);
            root.command_dies(process);
            trace.happened = true;
        }
        trace.ticket_probes += 1;
        self.store.0.root.borrow().lives(place)
    }

    fn ticket_text(&self, place: &QueuePlace) -> Option<TicketContent> {
        self.store.0.root.borrow().ticket_file(place).map(|file| (*file.text).clone())
    }

    fn keepers(&self, _: &QueuePlace) -> Vec<i32> {
        Vec::new()
    }
}

/// Lists nothing: no operation that is checked lists names.
pub(crate) struct EmptyListing;

impl LockListing for EmptyListing {
    type Reader<'l> = MemoryReader<'l>;

    fn names(&self, _: LockRecordKind) -> Result<Vec<LockName>, LockStoreError> {
        Ok(Vec::new())
    }

    fn lines(&self) -> Result<BTreeSet<LockName>, LockStoreError> {
        Ok(BTreeSet::new())
    }

    fn reader<'l>(&'l self, _: &'l LockName) -> MemoryReader<'l> {
        unreachable!("no name is listed")
    }
}
