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

use lokt_testkit::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}
