//! Setting a repository up for agents, and taking that out again.
//!
//! * [`agent`]: the agents, and which files each of them reads.
//! * [`section`]: a section between marks in a text file. Pure.
//! * [`fenced_code`]: what of that text is an example. Pure.
//! * [`settings`]: a hook in a JSON file, put in and cut out without touching another byte. Pure.
//! * [`plan`]: what is to change, file by file, worked out before anything is written.
//! * [`project_file`]: reading a project's file so that no link leads out of the project.
//! * `permission`: whether a file may be replaced at all.
//! * [`mod@write`]: drafts of all, then every file put in its place by rename(2).
//! * [`diff`]: the changes as people read them.
//!
//! What was put in says by its own form what was there before, so no second file has to remember it, and
//! undoing works in every clone (`docs/decisions/0017-what-init-wrote-says-what-was-there.md`).

pub(crate) mod agent;
pub(crate) mod diff;
mod fenced_code;
mod permission;
pub(crate) mod plan;
mod project_file;
pub(crate) mod section;
mod settings;
pub(crate) mod write;
