//! Files that appear whole or not at all, in folders to which no link leads.

use lokt_lock::sys::nofollow;
use std::{
    fs::File,
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process,
};

/// Says what could not be done to which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {source}", path.display())]
pub struct FileError {
    /// What was attempted.
    pub what: &'static str,
    /// On what.
    pub path: PathBuf,
    /// What the kernel said.
    pub source: io::Error,
}

impl FileError {
    /// For `map_err`: an error of the kernel becomes one of this attempt.
    pub(crate) fn on<'a>(
        what: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self { what, path: path.to_owned(), source }
    }

    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
    }
}

/// Makes a folder that only this user may enter, and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), FileError> {
    nofollow::create_folders(path, 0o700).map(drop).map_err(FileError::on("make the folder", path))
}

/// How the name of a file begins that is to become another.
pub(crate) const DRAFT: &str = ".draft-";

/// A name that no other process has, in another pid namespace neither.
pub(crate) fn unused_name(prefix: &str) -> String {
    let number = RandomState::new().build_hasher().finish();
    format!("{prefix}{}-{number:016x}", process::id())
}

/// A new file beside the one that it is to become.
pub(crate) fn draft(beside: &Path, mode: u32) -> io::Result<(PathBuf, File)> {
    let path = beside.with_file_name(unused_name(DRAFT));
    let file = nofollow::create(&path, mode)?;
    Ok((path, file))
}

/// Writes a file in one step: a reader finds the old one or the new one.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let (draft, mut file) = draft(path, 0o600).map_err(FileError::on("write", path))?;
    let written = file.write_all(content).and_then(|()| nofollow::rename(&draft, path));
    written.map_err(|source| {
        let _ = nofollow::remove_file(&draft);
        FileError::on("write", path)(source)
    })
}

/// Reads a file of this user; `None` if it is missing.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let read = || -> io::Result<Option<Vec<u8>>> {
        let Some(mut file) = open_own(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map(|_| Some(bytes))
    };
    read().map_err(FileError::on("read", path))
}

/// Opens a file of this user to read it; `None` if it is missing. A file of another user counts as
/// absent: it could say anything of what a command printed, or of what is in a file.
pub(crate) fn open_own(path: &Path) -> io::Result<Option<File>> {
    let file = match nofollow::open_to_read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_own = file.metadata()?.uid() == nix::unistd::geteuid().as_raw();
    Ok(is_own.then_some(file))
}

/// Removes a file; one that is gone already is no error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match nofollow::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
