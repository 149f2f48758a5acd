use crate::{
    digest::{Digest, DigestBuilder},
    files::{self, FileError},
    recording::BlobReference,
};
use lokt_lock::sys::nofollow;
use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Contents by their digests.
#[derive(Clone, Debug)]
pub(super) struct BlobStore {
    folder: PathBuf,
}

/// A content that has no name yet; dropped, it is gone.
#[derive(Debug)]
pub(super) struct DraftBlob {
    path: PathBuf,
    pub(super) stored: BlobReference,
}

impl Drop for DraftBlob {
    fn drop(&mut self) {
        let _ = nofollow::remove_file(&self.path);
    }
}

impl BlobStore {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a content is.
    pub(super) fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    /// Where something may be made that is to be moved elsewhere. What a crash leaves there is found by its name.
    pub(super) fn draft(&self) -> PathBuf {
        self.folder.join(files::unused_name(files::DRAFT))
    }

    /// Takes in a copy of all that a reader gives.
    pub(super) fn copy(&self, mut from: impl Read, what: &Path) -> Result<DraftBlob, FileError> {
        files::make_folder(&self.folder)?;
        let anywhere = self.folder.join("content");
        let draft = files::draft(&anywhere, 0o600);
        let (path, mut file) = draft.map_err(FileError::on("write in", &self.folder))?;
        let none = BlobReference { digest: Digest::of(b""), bytes: 0 };
        let mut loose = DraftBlob { path, stored: none };
        let (mut digesting, mut buffer) = (DigestBuilder::default(), vec![0; 1 << 16]);
        loop {
            let read = from.read(&mut buffer).map_err(FileError::on("read", what))?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            digesting.add(bytes);
            file.write_all(bytes).map_err(FileError::on("write", &loose.path))?;
            loose.stored.bytes += bytes.len() as u64;
        }
        loose.stored.digest = digesting.finish();
        Ok(loose)
    }

    /// Takes in a file of the same file system as it is, with its digest; it is not to be written again.
    pub(super) fn link(&self, path: &Path, stored: BlobReference) -> Result<DraftBlob, FileError> {
        files::make_folder(&self.folder)?;
        let anywhere = self.folder.join("content");
        let draft =
            files::draft(&anywhere, 0o600).map_err(FileError::on("write in", &self.folder))?;
        let loose = DraftBlob { path: draft.0, stored };
        let linked =
            nofollow::remove_file(&loose.path).and_then(|()| nofollow::link(path, &loose.path));
        linked.map_err(FileError::on("keep", path))?;
        Ok(loose)
    }

    /// Gives a content its name. One that had it may be damaged, so it goes: before, not by renaming over it,
    /// which makes ext4 write all of the new one to disk at once (ext4(5), `auto_da_alloc`). A process that
    /// looks for it in that moment finds a result that is not whole, and makes it again.
    pub(super) fn name(&self, loose: &DraftBlob) -> Result<(), FileError> {
        let path = self.path(loose.stored.digest);
        files::remove(&path).map_err(FileError::on("replace", &path))?;
        nofollow::rename(&loose.path, &path).map_err(FileError::on("write", &path))
    }

    /// Opens a content, if it is there and is what its name says.
    pub(super) fn open(&self, stored: BlobReference) -> io::Result<Option<File>> {
        // Whatever stands in its place must not hold us up.
        let mut file = match nofollow::open_any_kind(&self.path(stored.digest)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // A socket, which can't be opened.
            Err(error) if error.raw_os_error() == Some(nix::libc::ENXIO) => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file()
            || metadata.len() != stored.bytes
            || Digest::of_reader(&file)? != stored.digest
        {
            return Ok(None);
        }
        file.rewind()?;
        Ok(Some(file))
    }
}
