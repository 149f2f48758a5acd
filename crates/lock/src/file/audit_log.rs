use crate::{
    store::{Durability, LockStoreError},
    sys::nofollow,
};
use nix::fcntl::OFlag;
use std::{
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::Path,
};

/// Appends a line to the log. The log is opened for each line, so that a log that was moved away is begun
/// again. The line is written with one write(2), which `O_APPEND` keeps apart from other writers' lines.
pub(super) fn append(
    path: &Path,
    line: &str,
    durability: Durability,
) -> Result<(), LockStoreError> {
    let write = || -> io::Result<()> {
        // No link may lead what is logged into another file: some of it are texts that a refused stranger has chosen.
        let flags = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT;
        let mut file = nofollow::open(path, flags, 0o600)?;
        if file.metadata()?.nlink() > 1 {
            return Err(io::Error::other(
                "it has a second name elsewhere, and would be written to there",
            ));
        }
        let written = file.write(line.as_bytes())?;
        // A full disk reports the error when the rest is written; no reader takes that rest for an event.
        file.write_all(line.as_bytes().get(written..).unwrap_or_default())?;
        match durability {
            Durability::Synced => file.sync_data(),
            Durability::Volatile => Ok(()),
        }
    };
    write().map_err(LockStoreError::io("write to", path))
}
