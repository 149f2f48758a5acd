//! The client against real clusters of etcd.
//!
//! * [`fixture`]: clients, and short forms of what many tests do.
//! * [`keys`]: reading and committing. [`leases`] and [`keep_alives`]: leases. [`watches`]: watches.
//! * [`unreachable`], [`tls`], [`refusals`], [`lost_answers`]: how calls fail. [`members`]: the state of the cluster.
//! * [`process`]: what the client does to the process that it is in.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must stop, and say where"
)]

mod fixture;
mod keep_alives;
mod keys;
mod leases;
mod lost_answers;
mod members;
mod process;
mod refusals;
mod tls;
mod unreachable;
mod watches;
