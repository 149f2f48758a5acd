use crate::{
    record::{Corruption, UnsupportedVersion},
    store::StoreError,
    words::LockName,
};
use std::{io, sync::Arc};

/// Says why an operation on a lock could not find out, or could not take effect.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A newer Lokt wrote the record.
    #[error("{what} {name:?}: {source}", name = name.as_str())]
    Newer {
        /// "lock" or "freeze".
        what: &'static str,
        /// The name.
        name: LockName,
        /// Its version.
        source: UnsupportedVersion,
    },
    /// What stands in the record's place is no record.
    #[error("{what} {name:?} is corrupted: {flaw}", name = name.as_str(), flaw = corruption.flaw)]
    Corrupted {
        /// "lock" or "freeze".
        what: &'static str,
        /// The name.
        name: LockName,
        /// What is wrong with it.
        corruption: Corruption,
    },
    /// The record cannot be read.
    #[error("cannot read the record of {what} {name:?}", name = name.as_str())]
    Unreadable {
        /// "lock" or "freeze".
        what: &'static str,
        /// The name.
        name: LockName,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// Waiting itself failed.
    #[error("cannot wait for a change")]
    Wait {
        /// What the kernel said.
        source: io::Error,
    },
}
