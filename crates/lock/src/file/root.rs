use super::git;
use std::{
    io,
    path::{Path, PathBuf},
};

/// What finding a root depends on: the working folder and some variables of the environment.
#[derive(Clone, Debug, Default)]
pub struct RootEnvironment {
    /// The working folder, absolute.
    pub folder: PathBuf,
    /// `LOKT_ROOT`.
    pub lokt_root: Option<PathBuf>,
    /// `GIT_DIR`.
    pub git_dir: Option<PathBuf>,
    /// `GIT_COMMON_DIR`.
    pub git_common_dir: Option<PathBuf>,
}

/// Says how a root was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootMethod {
    /// By `LOKT_ROOT`.
    Env,
    /// In the git common directory.
    Git,
    /// In the working folder, because nothing else names one.
    Local,
}

impl RootMethod {
    /// The word that `doctor --json` has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::Git => "git",
            Self::Local => "local",
        }
    }
}

/// The folder that holds the locks, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The folder, absolute. It need not exist yet.
    pub path: PathBuf,
    /// How it was found.
    pub method: RootMethod,
}

/// Says why no root could be found. No other folder is tried then: two roots are two locks.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// A `.git` file does not lead to a repository.
    #[error("{} does not lead to a git directory", path.display())]
    BrokenGitFile {
        /// The file.
        path: PathBuf,
    },
    /// A git directory was named and is not there.
    #[error("cannot enter the git directory {}", path.display())]
    NoGitDir {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Root {
    /// Finds the root: `LOKT_ROOT`, else `lokt` in the git common directory, else `.lokt` in the working
    /// folder. Makes nothing.
    ///
    /// # Errors
    /// [`RootError`] when a repository is there and broken.
    pub fn find(surroundings: &RootEnvironment) -> Result<Self, RootError> {
        let local = |path: &Path| surroundings.folder.join(path);
        if let Some(path) = &surroundings.lokt_root {
            return Ok(Self { path: local(path), method: RootMethod::Env });
        }
        Ok(match git::common_dir(surroundings)? {
            Some(common) => Self { path: common.join("lokt"), method: RootMethod::Git },
            None => Self { path: local(Path::new(".lokt")), method: RootMethod::Local },
        })
    }
}

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;
