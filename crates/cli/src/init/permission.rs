//! Whether a file of a project may be replaced or removed. That is found out before anything is written: rename(2)
//! asks for the folder's permissions alone, and would replace a file that its owner has made read-only.

use nix::unistd::{AccessFlags, access, geteuid};
use std::{
    fs::{self, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Says why a file may not be changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileWritePermissionError {
    /// Its owner may not write it.
    #[error("it is read-only (mode {0:04o})")]
    ReadOnly(u32),
    /// It is another user's, and would become the caller's.
    #[error("it belongs to another user (id {0})")]
    Owner(u32),
    /// The kernel says no: it cannot be changed at all, for instance, or the file system is read-only.
    #[error("it cannot be written: {0}")]
    File(#[source] io::Error),
    /// The owner of its folder may not write that.
    #[error("its folder {} is read-only (mode {mode:04o})", path.display())]
    ReadOnlyFolder {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The kernel says no.
    #[error("its folder {} cannot be written: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The permission of a file's owner to write it.
const OWNER_WRITES: u32 = 0o200;
const MODE: u32 = 0o7777;

/// Requires that a file may be replaced or removed, or created. The path has no symbolic links.
pub(super) fn require(path: &Path) -> Result<(), FileWritePermissionError> {
    match path.symlink_metadata() {
        Ok(file) => require_file(path, &file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(FileWritePermissionError::File(error)),
    }
    let above = path.ancestors().skip(1);
    let folder =
        above.map(|it| (it, fs::metadata(it))).find_map(|(it, found)| Some((it, found.ok()?)));
    folder.map_or(Ok(()), |(path, folder)| require_folder(path, &folder))
}

fn require_file(path: &Path, file: &Metadata) -> Result<(), FileWritePermissionError> {
    // The superuser could write it; but its mode says read-only to every user.
    if file.mode() & OWNER_WRITES == 0 {
        return Err(FileWritePermissionError::ReadOnly(file.mode() & MODE));
    }
    let me = geteuid();
    if file.uid() != me.as_raw() && !me.is_root() {
        return Err(FileWritePermissionError::Owner(file.uid()));
    }
    // Opened and not written: the kernel also refuses immutable and append-only files.
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
    let opened = OpenOptions::new().write(true).custom_flags(flags).open(path);
    opened.map(drop).map_err(FileWritePermissionError::File)
}

fn require_folder(path: &Path, folder: &Metadata) -> Result<(), FileWritePermissionError> {
    if folder.mode() & OWNER_WRITES == 0 {
        return Err(FileWritePermissionError::ReadOnlyFolder {
            path: path.to_owned(),
            mode: folder.mode() & MODE,
        });
    }
    let allowed = access(path, AccessFlags::W_OK | AccessFlags::X_OK);
    allowed.map_err(|error| FileWritePermissionError::Folder {
        path: path.to_owned(),
        source: error.into(),
    })
}
