#[cfg(doc)]
use super::NameReader;
use super::{Durability, LockStore, LockStoreError, RecordPutMode};
use crate::audit::AuditEvent;
use crate::reservation::{Reservation, ReservationEntry, ReservationId, WaitingReservation};
use std::{ffi::OsStr, os::fd::BorrowedFd};

/// Reads reservations, and the requests that wait for them.
pub trait ReservationReader {
    /// Whether the lifetime of a reservation has ended, as [`NameReader::is_over`] says it of a lock.
    fn is_over(&self, record: &Reservation) -> bool;

    /// Lists what stands in the places of records, in no particular order; costs time that grows with their number.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn reservations(&self) -> Result<Vec<ReservationEntry>, LockStoreError> {
        self.reservations_if(&|_| true)
    }

    /// Lists the reservations for which `is_wanted` is true, those whose lifetime has ended, and everything that is not
    /// a record. Several threads may call `is_wanted` at the same time.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn reservations_if(
        &self,
        is_wanted: &(dyn Fn(&Reservation) -> bool + Sync),
    ) -> Result<Vec<ReservationEntry>, LockStoreError>;

    /// Lists the live requests that wait, in the order in which they came.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn waiting(&self) -> Result<Vec<WaitingReservation>, LockStoreError>;
}

/// Keeps reservations, and the requests that wait for them.
///
/// Overlap is a matter between any two reservations, so there is one section for all of them: a decision and its record
/// are one step.
pub trait ReservationStore: LockStore {
    /// Reads reservations.
    type ReservationReader<'s>: ReservationReader
    where
        Self: 's;
    /// Reads and changes reservations.
    type ReservationSection<'s>: ReservationSection<Ticket = Self::ReservationTicket>
    where
        Self: 's;
    /// The place of a waiter. The place ends when this is dropped, also by the end of the process.
    type ReservationTicket;
    /// Something that ends when a reservation or a waiter may be gone.
    type ReservationWatch: ReservationWatch;

    /// Reads reservations as they stand now.
    fn reservation_reader(&self) -> Self::ReservationReader<'_>;

    /// Reads and changes reservations while no other process can, as [`LockStore::within`] does with a name.
    ///
    /// # Errors
    /// Those of `change`, and [`LockStoreError`] as for the section of a name.
    fn within_reservations<R, E: From<LockStoreError>>(
        &self,
        change: impl FnMut(&mut Self::ReservationSection<'_>) -> Result<R, E>,
    ) -> Result<R, E>;

    /// Starts watching all reservations and waiters.
    fn watch_reservations(&self) -> Self::ReservationWatch;
}

/// Reads and changes reservations while no other process can. It reads what it has changed.
pub trait ReservationSection: ReservationReader {
    /// The place of a waiter.
    type Ticket;

    /// Puts a record in its place, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    fn put(
        &mut self,
        record: &Reservation,
        put: RecordPutMode,
        durability: Durability,
    ) -> Result<(), LockStoreError>;

    /// Removes a record. One that is gone already is no error.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&mut self, id: &ReservationId, durability: Durability) -> Result<(), LockStoreError>;

    /// Removes whatever stands in a place, of which a [`ReservationEntry`] has the name.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn clear(&mut self, name: &OsStr) -> Result<(), LockStoreError>;

    /// Gives a request its place among those that wait.
    ///
    /// # Errors
    /// When it cannot be written; then it is not there.
    fn enqueue(&mut self, request: &WaitingReservation) -> Result<Self::Ticket, LockStoreError>;

    /// Takes the caller's request out of those that wait.
    fn withdraw(&mut self, ticket: &mut Self::Ticket);

    /// Writes to the audit log the event of a change that this section makes.
    ///
    /// # Errors
    /// When the log cannot be written.
    fn log(&mut self, event: &AuditEvent, durability: Durability) -> Result<(), LockStoreError>;
}

/// Tells when reservations or waiters may have changed.
pub trait ReservationWatch {
    /// Forgets what was reported so far. To be called before each look, so that no change after that look is missed.
    fn rearm(&mut self);

    /// Watches the ends of these processes, and of no others any more. To be called after each look.
    fn watch_processes(&mut self, pids: &[i32]);

    /// Descriptors that become readable at a change; none where changes cannot be watched.
    fn sources(&self) -> Vec<BorrowedFd<'_>>;
}
