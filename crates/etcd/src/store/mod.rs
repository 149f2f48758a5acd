//! The store of locks at a cluster.
//!
//! A section is one transaction of the cluster: everything of a name is read at one revision, the operation decides with
//! the same rules as on one machine, and the changes are committed if what they rest on is as it was read. The order of
//! the waiters is that of the revisions that created their tickets.

mod audit;
mod changes;
mod commit;
mod etcd_store;
mod key_changes;
mod keys;
mod loss_watcher;
mod name_state;
mod obstacle_watch;
mod reader;
mod reservations;
mod section;
mod session;
mod ticket;

pub use etcd_store::{DEFAULT_TTL, EtcdLockStore, LEAST_TTL};
pub use loss_watcher::EtcdLossWatcher;
pub use obstacle_watch::EtcdObstacleWatch;
pub use reader::{EtcdLockListing, EtcdNameReader};
pub use reservations::{
    EtcdReservationReader, EtcdReservationSection, EtcdReservationTicket, EtcdReservationWatch,
};
pub use section::EtcdSection;
pub use ticket::EtcdTicket;
