//! The command `reservations`: a list, or with `--check` a question for scripts.

use crate::{context::CommandContext, exit::ExitCode, failure::CliFailure, output, view};
use clap::{Args, ValueHint};
use lokt_lock::{
    ops::{ReservationList, list_reservations},
    pattern::{Pattern, ProjectPath},
    project::{PathOrPatternArgument, argument},
    reservation::{Reservation, ReservationId, ReservationScope, WorktreeId, covering, is_own},
};
use std::{collections::HashSet, ffi::OsString};

/// Show which paths are reserved, by whom, and why
///
/// With paths, shows only the reservations that cover one of them.
#[derive(Args, Debug)]
pub(crate) struct ReservationsCommand {
    /// A path, or a glob in quotes; from the working folder
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<OsString>,
    /// Show only your own
    #[arg(long, conflicts_with = "check")]
    mine: bool,
    /// Exit with 2 if another's reservation covers one of the paths in this worktree
    #[arg(long, requires = "paths")]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ReservationsCommand {
    /// `--check` is [`ExitCode::Held`] for the first reservation of another that covers one of the
    /// paths and counts in this worktree. Records that cannot be read make any other answer a
    /// failure.
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let mut paths = Vec::new();
        let mut tree = None;
        if !self.paths.is_empty() {
            let project = context.project()?;
            for typed in &self.paths {
                paths.push(argument(&project, typed)?);
            }
            tree = project.worktree_id()?;
        }
        let list = list_reservations(&context.store, &context.caller)?;
        let is_listed = |it: &&Reservation| !self.mine || is_mine(context, it);
        let listed: Vec<&Reservation> = list.standing.iter().filter(is_listed).collect();
        let shown = if paths.is_empty() { listed } else { about(listed, &paths) };
        output::even_if_unread(self.print(context, &shown, &list))?;
        let is_anothers =
            |it: &&&Reservation| !is_mine(context, it) && counts_in(&it.scope, tree.as_ref());
        if let Some(another) = shown.iter().find(is_anothers).filter(|_| self.check) {
            let told = view::reservation::told(another, list.seen, "");
            let patterns = view::reservation::list(&another.patterns);
            output::note(&format!("{patterns} is {told}"));
            return Ok(ExitCode::Held);
        }
        report_faults(list)
    }

    /// Prints the list. An empty one is a note on a terminal, and no output for scripts.
    fn print(
        &self,
        context: &CommandContext,
        shown: &[&Reservation],
        list: &ReservationList,
    ) -> Result<(), CliFailure> {
        if self.json {
            let json = |it: &&Reservation| {
                serde_json::to_value(view::reservation::json(it, list, &context.caller))
            };
            let all: Result<Vec<_>, _> = shown.iter().map(json).collect();
            return output::json(&all.map_err(std::io::Error::from)?);
        }
        if !shown.is_empty() {
            let me = &context.caller.identity;
            return output::lines(view::reservation::table(shown, list, me).lines());
        }
        if output::is_for_people() {
            output::note("nothing is reserved");
        }
        Ok(())
    }
}

/// What cannot be read may be a reservation: that is said, and is the end of the command.
pub(super) fn report_faults(list: ReservationList) -> Result<ExitCode, CliFailure> {
    let mut failures: Vec<CliFailure> = list.faults.into_iter().map(CliFailure::from).collect();
    let Some(final_failure) = failures.pop() else { return Ok(ExitCode::Done) };
    for failure in failures {
        output::fail(&failure);
    }
    Err(final_failure)
}

/// Whether a reservation is the caller's.
fn is_mine(context: &CommandContext, record: &Reservation) -> bool {
    is_own(&context.caller.identity, &record.owner, record.agent_id.as_ref())
}

/// The reservations that cover what an argument means. A file is a path alone; a folder, and a glob, stand for all that
/// they cover.
fn about<'a>(
    all: Vec<&'a Reservation>,
    arguments: &[PathOrPatternArgument],
) -> Vec<&'a Reservation> {
    let is_file = |it: &&PathOrPatternArgument| matches!(it.path, Some((_, false)));
    let (files, others): (Vec<_>, Vec<_>) = arguments.iter().partition(is_file);
    let files = files.into_iter().flat_map(|it| &it.patterns).filter_map(Pattern::as_literal);
    let files: Vec<ProjectPath> = files.cloned().collect();
    let others: Vec<&Pattern> = others.into_iter().flat_map(|it| &it.patterns).collect();
    let covering = covering(all.iter().copied(), &files).concat();
    let ids: HashSet<&ReservationId> = covering.iter().map(|it| &it.id).collect();
    let overlaps = |it: &Reservation| {
        it.patterns.iter().any(|standing| others.iter().any(|asked| standing.overlaps(asked)))
    };
    let is_about = |it: &&Reservation| ids.contains(&it.id) || overlaps(it);
    all.into_iter().filter(is_about).collect()
}

/// The patterns that cover what an argument means. A file is a path alone; a folder, and a glob, stand for all that
/// they cover.
pub(super) fn covering_patterns<'a>(
    patterns: &'a [Pattern],
    argument: &'a PathOrPatternArgument,
) -> impl Iterator<Item = &'a Pattern> {
    let meets = |standing: &Pattern, asked: &Pattern| match (&argument.path, asked.as_literal()) {
        (Some((_, false)), Some(path)) => standing.covers(path),
        _ => standing.overlaps(asked),
    };
    patterns.iter().filter(move |it| argument.patterns.iter().any(|asked| meets(it, asked)))
}

/// Whether a scope counts in a worktree. One that has no id yet has no reservations of its scope.
pub(super) fn counts_in(scope: &ReservationScope, tree: Option<&WorktreeId>) -> bool {
    match (scope, tree) {
        (ReservationScope::Tree(theirs), Some(tree)) => theirs == tree,
        (ReservationScope::Tree(_), None) => false,
        _ => true,
    }
}
