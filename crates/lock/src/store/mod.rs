//! The seam: what a store of locks can do, in verbs that a folder and a cluster have in common.
//!
//! A store keeps, for each name, a line of tickets, at most one record and at most one freeze. A process
//! changes them in a [`NameSection`] of that name, which only one process has at a time and which is left within
//! microseconds. Reading needs no section: records appear whole or not at all.
//!
//! [`ops`](crate::ops) is written against these traits alone; [`file`](mod@crate::file) is the store of one
//! machine.

mod error;
mod nested_wait;
mod reservations;

pub use error::LockStoreError;
pub use nested_wait::NestedWaitEntry;
pub use reservations::{ReservationSection, ReservationStore, ReservationWatch};

use crate::{
    audit::AuditEvent,
    record::{LockRecord, RecordSlot},
    rules::{Obstacle, QueuePlace, TicketContent, Waiter},
    words::{Fence, LockId, LockName, Timestamp},
};
use std::{
    collections::BTreeSet,
    os::fd::{BorrowedFd, OwnedFd},
    time::Duration,
};

/// Which of the two records that a name can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockRecordKind {
    /// The lock record: the holder of the name.
    Lock,
    /// The freeze: an operator's order that blocks new holders of the name.
    Freeze,
}

/// Whether a change must survive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It must: on disk before the call returns. For what no live process vouches for.
    Synced,
    /// It need not: after a power cut its holder is gone anyway.
    Volatile,
}

/// What a put does with the record that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordPutMode {
    /// There must be no record.
    New,
    /// The caller's own record is there and is replaced, in one step.
    Over,
}

/// Whether a put took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a put that found the place taken changed nothing"]
pub enum RecordPutOutcome {
    /// The record stands.
    Done,
    /// Another program was there first.
    Taken,
}

/// Keeps tickets, records and freezes.
pub trait LockStore: Sized {
    /// Exclusive access to one name.
    type Section<'s>: NameSection<Store = Self>
    where
        Self: 's;
    /// A place in a line, held by this process and whatever inherits it.
    type Ticket: Ticket;
    /// Something that ends when an obstacle may be gone.
    type ObstacleWatch: ObstacleWatch;
    /// Something that tells when what is held may be lost.
    type LossWatcher: LossWatcher;

    /// The time at which a record that is written now begins.
    fn now(&self) -> Timestamp;

    /// Whether the lifetime of a record has ended. The store decides: a store on a network ends records itself, and
    /// does not use the clock of a client.
    fn is_over(&self, record: &LockRecord) -> bool;

    /// An id that no other acquisition has.
    ///
    /// # Errors
    /// When there is no randomness to make one of.
    fn new_id(&self) -> Result<LockId, LockStoreError>;

    /// Enters the section of a name: waits for its present user, at most a few seconds.
    ///
    /// # Errors
    /// [`LockStoreError::LatchBusy`] names the process that is in there for too long; other errors say what failed.
    fn section(&self, name: &LockName) -> Result<Self::Section<'_>, LockStoreError>;

    /// Reads a name's record or freeze as it stands now.
    fn peek(&self, name: &LockName, kind: LockRecordKind) -> RecordSlot;

    /// Lists the tickets of a name, in no particular order, the dead ones too.
    ///
    /// # Errors
    /// When the line cannot be read.
    fn line(&self, name: &LockName) -> Result<Vec<QueuePlace>, LockStoreError>;

    /// Whether anything that has the ticket lives. Doubt counts as alive.
    fn lives(&self, name: &LockName, place: &QueuePlace) -> bool;

    /// What a ticket says; `None` where it is gone or unreadable.
    fn ticket_text(&self, name: &LockName, place: &QueuePlace) -> Option<TicketContent>;

    /// The processes that keep a ticket alive, as far as this machine's process table shows them.
    fn keepers(&self, name: &LockName, place: &QueuePlace) -> Vec<i32>;

    /// All names with a record or with a freeze, sorted; costs time that grows with their number.
    ///
    /// # Errors
    /// When the records cannot be listed.
    fn names(&self, kind: LockRecordKind) -> Result<Vec<LockName>, LockStoreError>;

    /// The names that have a line, even if it has no ticket any more.
    ///
    /// # Errors
    /// When the lines cannot be listed.
    fn lines(&self) -> Result<BTreeSet<LockName>, LockStoreError>;

    /// The waiters that run under other acquisitions, of all names: the only ones that can be part of a
    /// deadlock. Costs time that grows with their number alone.
    fn nested(&self) -> Vec<Waiter>;

    /// Keeps others from looking for deadlocks for as long as the descriptor is open, so that of two that find
    /// the same circle one gives way and the other waits. Where the store cannot do that (the default), both
    /// give way.
    fn one_at_a_time(&self) -> Option<OwnedFd> {
        None
    }

    /// Enlists a waiter that has no place in a line, under a separate id, as one of those that
    /// [`nested`](Self::nested) gives: it follows an acquisition, the second of the ids, to its end. `None`
    /// where there is no way to do that (the default): circles through it are not found then, and end with a
    /// time limit.
    ///
    /// # Errors
    /// When that cannot be written.
    fn enlist(
        &self,
        (_id, _followed): (&LockId, &LockId),
        _text: &TicketContent,
    ) -> Result<Option<NestedWaitEntry>, LockStoreError> {
        Ok(None)
    }

    /// Watches the record of a name, and the ticket of a place in its line where one is given, so that their
    /// holder hears when they may be gone. `None` where nothing can be watched: then only looking helps.
    fn loss_watcher(&self, held: &[(&LockName, Option<&QueuePlace>)]) -> Option<Self::LossWatcher>;

    /// Starts watching for the end of an obstacle. A change between the caller's last look and this call is not
    /// missed: the watch is ready at once then.
    ///
    /// # Errors
    /// When nothing can be watched, not even by looking again now and then.
    fn watch(
        &self,
        name: &LockName,
        obstacle: &Obstacle,
    ) -> Result<Self::ObstacleWatch, LockStoreError>;

    /// Writes to the audit log an event that changed nothing: a refusal, or a wait that ended without the lock. A
    /// [section](NameSection::log) logs its changes.
    ///
    /// # Errors
    /// When the log cannot be written.
    fn log(&self, event: &AuditEvent) -> Result<(), LockStoreError>;
}

/// Changes the state of one name while no other process can.
pub trait NameSection {
    /// The store that this is a section of.
    type Store: LockStore;

    /// The store.
    fn store(&self) -> &Self::Store;

    /// The name.
    fn name(&self) -> &LockName;

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

/// Whether a removal took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a removal that found something else changed nothing"]
pub enum RecordRemoveOutcome {
    /// It is gone.
    Done,
    /// Another record is there, and stays.
    Replaced,
}

/// A place in a line that is alive as long as any process has it.
pub trait Ticket {
    /// The place.
    fn place(&self) -> &QueuePlace;

    /// Takes the place out of the line: a process that looks finds it no more. Processes that wait for it
    /// already are woken when it [leaves](Self::leave), which is to follow at once; if this process dies before
    /// that, they find out by themselves within a second.
    fn withdraw(&mut self);

    /// Gives the place up now, also for processes that inherited it. Dropping a ticket does not: a
    /// command may live on that has it too.
    fn leave(self);

    /// Whether others still find it: a ticket that was removed blocks no waiter.
    fn stands(&self) -> bool;
}

/// Tells when what is held may be lost.
pub trait LossWatcher {
    /// A descriptor that becomes readable then.
    fn source(&self) -> BorrowedFd<'_>;

    /// Forgets what it has reported, and watches what is there now. To be called before each look, so that no
    /// change after that look is missed.
    fn rearm(&mut self);
}

/// Waits for the end of an obstacle.
pub trait ObstacleWatch {
    /// Sleeps for a short while, at most `limit`, in the way that wakes soonest; true where the obstacle may be
    /// gone. It cannot be interrupted, so it ends within a twentieth of a second.
    fn doze(&mut self, limit: Duration) -> bool;

    /// Looks whether the obstacle may be gone. To be called first, and each time
    /// [`patience`](Self::patience) is over.
    fn look(&mut self) -> bool;

    /// Descriptors that become readable when it may be gone.
    fn sources(&self) -> Vec<BorrowedFd<'_>>;

    /// Whether what made a source readable may have been the obstacle's end; if not, that source is quiet
    /// again. To be asked when one is.
    fn is_over(&mut self) -> bool {
        true
    }

    /// After how long to look again; `None` where only the sources matter.
    fn patience(&self, now: Timestamp) -> Option<Duration>;
}
