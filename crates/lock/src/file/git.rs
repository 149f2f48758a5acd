//! Finding a repository's common directory as git finds it (gitrepository-layout(5)), without running git.

use super::root::{RootEnvironment, RootError};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The git common directory that `surroundings` is in: one for all worktrees of a repository.
///
/// `GIT_COMMON_DIR` and `GIT_DIR` are honoured as git honours them. Else the folders are searched upwards
/// for a `.git` folder, a `.git` file (a worktree or a submodule) or a bare repository. A submodule is a
/// repository of its own, with its own locks.
pub(super) fn common_dir(surroundings: &RootEnvironment) -> Result<Option<PathBuf>, RootError> {
    let from = |path: &PathBuf| surroundings.folder.join(path);
    if let Some(common) = surroundings.git_common_dir.as_ref() {
        return resolved(from(common)).map(Some);
    }
    if let Some(git_dir) = surroundings.git_dir.as_ref() {
        return common_of(from(git_dir)).map(Some);
    }
    for folder in surroundings.folder.ancestors() {
        if let Some(git_dir) = git_dir_at(folder)? {
            return common_of(git_dir).map(Some);
        }
    }
    Ok(None)
}

/// The work tree that `folder` is in: the nearest folder upwards that has a repository's `.git`.
pub fn work_tree(folder: &Path) -> Option<PathBuf> {
    let has_repository = |folder: &&Path| {
        let dot_git = folder.join(".git");
        dot_git.is_file() || is_git_dir(&dot_git)
    };
    folder.ancestors().find(has_repository).map(Path::to_owned)
}

/// The git directory that `folder` has or is.
fn git_dir_at(folder: &Path) -> Result<Option<PathBuf>, RootError> {
    let dot_git = folder.join(".git");
    if let Ok(meta) = fs::metadata(&dot_git) {
        if meta.is_file() {
            return linked_git_dir(&dot_git).map(Some);
        }
        // As git does, pass over a folder of that name that is no repository.
        if is_git_dir(&dot_git) {
            return Ok(Some(dot_git));
        }
    }
    Ok(is_git_dir(folder).then(|| folder.to_owned()))
}

/// Follows a `.git` file, `gitdir: <path>`. One that leads nowhere is an error: any other root would let
/// somebody in whom the repository's locks should keep out.
fn linked_git_dir(file: &Path) -> Result<PathBuf, RootError> {
    let broken = || RootError::BrokenGitFile { path: file.to_owned() };
    let text = fs::read_to_string(file).map_err(|_| broken())?;
    let target = text.strip_prefix("gitdir:").ok_or_else(broken)?.trim();
    let folder = file.parent().unwrap_or(Path::new("/"));
    let git_dir = folder.join(target);
    if is_git_dir(&git_dir) { Ok(git_dir) } else { Err(broken()) }
}

/// A worktree's git directory names the common one in the file `commondir`; others are common themselves.
fn common_of(git_dir: PathBuf) -> Result<PathBuf, RootError> {
    let common = match fs::read_to_string(git_dir.join("commondir")) {
        Ok(relative) => git_dir.join(relative.trim()),
        Err(_) => git_dir,
    };
    resolved(common)
}

/// One path for one folder, whichever way led there.
fn resolved(path: PathBuf) -> Result<PathBuf, RootError> {
    fs::canonicalize(&path).map_err(|source| RootError::NoGitDir { path, source })
}

fn is_git_dir(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).exists();
    // HEAD may be a symbolic link that leads nowhere yet.
    fs::symlink_metadata(folder.join("HEAD")).is_ok()
        && (has("commondir") || (has("objects") && has("refs")))
}
