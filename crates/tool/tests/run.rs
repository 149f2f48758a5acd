//! Tools as they run: real interpreters, real processes, a real server.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where something is not as it must be"
)]

#[path = "run/bench.rs"]
mod bench;
#[path = "run/exchange.rs"]
mod exchange;
#[path = "run/execution.rs"]
mod execution;
