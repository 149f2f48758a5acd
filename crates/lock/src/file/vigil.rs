use super::{file_store::FileStore, io, ticket};
use crate::{
    record::{Corruption, Record, Slot},
    rules::{FILLING, Obstacle, Place, Presence},
    store::{RecordKind, Store, StoreError, Vigil},
    sys,
    words::{LockName, Timestamp},
};
use nix::sys::{
    eventfd::{EfdFlags, EventFd},
    inotify::{AddWatchFlags, InitFlags, Inotify},
};
use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

/// How long a waiter trusts the wall clock: a clock that is set moves an expiry without an event.
const CLOCK_TRUST: Duration = Duration::from_secs(10);

/// How often to look where the kernel has no watches left to give (inotify(7), `max_user_instances`).
const SLOW_POLL: Duration = Duration::from_secs(1);

/// Sleeps until an obstacle may be gone.
///
/// A ticket ahead is watched twice. A thread blocks in flock(2) on it, which the kernel ends when the
/// last process that has the ticket is gone; and inotify(7) tells when its name goes, which is what a
/// holder does on leaving, and what breaking a lock by force does while processes live on. A record is
/// watched by inotify, by its expiry, and by a pidfd where it hangs on a process.
#[derive(Default)]
pub struct FileVigil {
    ready: bool,
    inotify: Option<Inotify>,
    released: Option<Arc<EventFd>>,
    process: Option<OwnedFd>,
    until: Option<Timestamp>,
    look_again: Option<Duration>,
}

impl FileVigil {
    pub(super) fn begin(
        store: &FileStore,
        name: &LockName,
        obstacle: &Obstacle,
    ) -> Result<Self, StoreError> {
        match obstacle {
            Obstacle::Ahead(place) => Self::on_ticket(store, name, place),
            Obstacle::Held(record) => Ok(Self::on_record(store, RecordKind::Lock, record)),
            Obstacle::Frozen(record) => Ok(Self::on_record(store, RecordKind::Freeze, record)),
            Obstacle::Corrupted(corruption) => Ok(Self::on_corruption(store, name, corruption)),
        }
    }

    fn ready() -> Self {
        Self { ready: true, ..Self::default() }
    }

    fn on_ticket(store: &FileStore, name: &LockName, place: &Place) -> Result<Self, StoreError> {
        let Some(path) = current_path(store, name, place)? else {
            return Ok(Self::ready());
        };
        let vigil = Self::on_paths(std::slice::from_ref(&path));
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if io::is_missing(&error) => return Ok(Self::ready()),
            Err(_) => {
                return Ok(Self { look_again: Some(SLOW_POLL), ..vigil });
            }
        };
        if vigil.ready {
            return Ok(vigil);
        }
        let released = wait_in_kernel(file).map_err(StoreError::io("wait for", path))?;
        Ok(Self { released: Some(released), ..vigil })
    }

    fn on_record(store: &FileStore, kind: RecordKind, record: &Record) -> Self {
        let name = &record.name;
        let path = match store.layout.record(kind, name) {
            path if kind == RecordKind::Freeze && !path.exists() => {
                store.layout.legacy_freeze(name)
            }
            path => path,
        };
        let vigil = Self::on_paths(&[path]);
        // What changed before the watch was there is seen here, what changes later by the watch.
        let unchanged = store.peek(name, kind).record() == Some(record);
        let process = record.pid.filter(|_| kind == RecordKind::Lock && record.hangs_on_process());
        let process = process.map(|pid| watch_process(record, pid));
        let look_again = match process {
            Some(None) => Some(SLOW_POLL),
            _ => vigil.look_again,
        };
        Self {
            ready: !unchanged || vigil.ready,
            process: process.flatten(),
            until: record.expiry(),
            look_again,
            ..vigil
        }
    }

    fn on_corruption(store: &FileStore, name: &LockName, corruption: &Corruption) -> Self {
        let vigil = Self::on_paths(&[store.layout.record(RecordKind::Lock, name)]);
        let changed = match store.peek(name, RecordKind::Lock) {
            Slot::Corrupted(now) => now.flaw != corruption.flaw,
            _ => true,
        };
        let look_again = corruption.may_be_filling().then_some(FILLING).or(vigil.look_again);
        Self { ready: changed || vigil.ready, look_again, ..vigil }
    }

    /// Watches for files being changed, replaced or removed. Where one is missing, it is ready.
    fn on_paths(paths: &[PathBuf]) -> Self {
        let Ok(inotify) = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK) else {
            return Self { look_again: Some(SLOW_POLL), ..Self::default() };
        };
        match paths.iter().try_for_each(|path| add_watch(&inotify, path)) {
            Ok(()) => Self { inotify: Some(inotify), ..Self::default() },
            Err(nix::errno::Errno::ENOENT) => Self::ready(),
            Err(_) => Self { look_again: Some(SLOW_POLL), ..Self::default() },
        }
    }
}

/// Removing a name changes its inode's link count, which is an attribute; so `IN_ATTRIB` tells of it even
/// while somebody has the file open.
fn add_watch(inotify: &Inotify, path: &Path) -> nix::Result<()> {
    let events = AddWatchFlags::IN_ATTRIB
        | AddWatchFlags::IN_DELETE_SELF
        | AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_MOVE_SELF
        | AddWatchFlags::IN_DONT_FOLLOW;
    inotify.add_watch(path, events).map(|_| ())
}

/// A ticket may have been renamed to a holder's since it was listed.
fn current_path(
    store: &FileStore,
    name: &LockName,
    place: &Place,
) -> Result<Option<PathBuf>, StoreError> {
    let line = store.line(name)?;
    let now = line.iter().find(|now| now.number == place.number && now.lock_id == place.lock_id);
    Ok(now.map(|now| ticket::path_of(&store.layout, name, now)))
}

/// Blocks in flock(2) in a thread of its own, because flock can neither be polled nor given a time limit.
///
/// The thread ends with the ticket's last holder, or with this process. Until then it keeps nothing but
/// its stack and the open file: a shared lock is all it ever has, and that only for a moment.
fn wait_in_kernel(file: File) -> std::io::Result<Arc<EventFd>> {
    let released = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
    let tell = Arc::clone(&released);
    let wait = move || {
        let _ = file.lock_shared();
        drop(file);
        // The count cannot overflow by one.
        let _ = tell.write(1);
    };
    thread::Builder::new().name("lokt-wait".into()).stack_size(64 * 1024).spawn(wait)?;
    Ok(released)
}

/// Watches for the end of a record's process; `None` where that cannot be done. The start time is compared
/// after the watch is there: a pid that was given to another process meanwhile is not the one.
fn watch_process(record: &Record, pid: i32) -> Option<OwnedFd> {
    let exit = sys::watch_exit(pid).ok()?;
    match (sys::probe(pid), record.pid_start) {
        (Presence::Present(Some(now)), Some(then)) => (now == then).then_some(exit),
        (Presence::Present(_), _) => Some(exit),
        (Presence::Absent, _) => None,
    }
}

impl Vigil for FileVigil {
    fn is_ready(&self) -> bool {
        self.ready
    }

    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        let inotify = self.inotify.as_ref().map(AsFd::as_fd);
        let released = self.released.as_deref().map(AsFd::as_fd);
        let process = self.process.as_ref().map(AsFd::as_fd);
        [inotify, released, process].into_iter().flatten().collect()
    }

    fn patience(&self, now: Timestamp) -> Option<Duration> {
        // A millisecond on top, so that an expiry has passed when it is looked at.
        let expiry = self.until.map(|until| until.since(now) + Duration::from_millis(1));
        let expiry = expiry.map(|left| left.min(CLOCK_TRUST));
        [expiry, self.look_again].into_iter().flatten().min()
    }
}
