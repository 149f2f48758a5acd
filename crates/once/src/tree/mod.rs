//! The files of a project, each with the digest of its content.
//!
//! Which files there are is git's answer ([`git`]): tracked and untracked, without those that a `.gitignore` ignores.
//! What it does not say is added: files of repositories inside the project ([`listing`]), and what links lead to
//! ([`links`]). What is in them is read once ([`reading`]), and then known by their state ([`file_state_cache`]) as
//! long as that does not change, where that is to be trusted ([`trust`]). Where any of it cannot be known, there is no
//! answer.
//!
//! # Limits
//! A file that is written through a shared memory mapping changes its times only now and then (mmap(2)); a
//! change between two of those moments is not seen. git has the same limit. FIFOs, sockets and devices have no content;
//! git does not list them. What is in a folder called `.git` is never listed.

mod excluded;
mod file_state;
mod file_state_cache;
mod git;
mod links;
mod listing;
mod looking;
mod pattern;
mod reading;
mod trust;
mod walk;

pub use git::{GitVersion, OLDEST_GIT, version as git_version};

use crate::{files::FileError, manifest::ResultInput};
use file_state_cache::FileStateCache;
use std::{
    ffi::OsString,
    io,
    path::{Component, Path, PathBuf},
    thread,
};

/// Says which files of which project are meant.
#[derive(Clone, Debug)]
pub struct FileSelection {
    /// The project's folder: paths are relative to it. Absolute, without symbolic links.
    pub project: PathBuf,
    /// What keeps it.
    pub repository: ProjectRepositoryLocation,
    /// The folder that patterns are meant from.
    pub folder: PathBuf,
    /// The patterns, as git reads them (gitglossary(7), `glob`); none means all files.
    pub inputs: Vec<OsString>,
    /// Files and folders to leave out.
    pub excluded: Vec<PathBuf>,
    /// The folder of the locks, by each of its names: what Lokt has in it is left out.
    pub roots: Vec<PathBuf>,
    /// Where to keep what is known of files.
    pub caches: PathBuf,
    /// Which start of the kernel this is: what is known of files is forgotten with the next one. Empty where that is
    /// not known.
    pub boot: String,
}

/// What keeps a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectRepositoryLocation {
    /// The git repository of which the project's folder has the `.git`.
    Here,
    /// The git repository of which another folder has the `.git`; the project's folder is its work tree all the same.
    At(PathBuf),
    /// This git repository: `GIT_DIR` says so.
    Named(PathBuf),
    /// Nothing does: then there is no way to tell what matters.
    None,
}

/// Says why the files of a project are not known.
#[derive(Debug, thiserror::Error)]
pub enum ProjectTreeError {
    /// git was not started.
    #[error("cannot run git to list the project's files: {0}")]
    NoGit(#[source] io::Error),
    /// git gave no list, or not all of it.
    #[error("git cannot list the project's files in {}: {text}", folder.display())]
    Git {
        /// In which folder.
        folder: PathBuf,
        /// What it said.
        text: String,
    },
    /// git is older than any that is known to give the right list.
    #[error(
        "git cannot list the project's files: it is version {0}, and {OLDEST_GIT} or later is needed"
    )]
    OldGit(GitVersion),
    /// The repository's files are those of another folder: `core.worktree` says so.
    #[error("the project's files are in {}, says git", .0.display())]
    OtherWorkTree(PathBuf),
    /// A pattern matches nothing, so no change would ever be seen.
    #[error("--input {0} matches no file")]
    NoMatch(String),
    /// The same of one that matches files that do not count.
    #[error("--input {0} matches only files that git ignores")]
    OnlyIgnored(String),
    /// What is named is a FIFO, a socket or a device.
    #[error("{} is no regular file, so its content cannot be known", .0.display())]
    Special(PathBuf),
    /// A link leads to a folder with too many files.
    #[error("a link leads to {}, which has more than {most} files", folder.display())]
    TooManyFiles {
        /// The folder.
        folder: PathBuf,
        /// How many there may be.
        most: usize,
    },
    /// In the folder of the locks are files of the project.
    #[error("{} is in the folder of the locks, so it is not known whether it matters", file.display())]
    SharedRoot {
        /// One of them, or the project's folder.
        file: PathBuf,
    },
    /// Outside a repository, it is not known which files matter.
    #[error("{} is in no git repository, so it is not known which files matter", .0.display())]
    NoRepository(PathBuf),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl FileSelection {
    /// All files that are meant, in the order of their paths.
    ///
    /// # Errors
    /// [`ProjectTreeError`] where any of them cannot be known: after a guess, a wrong result could be shared.
    pub fn read(&self) -> Result<Vec<ResultInput>, ProjectTreeError> {
        let cache_path = self.cache();
        // git takes its time, in which the cache can be read.
        let (paths, cache) = thread::scope(|scope| {
            let load = || FileStateCache::load(&cache_path, &self.boot);
            let loading = thread::Builder::new().spawn_scoped(scope, load);
            let listed = listing::list(self);
            // Where no thread can be had (`ulimit -u`), this one loads it.
            (listed, loading.map_or_else(|_| load(), |it| it.join().unwrap_or_default()))
        });
        reading::read(self, paths?, (&cache, &cache_path))
    }

    /// Where the states of just these files are kept.
    fn cache(&self) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        let places = [&self.project, &self.folder].map(|path| path.as_os_str().to_owned());
        let mut bytes = Vec::new();
        for text in places.iter().chain(&self.inputs) {
            bytes.extend(text.as_bytes());
            bytes.push(0);
        }
        self.caches.join(crate::digest::Digest::of(&bytes).short())
    }

    /// A path relative to the project's folder, or the whole path where it is outside of that.
    fn relative(&self, path: PathBuf) -> PathBuf {
        path.strip_prefix(&self.project).map(Path::to_owned).unwrap_or(path)
    }
}

/// Whether an error says that there is nothing.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A path from a folder on, without `.` and `..`, by its text alone: a link in it is not followed, as git does not
/// either.
pub fn absolute(folder: &Path, path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole
}
