//! The results library of Lokt: a command that need not run again where nothing that matters has changed.
//!
//! A tour of the rooms, from the outside in:
//!
//! * [`manifest`]: all that a result depends on, as bytes; their digest is the result's key. Start here to
//!   understand when a command runs again.
//! * [`tree`]: the files of a project as git sees them, each with the digest of its content, read once and then
//!   known by their state.
//! * [`recording`]: what a command prints, while it runs: one writes, any number follow.
//! * [`results`]: what is kept of a command that has ended: streams, exit code, artifacts; checked by digest
//!   when read, bounded in size.
//! * [`digest`]: the one kind of digest that all of them use.
//!
//! Which caller may run the command is a matter of locks, and so of [`lokt_lock`]; this library never takes
//! one. It never prints, never ends the process, and reads nothing from the environment.

pub mod digest;
pub mod files;
pub mod manifest;
pub mod recording;
pub mod results;
pub mod tree;
