use lokt_etcd::store::{EtcdLockListing, EtcdNameReader};
use lokt_lock::{
    file::{FileLockListing, FileNameReader},
    record::{LockRecord, RecordSlot},
    rules::{QueuePlace, TicketContent},
    store::{LockListing, LockRecordKind, LockStoreError, NameReader},
    words::LockName,
};
use std::collections::BTreeSet;

/// Reads one name of either store.
pub(crate) enum ProjectNameReader<'s> {
    Files(FileNameReader<'s>),
    Cluster(EtcdNameReader<'s>),
}

impl ProjectNameReader<'_> {
    fn reader(&self) -> &dyn NameReader {
        match self {
            Self::Files(it) => it,
            Self::Cluster(it) => it,
        }
    }
}

impl NameReader for ProjectNameReader<'_> {
    fn name(&self) -> &LockName {
        self.reader().name()
    }

    fn slot(&self, kind: LockRecordKind) -> RecordSlot {
        self.reader().slot(kind)
    }

    fn is_over(&self, record: &LockRecord) -> bool {
        self.reader().is_over(record)
    }

    fn line(&self) -> Result<Vec<QueuePlace>, LockStoreError> {
        self.reader().line()
    }

    fn lives(&self, place: &QueuePlace) -> bool {
        self.reader().lives(place)
    }

    fn ticket_text(&self, place: &QueuePlace) -> Option<TicketContent> {
        self.reader().ticket_text(place)
    }

    fn keepers(&self, place: &QueuePlace) -> Vec<i32> {
        self.reader().keepers(place)
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
