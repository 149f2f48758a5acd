//! `lokt mcp`: the official clients, and clients that break the protocol.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

mod client;
mod clients;
mod damaged_lines;
mod documented;
mod endings;
mod fences;
mod identity;
mod malformed;
mod next;
mod pinned;
mod printable;
mod reserve;
mod size;

use lokt_testkit::{PATIENCE, Sandbox};
use std::{thread, time::Instant};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Retries until a condition is true.
#[track_caller]
fn eventually(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it is not so in time");
        thread::yield_now();
    }
}
