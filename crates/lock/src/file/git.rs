//! Finding a repository as git finds it (gitrepository-layout(5)), without running git, and refusing what git refuses.

use super::root::{LockRootError, RootSearchInputs};
use crate::sys;
use nix::{
    libc::{ELOOP, O_NOFOLLOW},
    unistd::{AccessFlags, access},
};
use std::{
    ffi::OsStr,
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

/// Larger than any path; git refuses larger `.git` files too.
const LARGEST: u64 = 1 << 20;

/// A repository, and what led to it.
#[derive(Debug)]
pub(super) struct GitRepository {
    /// The git common directory, without links: one for all worktrees of a repository.
    pub(super) common: PathBuf,
    /// What must belong to the caller: what git asks about, and the common directory.
    pub(super) owned: Vec<PathOwner>,
    /// What `safe.directory` may name to have it trusted all the same, the first as git names it.
    pub(super) exceptions: Vec<PathBuf>,
    /// The folder that has it: from there on downwards, it is the repository of a working folder.
    pub(super) top: PathBuf,
}

/// A file or folder, and its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathOwner {
    pub(super) path: PathBuf,
    pub(super) uid: u32,
}

impl PathOwner {
    pub(super) fn of(path: &Path, meta: &Metadata) -> Self {
        Self { path: path.to_owned(), uid: meta.uid() }
    }

    /// The owner of what is at a path, and of a link that may lead there.
    pub(super) fn all(path: &Path) -> io::Result<Vec<Self>> {
        let meta = fs::symlink_metadata(path)?;
        let mut all = vec![Self::of(path, &meta)];
        if meta.is_symlink() {
            all.push(Self::of(path, &fs::metadata(path)?));
        }
        Ok(all)
    }
}

impl GitRepository {
    /// The repository that `surroundings` are in.
    ///
    /// `GIT_COMMON_DIR` and `GIT_DIR` are honoured as git honours them. Else the folders are searched upwards
    /// for a `.git` folder, a `.git` file (a worktree or a submodule) or a bare repository. A submodule is a
    /// separate repository, with separate locks.
    pub(super) fn find(surroundings: &RootSearchInputs) -> Result<Option<Self>, LockRootError> {
        let from = |path: &PathBuf| surroundings.folder.join(path);
        if let Some(common) = surroundings.git_common_dir.as_ref().map(from) {
            if !has_objects(&entered(&common)?) {
                return Err(LockRootError::NotARepository { path: common });
            }
            return Self::named(&surroundings.folder, &common, &common).map(Some);
        }
        if let Some(git_dir) = surroundings.git_dir.as_ref().map(from) {
            let meta = fs::metadata(&git_dir);
            let meta = meta.map_err(|source| no_git_dir(&git_dir, source))?;
            let git_dir = if meta.is_file() { linked_git_dir(&git_dir)? } else { git_dir };
            let common = common_of(&git_dir)?;
            let common =
                common.ok_or_else(|| LockRootError::NotARepository { path: git_dir.clone() });
            return Self::named(&surroundings.folder, &git_dir, &common?).map(Some);
        }
        for folder in surroundings.folder.ancestors() {
            if let Some(found) = Self::at(folder)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The folder of the main work tree. All worktrees of a repository can find one only where the common
    /// directory is called `.git`: not for a bare repository, a submodule, or a separate git directory.
    pub(super) fn main_work_tree(&self) -> Option<&Path> {
        self.common.parent().filter(|_| self.common.ends_with(".git"))
    }

    /// One that a variable names, which git trusts whomever it belongs to. Its locks are another matter.
    fn named(folder: &Path, git_dir: &Path, common: &Path) -> Result<Self, LockRootError> {
        let common = entered(common)?;
        let mut owned = PathOwner::all(git_dir).map_err(|source| no_git_dir(git_dir, source))?;
        owned.extend(PathOwner::all(&common).map_err(|source| no_git_dir(&common, source))?);
        // git runs hooks in the work tree's folder, with `GIT_DIR` set.
        let work_tree = git_dir.parent().filter(|_| git_dir.ends_with(".git"));
        let exceptions = work_tree.into_iter().chain([git_dir, folder]);
        let exceptions = exceptions.map(Path::to_owned).collect();
        let top = work_tree.filter(|top| folder.starts_with(top)).unwrap_or(folder).to_owned();
        Ok(Self { common, owned, exceptions, top })
    }

    /// The repository that `folder` has or is.
    fn at(folder: &Path) -> Result<Option<Self>, LockRootError> {
        let dot_git = folder.join(".git");
        let found = match fs::symlink_metadata(&dot_git) {
            Ok(meta) => Self::behind(folder, &dot_git, &meta)?,
            Err(_) => None,
        };
        if found.is_some() {
            return Ok(found);
        }
        let Some(common) = common_of(folder)? else { return Ok(None) };
        let mut owned = PathOwner::all(folder).map_err(|source| no_git_dir(folder, source))?;
        if common != folder {
            owned.extend(PathOwner::all(&common).map_err(|source| no_git_dir(&common, source))?);
        }
        let (exceptions, top) = (vec![folder.to_owned()], folder.to_owned());
        Ok(Some(Self { common: entered(&common)?, owned, exceptions, top }))
    }

    /// The repository to which a `.git` leads.
    fn behind(
        folder: &Path,
        dot_git: &Path,
        meta: &Metadata,
    ) -> Result<Option<Self>, LockRootError> {
        let failed = |source| no_git_dir(dot_git, source);
        let mut owned = vec![PathOwner::of(dot_git, meta)];
        // As git does, pass over what is no repository, unless it is a file that names one.
        let target =
            if meta.is_symlink() { fs::metadata(dot_git).ok() } else { Some(meta.clone()) };
        let Some(target) = target else { return Ok(None) };
        if meta.is_symlink() {
            owned.push(PathOwner::of(dot_git, &target));
        }
        let git_dir = if target.is_file() {
            let git_dir = linked_git_dir(dot_git)?;
            owned.extend(PathOwner::all(&git_dir).map_err(failed)?);
            git_dir
        } else if target.is_dir() {
            dot_git.to_owned()
        } else {
            return Ok(None);
        };
        let Some(common) = common_of(&git_dir)? else { return Ok(None) };
        let is_plain = common == dot_git && !meta.is_symlink();
        let common = if is_plain { common } else { entered(&common)? };
        if !is_plain {
            owned.extend(PathOwner::all(&common).map_err(failed)?);
        }
        owned.extend(PathOwner::all(folder).map_err(failed)?);
        let (exceptions, top) = (vec![folder.to_owned()], folder.to_owned());
        Ok(Some(Self { common, owned, exceptions, top }))
    }
}

/// The work tree that `folder` is in: the nearest folder upwards that has a repository's `.git`.
pub fn work_tree(folder: &Path) -> Option<PathBuf> {
    let has_repository = |folder: &&Path| {
        let dot_git = folder.join(".git");
        dot_git.is_file() || matches!(common_of(&dot_git), Ok(Some(_)))
    };
    folder.ancestors().find(has_repository).map(Path::to_owned)
}

/// Follows a `.git` file, `gitdir: <path>`. One that leads nowhere is an error, as for git: any other root would let
/// a second holder in.
fn linked_git_dir(file: &Path) -> Result<PathBuf, LockRootError> {
    let broken = |why: String| LockRootError::BrokenGitFile { path: file.to_owned(), why };
    let text = first_bytes(file, 0).map_err(|error| broken(error.to_string()))?;
    if text.len() as u64 > LARGEST {
        return Err(broken("it is too large".to_owned()));
    }
    let target = text.strip_prefix(b"gitdir: ");
    let target = target.ok_or_else(|| broken("it does not begin with \"gitdir: \"".to_owned()))?;
    let target = without_line_ends(target);
    if target.is_empty() || target.contains(&0) {
        return Err(broken("it names no folder".to_owned()));
    }
    let folder = file.parent().unwrap_or(Path::new("/"));
    let git_dir = folder.join(OsStr::from_bytes(target));
    if common_of(&git_dir)?.is_some() {
        return Ok(git_dir);
    }
    Err(broken(format!("{} is not a git repository", git_dir.display())))
}

/// The common directory of what may be a git directory; none where git would not take it for one.
///
/// A worktree's git directory names the common one in the file `commondir`; others are common themselves. One that
/// names nothing is an error: git stops at it, or passes it over and finds another repository.
fn common_of(git_dir: &Path) -> Result<Option<PathBuf>, LockRootError> {
    if !has_head(git_dir) {
        return Ok(None);
    }
    let file = git_dir.join("commondir");
    let broken = |why: String| LockRootError::BrokenGitFile { path: file.clone(), why };
    // A link there counts, and leads nowhere: so it is not followed at first.
    let text = match first_bytes(&file, O_NOFOLLOW) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(has_objects(git_dir).then(|| git_dir.to_owned()));
        }
        Err(error) if error.raw_os_error() == Some(ELOOP) => first_bytes(&file, 0),
        text => text,
    };
    let text = text.map_err(|error| broken(error.to_string()))?;
    if text.is_empty() || text.contains(&0) || text.len() as u64 > LARGEST {
        return Err(broken("it names no folder".to_owned()));
    }
    let common = git_dir.join(OsStr::from_bytes(without_line_ends(&text)));
    let common = fs::canonicalize(&common)
        .map_err(|error| broken(format!("{}: {error}", common.display())))?;
    if has_objects(&common) {
        return Ok(Some(common));
    }
    Err(broken(format!("{} is not a git repository", common.display())))
}

/// Whether there is a `HEAD` that git would take for one: a branch, or an object's name.
fn has_head(git_dir: &Path) -> bool {
    let path = git_dir.join("HEAD");
    let opened = sys::open_regular_with(File::options().read(true), O_NOFOLLOW, &path);
    let mut file = match opened {
        Ok(file) => file,
        // Such as git made long ago; it may lead nowhere yet.
        Err(error) if error.raw_os_error() == Some(ELOOP) => {
            return fs::read_link(&path).is_ok_and(|target| target.starts_with("refs"));
        }
        Err(_) => return false,
    };
    let mut buffer = [0; 256];
    let read = file.read(&mut buffer).unwrap_or(0);
    let text = buffer.get(..read).unwrap_or_default();
    let is_name =
        |length| text.get(..length).is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit));
    match text.strip_prefix(b"ref:") {
        Some(branch) => branch.trim_ascii_start().starts_with(b"refs/"),
        // SHA-1, as which the beginning of a longer one counts too.
        None => is_name(40),
    }
}

fn has_objects(folder: &Path) -> bool {
    let has = |name: &str| access(&folder.join(name), AccessFlags::X_OK).is_ok();
    has("objects") && has("refs")
}

/// What a file begins with: a little more than it may have, at most.
fn first_bytes(path: &Path, flags: i32) -> io::Result<Vec<u8>> {
    let file = sys::open_regular_with(File::options().read(true), flags, path)?;
    let mut text = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// git takes line ends from the end, and nothing else.
fn without_line_ends(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |it| it + 1);
    text.get(..end).unwrap_or_default()
}

/// One path for one folder, whichever way led there.
fn entered(path: &Path) -> Result<PathBuf, LockRootError> {
    fs::canonicalize(path).map_err(|source| no_git_dir(path, source))
}

fn no_git_dir(path: &Path, source: io::Error) -> LockRootError {
    LockRootError::NoGitDir { path: path.to_owned(), source }
}

/// Where a work tree stands in its repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorktreeGitDirectories {
    /// The git common directory.
    pub common: PathBuf,
    /// The git directory of the work tree, from the common one: `.`, or `worktrees/<name>`.
    pub place: PathBuf,
}

/// Finds the place of a work tree, which has a `.git`; `git_dir` is the git directory that a variable names.
///
/// # Errors
/// [`LockRootError`] where a `.git` file does not lead to a repository.
pub fn worktree_place(
    work_tree: &Path,
    git_dir: Option<&Path>,
) -> Result<Option<WorktreeGitDirectories>, LockRootError> {
    let dot_git = git_dir.map_or_else(|| work_tree.join(".git"), Path::to_owned);
    let git_dir = if dot_git.is_file() { linked_git_dir(&dot_git)? } else { dot_git };
    let Some(common) = common_of(&git_dir)? else { return Ok(None) };
    let (common, git_dir) = (entered(&common)?, entered(&git_dir)?);
    let place = match git_dir.strip_prefix(&common) {
        Ok(place) if place.as_os_str().is_empty() => PathBuf::from("."),
        Ok(place) => place.to_owned(),
        Err(_) => git_dir.clone(),
    };
    Ok(Some(WorktreeGitDirectories { common, place }))
}
