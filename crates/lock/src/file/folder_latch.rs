use super::latch::{LATCH_TIMEOUT, holder_of};
use crate::{
    store::LockStoreError,
    sys::{self, BlockedSignals},
};
use nix::libc::O_DIRECTORY;
use std::{fs::File, os::unix::fs::OpenOptionsExt, path::Path};

/// A latch on a folder, for changes of files in it that are no locks: its kernel lock is on the folder
/// itself, so that no file has to be made for it.
///
/// Held for a moment, with signals held back; dying drops it.
#[must_use = "the latch is released as soon as this is dropped"]
pub struct FolderLatch {
    // Dropped in this order: others may go on before our signals arrive.
    _folder: File,
    _signals: BlockedSignals,
}

impl FolderLatch {
    /// Takes the latch of a folder, which must exist.
    ///
    /// # Errors
    /// [`LockStoreError::LatchBusy`] when another has it for longer than 5 s, else what the kernel said.
    pub fn take(path: &Path) -> Result<Self, LockStoreError> {
        let folder = File::options().read(true).custom_flags(O_DIRECTORY).open(path);
        Self::of(folder.map_err(LockStoreError::io("open", path))?, path)
    }

    /// Takes the latch of a folder that is open already, and is at `path`.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn of(folder: File, path: &Path) -> Result<Self, LockStoreError> {
        let signals = BlockedSignals::all();
        let taken = sys::lock_within(&folder, File::lock, LATCH_TIMEOUT);
        if taken.map_err(LockStoreError::io("lock", path))? {
            return Ok(Self { _folder: folder, _signals: signals });
        }
        Err(LockStoreError::LatchBusy { path: path.to_owned(), holder: holder_of(path) })
    }
}
