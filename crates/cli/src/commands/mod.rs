//! The commands, one file each: its arguments, and what it does with them.
//!
//! A command reads the state, acts through [`lokt_lock::ops`], builds a [view](crate::view) and gives a code. It
//! prints through [`output`](crate::output) alone and never ends the process.
//!
//! Its `run` takes the arguments and a [`CommandContext`](crate::context::CommandContext), and
//! returns an exit code or a [`CliFailure`](crate::failure::CliFailure). `cli.rs` calls it and
//! `main.rs` prints the failure. A refusal by another's lock is a failure too; `denial` makes it.

pub(crate) mod audit;
pub(crate) mod capabilities;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod exists;
pub(crate) mod fence;
pub(crate) mod freeze;
pub(crate) mod get_meta;
pub(crate) mod git_hook;
pub(crate) mod guard;
pub(crate) mod hold;
pub(crate) mod hook;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod lock;
pub(crate) mod man;
pub(crate) mod mcp;
pub(crate) mod prime;
pub(crate) mod reservations;
pub(crate) mod reserve;
pub(crate) mod results;
pub(crate) mod status;
mod timeline;
pub(crate) mod top;
pub(crate) mod unfreeze;
pub(crate) mod unlock;
pub(crate) mod unreserve;
pub(crate) mod version;
pub(crate) mod wait;
pub(crate) mod whoami;
mod whoami_holdings;
pub(crate) mod why;
mod why_path;
