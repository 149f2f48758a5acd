//! What deciding about a line needs to know of the project: its rules, and the lock of an index.

use super::{GuardRule, GuardRuleError, LoktCommandSpelling, read_rules};
use crate::{context, env, failure::CliFailure, view::command_line};
use lokt_lock::{
    file::work_tree,
    project::{ProjectSearchInputs, ProjectWorkingFolder},
    reservation::WorktreeId,
    words::LockName,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Reads the rules that count in a folder; none where its project has no file of them.
///
/// # Errors
/// [`CliFailure`] where the file cannot be read, or is not understood.
pub(crate) fn rules(folder: &Path) -> Result<Vec<GuardRule>, CliFailure> {
    let Some(file) = context::project_file(folder)? else { return Ok(Vec::new()) };
    read_rules(&file.path, &file.text).map_err(|error| failure(&error))
}

fn failure(error: &GuardRuleError) -> CliFailure {
    CliFailure::new(crate::exit::ExitCode::Error, error.to_string())
}

/// The lock under which git changes the index of a folder's worktree; `None` where there is no repository.
///
/// Two worktrees whose names differ only in other characters than letters and digits share one.
pub(crate) fn index_lock(folder: &Path) -> Option<LockName> {
    let folder = fs::canonicalize(folder).ok()?;
    let top = work_tree(&folder)?;
    let inputs = ProjectSearchInputs { folder: top, ..ProjectSearchInputs::default() };
    let id = ProjectWorkingFolder::find(&inputs).ok()?.make_worktree_id().ok()?;
    lock_of_index(&id)
}

/// The lock under which git changes the index of a worktree.
pub(crate) fn lock_of_index(worktree: &WorktreeId) -> Option<LockName> {
    let (repository, place) = worktree.as_str().split_once('/')?;
    let name = place.strip_prefix("worktrees/").unwrap_or(place);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = name.chars().take(60).map(plain).collect();
    let end = if place == "." { String::new() } else { format!(".{name}") };
    LockName::new(format!("git-index.{repository}{end}")).ok()
}

/// How a line calls this program: by its name where that is found, else by its path.
pub(crate) fn program() -> LoktCommandSpelling {
    let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("lokt"));
    let absolute = command_line(&[path.to_string_lossy().into_owned()]);
    let usual = if is_found() { "lokt".to_owned() } else { absolute.clone() };
    LoktCommandSpelling { usual, absolute }
}

fn is_found() -> bool {
    let is_program = |folder: PathBuf| {
        let meta = fs::metadata(folder.join("lokt"));
        meta.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    env::value(env::PATH).is_some_and(|it| std::env::split_paths(&it).any(is_program))
}
