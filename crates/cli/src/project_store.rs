//! The store of the locks and reservations of a root. The program names the kind of store only here.

use lokt_lock::{
    file::{FileLockStore, LockRoot},
    store::LockStore,
};
use std::path::Path;

/// The store that a command works with.
pub(crate) type ProjectStore = FileLockStore;

/// A place in a queue of that store.
pub(crate) type ProjectTicket = <ProjectStore as LockStore>::Ticket;

/// Returns the store of a root. Creates nothing until a command stores something.
pub(crate) fn store_of(root: &LockRoot) -> ProjectStore {
    FileLockStore::of(root)
}

/// Returns the store in a folder that is known to be a root.
pub(crate) fn store_at(folder: &Path) -> ProjectStore {
    FileLockStore::new(folder)
}
