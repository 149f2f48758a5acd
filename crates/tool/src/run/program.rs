use super::Environment;
use nix::unistd::{AccessFlags, access};
use std::path::{Path, PathBuf};

/// Whether a path leads to a regular file that this user may execute.
pub(super) fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

/// Finds a program in the folders of `PATH`. Entries that are not absolute are passed over: what they mean
/// depends on the folder that one happens to stand in.
pub(super) fn on_path(environment: &Environment, name: &str) -> Option<PathBuf> {
    let path = environment.get("PATH")?;
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(|path| is_program(path))
}

/// Finds a program by its name or, where it has a slash, by its path from `folder`.
pub(super) fn find(environment: &Environment, name: &str, folder: &Path) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(folder.join(name)).filter(|path| is_program(path));
    }
    on_path(environment, name)
}
