use super::look;
use crate::{
    caller::Caller,
    record::RecordFile,
    store::{RecordKind, Store, StoreError},
};

/// What proves that a store is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Living processes alone: a record may have been copied from elsewhere.
    Processes,
    /// Records too: leases and freezes that stand, and what cannot be read.
    Records,
}

/// Whether anything in a store is held, waited for or frozen. The lease of a result holds nothing.
///
/// # Errors
/// [`StoreError`] where the store cannot be listed.
pub fn is_used<S: Store>(store: &S, caller: &Caller, proof: Proof) -> Result<bool, StoreError> {
    for name in store.lines()? {
        if store.line(&name)?.iter().any(|place| store.lives(&name, place)) {
            return Ok(true);
        }
    }
    if proof == Proof::Processes {
        return Ok(false);
    }
    let is_held = |name| {
        let sight = look(store, name, caller);
        match &sight.slot {
            RecordFile::Absent => false,
            RecordFile::Record(_) => sight.held().is_some_and(|record| record.result().is_none()),
            RecordFile::Newer(_) | RecordFile::Corrupted(_) | RecordFile::Unreadable(_) => true,
        }
    };
    let is_frozen = |name| match store.peek(name, RecordKind::Freeze) {
        RecordFile::Absent => false,
        RecordFile::Record(freeze) => !freeze.is_expired(store.now()),
        RecordFile::Newer(_) | RecordFile::Corrupted(_) | RecordFile::Unreadable(_) => true,
    };
    Ok(store.names(RecordKind::Lock)?.iter().any(is_held)
        || store.names(RecordKind::Freeze)?.iter().any(is_frozen))
}
