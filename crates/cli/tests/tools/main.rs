//! Tools from key to lockfile: which run, and which are refused without running.

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
mod swapped_files;
mod tool_project;
mod trust;
mod under_locks;
