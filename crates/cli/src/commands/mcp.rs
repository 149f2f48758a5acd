use crate::{
    cli::Global,
    context::Context,
    exit::Code,
    failure::Failure,
    mcp::{Force, serve},
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
pub(crate) struct Mcp {
    /// Let the agent take away what is another's: `force_unlock` and `unfreeze`
    #[arg(long)]
    allow_force: bool,
    /// Work in this folder [default: the working folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Mcp {
    pub(crate) fn run(&self, global: &Global) -> Result<Code, Failure> {
        if let Some(folder) = &self.folder {
            std::env::set_current_dir(folder).map_err(|error| {
                let text = format!("cannot work in {}: {error}", folder.display());
                Failure::new(Code::Error, text)
            })?;
        }
        if io::stdin().is_terminal() {
            output::note("an agent's program starts this and talks to it; docs/mcp.md says how");
        }
        let force = if self.allow_force { Force::Allowed } else { Force::Absent };
        serve(Context::new(global)?, force)
    }
}
