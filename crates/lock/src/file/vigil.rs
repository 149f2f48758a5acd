use super::{file_store::FileStore, io, ticket};
use crate::{
    record::{Corruption, Record, Slot},
    rules::{FILLING, Obstacle, Place, Presence},
    store::{RecordKind, Store, StoreError, Vigil},
    sys,
    words::{LockName, Timestamp},
};
use nix::{
    errno::Errno,
    sys::{
        eventfd::{EfdFlags, EventFd},
        inotify::{AddWatchFlags, InitFlags, Inotify},
    },
};
use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long a waiter trusts the wall clock: a clock that is set moves an expiry without an event.
const CLOCK_TRUST: Duration = Duration::from_secs(10);

/// How long to wait for a ticket in the shortest way, which nothing but its lock or the time can end.
const DOZE: Duration = Duration::from_millis(50);

/// How long a ticket is waited for by its lock alone. Closing an inotify instance takes the kernel some ten
/// milliseconds, so waits that are over sooner than this don't begin one.
const SHORT_WAIT: Duration = Duration::from_secs(1);

/// How often to look where the kernel has no watches left to give (inotify(7), `max_user_instances`).
const SLOW_POLL: Duration = Duration::from_secs(1);

/// Sleeps until an obstacle may be gone.
///
/// For a ticket ahead, it blocks in flock(2) on it: the kernel ends that when the holder leaves, or when
/// the last process that has the ticket is gone. After a moment a thread of its own does so, because then
/// other things may end the wait too. In waits that last, inotify(7) also tells when the
/// ticket's name goes, which is what breaking a lock by force does while its processes live on. A record
/// is watched by inotify, by its expiry, and by a pidfd where it hangs on a process.
#[derive(Default)]
pub struct FileVigil {
    /// The obstacle may be gone already.
    ready: bool,
    /// The ticket that is waited for by its lock alone, as long as the wait is short.
    ticket: Option<PathBuf>,
    changes: Option<Changes>,
    /// The ticket's file, until a thread waits for its lock.
    file: Option<File>,
    released: Option<Arc<EventFd>>,
    process: Option<OwnedFd>,
    until: Option<Timestamp>,
    look_again: Option<Duration>,
    looked: bool,
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
        let vigil = Self { look_again: Some(SHORT_WAIT), ..Self::default() };
        let mut path = ticket::path_of(&store.layout, name, place);
        let mut file = ticket::open(&path);
        if file.as_ref().is_err_and(io::is_missing) {
            let Some(now) = current_path(store, name, place)? else { return Ok(Self::ready()) };
            (file, path) = (ticket::open(&now), now);
        }
        match file {
            Ok(file) => Ok(Self { file: Some(file), ticket: Some(path), ..vigil }),
            Err(error) if io::is_missing(&error) => Ok(Self::ready()),
            Err(_) => Ok(Self { ticket: Some(path), ..vigil }),
        }
    }

    /// Watches a ticket's name too, now that the wait lasts; true where it is gone already. Where nothing
    /// can be watched, the next look comes after a while.
    fn watch_name(&mut self, ticket: &Path) -> bool {
        match Changes::of(ticket) {
            Watch::On(changes) => {
                self.changes = Some(changes);
                self.look_again = None;
                !ticket.exists()
            }
            Watch::Missing => true,
            Watch::Impossible => !ticket.exists(),
        }
    }

    fn on_record(store: &FileStore, kind: RecordKind, record: &Record) -> Self {
        let name = &record.name;
        let path = match store.layout.record(kind, name) {
            path if kind == RecordKind::Freeze && !path.exists() => {
                store.layout.legacy_freeze(name)
            }
            path => path,
        };
        let vigil = Self::on_path(&path);
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
        let vigil = Self::on_path(&store.layout.record(RecordKind::Lock, name));
        let changed = match store.peek(name, RecordKind::Lock) {
            Slot::Corrupted(now) => now.flaw != corruption.flaw,
            _ => true,
        };
        let look_again = corruption.may_be_filling().then_some(FILLING).or(vigil.look_again);
        Self { ready: changed || vigil.ready, look_again, ..vigil }
    }

    /// Watches for a file being changed, replaced or removed. Where it is missing, it is ready.
    fn on_path(path: &Path) -> Self {
        match Changes::of(path) {
            Watch::On(changes) => Self { changes: Some(changes), ..Self::default() },
            Watch::Missing => Self::ready(),
            Watch::Impossible => Self { look_again: Some(SLOW_POLL), ..Self::default() },
        }
    }
}

/// Tells of changes to one file.
struct Changes(Option<Inotify>);

/// Whether changes can be told of.
enum Watch {
    On(Changes),
    Missing,
    Impossible,
}

impl Changes {
    /// Removing a name changes its inode's link count, which is an attribute; so `IN_ATTRIB` tells of it
    /// even while somebody has the file open.
    fn of(path: &Path) -> Watch {
        let events = AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_DONT_FOLLOW;
        let Ok(inotify) = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK) else {
            return Watch::Impossible;
        };
        match inotify.add_watch(path, events) {
            Ok(_) => Watch::On(Self(Some(inotify))),
            Err(Errno::ENOENT) => Watch::Missing,
            Err(_) => Watch::Impossible,
        }
    }
}

impl AsFd for Changes {
    #[expect(clippy::expect_used, reason = "only dropping takes the descriptor out")]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_ref().expect("open until it is dropped").as_fd()
    }
}

impl Drop for Changes {
    /// Closes in a thread of its own: the kernel takes its time for it, and somebody is about to enter.
    fn drop(&mut self) {
        let inotify = self.0.take();
        // Where no thread can be had, it is closed here.
        let _ = sys::quiet_thread(move || drop(inotify));
    }
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
    sys::quiet_thread(wait)?;
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
    fn doze(&mut self, limit: Duration) -> bool {
        let Some(file) = &self.file else { return self.ready };
        // What cannot be waited for in this way can in the others.
        sys::lock_within(file, File::lock_shared, limit.min(DOZE)).unwrap_or(false)
    }

    fn look(&mut self) -> bool {
        if let Some(file) = self.file.take() {
            // Where no thread can be had, looking again from time to time must do.
            self.released = wait_in_kernel(file).ok();
        } else if let Some(ticket) = self.ticket.take() {
            let gone = self.watch_name(&ticket);
            self.ticket = self.changes.is_none().then_some(ticket);
            return gone;
        } else if self.looked {
            return true;
        }
        self.looked = true;
        self.ready
    }

    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        let changes = self.changes.as_ref().map(AsFd::as_fd);
        let released = self.released.as_deref().map(AsFd::as_fd);
        let process = self.process.as_ref().map(AsFd::as_fd);
        [changes, released, process].into_iter().flatten().collect()
    }

    fn patience(&self, now: Timestamp) -> Option<Duration> {
        // A millisecond on top, so that an expiry has passed when it is looked at.
        let expiry = self.until.map(|until| until.since(now) + Duration::from_millis(1));
        let expiry = expiry.map(|left| left.min(CLOCK_TRUST));
        [expiry, self.look_again].into_iter().flatten().min()
    }
}
