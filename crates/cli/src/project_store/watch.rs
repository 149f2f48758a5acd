use lokt_etcd::store::{EtcdLossWatcher, EtcdObstacleWatch};
use lokt_lock::{
    file::{FileLockLossWatcher, FileObstacleWatch},
    store::{LossWatcher, ObstacleWatch},
    words::Timestamp,
};
use std::{os::fd::BorrowedFd, time::Duration};

/// Waits for the end of an obstacle in either store.
#[expect(
    clippy::large_enum_variant,
    reason = "a wait has one at a time, and waits of files stay as they are"
)]
pub(crate) enum ProjectObstacleWatch {
    Files(FileObstacleWatch),
    Cluster(EtcdObstacleWatch),
}

impl ProjectObstacleWatch {
    fn watch(&mut self) -> &mut dyn ObstacleWatch {
        match self {
            Self::Files(it) => it,
            Self::Cluster(it) => it,
        }
    }
}

impl ObstacleWatch for ProjectObstacleWatch {
    fn doze(&mut self, limit: Duration) -> bool {
        self.watch().doze(limit)
    }

    fn look(&mut self) -> bool {
        self.watch().look()
    }

    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Self::Files(it) => it.sources(),
            Self::Cluster(it) => it.sources(),
        }
    }

    fn is_over(&mut self) -> bool {
        self.watch().is_over()
    }

    fn patience(&self, now: Timestamp) -> Option<Duration> {
        match self {
            Self::Files(it) => it.patience(now),
            Self::Cluster(it) => it.patience(now),
        }
    }
}

/// Tells when what is held in either store may be lost.
pub(crate) enum ProjectLossWatcher {
    Files(FileLockLossWatcher),
    Cluster(EtcdLossWatcher),
}

impl LossWatcher for ProjectLossWatcher {
    fn source(&self) -> BorrowedFd<'_> {
        match self {
            Self::Files(it) => it.source(),
            Self::Cluster(it) => it.source(),
        }
    }

    fn rearm(&mut self) {
        match self {
            Self::Files(it) => it.rearm(),
            Self::Cluster(it) => it.rearm(),
        }
    }
}
