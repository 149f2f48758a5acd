//! Runs a command under a lock: spawns it, passes signals on, keeps the lock's announced life going, and
//! gives the command's end as its own.
//!
//! The room knows nothing of files or clusters: it takes a [`LockGrant`](crate::ops::LockGrant) and a
//! [store](crate::store::LockStore). What a signal leads to is a pure function ([`react`]); the loop around it
//! does nothing but wait, ask and act. No state is changed in signal context: signals are held back and
//! read from a descriptor.
//!
//! # Where the command runs
//! In the guard's process group, which is the caller's, as below flock(1), env(1) and nice(1): what is sent to the
//! group reaches both, a terminal treats both as one job, and a group that is killed is gone. A signal that was sent
//! to the guard alone is passed on to all of the command; [`arrivals`] finds out which of both it was.
//!
//! A command that has to be stopped gets SIGTERM process by process, wherever each went: the processes that
//! have the ticket open that the command inherited, and all their descendants. What is left when the time for
//! that is over is killed.
//!
//! # Limits
//! A process that closes inherited descriptors (sudo does) drops out of the lock's protection if its guard
//! is killed; if its parent has ended too, it gets no forwarded signals. One that starts while a signal is being
//! passed on may miss it.

mod arrivals;
mod child_process;
mod command_end;
mod command_processes;
mod fork;
mod guarded_command;
mod heartbeat;
mod held_locks_upkeep;
mod loss_detector;
mod replace;
mod signal_reaction;
mod signal_reader;
mod spawn_settings;
mod stop_sequence;
mod supervise;
mod supervision_policy;
mod work;

pub use command_end::CommandEnd;
use command_processes::CommandProcesses;
pub use guarded_command::{GuardedCommand, SpawnError};
pub use signal_reaction::{ReceivedSignalReach, SignalOrigin, SignalReaction, react};
pub use signal_reader::{ReceivedSignal, SignalReader};
pub use spawn_settings::SpawnSettings;
pub use supervise::{GuardError, GuardWarning, SupervisedLocks, SupervisionOutcome, supervise};
pub use supervision_policy::{GRACE, GuardStopCause, LockLossPolicy, SupervisionPolicy};
pub use work::{GuardedThreadWaitOutcome, await_work};
