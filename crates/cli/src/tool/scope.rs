//! The space in which a lockfile is written: `--scope`, and the setting of the project.

use super::ToolChainLocations;
use crate::{exit::ExitCode, failure::CliFailure};
use clap::ValueEnum;
use lokt_tool::{bounded, words::Space};
use std::path::Path;

/// The space of a lockfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LockfileSpace {
    /// In the project, to commit it there
    Project,
    /// In the user's space
    User,
}

impl From<LockfileSpace> for Space {
    fn from(scope: LockfileSpace) -> Self {
        match scope {
            LockfileSpace::Project => Self::Project,
            LockfileSpace::User => Self::User,
        }
    }
}

/// The file of the project that says where lockfiles are written.
const SETTING: &str = ".ai/lokt.toml";
/// The maximum length of that file.
const MOST_BYTES: u64 = 64 * 1024;

impl LockfileSpace {
    /// Where lockfiles are written: the given scope, else the one in the project's file, else the user's
    /// space.
    pub(super) fn chosen(
        given: Option<Self>,
        place: &ToolChainLocations,
    ) -> Result<Self, CliFailure> {
        match given {
            Some(scope) => Ok(scope),
            None => Ok(Self::of_project(place)?.unwrap_or(Self::User)),
        }
    }

    /// The scope in the project's file; `None` if there is no file, or it does not say.
    ///
    /// # Errors
    /// A failure if the file cannot be read, has unknown fields, or names an unknown scope. It is
    /// never ignored: pins in another place than the project wants would protect nothing.
    fn of_project(place: &ToolChainLocations) -> Result<Option<Self>, CliFailure> {
        let path = place.spaces().project.join(SETTING);
        let fails =
            |what: &str| CliFailure::new(ExitCode::Error, format!("{}: {what}", path.display()));
        let Some(file) = bounded::open(&path).map_err(|error| fails(&error.to_string()))? else {
            return Ok(None);
        };
        let bytes = bounded::read(&file, MOST_BYTES).map_err(|why| fails(&why.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| fails("not valid UTF-8"))?;
        let setting: LockfileScopeSetting =
            toml::from_str(&text).map_err(|error| fails(error.message()))?;
        let scope = setting.lockfile_scope.as_deref();
        let known = |text: &str| Self::from_str(text, false).map_err(|_| unknown(&path, text));
        scope.map(known).transpose()
    }
}

/// The failure for a scope that does not exist.
fn unknown(path: &Path, text: &str) -> CliFailure {
    let what = format!("{}: lockfile_scope is {text:?}", path.display());
    CliFailure::new(ExitCode::Error, what).hint("it can be \"project\" or \"user\"")
}

/// The content of the project's file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LockfileScopeSetting {
    lockfile_scope: Option<String>,
}
