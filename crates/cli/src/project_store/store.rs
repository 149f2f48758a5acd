use super::{
    connect::connect,
    reader::{ProjectListing, ProjectNameReader},
    root::ProjectRoot,
    section::ProjectSection,
    ticket::ProjectTicket,
    watch::{ProjectLossWatcher, ProjectObstacleWatch},
};
use crate::failure::CliFailure;
use lokt_etcd::store::EtcdLockStore;
use lokt_lock::{
    audit::AuditEvent,
    file::{FileLockStore, LockRoot},
    rules::{Obstacle, QueuePlace, TicketContent, Waiter},
    store::{LockStore, LockStoreError, NestedWaitEntry},
    words::{LockId, LockName, Timestamp},
};
use std::{os::fd::OwnedFd, path::Path, time::Duration};

/// The store that a command works with.
#[derive(Debug)]
pub(crate) enum ProjectStore {
    /// A folder of this machine.
    Files(FileLockStore),
    /// A cluster, by a connection of this process.
    Cluster(Box<EtcdLockStore>),
}

/// Returns the store of a root. Creates nothing until a command stores something, but connects to a cluster.
///
/// # Errors
/// A failure where the cluster cannot be reached, or the environment says something wrong of it.
pub(crate) fn store_of(root: &ProjectRoot) -> Result<ProjectStore, CliFailure> {
    Ok(match root {
        ProjectRoot::Folder(root) => ProjectStore::Files(files_of(root)),
        ProjectRoot::Cluster(address) => ProjectStore::Cluster(Box::new(connect(address)?)),
    })
}

/// Returns the store in a folder that was found as a root. Creates nothing until a command stores something.
pub(crate) fn files_of(root: &LockRoot) -> FileLockStore {
    FileLockStore::of(root)
}

/// Returns the store in a folder that is known to be a root.
pub(crate) fn files_at(folder: &Path) -> FileLockStore {
    FileLockStore::new(folder)
}

impl ProjectStore {
    /// The store in a folder, for what only files have; `None` on a cluster.
    pub(crate) fn files(&self) -> Option<&FileLockStore> {
        match self {
            Self::Files(it) => Some(it),
            Self::Cluster(_) => None,
        }
    }

    /// The same store, which says with `announce` that it makes a root. A cluster's prefix is nothing that is made.
    pub(crate) fn announcing(self, announce: fn(&Path)) -> Self {
        match self {
            Self::Files(it) => Self::Files(it.announcing(announce)),
            Self::Cluster(it) => Self::Cluster(it),
        }
    }

    /// The same store, which makes a root without saying it.
    pub(crate) fn unannounced(self) -> Self {
        match self {
            Self::Files(it) => Self::Files(it.unannounced()),
            Self::Cluster(it) => Self::Cluster(it),
        }
    }
}

impl LockStore for ProjectStore {
    type Reader<'s> = ProjectNameReader<'s>;
    type Listing<'s> = ProjectListing<'s>;
    type Section<'s> = ProjectSection<'s>;
    type Ticket = ProjectTicket;
    type ObstacleWatch = ProjectObstacleWatch;
    type LossWatcher = ProjectLossWatcher;

    fn watch_after(&self) -> Duration {
        match self {
            Self::Files(it) => it.watch_after(),
            Self::Cluster(it) => it.watch_after(),
        }
    }

    fn now(&self) -> Timestamp {
        match self {
            Self::Files(it) => it.now(),
            Self::Cluster(it) => it.now(),
        }
    }

    fn new_id(&self) -> Result<LockId, LockStoreError> {
        match self {
            Self::Files(it) => it.new_id(),
            Self::Cluster(it) => it.new_id(),
        }
    }

    fn reader<'s>(&'s self, name: &'s LockName) -> ProjectNameReader<'s> {
        match self {
            Self::Files(it) => ProjectNameReader::Files(it.reader(name)),
            Self::Cluster(it) => ProjectNameReader::Cluster(it.reader(name)),
        }
    }

    fn listing(&self) -> ProjectListing<'_> {
        match self {
            Self::Files(it) => ProjectListing::Files(it.listing()),
            Self::Cluster(it) => ProjectListing::Cluster(it.listing()),
        }
    }

    fn within<R, E: From<LockStoreError>>(
        &self,
        name: &LockName,
        mut change: impl FnMut(&mut ProjectSection<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        match self {
            Self::Files(it) => {
                it.within(name, |section| change(&mut ProjectSection::of_files(self, section)))
            }
            Self::Cluster(it) => {
                it.within(name, |section| change(&mut ProjectSection::of_cluster(self, section)))
            }
        }
    }

    fn nested(&self) -> Vec<Waiter> {
        match self {
            Self::Files(it) => it.nested(),
            Self::Cluster(it) => it.nested(),
        }
    }

    fn one_at_a_time(&self) -> Option<OwnedFd> {
        match self {
            Self::Files(it) => it.one_at_a_time(),
            Self::Cluster(it) => it.one_at_a_time(),
        }
    }

    fn enlist(
        &self,
        ids: (&LockId, &LockId),
        text: &TicketContent,
    ) -> Result<Option<NestedWaitEntry>, LockStoreError> {
        match self {
            Self::Files(it) => it.enlist(ids, text),
            Self::Cluster(it) => it.enlist(ids, text),
        }
    }

    fn keep(&self, tickets: &[&ProjectTicket]) -> Result<(), LockStoreError> {
        match self {
            // The kernel does it.
            Self::Files(_) => Ok(()),
            Self::Cluster(it) => it.keep(&ProjectTicket::of_cluster(tickets)),
        }
    }

    fn loss_watcher(
        &self,
        held: &[(&LockName, Option<&QueuePlace>)],
    ) -> Option<ProjectLossWatcher> {
        match self {
            Self::Files(it) => it.loss_watcher(held).map(ProjectLossWatcher::Files),
            Self::Cluster(it) => it.loss_watcher(held).map(ProjectLossWatcher::Cluster),
        }
    }

    fn watch(
        &self,
        name: &LockName,
        obstacle: &Obstacle,
    ) -> Result<ProjectObstacleWatch, LockStoreError> {
        match self {
            Self::Files(it) => it.watch(name, obstacle).map(ProjectObstacleWatch::Files),
            Self::Cluster(it) => it.watch(name, obstacle).map(ProjectObstacleWatch::Cluster),
        }
    }

    fn log(&self, event: &AuditEvent) -> Result<(), LockStoreError> {
        match self {
            Self::Files(it) => it.log(event),
            Self::Cluster(it) => it.log(event),
        }
    }
}
