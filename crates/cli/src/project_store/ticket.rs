use lokt_etcd::store::EtcdTicket;
use lokt_lock::{file::FileTicket, rules::QueuePlace, store::Ticket};
use std::{
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

/// A place in a queue of either store.
pub(crate) enum ProjectTicket {
    Files(FileTicket),
    Cluster(EtcdTicket),
}

impl ProjectTicket {
    /// Those of a cluster.
    pub(super) fn of_cluster<'t>(tickets: &[&'t Self]) -> Vec<&'t EtcdTicket> {
        let of_cluster = |ticket: &&'t Self| match ticket {
            Self::Files(_) => None,
            Self::Cluster(it) => Some(it),
        };
        tickets.iter().filter_map(of_cluster).collect()
    }
}

impl Ticket for ProjectTicket {
    fn place(&self) -> &QueuePlace {
        match self {
            Self::Files(it) => it.place(),
            Self::Cluster(it) => it.place(),
        }
    }

    fn leave(self) {
        match self {
            Self::Files(it) => it.leave(),
            Self::Cluster(it) => it.leave(),
        }
    }

    fn has_ended(&self) -> bool {
        match self {
            Self::Files(it) => it.has_ended(),
            Self::Cluster(it) => it.has_ended(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Files(it) => it.deadline(),
            Self::Cluster(it) => it.deadline(),
        }
    }

    fn stands(&self) -> bool {
        match self {
            Self::Files(it) => it.stands(),
            Self::Cluster(it) => it.stands(),
        }
    }
}

impl AsFd for ProjectTicket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Files(it) => it.as_fd(),
            Self::Cluster(it) => it.as_fd(),
        }
    }
}
