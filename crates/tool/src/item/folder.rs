use super::ItemError;
use crate::words::{Extension, ItemId};
use std::{
    cell::OnceCell,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read},
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The largest item, in bytes.
pub(super) const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// A folder `tools/` with items below it.
#[derive(Clone, Debug)]
pub struct SpaceFolder {
    tools: PathBuf,
    /// The same without symbolic links, found out when one is met.
    real: OnceCell<PathBuf>,
}

/// A file that was opened.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) extension: Extension,
    pub(super) file: File,
}

impl SpaceFolder {
    /// Items below `tools`.
    pub fn new(tools: PathBuf) -> Self {
        Self { tools, real: OnceCell::new() }
    }

    /// Where the items are.
    pub fn path(&self) -> &Path {
        &self.tools
    }

    /// Opens the file of an item; `None` where there is none.
    ///
    /// # Errors
    /// Two files of that id, and anything that keeps from knowing: what cannot be opened is not absent.
    pub(super) fn open(&self, id: &ItemId) -> Result<Option<Found>, ItemError> {
        let mut found: Option<Found> = None;
        for extension in Extension::ALL {
            let path = self.tools.join(format!("{id}{}", extension.as_str()));
            let Some(file) = open(&path)? else { continue };
            if let Some(first) = found {
                return Err(ItemError::Ambiguous {
                    id: id.clone(),
                    first: first.path,
                    second: path,
                });
            }
            self.require_inside(&path, &file)?;
            found = Some(Found { path, extension, file });
        }
        Ok(found)
    }

    /// Refuses a file that a symbolic link led to, out of this folder. The file that was opened is asked,
    /// so nobody can put a link in between.
    fn require_inside(&self, path: &Path, file: &File) -> Result<(), ItemError> {
        let descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
        let leads_to = fs::read_link(descriptor).map_err(io_error(path))?;
        // The usual case, without a link anywhere.
        if leads_to == path {
            return Ok(());
        }
        let real = if let Some(real) = self.real.get() {
            real
        } else {
            let real = fs::canonicalize(&self.tools).map_err(io_error(&self.tools))?;
            self.real.get_or_init(|| real)
        };
        if leads_to.starts_with(real) {
            return Ok(());
        }
        Err(ItemError::Outside { path: path.to_owned(), leads_to })
    }
}

impl Found {
    /// All bytes of the file.
    pub(super) fn read(&self) -> Result<Vec<u8>, ItemError> {
        let path = &self.path;
        let metadata = self.file.metadata().map_err(io_error(path))?;
        if !metadata.is_file() {
            return Err(ItemError::NotFile(path.clone()));
        }
        let too_large = |bytes| ItemError::TooLarge { path: path.clone(), bytes };
        if metadata.len() > MOST_BYTES {
            return Err(too_large(metadata.len()));
        }
        // One read(2) more would only find the end; a file that grows meanwhile is cut, and its hash wrong.
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
        (&self.file).take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(io_error(path))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(bytes)
    }
}

fn open(path: &Path) -> Result<Option<File>, ItemError> {
    // Without O_NONBLOCK, a FIFO in the file's place would hold everything up.
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        // A name that the file system could not even hold is not there.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
            ) =>
        {
            // A symbolic link that leads nowhere is no file, but it is there.
            if path.symlink_metadata().is_ok() {
                return Err(io_error(path)(error));
            }
            Ok(None)
        }
        Err(error) => Err(io_error(path)(error)),
    }
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ItemError {
    move |source| ItemError::Io { path: path.to_owned(), source }
}
