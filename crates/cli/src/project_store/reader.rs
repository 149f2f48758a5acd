use lokt_etcd::store::{EtcdLockListing, EtcdNameReader};
use lokt_lock::{
    file::{FileLockListing, FileNameReader},
    store::{LockListing, LockRecordKind, LockStoreError, NameReader, ReadsThrough},
    words::LockName,
};
use std::collections::BTreeSet;

/// Reads one name of either store.
pub(crate) enum ProjectNameReader<'s> {
    Files(FileNameReader<'s>),
    Cluster(EtcdNameReader<'s>),
}

impl ReadsThrough for ProjectNameReader<'_> {
    fn reader(&self) -> &dyn NameReader {
        match self {
            Self::Files(it) => it,
            Self::Cluster(it) => it,
        }
    }
}

/// Reads all names of either store.
pub(crate) enum ProjectListing<'s> {
    Files(FileLockListing<'s>),
    Cluster(EtcdLockListing<'s>),
}

impl LockListing for ProjectListing<'_> {
    type Reader<'l>
        = ProjectNameReader<'l>
    where
        Self: 'l;

    fn names(&self, kind: LockRecordKind) -> Result<Vec<LockName>, LockStoreError> {
        match self {
            Self::Files(it) => it.names(kind),
            Self::Cluster(it) => it.names(kind),
        }
    }

    fn lines(&self) -> Result<BTreeSet<LockName>, LockStoreError> {
        match self {
            Self::Files(it) => it.lines(),
            Self::Cluster(it) => it.lines(),
        }
    }

    fn reader<'l>(&'l self, name: &'l LockName) -> ProjectNameReader<'l> {
        match self {
            Self::Files(it) => ProjectNameReader::Files(it.reader(name)),
            Self::Cluster(it) => ProjectNameReader::Cluster(it.reader(name)),
        }
    }
}
