use super::ToolItemError;
use crate::{
    bounded::{self, BoundedReadError},
    words::{ToolFileExtension, ToolItemId},
};
use std::{
    fs::{self, File},
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// The largest item, in bytes.
pub(super) const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// A folder `tools/` with items below it.
#[derive(Clone, Debug)]
pub struct SpaceFolder {
    tools: PathBuf,
    /// The same without symbolic links, found out when one is met.
    real: OnceLock<PathBuf>,
}

/// A file that was opened.
#[derive(Debug)]
pub(super) struct OpenedToolFile {
    pub(super) path: PathBuf,
    pub(super) extension: ToolFileExtension,
    pub(super) file: File,
}

impl SpaceFolder {
    /// Items below `tools`.
    pub fn new(tools: PathBuf) -> Self {
        Self { tools, real: OnceLock::new() }
    }

    /// Where the items are.
    pub fn path(&self) -> &Path {
        &self.tools
    }

    /// Opens the file of an item; `None` if it does not exist.
    ///
    /// # Errors
    /// Two files of that id, and anything that keeps from knowing: what cannot be opened is not absent.
    pub(super) fn open(&self, id: &ToolItemId) -> Result<Option<OpenedToolFile>, ToolItemError> {
        let mut found: Option<OpenedToolFile> = None;
        for extension in ToolFileExtension::ALL {
            let path = self.tools.join(format!("{id}{}", extension.as_str()));
            let Some(file) = bounded::open(&path).map_err(io_error(&path))? else { continue };
            if let Some(first) = found {
                return Err(ToolItemError::Ambiguous {
                    id: id.clone(),
                    first: first.path,
                    second: path,
                });
            }
            self.require_inside(&path, &file)?;
            found = Some(OpenedToolFile { path, extension, file });
        }
        Ok(found)
    }

    /// Refuses a file that a symbolic link led to, out of this folder. The file that was opened is asked, so no
    /// process can put a link in between.
    fn require_inside(&self, path: &Path, file: &File) -> Result<(), ToolItemError> {
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
        Err(ToolItemError::Outside { path: path.to_owned(), leads_to })
    }
}

impl OpenedToolFile {
    /// All bytes of the file.
    pub(super) fn read(&self) -> Result<Vec<u8>, ToolItemError> {
        let path = self.path.clone();
        bounded::read(&self.file, MOST_BYTES).map_err(|why| match why {
            BoundedReadError::NotFile => ToolItemError::NotFile(path),
            BoundedReadError::TooLarge(bytes) => ToolItemError::TooLarge { path, bytes },
            BoundedReadError::Io(source) => ToolItemError::Io { path, source },
        })
    }
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ToolItemError {
    move |source| ToolItemError::Io { path: path.to_owned(), source }
}
