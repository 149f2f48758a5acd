//! Reading files that may be anything: what lies in a project is a stranger's until it is verified. A FIFO in a
//! file's place must not hold a command up, nor a device fill the memory.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Says why an open file cannot be read whole.
#[derive(Debug, thiserror::Error)]
pub enum BoundedReadError {
    /// It is a folder, a FIFO, a device.
    #[error("not a regular file")]
    NotFile,
    /// It has more bytes than may be read.
    #[error("{0} bytes are too many")]
    TooLarge(u64),
    /// The kernel says no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Opens a file; `None` if it does not exist.
///
/// # Errors
/// Whatever keeps from knowing. A symbolic link that leads nowhere is there, and no file.
pub fn open(path: &Path) -> io::Result<Option<File>> {
    // Without O_NONBLOCK, opening a FIFO waits for a writer.
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if is_absent(&error) => require_absent(path, error).map(|()| None),
        Err(error) => Err(error),
    }
}

/// Makes sure that what could not be found is not there: a path on which something stands that is no folder, or
/// a link that leads nowhere at this moment, proves nothing about what would be behind it.
///
/// # Errors
/// The one that says that it was not found, where that is in doubt.
pub fn require_absent(path: &Path, error: io::Error) -> io::Result<()> {
    // A name that the file system could not even hold is not there.
    if path.symlink_metadata().is_ok() {
        return Err(error);
    }
    let mut above = path.ancestors().skip(1).filter(|it| !it.as_os_str().is_empty());
    let Some(nearest) = above.find(|it| it.symlink_metadata().is_ok()) else { return Ok(()) };
    match nearest.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        _ => {
            let text = format!("{} is no folder, or leads nowhere", nearest.display());
            Err(io::Error::new(error.kind(), text))
        }
    }
}

/// Reads an open file of at most `most` bytes.
///
/// # Errors
/// [`BoundedReadError`] where it is no file, or larger.
pub fn read(file: &File, most: u64) -> Result<Vec<u8>, BoundedReadError> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(BoundedReadError::NotFile);
    }
    if metadata.len() > most {
        return Err(BoundedReadError::TooLarge(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    // It may have grown since.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(BoundedReadError::TooLarge(bytes.len() as u64));
    }
    Ok(bytes)
}

/// Whether an error says that a path leads nowhere.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    let kind = error.kind();
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename)
}
