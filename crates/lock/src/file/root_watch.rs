use super::{FileLockStore, layout::LockRootLayout};
use crate::{store::LockRecordKind, sys};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};
use std::{
    fs,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

/// How many processes are watched: more would take descriptors that a program needs for other things.
const MOST_PROCESSES: usize = 256;

/// Tells that something about the locks and reservations of a root may have changed, by inotify(7) and `pidfd_open(2)`.
///
/// A process that changes a lock's state closes a latch afterwards; programs that know no latch change a record
/// or a freeze; refusals are lines in the log. So a few folders report changes of all names, however many there
/// are. No file reports that a process dies, so the processes of holders and waiters are watched themselves.
///
/// # Limits
/// The end of the command of a guard that was killed is not reported. Where the kernel has no watches to give,
/// the watch is [blind](Self::is_blind), and the caller has to look from time to time.
pub struct LockRootChangeWatch {
    layout: LockRootLayout,
    inotify: Option<Inotify>,
    processes: Vec<OwnedFd>,
    is_blind: bool,
}

impl LockRootChangeWatch {
    /// Begins to watch a root, which need not exist yet.
    pub fn begin(store: &FileLockStore) -> Self {
        let flags = InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK;
        let mut watch = Self {
            layout: store.layout().clone(),
            inotify: Inotify::init(flags).ok(),
            processes: Vec::new(),
            is_blind: false,
        };
        watch.rearm();
        watch
    }

    /// Descriptors that become readable when it is time to look.
    pub fn sources(&self) -> Vec<BorrowedFd<'_>> {
        let files = self.inotify.iter().map(AsFd::as_fd);
        files.chain(self.processes.iter().map(AsFd::as_fd)).collect()
    }

    /// Whether changes are not reported, or not all of them.
    pub fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// Reads what was reported so far, and watches the files that are there now. To be called before each look.
    pub fn rearm(&mut self) {
        if let Some(inotify) = &self.inotify {
            while inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
        }
        self.is_blind = !self.watch_files();
    }

    /// Watches these processes, and no others any more. To be called after each look, with those that it found.
    /// One that has ended already has nothing more to tell.
    pub fn watch_processes(&mut self, processes: impl IntoIterator<Item = i32>) {
        let processes = processes.into_iter().filter(|pid| *pid > 0).take(MOST_PROCESSES);
        let opened = processes.filter_map(|pid| sys::watch_exit(pid).ok());
        self.processes = opened.filter(|process| !has_ended(process)).collect();
    }

    fn watch_files(&self) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let add = |path: &Path, events| inotify.add_watch(path, events).is_ok();
        let appears = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
        let root = self.layout.root();
        if !root.is_dir() {
            return nearest(root).is_some_and(|folder| add(&folder, appears));
        }
        let vanishes = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM;
        let gone = AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF;
        // The log is a file of the root.
        let changes = AddWatchFlags::IN_MODIFY | appears | vanishes | gone;
        let records = AddWatchFlags::IN_CLOSE_WRITE | appears | vanishes;
        let latches = AddWatchFlags::IN_CLOSE_WRITE;
        let folders = [
            (root.to_owned(), changes),
            (self.layout.folder_of(LockRecordKind::Lock), records),
            (self.layout.folder_of(LockRecordKind::Freeze), records),
            (self.layout.latches(), latches),
            (self.layout.reservations(), records),
            // The kernel closes the file of a waiter that was killed.
            (self.layout.reservation_waiters(), records),
        ];
        // The root reports a missing folder when it is made.
        folders.iter().filter(|(path, _)| path.is_dir()).all(|(path, events)| add(path, *events))
    }
}

/// Whether a process has ended, collected by its parent or not.
fn has_ended(process: &OwnedFd) -> bool {
    let mut source = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    poll(&mut source, PollTimeout::ZERO) != Ok(0)
}

/// The nearest folder above that is there.
fn nearest(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .skip(1)
        .filter(|it| !it.as_os_str().is_empty())
        .find_map(|folder| fs::canonicalize(folder).ok().filter(|folder| folder.is_dir()))
}

#[cfg(test)]
#[path = "root_watch_tests.rs"]
mod tests;
