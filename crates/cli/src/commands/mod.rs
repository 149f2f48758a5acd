//! The commands, one file each: its arguments, and what it does with them.
//!
//! A command finds out, acts through [`lokt_lock::ops`], builds a [view](crate::view) and gives a code. It
//! prints through [`output`](crate::output) alone and never ends the process.

pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod exists;
pub(crate) mod fence;
pub(crate) mod freeze;
pub(crate) mod get_meta;
pub(crate) mod guard;
pub(crate) mod held;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod lock;
pub(crate) mod man;
pub(crate) mod mcp;
pub(crate) mod nesting;
pub(crate) mod orders;
pub(crate) mod prime;
pub(crate) mod results;
mod sharing;
pub(crate) mod status;
mod status_file;
mod stream;
mod timeline;
pub(crate) mod top;
pub(crate) mod unfreeze;
pub(crate) mod unlock;
pub(crate) mod version;
pub(crate) mod waiting;
pub(crate) mod why;

use crate::{
    cli::{Cli, Command},
    context::Context,
    exit::Code,
    failure::Failure,
};

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> Result<Code, Failure> {
    let Cli { global, command } = cli;
    let context = || Context::new(&global);
    match command {
        Command::Guard(it) => it.run(&context()?),
        Command::Lock(it) => it.run(&context()?),
        Command::Unlock(it) => it.run(&context()?),
        Command::Status(it) => it.run(&context()?),
        Command::Why(it) => it.run(&context()?, global.owner.clone()),
        Command::Exists(it) => it.run(&context()?),
        Command::GetMeta(it) => it.run(&context()?),
        Command::Fence(it) => it.run(&context()?),
        Command::Freeze(it) => it.run(&context()?),
        Command::Unfreeze(it) => it.run(&context()?),
        Command::Audit(it) => it.run(&context()?, global.owner.as_ref()),
        Command::Demo(it) => it.run(),
        Command::Top(it) => it.run(&context()?),
        Command::Doctor(it) => it.run(&context()?),
        Command::Once(it) => it.run(&context()?),
        Command::Results(it) => it.run(&context()?),
        Command::Prime(it) => it.run(&global),
        Command::Init(it) => it.run(),
        Command::Tool(it) => it.run(&global),
        Command::Key(it) => it.run(),
        Command::Mcp(it) => it.run(&global),
        Command::Completions(it) => it.run(),
        Command::Man(it) => it.run(),
        Command::Version(it) => it.run(),
    }
}
