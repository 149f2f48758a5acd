use std::{fs, os::fd::OwnedFd, path::PathBuf};

/// Says that a process waits, for as long as this is kept and the process lives.
#[derive(Debug)]
#[must_use = "what is dropped says nothing any more"]
pub struct NestedWaitEntry {
    path: PathBuf,
    /// Has the lock that says so.
    _alive: OwnedFd,
}

impl NestedWaitEntry {
    pub(crate) fn new(path: PathBuf, alive: OwnedFd) -> Self {
        Self { path, _alive: alive }
    }
}

impl Drop for NestedWaitEntry {
    fn drop(&mut self) {
        // One that stays is found to be dead by the next process that looks there, and is removed then.
        let _ = fs::remove_file(&self.path);
    }
}
