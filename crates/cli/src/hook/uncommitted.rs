//! Asking git whether a file has changes that are in no commit.
//!
//! Git runs only where another's reservation could be given up for an edit, and not longer than a moment.

use crate::git_question::{GitQuestion, PathspecKind};
use lokt_lock::reservation::{EditState, Reservation};
use std::{
    ffi::OsStr,
    path::Path,
    time::{Duration, Instant},
};

/// How long git may take for one answer.
const PATIENCE: Duration = Duration::from_millis(400);

/// Whether git tracks the file of a reservation, and has nothing to say of changes in it. What git does not answer in
/// time, or does not know, counts as changed. So does a file that git was told not to look at.
pub(crate) fn has_none(record: &Reservation) -> bool {
    record.edit.as_ref().is_some_and(|edit| is_committed(edit).unwrap_or(false))
}

fn is_committed(edit: &EditState) -> Option<bool> {
    // An edit through a link changes what the link leads to.
    let file = std::fs::canonicalize(&edit.file).unwrap_or_else(|_| Path::new(&edit.file).into());
    let (folder, name) = (file.parent()?, file.file_name()?);
    let listed = ask(folder, &["ls-files", "-v", "-z", "--"], name)?;
    // `H` and no other letter: neither unmerged, nor hidden from comparisons.
    let has_one = listed.iter().position(|it| *it == 0) == listed.len().checked_sub(1);
    let is_tracked = listed.starts_with(b"H ") && has_one;
    if !is_tracked {
        return Some(false);
    }
    let options = ["status", "--porcelain", "-z", "--ignore-submodules=none", "--"];
    Some(ask(folder, &options, name)?.is_empty())
}

/// The output of a question about one name in a folder; `None` where git fails or takes too long.
fn ask(folder: &Path, arguments: &[&str], name: &OsStr) -> Option<Vec<u8>> {
    let question =
        GitQuestion { folder, arguments, paths: &[name], pathspec: PathspecKind::Literal };
    question.answer(Instant::now() + PATIENCE)
}
