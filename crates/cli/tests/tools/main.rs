//! Tools from key to lockfile: what runs, what is refused, and that nothing runs then.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

mod drift;
mod guarded;
mod lifecycle;
mod parameters;
mod pins;
mod refusals;
mod search_paths;
mod swapped;
mod together;
mod trust;
mod workshop;
