//! The three spaces of this call: the project, the user's space and the system space.
//!
//! Only paths are found here, from options and the environment. Nothing is read or created.
//! Relative paths are taken from the working folder.

use crate::{env, exit::ExitCode, failure::CliFailure};
use lokt_lock::file::work_tree;
use lokt_tool::{check::ChainChecker, item::ToolSpaceLocations};
use std::path::{Path, PathBuf};

/// Where tools, lockfiles and keys are, found once.
pub(super) struct ToolChainLocations {
    /// Resolves and checks chains in these spaces. It also has the lockfiles and the trusted keys.
    pub(super) checker: ChainChecker,
}

impl ToolChainLocations {
    /// Finds the spaces; makes nothing.
    ///
    /// `project` is the folder of `--project`.
    ///
    /// # Errors
    /// A usage failure if a given folder does not exist, a failure if the user's space cannot be
    /// found.
    pub(super) fn find(project: Option<&Path>) -> Result<Self, CliFailure> {
        let spaces =
            ToolSpaceLocations::new(project_folder(project)?, user_space()?, system_spaces()?);
        Ok(Self { checker: ChainChecker::new(spaces) })
    }

    /// The folders of the three spaces.
    pub(super) fn spaces(&self) -> &ToolSpaceLocations {
        &self.checker.spaces
    }
}

/// The project: the given folder, else `GIT_WORK_TREE`, else the git work tree, else the working folder.
pub(crate) fn project_folder(given: Option<&Path>) -> Result<PathBuf, CliFailure> {
    match (given, env::literal_path(env::GIT_WORK_TREE)) {
        (Some(folder), _) => existing(folder),
        (None, Some(folder)) => existing(&folder),
        (None, None) => {
            let folder = working_folder()?;
            Ok(work_tree(&folder).unwrap_or(folder))
        }
    }
}

/// A folder, made absolute. It must exist: a misspelled one would be an empty project.
fn existing(folder: &Path) -> Result<PathBuf, CliFailure> {
    let path = working_folder()?.join(folder);
    if path.is_dir() {
        return Ok(path);
    }
    Err(CliFailure::usage(format!("{} is not a folder", folder.display())))
}

/// The user's space: `USER_SPACE`, else `.ai` in the home folder.
pub(crate) fn user_space() -> Result<PathBuf, CliFailure> {
    if let Some(space) = env::path(env::USER_SPACE)? {
        return Ok(working_folder()?.join(space));
    }
    let missing = || {
        CliFailure::new(ExitCode::Error, "the user's space is not known")
            .hint("set USER_SPACE to a folder, or HOME to an absolute path")
    };
    let home = env::home().filter(|home| home.is_absolute());
    home.map(|home| home.join(".ai")).ok_or_else(missing)
}

/// The folders of the system space.
///
/// They are the folders of `LOKT_SYSTEM_SPACE`, the nearest first; built-in items need no folder.
pub(crate) fn system_spaces() -> Result<Vec<PathBuf>, CliFailure> {
    let spaces = env::paths(env::SYSTEM_SPACE)?;
    if spaces.is_empty() {
        return Ok(spaces);
    }
    let folder = working_folder()?;
    Ok(spaces.into_iter().map(|space| folder.join(space)).collect())
}

/// The working folder, or a failure if it is gone.
fn working_folder() -> Result<PathBuf, CliFailure> {
    std::env::current_dir().map_err(|error| {
        CliFailure::new(ExitCode::Error, format!("cannot find the working folder: {error}"))
    })
}
