//! The answer of the check, as messages for people and agents.

use super::{changed_paths::CommitChanges, check::CommitConflict, hook::GitHook};
use crate::{
    exit::ExitCode,
    failure::{CliFailure, chain},
    output, view,
};
use lokt_lock::words::Timestamp;
use std::{collections::HashSet, error::Error};

/// How many conflicts are told one by one.
const MOST_LINES: usize = 20;

/// The refusal of a commit. All but its last line are printed here.
pub(crate) fn refused(
    changes: &CommitChanges,
    conflicts: &[CommitConflict<'_>],
    seen: Timestamp,
) -> CliFailure {
    for conflict in conflicts.iter().take(MOST_LINES) {
        output::fail(&CliFailure::new(ExitCode::Held, line(conflict, seen)));
    }
    if conflicts.len() > MOST_LINES {
        let rest = conflicts.len() - MOST_LINES;
        output::fail(&CliFailure::new(ExitCode::Held, format!("and {rest} more")));
    }
    let paths: HashSet<_> = conflicts.iter().map(|it| it.path).collect();
    let files = match paths.len() {
        1 => "a file".to_owned(),
        count => format!("{count} files"),
    };
    let act = if changes.is_merge { "merge" } else { "commit" };
    let failure = CliFailure::new(
        ExitCode::Held,
        format!("another has reserved {files} of this {act}: nothing is committed"),
    );
    let failure = if changes.is_merge {
        failure.hint("later, git commit completes the merge; git merge --abort undoes it")
    } else {
        failure
            .hint("commit the rest now: git reset -- FILE takes a file out of the index, and leaves it as it is")
            .hint("lokt reserve FILE --wait   waits until it is given back")
    };
    failure.hint("if you cannot wait, ask the owner")
}

/// Tells a person what an agent of theirs edits.
pub(crate) fn warn(conflicts: &[CommitConflict<'_>], seen: Timestamp) {
    for conflict in conflicts.iter().take(MOST_LINES) {
        output::warn(&format!(
            "{}; you are its user, so you may commit it, though it may be half done",
            line(conflict, seen)
        ));
    }
    if conflicts.len() > MOST_LINES {
        output::warn(&format!("and {} more", conflicts.len() - MOST_LINES));
    }
}

/// A conflict in one line: the path, whose it is, since when, until when, and why.
fn line(conflict: &CommitConflict<'_>, seen: Timestamp) -> String {
    let path = format!("{:?}", conflict.path.to_string());
    let told = view::reservation::told(conflict.record, seen, "");
    if conflict.pattern.as_literal() == Some(conflict.path) {
        return format!("{path} is {told}");
    }
    format!("cannot commit {path}: {} is {told}", view::reservation::quoted(conflict.pattern))
}

/// A failure that refuses a commit, because what is reserved is not known.
pub(crate) fn unchecked(hook: GitHook, failure: CliFailure) -> CliFailure {
    let message = format!(
        "cannot check whether another has reserved a file of this commit: {}",
        failure.message
    );
    let failure = CliFailure { message, ..failure };
    failure.hint(format!(
        "nothing is committed while that is unknown; a person can decide otherwise: {} --no-verify runs no hook",
        hook.command()
    ))
}

/// The failure of an error, in the same way.
pub(crate) fn failed(error: &(dyn Error + 'static)) -> CliFailure {
    CliFailure::new(ExitCode::Error, chain(error))
}
