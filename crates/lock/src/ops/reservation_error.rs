use crate::{
    reservation::{ReservationRecordFlaw, ReservationWaitCycleLink, UnsupportedReservationVersion},
    store::LockStoreError,
};
use std::{io, sync::Arc};

/// Says why an operation on reservations could not find out, or could not take effect.
#[derive(Debug, thiserror::Error)]
pub enum ReservationError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] LockStoreError),
    /// A newer Lokt wrote a record.
    #[error("reservation {name:?}: {source}")]
    Newer {
        /// The name of its file.
        name: String,
        /// Its version.
        source: UnsupportedReservationVersion,
    },
    /// What stands in the place of a record is no record.
    #[error("reservation {name:?} is corrupted: {flaw}")]
    Corrupted {
        /// The name of its file.
        name: String,
        /// What is wrong with it.
        flaw: ReservationRecordFlaw,
    },
    /// A record cannot be read.
    #[error("cannot read reservation {name:?}")]
    Unreadable {
        /// The name of its file.
        name: String,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// The reservation is waited for by what it would wait for.
    #[error("waiting for the reservation would be a deadlock")]
    Deadlock {
        /// The waits of the circle.
        circle: Vec<ReservationWaitCycleLink>,
    },
    /// Waiting itself failed.
    #[error("cannot wait for a change")]
    Wait {
        /// What the kernel said.
        source: io::Error,
    },
}
