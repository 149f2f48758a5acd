//! The commands about tools, one file each.

mod diff;
mod guarded;
mod list;
mod lock;
mod place;
mod prune;
mod record;
mod resolve;
mod run;
mod running;
mod scope;
mod shared;
mod show;
mod sign;
mod verify;

pub(crate) use place::{project_folder, system_spaces, user_space};

use crate::{cli::Global, exit::Code, failure::Failure};
use clap::{Args, Subcommand};
use place::Place;
use std::path::PathBuf;

/// Run signed tools, exactly as they were pinned
///
/// A tool is a file below `.ai/tools/` of the project, or of the user's space. What runs it, and what runs
/// that, is its chain. A lockfile pins the chain; when anything of it changed, or an item that is nearer
/// hides an element of it, nothing runs.
#[derive(Args, Debug)]
pub(crate) struct Tool {
    #[command(flatten)]
    project: Project,
    #[command(subcommand)]
    command: ToolCommand,
}

#[derive(Args, Debug)]
struct Project {
    /// The project's folder [default: the git work tree, else the working folder]
    #[arg(long = "project", global = true, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum ToolCommand {
    List(list::List),
    Show(show::Show),
    Resolve(resolve::Resolve),
    Lock(lock::Lock),
    Verify(verify::Verify),
    Diff(diff::Diff),
    Prune(prune::Prune),
    Run(run::Run),
    Sign(sign::Sign),
}

impl Tool {
    pub(crate) fn run(self, global: &Global) -> Result<Code, Failure> {
        let place = Place::find(self.project.folder.as_deref())?;
        match self.command {
            ToolCommand::List(it) => it.run(&place),
            ToolCommand::Show(it) => it.run(&place),
            ToolCommand::Resolve(it) => it.run(&place),
            ToolCommand::Lock(it) => it.run(&place),
            ToolCommand::Verify(it) => it.run(&place),
            ToolCommand::Diff(it) => it.run(&place),
            ToolCommand::Prune(it) => it.run(&place),
            ToolCommand::Run(it) => it.run(&place, global),
            ToolCommand::Sign(it) => it.run(&place),
        }
    }
}
