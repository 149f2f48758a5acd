//! Whose files a call of git would change that are not committed. The only place here that runs a program.

use super::{DiscardingGitCall, UncommittedFileKind};
use crate::{
    failure::CliFailure,
    git_question::{GitQuestion, PathspecKind},
    view,
};
use lokt_lock::{
    caller::Caller,
    file::FileLockStore,
    ops::list_reservations,
    pattern::ProjectPath,
    project::{ProjectSearchInputs, ProjectWorkingFolder},
    reservation::{Reservation, ReservationScope, WorktreeId, covering, is_own},
    words::Timestamp,
};
use std::{
    ffi::OsStr,
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// How long git may take in all.
const PATIENCE: Duration = Duration::from_millis(600);
/// The most files that a text names.
const MOST_FILES: usize = 10;

/// The text of a denial, if a call would change files that are not committed and that another has reserved in its
/// worktree; `folder` is where the line runs.
///
/// Git runs only if another has reserved anything there. What it does not answer in time counts as nothing.
///
/// # Errors
/// [`CliFailure`] where the reservations cannot be read.
pub(crate) fn denial(
    call: &DiscardingGitCall,
    folder: &Path,
    store: &FileLockStore,
    caller: &Caller,
) -> Result<Option<String>, CliFailure> {
    let from = call.folder.as_deref().unwrap_or(folder);
    let Ok(from) = fs::canonicalize(from) else { return Ok(None) };
    let Some(top) = lokt_lock::file::work_tree(&from) else { return Ok(None) };
    let inputs = ProjectSearchInputs { folder: top, ..ProjectSearchInputs::default() };
    let project = ProjectWorkingFolder::find(&inputs)?;
    let tree = project.worktree_id()?;
    let list = list_reservations(store, caller)?;
    let is_anothers = |it: &&Reservation| {
        counts_in(it, tree.as_ref()) && !is_own(&caller.identity, &it.owner, it.agent_id.as_ref())
    };
    let others: Vec<&Reservation> = list.standing.iter().filter(is_anothers).collect();
    if others.is_empty() {
        return Ok(None);
    }
    let from = if call.folder.is_some() { from } else { project.root };
    let changed = changed_files(call, &from).unwrap_or_default();
    let found = covering(others, &changed);
    let reserved: Vec<(&ProjectPath, &Reservation)> = changed
        .iter()
        .zip(&found)
        .filter_map(|(path, found)| Some((path, *found.first()?)))
        .collect();
    Ok((!reserved.is_empty()).then(|| text(call, &reserved, list.seen)))
}

/// Whether a reservation counts in a worktree. One that has no id yet has no reservations of its scope.
fn counts_in(record: &Reservation, tree: Option<&WorktreeId>) -> bool {
    match (&record.scope, tree) {
        (ReservationScope::Tree(theirs), Some(tree)) => theirs == tree,
        (ReservationScope::Tree(_), None) => false,
        _ => true,
    }
}

/// What a model reads.
fn text(
    call: &DiscardingGitCall,
    reserved: &[(&ProjectPath, &Reservation)],
    seen: Timestamp,
) -> String {
    let line = |(path, record): &(&ProjectPath, &Reservation)| {
        let told = view::reservation::told(record, seen, "");
        format!("{:?} is {told}", path.to_string())
    };
    let mut lines: Vec<String> = reserved.iter().take(MOST_FILES).map(line).collect();
    if reserved.len() > MOST_FILES {
        lines.push(format!("and {} more files", reserved.len() - MOST_FILES));
    }
    format!(
        "`{}` was not run: it would change work of others in this worktree that is in no commit.\n{}\n{ADVICE}",
        call.shown,
        lines.join("\n")
    )
}

/// What to do instead.
const ADVICE: &str = "Name only your own files in the command (`-- PATH…`), commit only your own files \
(`git commit -- PATH…`), or work in another worktree (`git worktree add`). Otherwise do other work and try again when \
the reservations have ended. Do not discard the files in another way.";

/// The files that a call would change; `None` where git does not say.
fn changed_files(call: &DiscardingGitCall, folder: &Path) -> Option<Vec<ProjectPath>> {
    let end = Instant::now() + PATIENCE;
    let mut paths = call.paths.as_slice();
    if let Some((first, rest)) = paths.split_first().filter(|_| call.may_begin_with_commit) {
        let commit = format!("{first}^{{commit}}");
        let verify = ["rev-parse", "--quiet", "--verify", "--end-of-options", &commit];
        if ask(folder, &verify, &[], end).is_some() {
            if rest.is_empty() {
                // Another branch: git itself keeps what is not committed, or refuses.
                return Some(Vec::new());
            }
            paths = rest;
        }
    }
    let (untracked, ignored) = match call.files {
        UncommittedFileKind::Changed => ("--untracked-files=no", "--ignored=no"),
        UncommittedFileKind::Untracked | UncommittedFileKind::ChangedAndUntracked => {
            ("--untracked-files=all", "--ignored=no")
        }
        _ => ("--untracked-files=all", "--ignored=traditional"),
    };
    let status = ["status", "--porcelain", "-z", "--no-renames", untracked, ignored, "--"];
    let listed = ask(folder, &status, paths, end)?;
    let entries = listed.split(|byte| *byte == 0).filter_map(|it| it.split_at_checked(3));
    let is_meant = |(mark, _): &(&[u8], &[u8])| match call.files {
        UncommittedFileKind::Untracked => mark.starts_with(b"??"),
        UncommittedFileKind::Ignored => mark.starts_with(b"!!"),
        UncommittedFileKind::UntrackedAndIgnored => {
            mark.starts_with(b"??") || mark.starts_with(b"!!")
        }
        _ => true,
    };
    let path = |path: &[u8]| ProjectPath::new(path.strip_suffix(b"/").unwrap_or(path)).ok();
    Some(entries.filter(is_meant).filter_map(|(_, it)| path(it)).collect())
}

/// The output of git in a folder; `None` where it fails or takes too long.
fn ask(folder: &Path, arguments: &[&str], paths: &[String], end: Instant) -> Option<Vec<u8>> {
    let paths: Vec<&OsStr> = paths.iter().map(OsStr::new).collect();
    let question =
        GitQuestion { folder, arguments, paths: &paths, pathspec: PathspecKind::Pattern };
    question.answer(end)
}
