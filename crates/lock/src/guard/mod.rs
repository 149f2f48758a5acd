//! Runs a command under a lock: spawns it, passes signals on, keeps the lock's announced life going, and
//! gives the command's end as its own.
//!
//! The room knows nothing of files or clusters: it takes a [`Grant`](crate::ops::Grant) and a
//! [store](crate::store::Store). What a signal leads to is a pure function ([`react`]); the loop around it
//! does nothing but wait, ask and act. No state is changed in signal context: signals are held back and
//! read from a descriptor.
//!
//! # Where the command runs
//! In the guard's process group, which is the caller's, as below flock(1), env(1) and nice(1): what is sent to the
//! group reaches both, a terminal treats both as one job, and a group that is killed is gone. A signal that was sent
//! to the guard alone is passed on to all of the command; [`arrivals`] finds out which of both it was.
//!
//! A command that has to be stopped is told so process by process, wherever each went: who has the ticket open that
//! the command inherited, and all that descend from these. What is left when the time for that is over is killed.
//!
//! # Limits
//! A process that closes inherited descriptors (sudo does) drops out of the lock's protection if its guard
//! is killed; if its parent has ended too, it gets no forwarded signals. One that starts while a signal is being
//! passed on may miss it.

mod arrivals;
mod child;
mod command;
mod crew;
mod ending;
mod fork;
mod orders;
mod pulse;
mod reaction;
mod replace;
mod setting;
mod signals;
mod stopping;
mod supervise;
mod vigilance;
mod watch;
mod work;

pub use command::{Command, SpawnError};
use crew::Crew;
pub use ending::Ending;
pub use orders::{Cause, GRACE, OnLost, Orders};
pub use reaction::{Origin, Reach, Reaction, react};
pub use setting::Setting;
pub use signals::{Received, Signals};
pub use supervise::{Finish, GuardError, Trouble, Watchers, supervise};
pub use work::{Waited, await_work};
