//! The store of the locks and reservations of a project: a folder of this machine, or a cluster. The program chooses
//! between the two only here.
//!
//! * `root`: which of the two it is, as `LOKT_ROOT` says, and what a cluster does not have yet.
//! * `connect`: the connection to a cluster, with what the environment says of it.
//! * [`ProjectStore`] and the other types pass each call on to the store that was chosen.
//!
//! Nothing of a cluster is touched where the store is a folder.

mod change_watch;
mod connect;
mod reader;
mod reservations;
mod root;
mod section;
pub(crate) mod session_keeper;
mod store;
mod ticket;
mod watch;

pub(crate) use change_watch::ProjectChangeWatch;
pub(crate) use reservations::no_reservations;
pub(crate) use root::{ProjectRoot, RootVariable};
pub(crate) use store::{ProjectStore, files_at, files_of, store_of};
pub(crate) use ticket::ProjectTicket;
