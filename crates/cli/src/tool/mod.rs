//! The commands about tools, one file each.
//!
//! * [`list`], [`show`], [`resolve`]: what there is. [`diff`], [`verify`]: how it differs from its
//!   pins.
//! * [`sign`], [`lock`](mod@lock), [`prune`]: changing signatures and lockfiles. [`scope`]: the
//!   space of a lockfile.
//! * [`run`]: running a tool: its checks in the right order. [`tool_run`]: the run itself.
//!   [`guarded`]: its lock. [`shared`]: sharing its result. [`run_record`]: its event in the audit
//!   log.
//! * [`locations`]: where the spaces are.
//!
//! The rules (resolving, verifying, comparing) are in the library `lokt_tool`. Here they become
//! output and exit codes. A tool that is refused is [`ExitCode::NotVerified`], and nothing was
//! started.

mod diff;
mod guarded;
mod list;
mod locations;
mod lock;
mod prune;
mod resolve;
mod run;
mod run_record;
mod scope;
mod shared;
mod show;
mod sign;
mod tool_run;
mod verify;

pub(crate) use locations::{project_folder, system_spaces, user_space};

use crate::{
    context::{CommandWithOwnerOption, OwnerOption},
    exit::ExitCode,
    failure::CliFailure,
};
use clap::{Args, Subcommand};
use locations::ToolChainLocations;
use std::path::PathBuf;

/// Run signed tools exactly as they were pinned
///
/// A tool is a file below `.ai/tools/` of the project, or of the user's space. Its chain is the tool, the item
/// that runs it, the item that runs that, and so on. A lockfile pins the chain. If any part of it changed, or a
/// nearer item hides an element of it, nothing runs.
#[derive(Args, Debug)]
pub(crate) struct ToolCommand {
    #[command(flatten)]
    project: ProjectOption,
    #[command(subcommand)]
    command: ToolAction,
}

#[derive(Args, Debug)]
struct ProjectOption {
    /// The project's folder [default: the git work tree, else the working folder]
    #[arg(long = "project", global = true, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum ToolAction {
    List(list::ToolListCommand),
    Show(show::ToolShowCommand),
    Resolve(resolve::ToolResolveCommand),
    Lock(lock::ToolLockCommand),
    Verify(verify::ToolVerifyCommand),
    Diff(diff::ToolDiffCommand),
    Prune(prune::ToolPruneCommand),
    Run(CommandWithOwnerOption<run::ToolRunCommand>),
    Sign(sign::ToolSignCommand),
}

impl ToolCommand {
    /// The owner of an action that depends on one.
    pub(crate) fn owner(&mut self) -> Option<&mut OwnerOption> {
        match &mut self.command {
            ToolAction::Run(it) => Some(&mut it.acting),
            _ => None,
        }
    }

    /// Every failure of a command about one tool has the tool's id as a fact for `--json`.
    pub(crate) fn run(self) -> Result<ExitCode, CliFailure> {
        let place = ToolChainLocations::find(self.project.folder.as_deref())?;
        let id = self.command.item_id().map(str::to_owned);
        let outcome = match self.command {
            ToolAction::List(it) => it.run(&place),
            ToolAction::Show(it) => it.run(&place),
            ToolAction::Resolve(it) => it.run(&place),
            ToolAction::Lock(it) => it.run(&place),
            ToolAction::Verify(it) => it.run(&place),
            ToolAction::Diff(it) => it.run(&place),
            ToolAction::Prune(it) => it.run(&place),
            ToolAction::Run(it) => it.command.run(&place, &it.acting),
            ToolAction::Sign(it) => it.run(&place),
        };
        outcome.map_err(|failure| match id {
            Some(id) => failure.fact("item_id", id),
            None => failure,
        })
    }
}

impl ToolAction {
    /// The id of the tool, for a command about one.
    fn item_id(&self) -> Option<&str> {
        match self {
            Self::Show(it) => Some(&it.id),
            Self::Resolve(it) => Some(&it.id),
            Self::Lock(it) => Some(&it.id),
            Self::Diff(it) => Some(&it.id),
            Self::Run(it) => Some(&it.command.id),
            Self::List(_) | Self::Verify(_) | Self::Prune(_) | Self::Sign(_) => None,
        }
    }
}
