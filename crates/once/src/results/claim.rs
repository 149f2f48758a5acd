use crate::{
    digest::Digest,
    files::{self, FileError},
};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::Path,
};

/// A run's claim to be the only one that makes an artifact: what two runs make at the same time is neither's.
///
/// It keeps nobody from running, for that could go round in a circle; it tells both in the end. A file stands for
/// the artifact. Whoever has its lock was first; whoever comes adds a byte, which the first one sees.
#[derive(Debug)]
pub struct Claim {
    file: File,
    bytes: u64,
    first: bool,
}

impl Claim {
    /// Claims an artifact, by where it really is.
    pub(super) fn begin(folder: &Path, artifact: &Path) -> Result<Self, FileError> {
        files::make_folder(folder)?;
        let path = folder.join(Digest::of(artifact.as_os_str().as_bytes()).short());
        let mut options = OpenOptions::new();
        let opened = options.create(true).append(true).mode(0o600).open(&path);
        let mut file = opened.map_err(FileError::on("write", &path))?;
        let first = file.try_lock().is_ok();
        let written = file.write_all(b".").and_then(|()| file.metadata());
        let bytes = written.map_err(FileError::on("write", &path))?.len();
        Ok(Self { file, bytes, first })
    }

    /// Whether nobody else made the artifact meanwhile. In doubt, somebody did.
    pub fn was_alone(&self) -> bool {
        self.first && self.file.metadata().is_ok_and(|now| now.len() == self.bytes)
    }
}
