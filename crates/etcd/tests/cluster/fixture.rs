use lokt_etcd::{
    CallLimits, Change, ClusterAddress, CommitOutcome, Credentials, EtcdClient, Revision,
    Transaction, Watch, WatchEvent, WriteError,
};
use lokt_testkit::{PATIENCE, TestCluster};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{os::fd::AsFd, time::Duration};

/// A client with the usual limits and no credentials.
pub(crate) fn client_of(cluster: &TestCluster) -> EtcdClient {
    client_at(&cluster.address())
}

/// A client of an address.
pub(crate) fn client_at(address: &str) -> EtcdClient {
    let address: ClusterAddress = address.parse().expect("the address of a cluster");
    EtcdClient::connect(&address, &Credentials::none(), CallLimits::default())
        .expect("a running cluster accepts")
}

pub(crate) fn address_of(cluster: &TestCluster) -> ClusterAddress {
    cluster.address().parse().expect("the address of a cluster")
}

/// A transaction that puts some keys.
pub(crate) fn put(pairs: &[(&str, &str)]) -> Transaction {
    let changes = pairs.iter().map(|(key, value)| Change::put(*key, *value)).collect();
    Transaction { changes, ..Transaction::default() }
}

/// A transaction that deletes a key.
pub(crate) fn delete(key: &str) -> Transaction {
    Transaction { changes: vec![Change::delete(key)], ..Transaction::default() }
}

/// The revision of a transaction that must have been committed.
#[track_caller]
pub(crate) fn committed(outcome: Result<CommitOutcome, WriteError>) -> Revision {
    match outcome {
        Ok(CommitOutcome::Committed { revision }) => revision,
        other => panic!("the transaction must be committed: {other:?}"),
    }
}

/// Whether a descriptor becomes readable in time.
pub(crate) fn is_readable(source: &impl AsFd, limit: Duration) -> bool {
    let mut sources = [PollFd::new(source.as_fd(), PollFlags::POLLIN)];
    let limit = PollTimeout::try_from(limit.as_millis()).expect("a time limit");
    poll(&mut sources, limit).expect("a poll") > 0
}

/// Waits for the next events of a watch.
#[track_caller]
pub(crate) fn next_events(watch: &Watch) -> Vec<WatchEvent> {
    assert!(is_readable(watch, PATIENCE), "an event comes in time");
    watch.take_events()
}
