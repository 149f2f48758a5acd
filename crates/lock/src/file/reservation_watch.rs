use super::layout::LockRootLayout;
use crate::{store::ReservationWatch, sys};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How many processes are watched at most.
const MOST_PROCESSES: usize = 64;

/// Tells that reservations or waiters may have changed, by inotify(7) and `pidfd_open(2)`.
///
/// A killed waiter is reported too: the kernel closes its file, which was open for writing.
#[derive(Debug)]
pub struct FileReservationWatch {
    layout: LockRootLayout,
    inotify: Option<Inotify>,
    processes: Vec<OwnedFd>,
}

impl FileReservationWatch {
    pub(super) fn begin(layout: &LockRootLayout) -> Self {
        let flags = InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK;
        let inotify = Inotify::init(flags).ok();
        Self { layout: layout.clone(), inotify, processes: Vec::new() }
    }
}

impl ReservationWatch for FileReservationWatch {
    fn rearm(&mut self) {
        if let Some(inotify) = &self.inotify {
            while inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
            let events = AddWatchFlags::IN_CLOSE_WRITE
                | AddWatchFlags::IN_DELETE
                | AddWatchFlags::IN_MOVED_TO
                | AddWatchFlags::IN_MOVED_FROM
                | AddWatchFlags::IN_DELETE_SELF
                | AddWatchFlags::IN_DONT_FOLLOW;
            for folder in [self.layout.reservations(), self.layout.reservation_waiters()] {
                // A folder that is not there has nothing to report; the caller looks from time to time.
                let _ = inotify.add_watch(&folder, events);
            }
        }
    }

    fn watch_processes(&mut self, pids: &[i32]) {
        let watched = pids.iter().take(MOST_PROCESSES);
        self.processes = watched.filter_map(|pid| sys::watch_exit(*pid).ok()).collect();
    }

    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        let files = self.inotify.iter().map(AsFd::as_fd);
        files.chain(self.processes.iter().map(AsFd::as_fd)).collect()
    }
}
