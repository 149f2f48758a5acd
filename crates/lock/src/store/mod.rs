//! The seam: what a store of locks can do, in verbs that a folder and a cluster have in common.
//!
//! A store keeps, for each name, a line of tickets, at most one record and at most one freeze. A process
//! changes them in a [`NameSection`] of that name. A section is a closure that reads, decides and changes as if
//! no other process did anything meanwhile ([`within`](LockStore::within)): the store of files keeps others out,
//! and a store that cannot do that commits the changes at once, or calls the closure again.
//! Reading alone needs no section: a [`NameReader`] shows records whole or not at all.
//!
//! [`ops`](crate::ops) is written against these traits alone; [`file`](mod@crate::file) is the store of one
//! machine.

mod error;
mod name;
mod nested_wait;
mod reservations;
mod ticket;

pub use error::LockStoreError;
pub use name::{LockListing, NameReader, NameSection, ReadsThrough};
pub use nested_wait::NestedWaitEntry;
pub use reservations::{ReservationReader, ReservationSection, ReservationStore, ReservationWatch};
pub use ticket::{LossWatcher, ObstacleWatch, Ticket};

use crate::{
    audit::AuditEvent,
    rules::{Obstacle, QueuePlace, TicketContent, Waiter},
    words::{LockId, LockName, Timestamp},
};
use std::{os::fd::OwnedFd, time::Duration};

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
    /// Reads one name.
    type Reader<'s>: NameReader
    where
        Self: 's;
    /// Reads all names.
    type Listing<'s>: LockListing
    where
        Self: 's;
    /// Reads and changes one name.
    type Section<'s>: NameSection<Store = Self>
    where
        Self: 's;
    /// A place in a line, held by this process and whatever inherits it.
    type Ticket: Ticket;
    /// Something that ends when an obstacle may be gone.
    type ObstacleWatch: ObstacleWatch;
    /// Something that tells when what is held may be lost.
    type LossWatcher: LossWatcher;

    /// How long a command has to run before it is worth its cost to watch its locks for a loss.
    fn watch_after(&self) -> Duration;

    /// The time at which a record that is written now begins.
    fn now(&self) -> Timestamp;

    /// An id that no other acquisition has.
    ///
    /// # Errors
    /// When there is no randomness to make one of.
    fn new_id(&self) -> Result<LockId, LockStoreError>;

    /// Reads a name as it stands now.
    fn reader<'s>(&'s self, name: &'s LockName) -> Self::Reader<'s>;

    /// Reads all names as they stand now.
    fn listing(&self) -> Self::Listing<'_>;

    /// Reads and changes a name while no other process can: waits for another that does, at most a few seconds.
    ///
    /// A store that cannot keep others out calls `change` again when another process was faster, and what the earlier
    /// call did has not happened. So `change` must have no effect but through its section: what it finds out is
    /// returned, and the caller's tickets are given up after this returns.
    ///
    /// # Errors
    /// Those of `change`; [`LockStoreError::LatchBusy`] names the process that is in there for too long.
    fn within<R, E: From<LockStoreError>>(
        &self,
        name: &LockName,
        change: impl FnMut(&mut Self::Section<'_>) -> Result<R, E>,
    ) -> Result<R, E>;

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

    /// Makes tickets hold for as long as any process of the command that is about to start under them lives. On one machine
    /// the kernel does that, and there is nothing to do.
    ///
    /// # Errors
    /// When that cannot be had; then the command must not start.
    fn keep(&self, _tickets: &[&Self::Ticket]) -> Result<(), LockStoreError> {
        Ok(())
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

/// Whether a removal took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a removal that found something else changed nothing"]
pub enum RecordRemoveOutcome {
    /// It is gone.
    Done,
    /// Another record is there, and stays.
    Replaced,
}
