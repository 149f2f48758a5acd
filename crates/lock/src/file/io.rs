use crate::{
    store::LockStoreError,
    sys::nofollow::{self, FolderCreateOutcome},
};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// All users who may enter the folders may read records and tickets.
const READABLE_BY_ALL: u32 = 0o644;

/// Makes a new file with `content` at a private path. A file that is there already was left by a crash and is
/// removed; it is never written into, since it may be linked into place already.
pub(super) fn create(path: &Path, content: &[u8]) -> Result<File, LockStoreError> {
    let file = create_empty(path)?;
    match fill(&file, content) {
        Ok(()) => Ok(file),
        Err(error) => {
            // Nothing half-written stays, least of all on a full disk.
            let _ = nofollow::remove_file(path);
            Err(LockStoreError::io("write", path)(error))
        }
    }
}

/// Makes a new, empty file at a private path.
pub(super) fn create_empty(path: &Path) -> Result<File, LockStoreError> {
    let open = || nofollow::create(path, READABLE_BY_ALL);
    let file = match open() {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            remove(path)?;
            open()
        }
        opened => opened,
    };
    file.map_err(LockStoreError::io("create", path))
}

/// Gives a new file its content and its mode, whatever the umask.
pub(super) fn fill(mut file: &File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    file.set_permissions(fs::Permissions::from_mode(READABLE_BY_ALL))
}

/// Removes a file, or an empty folder in its place; one that is gone already is no error.
pub(super) fn remove(path: &Path) -> Result<(), LockStoreError> {
    match nofollow::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            nofollow::remove_folder(path).map_err(LockStoreError::io("remove", path))
        }
        result => result.map_err(LockStoreError::io("remove", path)),
    }
}

/// Makes a folder that only this user may enter; one that exists keeps its mode.
pub(super) fn make_folder(path: &Path) -> Result<FolderCreateOutcome, LockStoreError> {
    nofollow::create_folders(path, 0o700).map_err(LockStoreError::io("make the folder", path))
}

/// Writes a folder's entries to disk (fsync(2) on the folder, as its manual page asks for new names).
pub(super) fn sync_folder(path: &Path) -> Result<(), LockStoreError> {
    nofollow::open_folder(path)
        .and_then(|folder| folder.sync_all())
        .map_err(LockStoreError::io("sync", path))
}

/// The names of what is in a folder; none where there is no folder.
pub(super) fn names(folder: &Path) -> Result<Vec<OsString>, LockStoreError> {
    match nofollow::names(folder) {
        Err(error) if is_missing(&error) => Ok(Vec::new()),
        names => names.map_err(LockStoreError::io("list", folder)),
    }
}

/// Whether a link stands at a path, and not on the way there.
pub(super) fn is_link(path: &Path) -> bool {
    nofollow::metadata(path).is_ok_and(|meta| meta.is_symlink())
}

/// Whether an error says that a path does not exist.
pub(super) fn is_missing(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
}
