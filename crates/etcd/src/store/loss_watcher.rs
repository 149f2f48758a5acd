use super::{etcd_store::EtcdLockStore, session::Session};
use crate::{
    boot_time::BootTime,
    client::Watch,
    keeper::{KeeperOrders, KeeperSlot},
    values::{KeyRange, WatchedKinds, WatchedRange},
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

/// Tells when a guard's keys are deleted, when its session has ended, and when the cluster has not acknowledged a keepalive
/// for so long that the command has to be stopped.
pub struct EtcdLossWatcher {
    watch: Watch,
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
        let of_prefix = |key: String, kinds| WatchedRange { range: KeyRange::prefix(key), kinds };
        let ranges: Vec<WatchedRange> = held
            .iter()
            .flat_map(|(name, place)| {
                let ticket = place.map(|it| store.keys.ticket(name, &it.lock_id));
                let id = place.map(|it| store.keys.holder(name, &it.lock_id));
                let holders = id.unwrap_or_else(|| store.keys.holders(name));
                ticket.into_iter().chain([holders])
            })
            .map(|key| of_prefix(key, WatchedKinds::Deletions))
            .collect();
        let revision = held.iter().map(|(name, _)| store.decided_at(name)).min()?;
        let watch = store.client.watch(&ranges, revision.next()).ok()?;
        let timer = TimerFd::new(
            ClockId::CLOCK_BOOTTIME,
            TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK,
        )
        .ok()?;
        let any = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).ok()?;
        let session = store.known_session();
        let sources = [Some(watch.as_fd()), Some(timer.as_fd()), session.as_ref().map(AsFd::as_fd)];
        for source in sources.into_iter().flatten() {
            any.add(source, EpollEvent::new(EpollFlags::EPOLLIN, 0)).ok()?;
        }
        let keeper = Arc::clone(&store.keeper);
        keeper.with_source(|source| add_keeper(&any, source));
        let mut watcher = Self { watch, timer, session, keeper, any };
        watcher.set_timer();
        Some(watcher)
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

    /// Wakes the guard when the command has to be stopped, unless another keepalive is acknowledged until then.
    fn set_timer(&mut self) {
        let Some(session) = &self.session else { return };
        let left = session.stop_at().since(BootTime::now()).max(Duration::from_millis(1));
        let at = Expiration::OneShot(TimeSpec::from_duration(left));
        // If it cannot be set, the guard hears of the end of its session from the cluster alone.
        let _ = self.timer.set(at, TimerSetTimeFlags::empty());
    }
}

impl LossWatcher for EtcdLossWatcher {
    fn source(&self) -> BorrowedFd<'_> {
        self.any.0.as_fd()
    }

    fn rearm(&mut self) {
        let _ = self.watch.take_events();
        let _ = self.timer.wait();
        self.set_timer();
        self.replace_dead_keeper();
    }
}

/// Makes the watcher ready when a keeper dies. If that cannot be set up, the guard finds it at its next look.
fn add_keeper(any: &Epoll, source: BorrowedFd<'_>) {
    let _ = any.add(source, EpollEvent::new(EpollFlags::EPOLLHUP, 0));
}
