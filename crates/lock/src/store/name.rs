use super::{
    Durability, LockRecordKind, LockStore, LockStoreError, RecordPutMode, RecordPutOutcome,
    RecordRemoveOutcome,
};
use crate::{
    audit::AuditEvent,
    record::{LockRecord, RecordSlot},
    rules::{QueuePlace, TicketContent},
    words::{Fence, LockName, Timestamp},
};
use std::collections::BTreeSet;

/// Reads what one name has.
///
/// Outside of a section, each answer is true at some moment, and two answers may be of two moments. A store that
/// fetches everything at once answers all from one moment.
pub trait NameReader {
    /// The name.
    fn name(&self) -> &LockName;

    /// The name's record or freeze.
    fn slot(&self, kind: LockRecordKind) -> RecordSlot;

    /// Whether the lifetime of a record has ended. The store decides: a store on a network ends records itself, and
    /// does not use the clock of a client.
    fn is_over(&self, record: &LockRecord) -> bool;

    /// Lists the tickets, in no particular order, the dead ones too.
    ///
    /// # Errors
    /// When the line cannot be read.
    fn line(&self) -> Result<Vec<QueuePlace>, LockStoreError>;

    /// Whether anything that has the ticket lives. Doubt counts as alive.
    fn lives(&self, place: &QueuePlace) -> bool;

    /// What a ticket says; `None` where it is gone or unreadable.
    fn ticket_text(&self, place: &QueuePlace) -> Option<TicketContent>;

    /// The processes that keep a ticket alive, as far as this machine's process table shows them.
    fn keepers(&self, place: &QueuePlace) -> Vec<i32>;
}

/// Reads through another reader: a section, or a reader of one of several stores.
pub trait ReadsThrough {
    /// The reader that answers.
    fn reader(&self) -> &dyn NameReader;
}

impl<T: ReadsThrough> NameReader for T {
    fn name(&self) -> &LockName {
        self.reader().name()
    }

    fn slot(&self, kind: LockRecordKind) -> RecordSlot {
        self.reader().slot(kind)
    }

    fn is_over(&self, record: &LockRecord) -> bool {
        self.reader().is_over(record)
    }

    fn line(&self) -> Result<Vec<QueuePlace>, LockStoreError> {
        self.reader().line()
    }

    fn lives(&self, place: &QueuePlace) -> bool {
        self.reader().lives(place)
    }

    fn ticket_text(&self, place: &QueuePlace) -> Option<TicketContent> {
        self.reader().ticket_text(place)
    }

    fn keepers(&self, place: &QueuePlace) -> Vec<i32> {
        self.reader().keepers(place)
    }
}

/// Reads all names of a store.
pub trait LockListing: Sync {
    /// Reads one name.
    type Reader<'l>: NameReader
    where
        Self: 'l;

    /// The names with a record or with a freeze, sorted; costs time that grows with their number.
    ///
    /// # Errors
    /// When the records cannot be listed.
    fn names(&self, kind: LockRecordKind) -> Result<Vec<LockName>, LockStoreError>;

    /// The names that have a line, even if it has no ticket any more.
    ///
    /// # Errors
    /// When the lines cannot be listed.
    fn lines(&self) -> Result<BTreeSet<LockName>, LockStoreError>;

    /// Reads one of the names.
    fn reader<'l>(&'l self, name: &'l LockName) -> Self::Reader<'l>;
}

/// Reads and changes one name while no other process can. It reads what it has changed.
pub trait NameSection: NameReader {
    /// The store that this is a section of.
    type Store: LockStore;

    /// The store.
    fn store(&self) -> &Self::Store;

    /// Gives the next fence: above every earlier one of this name, and above `floor`.
    ///
    /// # Errors
    /// When the counter cannot be read or written.
    fn next_fence(&mut self, floor: Fence, now: Timestamp) -> Result<Fence, LockStoreError>;

    /// Draws the ticket for a queue position, which must be behind all others.
    ///
    /// # Errors
    /// When it cannot be written; then it is not there.
    fn enqueue(
        &mut self,
        place: QueuePlace,
        text: &TicketContent,
    ) -> Result<<Self::Store as LockStore>::Ticket, LockStoreError>;

    /// Marks a ticket as admitted.
    ///
    /// # Errors
    /// When the mark cannot be written; then the ticket still waits.
    fn enter(
        &mut self,
        ticket: &mut <Self::Store as LockStore>::Ticket,
    ) -> Result<(), LockStoreError>;

    /// Takes the caller's ticket out of the line: a process that looks finds it no more. Processes that wait for it
    /// already are woken when it [leaves](super::Ticket::leave), which is to follow the section at once; if this
    /// process dies before that, they find out by themselves within a second.
    fn withdraw(&mut self, ticket: &mut <Self::Store as LockStore>::Ticket);

    /// Removes a ticket that is dead, or that is taken from its holder by force.
    ///
    /// # Errors
    /// When it cannot be removed. One that is gone already is no error.
    fn drop_place(&mut self, place: &QueuePlace) -> Result<(), LockStoreError>;

    /// Puts a record in its place, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    fn put(
        &mut self,
        kind: LockRecordKind,
        record: &LockRecord,
        put: RecordPutMode,
        durability: Durability,
    ) -> Result<RecordPutOutcome, LockStoreError>;

    /// Removes a record that was judged to be in the way, provided that it is still there: another program may
    /// have put its record in place since.
    ///
    /// # Errors
    /// When it cannot be removed; or when it is gone, but a power cut may bring it back.
    fn remove(
        &mut self,
        kind: LockRecordKind,
        judged: &RecordSlot,
        durability: Durability,
    ) -> Result<RecordRemoveOutcome, LockStoreError>;

    /// Writes to the audit log the event of a change that this section makes.
    ///
    /// # Errors
    /// When the log cannot be written.
    fn log(&mut self, event: &AuditEvent, durability: Durability) -> Result<(), LockStoreError>;
}
