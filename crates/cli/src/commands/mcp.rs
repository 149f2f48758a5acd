use crate::{
    context::{Context, GlobalOptions},
    exit::ExitCode,
    failure::Failure,
    mcp::{ForcePermission, serve},
    output,
};
use clap::Args;
use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

/// Serve locks, results and tools to an agent (Model Context Protocol)
///
/// It speaks the protocol on stdin and stdout, and is started by the agent's program, which is configured
/// to do so. Each client is an agent of its own; the locks that it took for its connection are given back
/// when the connection ends.
#[derive(Args, Debug)]
pub(crate) struct McpCommand {
    /// Let the agent take away what is another's: `force_unlock` and `unfreeze`
    #[arg(long)]
    allow_force: bool,
    /// Work in this folder [default: the working folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl McpCommand {
    pub(crate) fn run(&self, global: &GlobalOptions) -> Result<ExitCode, Failure> {
        if let Some(folder) = &self.folder {
            std::env::set_current_dir(folder).map_err(|error| {
                let text = format!("cannot work in {}: {error}", folder.display());
                Failure::new(ExitCode::Error, text)
            })?;
        }
        if io::stdin().is_terminal() {
            output::note("an agent's program starts this and talks to it; docs/mcp.md says how");
        }
        let force =
            if self.allow_force { ForcePermission::Allowed } else { ForcePermission::Absent };
        serve(Context::new(global)?, force)
    }
}
