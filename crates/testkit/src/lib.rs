//! Sandboxes and real processes for Lokt's tests.
//!
//! * [`Sandbox`]: a root for one test, and the program with a clean environment.
//! * [`Lokt`]: one call of the program.
//! * [`Running`]: a call that runs; tests wait for its output instead of sleeping.
//! * [`Injection`]: a fault at a chosen system call.
//! * [`TestCluster`]: a real cluster of etcd, whose members a test can kill and stop. [`LossyProxy`]: loses answers.
//!
//! There are no mocks: every process, signal, lock and file system is real. A wait that takes longer than
//! [`PATIENCE`] fails the test, and prints the output of the process and the states of all
//! processes below it.

mod cluster;
mod done;
mod eventually;
mod lokt;
mod process_states;
mod running;
mod sandbox;
mod special_calls;
mod strace;
mod time;

pub use cluster::{
    LossyProxy, ROOT_ACCOUNT, TestCertificates, TestCluster, TestClusterOptions, TestTls,
};
pub use done::Done;
pub use eventually::eventually;
pub use lokt::Lokt;
pub use running::{PATIENCE, Running};
pub use sandbox::Sandbox;
pub use strace::{Fault, Injection};
pub use time::time;

/// A command that prints `in`, and ends when its standard input does.
pub const HOLD: [&str; 3] = ["sh", "-c", "echo in; read line; exit 0"];
