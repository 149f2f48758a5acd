use super::{etcd_store::EtcdLockStore, session::Session};
use crate::{
    boot_time::BootTime,
    client::{EtcdClient, Watch},
    keeper::{KeeperOrders, KeeperSlot},
    values::{KeyRange, Revision, WatchEvent, WatchedKinds, WatchedRange},
};
use lokt_lock::{rules::QueuePlace, store::LossWatcher, words::LockName};
use nix::sys::{
    epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags},
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::Duration,
};

/// After how long a watch that has ended is set up again, if that fails.
const RETRY: Duration = Duration::from_secs(1);

/// Tells when a guard's keys are deleted, when its session has ended, and when the cluster has not acknowledged a keepalive
/// for so long that the command has to be stopped.
pub struct EtcdLossWatcher {
    client: EtcdClient,
    ranges: Vec<WatchedRange>,
    /// `None` where it has ended, and could not be set up again.
    watch: Option<Watch>,
    timer: TimerFd,
    session: Option<Arc<Session>>,
    keeper: Arc<KeeperSlot>,
    /// Readable when any of them is.
    any: Epoll,
}

impl EtcdLossWatcher {
    pub(super) fn begin(
        store: &EtcdLockStore,
        held: &[(&LockName, Option<&QueuePlace>)],
    ) -> Option<Self> {
        let ranges: Vec<WatchedRange> =
            held.iter().flat_map(|(name, place)| watched(store, name, *place)).collect();
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let mut watcher = Self {
            client: store.client.clone(),
            ranges,
            watch: None,
            timer: TimerFd::new(ClockId::CLOCK_BOOTTIME, flags).ok()?,
            session: store.known_session(),
            keeper: Arc::clone(&store.keeper),
            any: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).ok()?,
        };
        let session = watcher.session.as_ref().map(AsFd::as_fd);
        for source in [Some(watcher.timer.as_fd()), session].into_iter().flatten() {
            watcher.any.add(source, EpollEvent::new(EpollFlags::EPOLLIN, 0)).ok()?;
        }
        watcher.keeper.with_source(|source| add_keeper(&watcher.any, source));
        let since = held.iter().map(|(name, _)| store.seen_at(name)).min().flatten();
        watcher.watch_after(since);
        watcher.set_timer();
        Some(watcher)
    }

    /// Watches what happens after a revision; after now, where none is given: the caller looks right after that.
    fn watch_after(&mut self, revision: Option<Revision>) {
        let revision = revision.or_else(|| {
            let key = self.ranges.first().map(|it| it.range.clone())?;
            let client = self.client.with_limits(self.client.limits().within(RETRY));
            client.read(&[key]).ok().map(|it| it.revision)
        });
        let watch = revision.and_then(|it| self.client.watch(&self.ranges, it.next()).ok());
        self.watch = watch.filter(|watch| {
            self.any.add(watch.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, 0)).is_ok()
        });
    }

    /// Sets up a watch again that has ended: the past that it needed may have been compacted.
    fn replace_ended_watch(&mut self) {
        if self.session.as_ref().is_some_and(|it| it.is_lost()) {
            // Nothing is asked of the cluster any more: the command has to be stopped.
            return;
        }
        let events = self.watch.as_ref().map(Watch::take_events);
        let is_over = |event: &WatchEvent| matches!(event, WatchEvent::Lost(_));
        if events.is_none_or(|events| events.iter().any(is_over)) {
            // The descriptor of the old one leaves the epoll instance when it is closed.
            self.watch = None;
            self.watch_after(None);
        }
    }

    /// Starts another keeper if the one that there was is dead.
    fn replace_dead_keeper(&mut self) {
        let sent = self.session.as_ref().map(|it| it.sent());
        let is_new = self
            .keeper
            .restart_if_dead(|orders| KeeperOrders { sent: sent.unwrap_or(orders.sent), ..orders });
        if is_new {
            // The pipe of the dead one has left the epoll instance when it was closed.
            self.keeper.with_source(|source| add_keeper(&self.any, source));
        }
    }

    /// Wakes the guard when the command has to be stopped, unless another keepalive is acknowledged until then; sooner
    /// where nothing is watched.
    fn set_timer(&mut self) {
        let retry = self.watch.is_none().then_some(RETRY);
        let stop_at = self.session.as_ref().map(|it| it.stop_at().since(BootTime::now()));
        let Some(left) = stop_at.into_iter().chain(retry).min() else { return };
        let left = left.max(Duration::from_millis(1));
        let at = Expiration::OneShot(TimeSpec::from_duration(left));
        // If it cannot be set, the guard hears of the end of its session from the cluster alone.
        let _ = self.timer.set(at, TimerSetTimeFlags::empty());
    }
}

/// The keys whose end is a loss: the guard's ticket, and the record that it is in, which may be that of a lease.
fn watched(
    store: &EtcdLockStore,
    name: &LockName,
    place: Option<&QueuePlace>,
) -> impl Iterator<Item = WatchedRange> {
    let ticket = place.map(|it| store.keys.ticket(name, &it.lock_id));
    let keys = ticket.into_iter().chain([store.keys.holders(name)]);
    keys.map(|key| WatchedRange { range: KeyRange::prefix(key), kinds: WatchedKinds::Deletions })
}

impl LossWatcher for EtcdLossWatcher {
    fn source(&self) -> BorrowedFd<'_> {
        self.any.0.as_fd()
    }

    fn rearm(&mut self) {
        self.replace_ended_watch();
        let _ = self.timer.wait();
        self.set_timer();
        self.replace_dead_keeper();
    }
}

/// Makes the watcher ready when a keeper dies. If that cannot be set up, the guard finds it at its next look.
fn add_keeper(any: &Epoll, source: BorrowedFd<'_>) {
    let _ = any.add(source, EpollEvent::new(EpollFlags::EPOLLHUP, 0));
}
