//! Tools with real interpreters, real processes and a real server.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where something is not as it must be"
)]

#[path = "run/execution.rs"]
mod execution;
#[path = "run/fixture.rs"]
mod fixture;
#[path = "run/http.rs"]
mod http;
