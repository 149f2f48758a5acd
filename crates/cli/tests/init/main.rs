//! `init`: the files that it adds to a project, that a second run changes nothing, and that undoing restores
//! every byte.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]
#![expect(clippy::panic, reason = "a helper of tests may fail the test that uses it")]

mod agents;
mod codex;
mod git_hooks;
mod harness_hooks;
mod kills;
mod project;
mod prompts;
mod refusals;
mod undo;
