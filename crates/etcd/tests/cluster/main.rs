//! The client against real clusters of etcd.
//!
//! * [`fixture`]: clients, and short forms of what many tests do.
//! * [`keys`]: reading and committing. [`leases`] and [`keep_alives`]: leases. [`watches`]: watches.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must stop, and say where"
)]

mod fixture;
mod keep_alives;
mod keys;
mod leases;
mod watches;
