use std::{io, path::PathBuf, sync::Arc};

/// Says what a store could not do, and on what.
#[derive(Debug, thiserror::Error)]
pub enum LockStoreError {
    /// An operation on a file failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process is inside the section of this name and does not leave it.
    #[error("the latch {} is not released{}", path.display(), by_whom(*holder))]
    LatchBusy {
        /// The latch file.
        path: PathBuf,
        /// The process that has it, where the kernel names it.
        holder: Option<i32>,
    },
    /// The file system has no kernel locks, so nothing would exclude anything.
    #[error("the file system of {} has no working kernel locks", path.display())]
    NoKernelLocks {
        /// The file that could not be locked.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The root is on a network file system, where another machine's locks may not be seen.
    #[error("{} is on a network file system ({kind})", path.display())]
    NetworkFileSystem {
        /// The root.
        path: PathBuf,
        /// The file system's name.
        kind: &'static str,
    },
    /// The root was replaced: its folder has become a git repository, which has the locks.
    #[error("the locks of {} have moved to a git repository that has appeared", path.display())]
    RootMoved {
        /// The root of before.
        path: PathBuf,
    },
    /// A store on a network could not read or change its state.
    #[error(transparent)]
    Remote(Arc<dyn std::error::Error + Send + Sync>),
    /// No random bytes for a lock id.
    #[error("the kernel gives no random bytes")]
    NoRandomness {
        /// What the kernel said.
        source: io::Error,
    },
}

impl LockStoreError {
    /// Whether a file or a folder was missing.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// The error of a store on a network.
    pub fn remote(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Remote(Arc::new(error))
    }

    /// Makes the constructor of an I/O error with its path, for `map_err`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

fn by_whom(holder: Option<i32>) -> String {
    holder.map_or_else(String::new, |pid| format!(" by process {pid}"))
}
