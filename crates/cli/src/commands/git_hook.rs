use crate::{
    context::CommandContext,
    exit::ExitCode,
    failure::CliFailure,
    git_hook::{
        changed_paths::changed_paths,
        check::{CommitCheck, CommitterKind},
        hook::GitHook,
        report,
    },
    output,
};
use clap::Args;
use lokt_lock::ops::{ReservationList, list_reservations};
use std::ffi::OsString;

/// Refuse a commit of files that another has reserved; for git's hooks
///
/// `lokt init --git-hook` puts it into the hooks of the repository. It reads the index that git is about to commit, and
/// changes nothing. If it cannot find out what is reserved, it refuses the commit.
#[derive(Args, Debug)]
pub(crate) struct GitHookCommand {
    /// The hook that git runs
    #[arg(value_name = "HOOK")]
    hook: GitHook,
    /// What a manager of hooks adds; it is ignored
    #[arg(
        value_name = "ARGUMENT",
        hide = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    ignored: Vec<OsString>,
}

impl GitHookCommand {
    /// Refuses the commit by its exit code: 2 if another has reserved a file of it, and another one if that
    /// is unknown.
    pub(crate) fn run(&self) -> Result<ExitCode, CliFailure> {
        check().map_err(|failure| match failure.code {
            ExitCode::Held => failure,
            _ => report::unchecked(self.hook, failure),
        })
    }
}

/// Reads what is reserved and, if any of it is another's, what the commit changes.
fn check() -> Result<ExitCode, CliFailure> {
    let context = CommandContext::to_read()?;
    let project = context.project()?;
    let tree = project.worktree_id()?;
    let mut list = list_reservations(&context.store, &context.caller)?;
    require_readable(&mut list)?;
    let check = CommitCheck {
        standing: &list.standing,
        committer: &context.caller.identity,
        kind: CommitterKind::of(&context.caller.agent_source),
        tree: tree.as_ref(),
    };
    if !check.is_needed() {
        return Ok(ExitCode::Done);
    }
    let changes = changed_paths(&project.root).map_err(|error| report::failed(&error))?;
    let outcome = check.decide(&changes.paths);
    report::warn(&outcome.tolerated, list.seen);
    if outcome.refused.is_empty() {
        return Ok(ExitCode::Done);
    }
    Err(report::refused(&changes, &outcome.refused, list.seen))
}

/// What cannot be read may be a reservation of any file.
fn require_readable(list: &mut ReservationList) -> Result<(), CliFailure> {
    let mut failures: Vec<CliFailure> = list.faults.drain(..).map(CliFailure::from).collect();
    let Some(cause) = failures.pop() else { return Ok(()) };
    for failure in failures {
        output::fail(&failure);
    }
    Err(cause)
}
