//! Reading a file of a project so that nothing leads out of the project, nothing hangs and nothing is too large.

use crate::{exit::ExitCode, failure::CliFailure};
use lokt_tool::bounded;
use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

/// The largest file that is read.
const MOST_BYTES: u64 = 1024 * 1024;

/// A file of a project, there or not.
#[derive(Debug)]
pub(super) struct InitTargetFile {
    /// Where it is shown to be, relative to the project.
    pub(super) shown: Cow<'static, str>,
    /// Where it really is.
    pub(super) path: PathBuf,
    /// Its text, where it is there.
    pub(super) text: Option<String>,
}

impl InitTargetFile {
    /// Reads the file at a path below a project, whose own path has no symbolic links.
    pub(super) fn read(project: &Path, shown: &'static str) -> Result<Self, CliFailure> {
        let place = Self::read_inside(project, shown)?;
        place.ok_or_else(|| refused(shown, "a symbolic link leads out of the project"))
    }

    /// The same; none where a symbolic link leads out of the project, where nothing is ever written.
    pub(super) fn read_inside(
        project: &Path,
        shown: &'static str,
    ) -> Result<Option<Self>, CliFailure> {
        let fails = |why: &str| refused(shown, why);
        let path = real(&project.join(shown)).map_err(|why| fails(&why))?;
        if !path.starts_with(project) {
            return Ok(None);
        }
        Self::read_at(&path, shown).map(Some)
    }

    /// Reads a file of the user's own, which may be a symbolic link to another.
    pub(super) fn read_at(path: &Path, shown: &'static str) -> Result<Self, CliFailure> {
        let fails = |why: &str| refused(shown, why);
        let path = real(path).map_err(|why| fails(&why))?;
        let file = bounded::open(&path).map_err(|error| fails(&error.to_string()))?;
        let shown = Cow::Borrowed(shown);
        let Some(file) = file else { return Ok(Self { shown, path, text: None }) };
        let bytes = bounded::read(&file, MOST_BYTES).map_err(|why| fails(&why.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| fails("it is not UTF-8 text"))?;
        Ok(Self { shown, path, text: Some(text) })
    }
}

/// The error of a file that cannot be changed.
pub(super) fn refused(shown: &str, why: &str) -> CliFailure {
    CliFailure::new(ExitCode::Error, format!("cannot set up {shown}: {why}"))
        .hint("no file was changed")
}

/// The path that the file has, or would have, without symbolic links.
fn real(path: &Path) -> Result<PathBuf, String> {
    let is_there = |path: &&Path| path.symlink_metadata().is_ok();
    let nearest = path.ancestors().find(is_there).unwrap_or(path);
    let found = fs::canonicalize(nearest);
    let found = found.map_err(|error| format!("{} leads nowhere: {error}", nearest.display()))?;
    match path.strip_prefix(nearest) {
        Ok(rest) if !rest.as_os_str().is_empty() => Ok(found.join(rest)),
        _ => Ok(found),
    }
}
