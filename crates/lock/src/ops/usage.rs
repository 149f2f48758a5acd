use super::snapshot::look_with;
use crate::{
    caller::Caller,
    record::RecordSlot,
    store::{LockListing, LockRecordKind, LockStore, LockStoreError, NameReader},
};

/// What proves that a store is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreUsageEvidence {
    /// Living processes alone: a record may have been copied from elsewhere.
    Processes,
    /// Records too: leases and freezes that stand, and what cannot be read.
    Records,
}

/// Whether anything in a store is held, waited for or frozen. The lease of a result holds nothing.
///
/// # Errors
/// [`LockStoreError`] where the store cannot be listed.
pub fn is_used<S: LockStore>(
    store: &S,
    caller: &Caller,
    proof: StoreUsageEvidence,
) -> Result<bool, LockStoreError> {
    let listing = store.listing();
    for name in listing.lines()? {
        let reader = listing.reader(&name);
        if reader.line()?.iter().any(|place| reader.lives(place)) {
            return Ok(true);
        }
    }
    if proof == StoreUsageEvidence::Processes {
        return Ok(false);
    }
    let is_held = |name| {
        let sight = look_with(&listing.reader(name), caller);
        match &sight.slot {
            RecordSlot::Absent => false,
            RecordSlot::Record(_) => sight.held().is_some_and(|record| record.result().is_none()),
            RecordSlot::Newer(_) | RecordSlot::Corrupted(_) | RecordSlot::Unreadable(_) => true,
        }
    };
    let is_frozen = |name| {
        let reader = listing.reader(name);
        match reader.slot(LockRecordKind::Freeze) {
            RecordSlot::Absent => false,
            RecordSlot::Record(freeze) => !reader.is_over(&freeze),
            RecordSlot::Newer(_) | RecordSlot::Corrupted(_) | RecordSlot::Unreadable(_) => true,
        }
    };
    Ok(listing.names(LockRecordKind::Lock)?.iter().any(is_held)
        || listing.names(LockRecordKind::Freeze)?.iter().any(is_frozen))
}
