use crate::{
    file::LockRootError,
    pattern::{InvalidPath, InvalidPattern},
    store::LockStoreError,
};
use std::path::PathBuf;

/// Says why a project, or its worktree's id, could not be found.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The working folder is not below the project's root.
    #[error("{} is outside the project {}", folder.display(), root.display())]
    Outside {
        /// The working folder.
        folder: PathBuf,
        /// The project's root.
        root: PathBuf,
    },
    /// A folder that a variable names cannot be entered.
    #[error("cannot enter {}", path.display())]
    Enter {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The working folder is no path of a project.
    #[error("the working folder is no path of the project")]
    Folder(#[source] InvalidPath),
    /// A git directory is broken.
    #[error(transparent)]
    Git(#[from] LockRootError),
    /// The repository's id could not be read or written.
    #[error(transparent)]
    Id(#[from] LockStoreError),
    /// The repository's id is something else than Lokt writes.
    #[error("{} is not the id of a repository", path.display())]
    BrokenId {
        /// The file.
        path: PathBuf,
    },
}

/// Says why an argument is no pattern of the project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPatternArgument {
    /// It names an existing path outside of the project.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// It is no pattern.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
}
