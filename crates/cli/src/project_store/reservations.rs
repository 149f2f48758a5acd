//! Reservations of either store. A cluster has none yet: each call says so, and none is answered as if nothing were
//! reserved.

use super::store::ProjectStore;
use lokt_lock::{
    audit::AuditEvent,
    file::{FileLockStore, FileReservationReader, FileReservationWatch, ReservationTicket},
    reservation::{Reservation, ReservationEntry, ReservationId, WaitingReservation},
    store::{
        Durability, LockStoreError, RecordPutMode, ReservationReader, ReservationSection,
        ReservationStore, ReservationWatch,
    },
};
use std::{ffi::OsStr, os::fd::BorrowedFd};

/// What a cluster answers to each question about reservations.
#[derive(Debug, thiserror::Error)]
#[error("reservations on a cluster are not supported yet; use a local root for them")]
struct NoReservations;

/// The error of each question about reservations on a cluster.
pub(crate) fn no_reservations() -> LockStoreError {
    LockStoreError::remote(NoReservations)
}

/// The section of the reservations of a folder. It is a trait object because its own lifetime is shorter than that of
/// the reference that the store gives.
type FilesSection<'s> = dyn ReservationSection<Ticket = ReservationTicket> + 's;

/// Reads the reservations of either store.
pub(crate) enum ProjectReservationReader<'s> {
    Files(FileReservationReader<'s>),
    Cluster,
}

impl ReservationReader for ProjectReservationReader<'_> {
    fn is_over(&self, record: &Reservation) -> bool {
        match self {
            Self::Files(it) => it.is_over(record),
            // A cluster gives no reservation to ask about.
            Self::Cluster => false,
        }
    }

    fn reservations_if(
        &self,
        is_wanted: &(dyn Fn(&Reservation) -> bool + Sync),
    ) -> Result<Vec<ReservationEntry>, LockStoreError> {
        match self {
            Self::Files(it) => it.reservations_if(is_wanted),
            Self::Cluster => Err(no_reservations()),
        }
    }

    fn waiting(&self) -> Result<Vec<WaitingReservation>, LockStoreError> {
        match self {
            Self::Files(it) => it.waiting(),
            Self::Cluster => Err(no_reservations()),
        }
    }
}

/// Reads and changes reservations of a folder: on a cluster, there is no section of them.
pub(crate) struct ProjectReservationSection<'s>(&'s mut FilesSection<'s>);

impl ReservationReader for ProjectReservationSection<'_> {
    fn is_over(&self, record: &Reservation) -> bool {
        self.0.is_over(record)
    }

    fn reservations_if(
        &self,
        is_wanted: &(dyn Fn(&Reservation) -> bool + Sync),
    ) -> Result<Vec<ReservationEntry>, LockStoreError> {
        self.0.reservations_if(is_wanted)
    }

    fn waiting(&self) -> Result<Vec<WaitingReservation>, LockStoreError> {
        self.0.waiting()
    }
}

impl ReservationSection for ProjectReservationSection<'_> {
    type Ticket = ReservationTicket;

    fn put(
        &mut self,
        record: &Reservation,
        put: RecordPutMode,
        durability: Durability,
    ) -> Result<(), LockStoreError> {
        self.0.put(record, put, durability)
    }

    fn remove(&mut self, id: &ReservationId, durability: Durability) -> Result<(), LockStoreError> {
        self.0.remove(id, durability)
    }

    fn clear(&mut self, name: &OsStr) -> Result<(), LockStoreError> {
        self.0.clear(name)
    }

    fn enqueue(
        &mut self,
        request: &WaitingReservation,
    ) -> Result<ReservationTicket, LockStoreError> {
        self.0.enqueue(request)
    }

    fn withdraw(&mut self, ticket: &mut ReservationTicket) {
        self.0.withdraw(ticket);
    }

    fn log(&mut self, event: &AuditEvent, durability: Durability) -> Result<(), LockStoreError> {
        self.0.log(event, durability)
    }
}

/// Watches the reservations of either store.
pub(crate) enum ProjectReservationWatch {
    Files(FileReservationWatch),
    Cluster,
}

impl ReservationWatch for ProjectReservationWatch {
    fn rearm(&mut self) {
        if let Self::Files(it) = self {
            it.rearm();
        }
    }

    fn watch_processes(&mut self, pids: &[i32]) {
        if let Self::Files(it) = self {
            it.watch_processes(pids);
        }
    }

    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Self::Files(it) => it.sources(),
            Self::Cluster => Vec::new(),
        }
    }
}

impl ReservationStore for ProjectStore {
    type ReservationReader<'s> = ProjectReservationReader<'s>;
    type ReservationSection<'s> = ProjectReservationSection<'s>;
    type ReservationTicket = <FileLockStore as ReservationStore>::ReservationTicket;
    type ReservationWatch = ProjectReservationWatch;

    fn reservation_reader(&self) -> ProjectReservationReader<'_> {
        match self {
            Self::Files(it) => ProjectReservationReader::Files(it.reservation_reader()),
            Self::Cluster(_) => ProjectReservationReader::Cluster,
        }
    }

    fn within_reservations<R, E: From<LockStoreError>>(
        &self,
        mut change: impl FnMut(&mut ProjectReservationSection<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        match self {
            Self::Files(it) => {
                it.within_reservations(|section| change(&mut ProjectReservationSection(section)))
            }
            Self::Cluster(_) => Err(no_reservations().into()),
        }
    }

    fn watch_reservations(&self) -> ProjectReservationWatch {
        match self {
            Self::Files(it) => ProjectReservationWatch::Files(it.watch_reservations()),
            Self::Cluster(_) => ProjectReservationWatch::Cluster,
        }
    }
}
