//! Files that appear whole or not at all.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
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
    let made = DirBuilder::new().mode(0o700).recursive(true).create(path);
    made.map_err(FileError::on("make the folder", path))
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
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
    Ok((path, file))
}

/// Writes a file in one step: whoever reads it finds the old one or the new one.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let (draft, mut file) = draft(path, 0o600).map_err(FileError::on("write", path))?;
    let written = file.write_all(content).and_then(|()| fs::rename(&draft, path));
    written.map_err(|source| {
        let _ = fs::remove_file(&draft);
        FileError::on("write", path)(source)
    })
}

/// Reads a file; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::on("read", path)(error)),
    }
}

/// Removes a file; one that is gone already is no error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
