use super::ToolEnvironment;
use nix::unistd::{AccessFlags, access};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Whether a path leads to a regular file that this user may execute.
pub(super) fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

/// The outcome of a search for a program. The two ways in which it fails are those of a shell: 127 and 126.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProgramSearchOutcome {
    /// It is there.
    Found(PathBuf),
    /// Something of that name is there and cannot be executed.
    NotExecutable(PathBuf),
    /// There is nothing of that name.
    Missing,
}

impl ProgramSearchOutcome {
    /// The program.
    pub(super) fn found(self) -> Option<PathBuf> {
        match self {
            Self::Found(path) => Some(path),
            Self::NotExecutable(_) | Self::Missing => None,
        }
    }

    /// The first of some places that has it.
    pub(super) fn among(places: impl Iterator<Item = PathBuf>) -> Self {
        let mut other = None;
        for path in places {
            if is_program(&path) {
                return Self::Found(path);
            }
            if other.is_none() && is_there(&path) {
                other = Some(path);
            }
        }
        other.map_or(Self::Missing, Self::NotExecutable)
    }
}

/// Whether there is anything, also where only the kernel may say so.
fn is_there(path: &Path) -> bool {
    let missing = [ErrorKind::NotFound, ErrorKind::NotADirectory];
    path.metadata().map_or_else(|error| !missing.contains(&error.kind()), |_| true)
}

/// Finds a program in the folders of `PATH`. Entries that are not absolute are passed over: what they mean
/// depends on the folder that one happens to stand in.
pub(super) fn on_path(environment: &ToolEnvironment, name: &str) -> ProgramSearchOutcome {
    let Some(path) = environment.get("PATH") else { return ProgramSearchOutcome::Missing };
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    ProgramSearchOutcome::among(folders.map(|folder| folder.join(name)))
}

/// Finds a program by its name or, where it has a slash, by its path from `folder`.
pub(super) fn find(
    environment: &ToolEnvironment,
    name: &str,
    folder: &Path,
) -> ProgramSearchOutcome {
    if name.contains('/') {
        return ProgramSearchOutcome::among(std::iter::once(folder.join(name)));
    }
    on_path(environment, name)
}
