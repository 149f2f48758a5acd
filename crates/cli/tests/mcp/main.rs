//! `lokt mcp`, as the official clients use it, and as nobody should.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

mod clients;
mod endings;
mod line;
mod malformed;

use lokt_testkit::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}
