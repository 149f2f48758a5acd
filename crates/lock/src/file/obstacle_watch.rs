use super::{
    file_changes::{FileChangeWatch, WatchAttempt},
    file_store::FileLockStore,
    io,
    slot::read_slot,
    ticket,
};
use crate::{
    record::{HoldKind, LockRecord, RecordCorruption, RecordSlot},
    rules::{FILLING, Obstacle, QueuePlace},
    store::{LockRecordKind, LockStore, LockStoreError, NameReader, ObstacleWatch},
    sys,
    words::{LockName, ProcessPresence, Timestamp},
};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::eventfd::{EfdFlags, EventFd},
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
/// For tickets ahead, it blocks in flock(2) on them: the kernel ends that when the holder leaves, or when the
/// last process that has the ticket is gone. After a moment, one thread per ticket does so, because then other
/// things may end the wait too. In waits that last, inotify(7) also reports when a ticket's name is removed,
/// which is what breaking a lock by force does while its processes live on. A record is watched by inotify, by
/// its expiry, and by a pidfd where it depends on a process.
#[derive(Default)]
pub struct FileObstacleWatch {
    /// The obstacle may be gone already.
    ready: bool,
    /// The tickets that are waited for by their locks alone, as long as the wait is short.
    tickets: Vec<PathBuf>,
    changes: Vec<FileChangeWatch>,
    /// The tickets' files, until threads wait for their locks.
    files: Vec<File>,
    /// The record that is watched.
    record: Option<LeaseRecordWatch>,
    released: Option<Arc<EventFd>>,
    /// The processes that leases depend on.
    processes: Vec<OwnedFd>,
    until: Option<Timestamp>,
    /// When to look again where tickets are waited for by their locks alone.
    look_again: Option<Duration>,
    /// How often to look where the kernel cannot tell of a change.
    poll: Option<Duration>,
    looked: bool,
}

/// A record that is watched, because leases are waited for.
struct LeaseRecordWatch {
    changes: FileChangeWatch,
    path: PathBuf,
    record: LockRecord,
}

impl LeaseRecordWatch {
    /// Whether the record is another one now than it was; if not, it is watched further. A guard that shares it
    /// with the leases rewrites it with every heartbeat, which must not end a wait each time.
    fn has_changed(&self) -> bool {
        self.changes.forget();
        let watched = self.changes.add(&self.path).is_ok();
        let now = read_slot(&self.path, &self.record.name);
        !(watched && now.record().is_some_and(|now| now.still_says(&self.record)))
    }
}

impl FileObstacleWatch {
    pub(super) fn begin(
        store: &FileLockStore,
        name: &LockName,
        obstacle: &Obstacle,
    ) -> Result<Self, LockStoreError> {
        match obstacle {
            Obstacle::Ahead(place) => Self::on_tickets(store, name, std::slice::from_ref(place)),
            Obstacle::Full(inside, record) => {
                let watch = |it| Self::on_record(store, LockRecordKind::Lock, it);
                let record = record.as_deref().filter(|it| it.has_lease()).map(watch);
                Ok(Self::on_tickets(store, name, inside)?.and(record))
            }
            Obstacle::Held(record) => Ok(Self::on_holder(store, record)),
            Obstacle::Frozen(record) => Ok(Self::on_record(store, LockRecordKind::Freeze, record)),
            Obstacle::Corrupted(corruption) => Ok(Self::on_corruption(store, name, corruption)),
        }
    }

    fn ready() -> Self {
        Self { ready: true, ..Self::default() }
    }

    /// Both at once: whichever ends first.
    fn and(self, record: Option<Self>) -> Self {
        let Self { ready, tickets, files, look_again, poll, .. } = self;
        let nothing = tickets.is_empty() && record.is_none();
        let slowly = Self { poll: nothing.then_some(SLOW_POLL), ..Self::default() };
        let record = record.unwrap_or(slowly);
        let poll = poll.or(record.poll);
        Self { ready: ready || record.ready, tickets, files, look_again, poll, ..record }
    }

    fn on_tickets(
        store: &FileLockStore,
        name: &LockName,
        places: &[QueuePlace],
    ) -> Result<Self, LockStoreError> {
        let look_again = (!places.is_empty()).then_some(SHORT_WAIT);
        let mut obstacle_watch = Self { look_again, ..Self::default() };
        for place in places {
            let Some((path, file)) = opened(store, name, place)? else { return Ok(Self::ready()) };
            obstacle_watch.tickets.push(path);
            // Its lock cannot tell of its holder's end then.
            obstacle_watch.poll = obstacle_watch.poll.or(file.is_none().then_some(SLOW_POLL));
            obstacle_watch.files.extend(file);
        }
        Ok(obstacle_watch)
    }

    /// Lets a thread wait for each ticket's lock; from then on they tell by `released`. Where no thread can be
    /// had, looking again from time to time must do.
    fn wait_in_threads(&mut self) {
        if self.try_to_wait_in_threads().is_err() {
            self.poll = Some(SLOW_POLL);
        }
    }

    fn try_to_wait_in_threads(&mut self) -> std::io::Result<()> {
        let files = std::mem::take(&mut self.files);
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let released = Arc::new(EventFd::from_flags(flags)?);
        self.released = Some(Arc::clone(&released));
        files.into_iter().try_for_each(|file| wait_in_kernel(file, Arc::clone(&released)))
    }

    /// Watches the tickets' names too, now that the wait lasts; true where one is gone already. Where nothing
    /// can be watched, the next look comes after a while.
    fn watch_names(&mut self) -> bool {
        let tickets = std::mem::take(&mut self.tickets);
        match FileChangeWatch::of(&tickets) {
            WatchAttempt::On(changes) => {
                self.changes.push(changes);
                self.look_again = None;
            }
            WatchAttempt::Missing => return true,
            WatchAttempt::Impossible => self.tickets.clone_from(&tickets),
        }
        !tickets.iter().all(|ticket| ticket.exists())
    }

    /// A guard's record says nothing of its holder's end: its ticket does. It counts as alive where the ticket
    /// could not be asked, which is to be tried again.
    fn on_holder(store: &FileLockStore, record: &LockRecord) -> Self {
        let obstacle_watch = Self::on_record(store, LockRecordKind::Lock, record);
        let guarded = record.holders().any(|it| it.hold == Some(HoldKind::Guard));
        Self { poll: obstacle_watch.poll.or(guarded.then_some(SLOW_POLL)), ..obstacle_watch }
    }

    /// What tells of the end of anything but the record.
    fn beside_the_record(&self) -> Vec<BorrowedFd<'_>> {
        let changes = self.changes.iter().map(AsFd::as_fd);
        let released = self.released.as_deref().map(AsFd::as_fd);
        let processes = self.processes.iter().map(AsFd::as_fd);
        changes.chain(released).chain(processes).collect()
    }

    fn on_record(store: &FileLockStore, kind: LockRecordKind, record: &LockRecord) -> Self {
        let name = &record.name;
        let path = match store.layout.record(kind, name) {
            path if kind == LockRecordKind::Freeze && !path.exists() => {
                store.layout.legacy_freeze(name)
            }
            path => path,
        };
        let mut obstacle_watch = Self::on_path(&path);
        if kind == LockRecordKind::Lock {
            let watch = |changes| LeaseRecordWatch { changes, path, record: record.clone() };
            obstacle_watch.record = obstacle_watch.changes.pop().map(watch);
        }
        // What changed before the watch was there is seen here, what changes later by the watch.
        let unchanged = match store.reader(name).slot(kind).record() {
            Some(now) => now.still_says(record),
            None => false,
        };
        let hangs = record.holders().filter(|it| it.hangs_on_process());
        let hangs = hangs.filter(|_| kind == LockRecordKind::Lock);
        let processes = hangs.filter_map(|it| Some(watch_process(it, it.pid?)));
        let processes: Vec<Option<OwnedFd>> = processes.collect();
        let blind = processes.iter().any(Option::is_none);
        Self {
            ready: !unchanged || obstacle_watch.ready,
            processes: processes.into_iter().flatten().collect(),
            until: record.next_end(),
            poll: if blind { Some(SLOW_POLL) } else { obstacle_watch.poll },
            ..obstacle_watch
        }
    }

    fn on_corruption(
        store: &FileLockStore,
        name: &LockName,
        corruption: &RecordCorruption,
    ) -> Self {
        let obstacle_watch = Self::on_path(&store.layout.record(LockRecordKind::Lock, name));
        let changed = match store.reader(name).slot(LockRecordKind::Lock) {
            RecordSlot::Corrupted(now) => now.flaw != corruption.flaw,
            _ => true,
        };
        let poll = corruption.may_be_filling().then_some(FILLING).or(obstacle_watch.poll);
        Self { ready: changed || obstacle_watch.ready, poll, ..obstacle_watch }
    }

    /// Watches for a file being changed, replaced or removed. Where it is missing, it is ready.
    fn on_path(path: &Path) -> Self {
        match FileChangeWatch::of(&[path]) {
            WatchAttempt::On(changes) => Self { changes: vec![changes], ..Self::default() },
            WatchAttempt::Missing => Self::ready(),
            WatchAttempt::Impossible => Self { poll: Some(SLOW_POLL), ..Self::default() },
        }
    }
}

/// Opens a ticket to wait for its lock: where it is, and what can be opened of it. `None` where it is gone.
fn opened(
    store: &FileLockStore,
    name: &LockName,
    place: &QueuePlace,
) -> Result<Option<(PathBuf, Option<File>)>, LockStoreError> {
    let mut path = ticket::path_of(&store.layout, name, place);
    let mut file = ticket::open(&path);
    if file.as_ref().is_err_and(io::is_missing) {
        let Some(now) = current_path(store, name, place)? else { return Ok(None) };
        (file, path) = (ticket::open(&now), now);
    }
    match file {
        Ok(file) => Ok(Some((path, Some(file)))),
        Err(error) if io::is_missing(&error) => Ok(None),
        Err(_) => Ok(Some((path, None))),
    }
}

/// A ticket may have been renamed to a holder's since it was listed. One that waited for a slot is no
/// obstacle any more then.
fn current_path(
    store: &FileLockStore,
    name: &LockName,
    place: &QueuePlace,
) -> Result<Option<PathBuf>, LockStoreError> {
    let line = store.reader(name).line()?;
    let gives_way =
        |now: &QueuePlace| place.mode.slots().is_some() && now.entered && !place.entered;
    let now = line.iter().find(|now| now.number == place.number && now.lock_id == place.lock_id);
    let now = now.filter(|now| !gives_way(now));
    Ok(now.map(|now| ticket::path_of(&store.layout, name, now)))
}

/// Whether one of some descriptors is readable within a time.
fn is_ready(fds: &[BorrowedFd<'_>], limit: Duration) -> bool {
    let mut fds: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    let limit = PollTimeout::try_from(limit.as_millis()).unwrap_or(PollTimeout::ZERO);
    poll(&mut fds, limit).is_ok_and(|ready| ready > 0)
}

/// Blocks in flock(2) in a separate thread, because flock can neither be polled nor given a time limit.
///
/// The thread ends with the ticket's last holder, or with this process. Until then it keeps nothing but
/// its stack and the open file: a shared lock is all it ever has, and that only for a moment.
fn wait_in_kernel(file: File, released: Arc<EventFd>) -> std::io::Result<()> {
    sys::quiet_thread(move || {
        let _ = file.lock_shared();
        drop(file);
        // The count cannot overflow by so few.
        let _ = released.write(1);
    })
}

/// Watches for the end of a record's process; `None` where that cannot be done. The start time is compared
/// after the watch is there: a pid that was given to another process meanwhile is not the one.
fn watch_process(record: &LockRecord, pid: i32) -> Option<OwnedFd> {
    let exit = sys::watch_exit(pid).ok()?;
    match (sys::probe(pid), record.pid_start) {
        (ProcessPresence::Present(Some(now)), Some(then)) => (now == then).then_some(exit),
        (ProcessPresence::Present(_), _) => Some(exit),
        (ProcessPresence::Absent, _) => None,
    }
}

impl ObstacleWatch for FileObstacleWatch {
    fn doze(&mut self, limit: Duration) -> bool {
        let limit = limit.min(DOZE);
        match self.files.as_slice() {
            [] => self.ready,
            // What cannot be waited for in this way can in the others.
            [file] if self.changes.is_empty() => {
                sys::lock_within(file, File::lock_shared, limit).unwrap_or(false)
            }
            _ => {
                self.wait_in_threads();
                self.released.as_deref().is_some_and(|it| is_ready(&[it.as_fd()], limit))
            }
        }
    }

    fn look(&mut self) -> bool {
        if self.until.is_some_and(|until| until <= Timestamp::now()) {
            return true;
        }
        if !self.files.is_empty() {
            self.wait_in_threads();
        } else if self.looked && !self.tickets.is_empty() {
            return self.watch_names();
        } else if self.looked {
            // Where the kernel tells of every change, only the clock had to be looked at.
            return self.ready || self.poll.is_some();
        }
        self.looked = true;
        self.ready
    }

    fn is_over(&mut self) -> bool {
        let Some(watched) = &self.record else { return true };
        is_ready(&self.beside_the_record(), Duration::ZERO) || watched.has_changed()
    }

    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        let record = self.record.iter().map(|it| it.changes.as_fd());
        self.beside_the_record().into_iter().chain(record).collect()
    }

    fn patience(&self, now: Timestamp) -> Option<Duration> {
        // A millisecond on top, so that an expiry has passed when it is looked at.
        let expiry = self.until.map(|until| until.since(now) + Duration::from_millis(1));
        let expiry = expiry.map(|left| left.min(CLOCK_TRUST));
        [expiry, self.look_again, self.poll].into_iter().flatten().min()
    }
}
