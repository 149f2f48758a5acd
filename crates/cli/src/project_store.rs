//! The store of the locks and reservations of a root: the one place that names its kind.

use lokt_lock::{
    file::{FileLockStore, LockRoot},
    store::LockStore,
};
use std::path::Path;

/// The store that a command works with.
pub(crate) type ProjectStore = FileLockStore;

/// A place in a line of that store.
pub(crate) type ProjectTicket = <ProjectStore as LockStore>::Ticket;

/// Returns the store of a root. Nothing is made before something is put there.
pub(crate) fn store_of(root: &LockRoot) -> ProjectStore {
    FileLockStore::of(root)
}

/// Returns the store in a folder that is known to be a root.
pub(crate) fn store_at(folder: &Path) -> ProjectStore {
    FileLockStore::new(folder)
}
