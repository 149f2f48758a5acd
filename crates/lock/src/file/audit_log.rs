use crate::store::{Durability, StoreError};
use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Appends a line to the log: opened anew each time, so that a log that was moved away is begun again,
/// and written with one write(2), which `O_APPEND` keeps apart from other writers' lines.
pub(super) fn append(path: &Path, line: &str, durability: Durability) -> Result<(), StoreError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            // A pipe in its place must be an error, not a wait for a reader; and no link may lead what is
            // logged into another file: some of it are texts that a refused stranger has chosen.
            .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOFOLLOW)
            .open(path)?;
        let written = file.write(line.as_bytes())?;
        // A disk that has room for no more says so on the rest, which nobody can take for an event.
        file.write_all(line.as_bytes().get(written..).unwrap_or_default())?;
        match durability {
            Durability::Synced => file.sync_data(),
            Durability::Volatile => Ok(()),
        }
    };
    write().map_err(StoreError::io("write to", path))
}
