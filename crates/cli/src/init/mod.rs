//! Setting a repository up for agents, and undoing it.
//!
//! * [`agent`]: the agents, and which files each of them reads.
//! * [`section`]: a section between markers in a text file. Pure.
//! * [`fenced_code`]: the parts of that text that are examples. Pure.
//! * [`hooks_file`]: the hooks that each harness gets. [`settings`]: hooks in a JSON file, inserted and removed without
//!   touching another byte. [`opencode_plugin`]: a plugin in their place. Pure. [`harness_hooks`]: their part of the
//!   plan.
//! * [`codex`]: a path in Codex's configuration, in the same way. Pure. [`codex_sandbox`]: which path, in which file.
//! * [`git_hooks`]: the hooks of git; [`hook_manager`]: what else manages them; [`hook_script`]: the check in a script.
//!   Pure, but for the first.
//! * [`plan`]: the changes, file by file, computed before anything is written.
//! * [`project_file`]: reading a project's file so that no link leads out of the project.
//! * `permission`: whether a file may be replaced at all.
//! * [`mod@write`]: drafts of all, then every file put in its place by rename(2).
//! * [`diff`]: the changes as people read them.
//!
//! The form of the inserted text shows what was there before. So no second file has to record it, and
//! undoing works in every clone (`docs/decisions/0017-what-init-wrote-says-what-was-there.md`).

pub(crate) mod agent;
mod codex;
pub(crate) mod codex_sandbox;
pub(crate) mod diff;
mod fenced_code;
pub(crate) mod git_hooks;
mod harness_hooks;
mod hook_manager;
mod hook_script;
pub(crate) mod hooks_file;
mod opencode_plugin;
mod permission;
pub(crate) mod plan;
mod project_file;
pub(crate) mod section;
mod settings;
pub(crate) mod write;
