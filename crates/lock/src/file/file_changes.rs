use crate::sys;
use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};
use std::{
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

/// Tells of changes to files, by inotify(7).
///
/// Closing an instance takes the kernel some ten milliseconds, so a caller in a hurry does without one.
pub(super) struct FileChangeWatch(Option<Inotify>);

/// Whether changes can be watched.
pub(super) enum WatchAttempt {
    On(FileChangeWatch),
    /// One of the files is not there.
    Missing,
    Impossible,
}

impl FileChangeWatch {
    /// Watches for files being changed, replaced or removed.
    pub(super) fn of(paths: &[impl AsRef<Path>]) -> WatchAttempt {
        let Ok(inotify) = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK) else {
            return WatchAttempt::Impossible;
        };
        let changes = Self(Some(inotify));
        for path in paths {
            match changes.add(path.as_ref()) {
                Ok(()) => {}
                Err(Errno::ENOENT) => return WatchAttempt::Missing,
                Err(_) => return WatchAttempt::Impossible,
            }
        }
        WatchAttempt::On(changes)
    }

    /// Watches one more file. Doing so again for the same file changes nothing.
    ///
    /// Removing a name changes its inode's link count, which is an attribute; so `IN_ATTRIB` reports it even
    /// while a process has the file open.
    pub(super) fn add(&self, path: &Path) -> nix::Result<()> {
        let events = AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_DONT_FOLLOW;
        let inotify = self.0.as_ref().ok_or(Errno::EBADF)?;
        inotify.add_watch(path, events).map(|_| ())
    }

    /// Watches a folder for being moved away or removed itself; what happens in it is not reported.
    pub(super) fn add_folder(&self, path: &Path) -> nix::Result<()> {
        let events =
            AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_ONLYDIR;
        let inotify = self.0.as_ref().ok_or(Errno::EBADF)?;
        inotify.add_watch(path, events).map(|_| ())
    }

    /// Reads what was reported so far, so that the descriptor is quiet until something new happens.
    pub(super) fn forget(&self) {
        let Some(inotify) = &self.0 else { return };
        while inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
    }
}

impl AsFd for FileChangeWatch {
    #[expect(clippy::expect_used, reason = "only dropping takes the descriptor out")]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_ref().expect("open until it is dropped").as_fd()
    }
}

impl Drop for FileChangeWatch {
    /// Closes in a separate thread: the kernel takes its time for it, and a process is about to enter.
    fn drop(&mut self) {
        let inotify = self.0.take();
        // Where no thread can be had, it is closed here.
        let _ = sys::quiet_thread(move || drop(inotify));
    }
}
