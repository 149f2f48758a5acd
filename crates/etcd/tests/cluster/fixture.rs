use lokt_etcd::{
    CallLimits, Change, ClusterAddress, ClusterError, CommitOutcome, CredentialSettings,
    Credentials, EtcdClient, KeyRange, Revision, Snapshot, Transaction, Watch, WatchEvent,
    WriteError,
};
use lokt_testkit::{PATIENCE, TestCluster};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{
    os::fd::AsFd,
    time::{Duration, Instant},
};

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

/// A client that waits for a member half a second only.
pub(crate) fn hasty_client_at(address: &str) -> EtcdClient {
    let client = client_at(address);
    client.with_limits(CallLimits { per_member: Duration::from_millis(500), ..client.limits() })
}

pub(crate) fn address_of(cluster: &TestCluster) -> ClusterAddress {
    cluster.address().parse().expect("the address of a cluster")
}

/// The credentials of a user.
pub(crate) fn user(name: &str, password: &str) -> Credentials {
    let (user, password) = (Some(name.to_owned()), Some(password.to_owned()));
    let settings = CredentialSettings { user, password, ..CredentialSettings::default() };
    Credentials::new(settings).expect("an account")
}

/// Reads a key from an address.
pub(crate) fn read(address: &str) -> Result<Snapshot, ClusterError> {
    let address: ClusterAddress = address.parse().expect("an address");
    let client = EtcdClient::connect(&address, &Credentials::none(), CallLimits::default())?;
    client.read(&[KeyRange::key("a")])
}

/// How a first read fails, which must be known in time.
#[track_caller]
pub(crate) fn failure_of(address: &str, limit: Duration) -> ClusterError {
    let before = Instant::now();
    let error = read(address).expect_err("there is no cluster");
    let took = before.elapsed();
    assert!(took < limit, "a failure is known within {limit:?}, not {took:?}: {error}");
    error
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
