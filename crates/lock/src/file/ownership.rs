//! Owners of folders: which are trusted.

use super::git::PathOwner;
use super::safe_directory;
use nix::unistd::geteuid;
use std::path::{Path, PathBuf};

/// The user that a process works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessUser {
    /// The effective user.
    pub uid: u32,
    /// The user behind `sudo` (`SUDO_UID`), that counts only where the effective user is root.
    pub sudo_uid: Option<u32>,
}

impl ProcessUser {
    /// That of this process, with the user behind `sudo` as the environment names it.
    pub fn current(sudo_uid: Option<u32>) -> Self {
        Self { uid: geteuid().as_raw(), sudo_uid }
    }

    /// Whether what belongs to a user is to be trusted: the same user, and for root the user behind
    /// `sudo`, as for git.
    pub fn has(self, uid: u32) -> bool {
        uid == self.uid || (self.uid == 0 && self.sudo_uid == Some(uid))
    }
}

impl Default for ProcessUser {
    fn default() -> Self {
        Self::current(None)
    }
}

/// Says that something belongs to another user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignOwnedPath {
    /// What does.
    pub path: PathBuf,
    /// The owner.
    pub uid: u32,
    /// What `safe.directory` of git's configuration must name to have it trusted.
    pub exception: PathBuf,
}

/// What of some files and folders belongs to another user, unless git's configuration calls one of the `exceptions`
/// safe.
pub(super) fn foreign(
    account: ProcessUser,
    owned: &[PathOwner],
    exceptions: &[PathBuf],
    folder: &Path,
) -> Option<ForeignOwnedPath> {
    let foreign = owned.iter().find(|it| !account.has(it.uid))?;
    if exceptions.iter().any(|path| safe_directory::has(path, folder)) {
        return None;
    }
    let exception = exceptions.first().unwrap_or(&foreign.path).clone();
    Some(ForeignOwnedPath { path: foreign.path.clone(), uid: foreign.uid, exception })
}
