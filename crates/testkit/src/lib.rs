//! Sandboxes and real processes for Lokt's tests.
//!
//! * [`Sandbox`]: a root for one test, and the program with a clean environment.
//! * [`Lokt`]: one call of the program.
//! * [`Running`]: a call that goes on, talked to by handshakes instead of sleeps.
//! * [`Injection`]: a fault at a chosen system call.
//!
//! Nothing here pretends: every process, signal, lock and file system is real. A handshake that does not
//! come within [`PATIENCE`] fails the test with all that the process said.

mod done;
mod hardship;
mod lokt;
mod running;
mod sandbox;
mod strace;
mod time;

pub use done::Done;
pub use lokt::Lokt;
pub use running::{PATIENCE, Running};
pub use sandbox::Sandbox;
pub use strace::{Fault, Injection};
pub use time::time;

/// A command that says that it is in, and ends when its standard input does.
pub const HOLD: [&str; 3] = ["sh", "-c", "echo in; read line; exit 0"];
