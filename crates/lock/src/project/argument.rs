use super::{InvalidPatternArgument, ProjectWorkingFolder, links};
use crate::pattern::{InvalidPath, InvalidPattern, Pattern, ProjectPath};
use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// What an argument means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathOrPatternArgument {
    /// Its pattern, and for a path with links in it also the path that it leads to.
    pub patterns: Vec<Pattern>,
    /// The path, where it is one, and whether a folder stands there.
    pub path: Option<(ProjectPath, bool)>,
}

/// Reads an argument as it is typed in a folder of a project. One that names an existing path is that path, whatever
/// characters it has; any other is a pattern.
///
/// # Errors
/// [`InvalidPatternArgument`] where it is malformed, or leads out of the project.
pub fn argument(
    project: &ProjectWorkingFolder,
    typed: &OsStr,
) -> Result<PathOrPatternArgument, InvalidPatternArgument> {
    let bytes = typed.as_bytes();
    let is_there = !bytes.is_empty() && fs::symlink_metadata(absolute(project, bytes)).is_ok();
    let path = if is_there {
        Some(resolve(project, bytes)?)
    } else {
        let pattern = read_pattern(project, bytes)?;
        match pattern.as_literal() {
            Some(path) => Some(path.clone()),
            None => return Ok(PathOrPatternArgument { patterns: vec![pattern], path: None }),
        }
    };
    let path = path.unwrap_or_else(ProjectPath::root);
    let is_folder = project.root.join(path.as_path()).is_dir();
    Ok(PathOrPatternArgument { patterns: literals(project, &path), path: Some((path, is_folder)) })
}

/// The patterns of one path: the path, and what it leads to, if a part of it is a symbolic link.
pub fn literals(project: &ProjectWorkingFolder, path: &ProjectPath) -> Vec<Pattern> {
    let target = links::target(project, path);
    std::iter::once(path).chain(&target).map(Pattern::literal).collect()
}

fn absolute(project: &ProjectWorkingFolder, typed: &[u8]) -> PathBuf {
    project.root.join(project.folder.as_path()).join(OsStr::from_bytes(typed))
}

fn resolve(project: &ProjectWorkingFolder, typed: &[u8]) -> Result<ProjectPath, InvalidPath> {
    match ProjectPath::resolve(typed, &project.working_folder()) {
        // An absolute path may lead to the project by another name.
        Err(InvalidPath::OutsideProject(shown)) if typed.starts_with(b"/") => {
            let real = real_path(typed).ok_or(InvalidPath::OutsideProject(shown))?;
            ProjectPath::resolve(real.as_os_str().as_bytes(), &project.working_folder())
        }
        path => path,
    }
}

fn read_pattern(project: &ProjectWorkingFolder, typed: &[u8]) -> Result<Pattern, InvalidPattern> {
    match Pattern::parse_in(typed, &project.working_folder()) {
        Err(InvalidPattern::OutsideProject(shown)) if typed.starts_with(b"/") => {
            let real = real_path(typed).ok_or(InvalidPattern::OutsideProject(shown))?;
            Pattern::parse_in(real.as_os_str().as_bytes(), &project.working_folder())
        }
        pattern => pattern,
    }
}

/// An absolute path with its nearest existing folder under its real name. The last name stays: it may be a link of the
/// project.
fn real_path(typed: &[u8]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(typed));
    let mut folders = path.ancestors().skip(1);
    let (folder, real) = folders.find_map(|it| Some((it, fs::canonicalize(it).ok()?)))?;
    Some(real.join(path.strip_prefix(folder).ok()?))
}
