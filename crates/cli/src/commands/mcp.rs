//! The command `mcp`: arguments of the server, which is in the room [`mcp`](crate::mcp).

use crate::{
    context::CommandContext,
    exit::ExitCode,
    failure::CliFailure,
    mcp::{McpForcePermission, serve},
    output,
};
use clap::Args;
use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

/// Serve locks, results and tools to an agent (Model Context Protocol)
///
/// Speaks the protocol on stdin and stdout. The agent's program starts it, if you configure it to. If that program
/// names its session, the server and the agent's shell commands are one caller; else each connection is a caller.
/// Locks that it took for its connection are unlocked when the connection ends.
#[derive(Args, Debug)]
pub(crate) struct McpCommand {
    /// Let the agent break locks and freezes of others: `force_unlock` and `unfreeze`
    #[arg(long)]
    allow_force: bool,
    /// Work in this folder [default: the working folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl McpCommand {
    /// Serves until the client closes stdin. `context` is made after the folder was changed,
    /// because it finds the root from the working folder.
    pub(crate) fn run(
        &self,
        context: impl FnOnce() -> Result<CommandContext, CliFailure>,
    ) -> Result<ExitCode, CliFailure> {
        if let Some(folder) = &self.folder {
            std::env::set_current_dir(folder).map_err(|error| {
                let text = format!("cannot work in {}: {error}", folder.display());
                CliFailure::new(ExitCode::Error, text)
            })?;
        }
        if io::stdin().is_terminal() {
            output::note(
                "an agent's program starts this and talks to it; `lokt init --mcp` adds it to a project's list of servers",
            );
        }
        let force =
            if self.allow_force { McpForcePermission::Allowed } else { McpForcePermission::Absent };
        serve(context()?, force)
    }
}
