//! The section of the store in memory, and its tickets.

use crate::model::{
    memory_root::{LockRecordFileContent, TicketFile},
    reader::MemoryReader,
    store::MemoryStore,
};
use lokt_lock::{
    audit::AuditEvent,
    record::{LockRecord, RecordSlot},
    rules::{QueuePlace, TicketContent},
    store::{
        Durability, LockRecordKind, LockStoreError, NameReader, NameSection, ReadsThrough,
        RecordPutMode, RecordPutOutcome, RecordRemoveOutcome, Ticket,
    },
    words::{Fence, LockMode, Timestamp},
};
use std::{io::ErrorKind, sync::Arc};

pub(crate) struct MemorySection<'s> {
    pub(super) store: &'s MemoryStore,
    pub(super) reader: MemoryReader<'s>,
}

impl Drop for MemorySection<'_> {
    fn drop(&mut self) {
        self.store.0.latched.set(false);
    }
}

impl MemorySection<'_> {
    fn is_taken(&self, kind: LockRecordKind) -> bool {
        !matches!(self.store.0.root.borrow().record_file(kind), RecordSlot::Absent)
    }

    fn replace(&self, what: &'static str, kind: LockRecordKind, record: Option<&LockRecord>) {
        let record = record.map(|record| Arc::new(record.clone()));
        self.store.change(what, |root| match kind {
            LockRecordKind::Freeze => root.freeze = record,
            LockRecordKind::Lock => {
                root.lock =
                    record.map_or(LockRecordFileContent::Nothing, LockRecordFileContent::Record);
            }
        });
    }
}

impl ReadsThrough for MemorySection<'_> {
    fn reader(&self) -> &dyn NameReader {
        &self.reader
    }
}

impl NameSection for MemorySection<'_> {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        self.store
    }

    /// Nothing follows from a number that no process got. So this is no change after which a crash is tried.
    fn next_fence(&mut self, floor: Fence, now: Timestamp) -> Result<Fence, LockStoreError> {
        self.store.try_call("draw a fence")?;
        let counter = &mut self.store.0.root.borrow_mut().counter;
        *counter = (*counter).max(floor).next(now);
        Ok(*counter)
    }

    fn enqueue(
        &mut self,
        place: QueuePlace,
        text: &TicketContent,
    ) -> Result<MemoryTicket, LockStoreError> {
        self.store.try_call("draw a ticket")?;
        let behind = |file: &TicketFile| file.place.number < place.number;
        assert!(self.store.0.root.borrow().queue.iter().all(behind), "a new ticket is the last");
        let (text, creator) = (Arc::new(text.clone()), self.store.0.process);
        let file =
            TicketFile { place: place.clone(), text, creator, supervisor: true, command: false };
        self.store.change("drawing a ticket", |root| root.add(file));
        Ok(MemoryTicket { store: self.store.clone(), place, open: true })
    }

    /// A ticket for a slot is made again as an entered one, and the waiting one is removed. Others are
    /// renamed.
    fn enter(&mut self, ticket: &mut MemoryTicket) -> Result<(), LockStoreError> {
        self.store.try_call("mark a ticket")?;
        let waiting = ticket.place.clone();
        let Some(file) = self.store.0.root.borrow().ticket_file(&waiting).cloned() else {
            return Err(LockStoreError::io("rename", "ticket")(ErrorKind::NotFound.into()));
        };
        let entered = QueuePlace { entered: true, ..waiting.clone() };
        let file = TicketFile { place: entered.clone(), ..file };
        if let LockMode::Slots(_) = entered.mode {
            self.store.change("making the entered ticket", |root| root.add(file));
            self.store.change("giving up the waiting ticket", |root| root.unlink(&waiting));
        } else {
            self.store.change("renaming the ticket", |root| {
                root.unlink(&waiting);
                root.add(file);
            });
        }
        ticket.place = entered;
        Ok(())
    }

    fn withdraw(&mut self, ticket: &mut MemoryTicket) {
        ticket.withdraw();
    }

    fn drop_place(&mut self, place: &QueuePlace) -> Result<(), LockStoreError> {
        self.store.try_call("remove a ticket")?;
        self.store.change("removing a ticket", |root| root.unlink(place));
        Ok(())
    }

    fn put(
        &mut self,
        kind: LockRecordKind,
        record: &LockRecord,
        put: RecordPutMode,
        _: Durability,
    ) -> Result<RecordPutOutcome, LockStoreError> {
        self.store.try_call("put a record")?;
        self.store.before_record_access(kind);
        if put == RecordPutMode::New && self.is_taken(kind) {
            return Ok(RecordPutOutcome::Taken);
        }
        self.replace("putting a record", kind, Some(record));
        Ok(RecordPutOutcome::Done)
    }

    fn remove(
        &mut self,
        kind: LockRecordKind,
        judged: &RecordSlot,
        _: Durability,
    ) -> Result<RecordRemoveOutcome, LockStoreError> {
        self.store.try_call("remove a record")?;
        self.store.before_record_access(kind);
        let now = self.store.0.root.borrow().record_file(kind);
        if matches!(now, RecordSlot::Absent) {
            return Ok(RecordRemoveOutcome::Done);
        }
        if !is_same(&now, judged) {
            self.store.0.trace.borrow_mut().replaced = true;
            return Ok(RecordRemoveOutcome::Replaced);
        }
        self.replace("removing a record", kind, None);
        Ok(RecordRemoveOutcome::Done)
    }

    fn log(&mut self, _: &AuditEvent, _: Durability) -> Result<(), LockStoreError> {
        self.store.try_call("write the log")
    }
}

/// Whether the present file is the judged one.
fn is_same(now: &RecordSlot, judged: &RecordSlot) -> bool {
    match (now, judged) {
        (RecordSlot::Record(now), RecordSlot::Record(judged)) => now == judged,
        (RecordSlot::Corrupted(now), RecordSlot::Corrupted(judged)) => now.flaw == judged.flaw,
        _ => false,
    }
}

/// The open ticket of a process. Dropping it closes it; the command may still have it open.
pub(crate) struct MemoryTicket {
    store: MemoryStore,
    place: QueuePlace,
    open: bool,
}

impl MemoryTicket {
    /// Opens the ticket that a process got in an earlier operation.
    pub(crate) fn reopened(store: &MemoryStore, place: &QueuePlace) -> Self {
        Self { store: store.clone(), place: place.clone(), open: true }
    }

    fn withdraw(&mut self) {
        if self.stands() {
            self.store.change("giving up the ticket", |root| root.unlink(&self.place));
        }
    }

    /// Keeps the ticket open until a later operation.
    pub(crate) fn keep_open(mut self) -> QueuePlace {
        self.open = false;
        self.place.clone()
    }
}

impl Ticket for MemoryTicket {
    fn place(&self) -> &QueuePlace {
        &self.place
    }

    fn leave(mut self) {
        self.open = false;
        self.withdraw();
    }

    fn stands(&self) -> bool {
        self.store.0.root.borrow().ticket_file(&self.place).is_some()
    }
}

impl Drop for MemoryTicket {
    fn drop(&mut self) {
        if self.open {
            let mut root = self.store.0.root.borrow_mut();
            if let Some(file) = root.queue.iter_mut().find(|file| file.place == self.place) {
                file.supervisor = false;
            }
        }
    }
}
