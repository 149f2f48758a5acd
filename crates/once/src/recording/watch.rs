use crate::files::{self, FileError};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

/// Tells when a recording of a folder goes on, or another begins, by inotify(7).
pub struct RecordingFolderWatch(Inotify);

impl RecordingFolderWatch {
    /// Watches a folder of recordings; makes the folder if it does not exist.
    ///
    /// # Errors
    /// [`FileError`] where it cannot be watched.
    pub fn begin(folder: &Path) -> Result<Self, FileError> {
        files::make_folder(folder)?;
        let events = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_ONLYDIR;
        let watched = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .and_then(|inotify| inotify.add_watch(folder, events).map(|_| inotify));
        let watched = watched.map_err(io::Error::from);
        watched.map(Self).map_err(FileError::on("watch", folder))
    }

    /// Reads what was reported so far. To be called before each look, so that no change after it is missed.
    pub fn forget(&self) {
        while self.0.read_events().is_ok_and(|events| !events.is_empty()) {}
    }
}

impl AsFd for RecordingFolderWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
