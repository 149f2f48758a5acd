use crate::{
    record::{RecordCorruption, UnsupportedRecordVersion},
    rules::WaitCycle,
    store::LockStoreError,
    words::{LockMode, LockName},
};
use std::{io, num::NonZeroU32, sync::Arc};

/// Says why an operation on a lock could not find out, or could not take effect.
#[derive(Debug, thiserror::Error)]
pub enum LockOperationError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] LockStoreError),
    /// A newer Lokt wrote the record.
    #[error("{what} {name:?}: {source}", name = name.as_str())]
    Newer {
        /// "lock" or "freeze".
        what: &'static str,
        /// The name.
        name: LockName,
        /// Its version.
        source: UnsupportedRecordVersion,
    },
    /// What stands in the record's place is no record.
    #[error("{what} {name:?} is corrupted: {flaw}", name = name.as_str(), flaw = corruption.flaw)]
    Corrupted {
        /// "lock" or "freeze".
        what: &'static str,
        /// The name.
        name: LockName,
        /// What is wrong with it.
        corruption: RecordCorruption,
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
    /// The name has another number of slots.
    #[error("lock {name:?} has {theirs} slots, not {asked}", name = name.as_str(), asked = slots_of(*asked))]
    OtherSlots {
        /// The name.
        name: LockName,
        /// What was asked for.
        asked: LockMode,
        /// The number that the holders, or earlier waiters, asked for.
        theirs: NonZeroU32,
    },
    /// What is waited for waits for what runs around the caller: that would never end.
    #[error("waiting for lock {name:?} would be a deadlock", name = name.as_str())]
    Deadlock {
        /// The name.
        name: LockName,
        /// The waits of the circle, from the caller back to the caller.
        cycle: WaitCycle,
    },
    /// One of several locks was taken away while the others were waited for.
    #[error("lock {name:?} was taken away while the others were waited for", name = name.as_str())]
    LostWhileWaiting {
        /// Which.
        name: LockName,
    },
    /// Waiting itself failed.
    #[error("cannot wait for a change")]
    Wait {
        /// What the kernel said.
        source: io::Error,
    },
}

fn slots_of(mode: LockMode) -> String {
    mode.slots().map_or_else(|| mode.to_string(), |slots| slots.to_string())
}
