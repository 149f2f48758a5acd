//! The files of a project, each with the digest of its content.
//!
//! Which files there are is git's answer: tracked and untracked, without those that are ignored
//! ([`listing`]). What is in them is read once ([`reading`]), and then known by their state ([`cache`]) as long
//! as that does not change.
//!
//! # Limits
//! A file that is written through a shared memory mapping changes its times only now and then (mmap(2)); a
//! change between two of those moments is not seen. git has the same limit.

mod cache;
mod listing;
mod reading;
mod state;

use crate::{files::FileError, manifest::Part};
use cache::Cache;
use std::{
    ffi::OsString,
    io,
    path::{Component, Path, PathBuf},
    thread,
};

/// Says which files of which project are meant.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The project's folder: paths are told from there.
    pub project: PathBuf,
    /// Whether git keeps it.
    pub repository: Repository,
    /// The folder that patterns are meant from.
    pub folder: PathBuf,
    /// The patterns, as git reads them (gitglossary(7), `glob`); none means all files.
    pub inputs: Vec<OsString>,
    /// Files and folders to leave out.
    pub excluded: Vec<PathBuf>,
    /// Where to keep what is known of files.
    pub caches: PathBuf,
}

/// Whether git keeps a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repository {
    /// It does.
    Git,
    /// Nothing does: then there is no way to tell what matters.
    None,
}

/// Says why the files of a project are not known.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// git was not started.
    #[error("cannot run git to list the project's files: {0}")]
    NoGit(#[source] io::Error),
    /// git gave no list.
    #[error("git cannot list the project's files: {0}")]
    Git(String),
    /// A pattern is none.
    #[error("--input {pattern}: {source}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        source: globset::Error,
    },
    /// A pattern matches nothing, so no change would ever be seen.
    #[error("--input {0} matches no file")]
    NoMatch(String),
    /// Outside a repository, nobody says which files matter.
    #[error("{} is in no git repository, so it is not known which files matter", .0.display())]
    NoRepository(PathBuf),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Tree {
    /// All files that are meant, in the order of their paths.
    ///
    /// # Errors
    /// [`TreeError`] where any of them cannot be known: a guess could share a result that is none.
    pub fn read(&self) -> Result<Vec<Part>, TreeError> {
        let cache_path = self.cache();
        // git takes its time, in which the cache can be read.
        let (paths, cache) = thread::scope(|scope| {
            let cache = scope.spawn(|| Cache::load(&cache_path));
            (listing::list(self), cache.join().unwrap_or_default())
        });
        reading::read(&self.project, paths?, (&cache, &cache_path))
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

    /// What is to be left out, as paths below the project's folder.
    fn left_out(&self) -> Vec<&Path> {
        self.excluded.iter().filter_map(|path| path.strip_prefix(&self.project).ok()).collect()
    }
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
