//! Runs a command under a lock: spawns it, passes signals on, keeps the lock's announced life going, and
//! gives the command's end as its own.
//!
//! The room knows nothing of files or clusters: it takes a [`Grant`](crate::ops::Grant) and a
//! [store](crate::store::Store). What a signal leads to is a pure function ([`react`]); the loop around it
//! does nothing but wait, ask and act. No state is changed in signal context: signals are held back and
//! read from a descriptor.
//!
//! # Where the command runs
//! With a controlling terminal the command stays in the guard's process group, so that the terminal
//! treats both as one job: Ctrl-C, Ctrl-Z, `fg`, editors and pagers work as without a guard. Without one
//! it gets a group of its own, and every signal that the guard gets is sent to that group.
//!
//! A command that has to be stopped is told so in its group, like any signal: a supervisor in there passes it
//! on. What is left when the time for that is over is killed wherever it went, by the ticket that it inherited.
//!
//! # Limits
//! A process that closes inherited descriptors (sudo does) drops out of the lock's protection if its guard
//! is killed. Without a terminal, a process that leaves the command's group gets no forwarded signals.

mod child;
mod command;
mod crew;
mod ending;
mod orders;
mod pulse;
mod reaction;
mod seat;
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
pub use reaction::{Origin, Reaction, react};
pub use seat::Seat;
pub use setting::Setting;
pub use signals::{Received, Signals};
pub use supervise::{Finish, GuardError, Trouble, Watchers, supervise};
pub use work::{Waited, await_work};
