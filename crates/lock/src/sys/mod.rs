//! The rim to the kernel that is not files: processes, users, signals.
//!
//! Everything here is a thin reading of one system call or one file below `/proc`; what follows from it
//! is decided in [`rules`](crate::rules).

mod caller;
mod dispositions;
mod pidfd;
mod portions;
mod process;
mod quiet_thread;
mod random;
mod signals;
mod timed_flock;
mod user;

pub use caller::Caller;
pub(crate) use dispositions::{expect_children, is_ignored};
pub(crate) use pidfd::watch_exit;
pub use portions::{in_portions, in_portions_of};
pub(crate) use process::{
    FileId, group, has, is_running, started_by, tree_in_group, writers_of, writes_any,
};
pub use process::{descendants, holders_of, is_stopped, may_signal, name_of, probe, start_of};
pub(crate) use quiet_thread::quiet_thread;
pub(crate) use random::random_bytes;
pub use signals::BlockedSignals;
pub(crate) use timed_flock::lock_within;
