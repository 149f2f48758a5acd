use super::{Repository, Tree, TreeError, absolute};
use crate::files::FileError;
use globset::{GlobBuilder, GlobMatcher};
use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
};

/// Where git is told what to do other than by its arguments; meant for the outer repository alone.
const LOCAL_VARIABLES: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
];

/// The paths of all files that are meant, below the project's folder where they are in it. A folder in the
/// list is a repository of its own.
pub(super) fn list(tree: &Tree) -> Result<Vec<PathBuf>, TreeError> {
    let mut paths = if tree.inputs.is_empty() { whole(tree)? } else { named(tree)? };
    paths.sort_unstable_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    paths.dedup();
    let left_out = tree.left_out();
    if !left_out.is_empty() {
        paths.retain(|path| !left_out.iter().any(|excluded| path.starts_with(excluded)));
    }
    Ok(paths)
}

fn whole(tree: &Tree) -> Result<Vec<PathBuf>, TreeError> {
    match tree.repository {
        Repository::Git => ask_git((&tree.project, &tree.project), &[], Whose::Outer),
        Repository::None => Err(TreeError::NoRepository(tree.folder.clone())),
    }
}

/// What a pattern leads to.
enum Input {
    /// A file that is named is meant, whether git ignores it or not.
    File(PathBuf),
    /// git lists what is in a folder, or matches.
    Git(OsString),
    /// What is in a folder that git does not know.
    Walk(PathBuf, Option<GlobMatcher>),
}

fn named(tree: &Tree) -> Result<Vec<PathBuf>, TreeError> {
    let mut paths = Vec::new();
    for pattern in &tree.inputs {
        let found = match input(tree, pattern)? {
            Input::File(path) => file(tree, path)?,
            Input::Git(spec) => by_git(tree, spec)?,
            Input::Walk(folder, matcher) => {
                let mut found = Vec::new();
                walk(&folder, &mut found)?;
                found.retain(|path| matcher.as_ref().is_none_or(|it| it.is_match(path)));
                found.into_iter().map(|path| below(tree, path)).collect()
            }
        };
        if found.is_empty() {
            return Err(TreeError::NoMatch(pattern.to_string_lossy().into_owned()));
        }
        paths.extend(found);
    }
    Ok(paths)
}

/// What git lists. A repository that it does not track is meant with what is in it where somebody names it.
fn by_git(tree: &Tree, spec: OsString) -> Result<Vec<PathBuf>, TreeError> {
    let mut found = Vec::new();
    for path in ask_git((&tree.folder, &tree.project), &[spec], Whose::Outer)? {
        if is_untracked_repository(&path) {
            found.extend(files_of(&tree.project, &path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

fn input(tree: &Tree, pattern: &OsStr) -> Result<Input, TreeError> {
    let path = absolute(&tree.folder, Path::new(pattern));
    let by_git = tree.repository == Repository::Git && path.starts_with(&tree.project);
    let spec = |magic: &str| {
        let mut spec = OsString::from(magic);
        spec.push(pattern);
        Input::Git(spec)
    };
    match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_dir() && by_git => Ok(spec(":(literal)")),
        Ok(metadata) if metadata.is_dir() => Ok(Input::Walk(path, None)),
        Ok(_) => Ok(Input::File(path)),
        Err(_) if !pattern.as_bytes().iter().any(|c| b"*?[".contains(c)) => {
            Err(TreeError::NoMatch(pattern.to_string_lossy().into_owned()))
        }
        Err(_) if by_git => Ok(spec(":(glob)")),
        Err(_) => matcher(&path, pattern).map(|it| Input::Walk(constant(&path), Some(it))),
    }
}

fn matcher(path: &Path, pattern: &OsStr) -> Result<GlobMatcher, TreeError> {
    let glob = GlobBuilder::new(&path.to_string_lossy()).literal_separator(true).build();
    let glob = glob.map_err(|source| TreeError::Pattern {
        pattern: pattern.to_string_lossy().into_owned(),
        source,
    })?;
    Ok(glob.compile_matcher())
}

/// The folder above everything that a pattern can match.
fn constant(pattern: &Path) -> PathBuf {
    let is_constant =
        |part: &Component<'_>| !part.as_os_str().as_bytes().iter().any(|c| b"*?[{\\".contains(c));
    let parts: PathBuf = pattern.components().take_while(is_constant).collect();
    if parts == pattern { parts.parent().map(Path::to_owned).unwrap_or_default() } else { parts }
}

/// A file that is named. Where that is a link, what it leads to is meant as well.
fn file(tree: &Tree, path: PathBuf) -> Result<Vec<PathBuf>, TreeError> {
    let mut found = Vec::new();
    if path.is_symlink() {
        let target = fs::canonicalize(&path).map_err(FileError::on("follow the link", &path))?;
        if target.is_dir() {
            walk(&target, &mut found)?;
        } else {
            found.push(target);
        }
    }
    found.push(path);
    Ok(found.into_iter().map(|path| below(tree, path)).collect())
}

/// A path as it is told: from the project's folder on, or where it is outside of that, whole.
fn below(tree: &Tree, path: PathBuf) -> PathBuf {
    path.strip_prefix(&tree.project).map(Path::to_owned).unwrap_or(path)
}

/// Everything in a folder, but for what git keeps for itself. Links are not followed.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), TreeError> {
    for entry in fs::read_dir(folder).map_err(FileError::on("list", folder))? {
        let entry = entry.map_err(FileError::on("list", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(FileError::on("examine", &path))?;
        if !kind.is_dir() {
            found.push(path);
        } else if entry.file_name() != ".git" {
            walk(&path, found)?;
        }
    }
    Ok(())
}

/// Which repository is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The one that the environment may name.
    Outer,
    /// The one in the folder.
    Inner,
}

/// The files that git sees: those that it tracks, and those that are neither tracked nor ignored.
fn ask_git(
    (folder, project): (&Path, &Path),
    specs: &[OsString],
    whose: Whose,
) -> Result<Vec<PathBuf>, TreeError> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]);
    git.args(["--full-name", "--"]).args(specs);
    git.current_dir(folder).stdin(Stdio::null());
    match whose {
        Whose::Inner => {
            for key in LOCAL_VARIABLES {
                git.env_remove(key);
            }
        }
        // Hooks are told the repository and not the work tree, for which git would take this folder then.
        Whose::Outer if is_set("GIT_DIR") && !is_set("GIT_WORK_TREE") => {
            git.env("GIT_WORK_TREE", project);
        }
        Whose::Outer => {}
    }
    let output = git.output().map_err(TreeError::NoGit)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(TreeError::Git(text.trim().replace('\n', "; ")));
    }
    let paths = output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    Ok(paths.map(|path| PathBuf::from(OsString::from_vec(path.to_vec()))).collect())
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

/// Whether git lists a folder as a repository of its own that it does not track.
fn is_untracked_repository(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/")
}

/// The files of a repository that is a folder of another one, where that tracks it: a submodule. None for what is known
/// by its name alone: one that was not fetched, and one that the outer repository does not track.
///
/// # Errors
/// [`TreeError`] where git cannot list it: what is in there might matter.
pub(super) fn inside(project: &Path, path: &Path) -> Result<Vec<PathBuf>, TreeError> {
    if is_untracked_repository(path) || !project.join(path).join(".git").exists() {
        return Ok(Vec::new());
    }
    files_of(project, path)
}

fn files_of(project: &Path, path: &Path) -> Result<Vec<PathBuf>, TreeError> {
    let folder = project.join(path);
    let files = ask_git((&folder, &folder), &[], Whose::Inner)?;
    Ok(files.into_iter().map(|file| path.join(file)).collect())
}
