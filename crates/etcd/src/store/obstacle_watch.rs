use super::{etcd_store::EtcdLockStore, session::Session};
use crate::{
    client::Watch,
    values::{KeyRange, Revision, WatchedKinds, WatchedRange},
};
use lokt_lock::{
    record::LockRecord,
    rules::{Obstacle, QueuePlace},
    store::{LockStoreError, ObstacleWatch},
    words::{LockMode, LockName, Timestamp},
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a doze lasts at most.
const DOZE: Duration = Duration::from_millis(10);

/// Waits for the keys of an obstacle to be deleted or changed.
pub struct EtcdObstacleWatch {
    watch: Watch,
    session: Option<Arc<Session>>,
    is_over: bool,
    /// When to look again at a holder whose process may end: no key of the cluster tells of that.
    look_again: Option<Instant>,
}

/// After how long to look again at such a holder.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl EtcdObstacleWatch {
    pub(super) fn begin(
        store: &EtcdLockStore,
        name: &LockName,
        obstacle: &Obstacle,
        after: Option<Revision>,
    ) -> Result<Self, LockStoreError> {
        let ranges = watched(store, name, obstacle);
        // What was never read may have ended before: then the caller has to look again at once.
        let is_over = after.is_none();
        let after = match after {
            Some(after) => after,
            None => store.read_name(name).map_err(LockStoreError::remote)?.revision,
        };
        let watch = store.client.watch(&ranges, after.next()).map_err(LockStoreError::remote)?;
        let look_again = hangs_on_process(obstacle).then(|| Instant::now() + LOOK_AGAIN);
        Ok(Self { watch, session: store.known_session(), is_over, look_again })
    }

    /// Whether something has happened that the caller has to look at.
    fn note_events(&mut self) -> bool {
        self.is_over |= !self.watch.take_events().is_empty();
        // A waiter whose session is gone stands in no queue.
        self.is_over |= self.session.as_ref().is_some_and(|it| it.is_gone());
        self.is_over |= self.look_again.is_some_and(|at| at <= Instant::now());
        self.is_over
    }
}

/// Whether an obstacle can end with a process, which is seen on the machine of that process alone.
fn hangs_on_process(obstacle: &Obstacle) -> bool {
    match obstacle {
        Obstacle::Held(record) | Obstacle::Full(_, Some(record)) => {
            record.holders().any(LockRecord::hangs_on_process)
        }
        _ => false,
    }
}

/// What tells of the end of an obstacle.
fn watched(store: &EtcdLockStore, name: &LockName, obstacle: &Obstacle) -> Vec<WatchedRange> {
    let of_key = |key: String, kinds| WatchedRange { range: KeyRange::key(key), kinds };
    let ticket = |place: &QueuePlace| {
        // A waiter for a slot is no obstacle any more once it has entered.
        let gives_way = place.mode != LockMode::Exclusive && !place.entered;
        let kinds = if gives_way { WatchedKinds::All } else { WatchedKinds::Deletions };
        of_key(store.keys.ticket(name, &place.lock_id), kinds)
    };
    let holders = |record: &LockRecord| {
        let ids = record.holders().filter_map(|it| it.lock_id.clone());
        ids.map(|id| of_key(store.keys.holder(name, &id), WatchedKinds::Deletions)).collect()
    };
    match obstacle {
        Obstacle::Ahead(place) => vec![ticket(place)],
        Obstacle::Full(inside, record) => {
            let mut ranges: Vec<WatchedRange> = inside.iter().map(ticket).collect();
            ranges.extend(record.iter().flat_map(|it| holders(it)));
            ranges
        }
        Obstacle::Held(record) => holders(record),
        Obstacle::Frozen(_) => vec![of_key(store.keys.freeze(name), WatchedKinds::All)],
        Obstacle::Corrupted(_) => {
            let range = KeyRange::prefix(store.keys.name(name));
            vec![WatchedRange { range, kinds: WatchedKinds::All }]
        }
    }
}

impl ObstacleWatch for EtcdObstacleWatch {
    fn doze(&mut self, limit: Duration) -> bool {
        let limit = PollTimeout::try_from(limit.min(DOZE).as_millis()).unwrap_or(PollTimeout::ZERO);
        let sources = self.sources();
        let mut fds: Vec<PollFd<'_>> =
            sources.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
        let _ = poll(&mut fds, limit);
        self.note_events()
    }

    fn look(&mut self) -> bool {
        self.note_events()
    }

    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        let session = self.session.as_ref().map(AsFd::as_fd);
        [self.watch.as_fd()].into_iter().chain(session).collect()
    }

    fn is_over(&mut self) -> bool {
        self.note_events()
    }

    fn patience(&self, _: Timestamp) -> Option<Duration> {
        self.look_again.map(|at| at.saturating_duration_since(Instant::now()))
    }
}
