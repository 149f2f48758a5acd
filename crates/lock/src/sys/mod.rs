//! The rim to the kernel: processes, users, signals, and [opening files](nofollow) where no link may lead elsewhere.
//!
//! Everything here is a thin reading of one system call or one file below `/proc`; what follows from it
//! is decided in [`rules`](crate::rules).

mod ancestry;
mod child_state;
mod deliver;
mod dispositions;
mod group_observer;
pub mod home;
pub mod nofollow;
mod open_folders;
mod pidfd;
mod portions;
mod process;
mod quiet_thread;
mod random;
mod regular;
mod signal_number;
mod signals;
mod timed_flock;
mod umask;
mod user;

pub use ancestry::{AncestorProcess, ancestors};
pub(crate) use child_state::{
    ChildState, child_state, collect, collect_all_but, collect_stop, kill_child,
};
pub(crate) use deliver::{is_ignored, raise_through, send, send_to_group, stop_by};
pub(crate) use dispositions::{expect_children, ignores_children, prepare_for_spawn};
pub use dispositions::{remember, restore as restore_dispositions, set_dispositions};
pub(crate) use group_observer::GroupSignalObserver;
pub use open_folders::OpenFolderCache;
pub(crate) use pidfd::watch_exit;
pub use portions::{in_portions, in_portions_of};
pub use process::{
    FileId, ProcessTableVisibility, descendants, holders_of, is_stopped, may_signal, name_of,
    probe, process_table, start_of, writers_of,
};
pub(crate) use process::{
    Process, ProcessStat, here, openers_of, pending_signals, start_in_table, started_by,
};
pub(crate) use quiet_thread::quiet_thread;
pub use random::random_bytes;
pub use regular::{open_regular, open_regular_with, read_regular};
pub use signal_number::SignalNumber;
pub use signals::BlockedSignals;
pub(crate) use timed_flock::TIME_IS_UP;
pub use timed_flock::lock_within;
pub use umask::{keep_owner_bits, keep_owner_bits_of, make_folder};
pub(crate) use user::current as current_user;
