//! Folders that were the root before a repository, or the project's `lokt.toml`, was there.
//!
//! Without a repository, the root is `.lokt` in the working folder; after `git init`, it is in the repository. What is
//! held in `.lokt` stays there until it is free, and until then all commands use `.lokt`. After that, none does.
//!
//! # How the root changes without two of them counting at the same time
//! A file `moved` in `.lokt` ends its time. The process that writes it has all latches, so no other process is in a
//! section of `.lokt`; and it writes the file only where nothing is held there and no process waits.
//! * Each section of `.lokt` begins with a look for the file, with the latch.
//! * A process that found no repository looks again in its first section, and changes nothing if there is one. So after
//!   a process has found the repository and no `.lokt`, no other process takes anything in a new `.lokt`.
//!
//! A process that finds the repository therefore finds `.lokt` too, and uses it or ends its time; or `.lokt` is not
//! used any more.
//!
//! # Before the project's file
//! Where `lokt.toml` names a folder, the root that would count without the file keeps the locks as long as anything is
//! held in it. Its time does not end then: without the file, as on another branch, it counts again. So the file's
//! folder counts wherever nothing is held in the other one, and a process that looked for the file a moment before it
//! appeared is not stopped.

use super::{
    file_store::FileLockStore,
    git::GitRepository,
    latch::{LATCH_TIMEOUT, Latch},
    layout::LockRootLayout,
    ownership::ProcessUser,
    root::{LockRoot, RootMethod, RootSearchInputs},
};
use crate::{store::LockStoreError, sys::nofollow};
use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// A `.lokt` of the time before a repository was there, which may still be in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreRepositoryRoot {
    /// The folder.
    pub path: PathBuf,
    /// Whether it was there first. If not, it may have come with the files of the repository, and then only living
    /// processes prove that it is in use.
    pub is_older: bool,
    /// How it was found at that time.
    pub method: RootMethod,
    /// Whether no process uses it any more once it is free.
    pub ends: bool,
}

impl PreRepositoryRoot {
    /// Those that may be in use: on the way from a working folder to the folder that has the repository, and in that of
    /// the main work tree. One of another user is passed over: this user has never used it.
    pub(super) fn of(folder: &Path, repository: &GitRepository, account: ProcessUser) -> Vec<Self> {
        let (top, common) = (&repository.top, &repository.common);
        let main = common.parent().filter(|main| common.ends_with(".git") && *main != top);
        let above = folder.ancestors().take_while(|it| it.starts_with(top));
        let at = |folder: &Path| {
            let path = folder.join(".lokt");
            let meta = fs::symlink_metadata(&path).ok()?;
            let counts = meta.is_dir() && account.has(std::os::unix::fs::MetadataExt::uid(&meta));
            if !counts || is_marked(&path) {
                return None;
            }
            let is_later =
                || Some(meta.created().ok()? > fs::metadata(common).ok()?.created().ok()?);
            let is_older = !is_later().unwrap_or(false);
            Some(Self { is_older, path, method: RootMethod::Local, ends: is_older })
        };
        above.chain(main).filter_map(at).collect()
    }

    /// The root that would count without the project's file, if there is anything.
    pub(super) fn before_file(root: &LockRoot, account: ProcessUser) -> Option<Self> {
        let meta = fs::symlink_metadata(&root.path).ok()?;
        let counts = meta.is_dir() && account.has(std::os::unix::fs::MetadataExt::uid(&meta));
        let earlier =
            Self { path: root.path.clone(), is_older: true, method: root.method, ends: false };
        (counts && !is_marked(&root.path)).then_some(earlier)
    }
}

/// The file that ends the time of a root.
fn mark(root: &Path) -> PathBuf {
    root.join("moved")
}

fn is_marked(root: &Path) -> bool {
    nofollow::metadata(&mark(root)).is_ok()
}

/// What a store must look for that is the root only as long as no repository is there.
#[derive(Clone, Debug)]
pub(super) struct RootReplacementCheck {
    /// From where to look for a repository; nowhere for a root that is known to be earlier than the repository.
    from: Option<PathBuf>,
    /// Where there was no repository when the first section was entered.
    settled: OnceLock<()>,
}

impl RootReplacementCheck {
    pub(super) fn new(from: Option<PathBuf>) -> Self {
        Self { from, settled: OnceLock::new() }
    }

    fn is_replaced(&self) -> bool {
        let Some(folder) = &self.from else { return false };
        let surroundings =
            RootSearchInputs { folder: folder.clone(), ..RootSearchInputs::default() };
        !matches!(GitRepository::find(&surroundings), Ok(None))
    }

    /// Makes sure that a root counts. Needs a latch.
    pub(super) fn require(&self, layout: &LockRootLayout) -> Result<(), LockStoreError> {
        let is_moved =
            is_marked(layout.root()) || (self.settled.get().is_none() && self.is_replaced());
        if is_moved {
            return Err(LockStoreError::RootMoved { path: layout.root().to_owned() });
        }
        let _ = self.settled.set(());
        Ok(())
    }
}

/// All latches of a root: no other process is in a section.
struct AllLatches(Vec<Latch>);

impl AllLatches {
    /// Takes them in their order. That cannot be a deadlock: other processes have one latch at most.
    fn take(layout: &LockRootLayout) -> Result<Self, LockStoreError> {
        let mut all = Self(Vec::new());
        for path in layout.all_latches() {
            all.0.push(Latch::acquire(&path, LATCH_TIMEOUT)?);
        }
        Ok(all)
    }
}

impl Drop for AllLatches {
    /// Gives them back, the last first: each restores the signals that were blocked before it.
    fn drop(&mut self) {
        while self.0.pop().is_some() {}
    }
}

impl FileLockStore {
    /// Ends the time of a root whose folder is a repository now, unless it is in use; true where it has ended.
    ///
    /// # Errors
    /// [`LockStoreError`] where that cannot be found out, or not be noted.
    pub fn retire<E: From<LockStoreError>>(
        &self,
        successor: &Path,
        is_used: impl FnOnce() -> Result<bool, E>,
    ) -> Result<bool, E> {
        self.make_folders()?;
        let _latches = AllLatches::take(self.layout())?;
        if is_used()? {
            return Ok(false);
        }
        let path = mark(self.layout().root());
        let text = format!("the locks are in {} now\n", successor.display());
        let written = match nofollow::create(&path, 0o644) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            file => file.and_then(|mut file| file.write_all(text.as_bytes())),
        };
        written.map_err(LockStoreError::io("write", &path))?;
        Ok(true)
    }

    /// Lets a root count again whose repository is gone. Does nothing for any other root.
    ///
    /// # Errors
    /// [`LockStoreError`] where that cannot be noted.
    pub fn revive(&self) -> Result<(), LockStoreError> {
        let Some(replaceable) = &self.replaceable else { return Ok(()) };
        if !is_marked(self.layout().root()) {
            return Ok(());
        }
        self.make_folders()?;
        let _latches = AllLatches::take(self.layout())?;
        if replaceable.is_replaced() {
            return Err(LockStoreError::RootMoved { path: self.layout().root().to_owned() });
        }
        super::io::remove(&mark(self.layout().root()))
    }
}

#[cfg(test)]
#[path = "earlier_tests.rs"]
mod tests;
