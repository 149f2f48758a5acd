//! `init`: what it puts into a project, that it does so once, and that undoing gives every byte back.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]
#![expect(clippy::panic, reason = "a helper of tests may fail the test that uses it")]

mod agents;
mod asking;
mod killed;
mod project;
mod refusals;
mod undo;
