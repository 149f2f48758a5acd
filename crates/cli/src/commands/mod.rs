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
pub(crate) mod prime;
pub(crate) mod results;
mod sharing;
pub(crate) mod status;
mod status_file;
mod stream;
pub(crate) mod supervision;
mod timeline;
pub(crate) mod top;
pub(crate) mod unfreeze;
pub(crate) mod unlock;
pub(crate) mod version;
pub(crate) mod waiting;
pub(crate) mod why;

use crate::{
    cli::{Cli, LoktCommand},
    context::Context,
    exit::ExitCode,
    failure::Failure,
};

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli { global, command } = cli;
    let context = || Context::new(&global);
    match command {
        LoktCommand::Guard(it) => it.run(&context()?),
        LoktCommand::Lock(it) => it.run(&context()?),
        LoktCommand::Unlock(it) => it.run(&context()?),
        LoktCommand::Status(it) => it.run(&context()?),
        LoktCommand::Why(it) => it.run(&context()?, global.owner.clone()),
        LoktCommand::Exists(it) => it.run(&context()?),
        LoktCommand::GetMeta(it) => it.run(&context()?),
        LoktCommand::Fence(it) => it.run(&context()?),
        LoktCommand::Freeze(it) => it.run(&context()?),
        LoktCommand::Unfreeze(it) => it.run(&context()?),
        LoktCommand::Audit(it) => it.run(&context()?, global.owner.as_ref()),
        LoktCommand::Demo(it) => it.run(),
        LoktCommand::Top(it) => it.run(&context()?),
        LoktCommand::Doctor(it) => it.run(&context()?),
        LoktCommand::Once(it) => it.run(&context()?),
        LoktCommand::Results(it) => it.run(&context()?),
        LoktCommand::Prime(it) => it.run(&global),
        LoktCommand::Init(it) => it.run(),
        LoktCommand::Tool(it) => it.run(&global),
        LoktCommand::Key(it) => it.run(),
        LoktCommand::Mcp(it) => it.run(&global),
        LoktCommand::Completions(it) => it.run(),
        LoktCommand::Man(it) => it.run(),
        LoktCommand::Version(it) => it.run(),
    }
}
