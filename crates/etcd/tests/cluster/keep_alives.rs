use crate::fixture::{client_of, committed, hasty_client_at, is_readable};
use lokt_etcd::{
    BootTime, Change, ClusterErrorKind, EtcdClient, KeepAlive, KeyRange, LeaseId, Transaction,
};
use lokt_testkit::{PATIENCE, TestCluster};
use std::{
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

const PERIOD: Duration = Duration::from_millis(200);

/// Keeps a lease alive, and gives what is published.
fn keep(client: &EtcdClient, lease: LeaseId) -> (KeepAlive, Receiver<BootTime>) {
    let (sender, published) = channel();
    let publish = move |sent| {
        let _ = sender.send(sent);
    };
    (client.keep_alive(lease, PERIOD, publish).expect("a keepalive"), published)
}

fn put_on_lease(client: &EtcdClient, lease: LeaseId) {
    let changes = vec![Change::put_on(lease, "a", "")];
    committed(client.commit(&Transaction { changes, ..Transaction::default() }));
}

fn exists(client: &EtcdClient) -> bool {
    !client.read(&[KeyRange::key("a")]).expect("a read").ranges.concat().is_empty()
}

#[test]
fn a_lease_that_is_kept_outlives_its_ttl() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let lease = client.grant(Duration::from_secs(1)).expect("a lease");
    let (keep_alive, published) = keep(&client, lease.id);
    put_on_lease(&client, lease.id);
    let mut last = lease.sent;
    // Twice the TTL, counted by what was acknowledged.
    while last.since(lease.sent) < 2 * lease.ttl {
        let sent = published.recv_timeout(PATIENCE).expect("the next acknowledgement");
        assert!(sent > last, "each keepalive is sent after the one before");
        last = sent;
    }
    assert!(keep_alive.acknowledged() >= Some(last), "the last acknowledgement can be asked for");
    assert_eq!(keep_alive.failure(), None);
    assert!(!keep_alive.is_gone());
    assert!(exists(&client), "the key lives as long as its lease");
    drop(keep_alive);
    while client.time_to_live(lease.id).expect("an answer").is_some() {}
    assert!(!exists(&client), "a lease that is not kept ends");
}

#[test]
fn a_keepalive_ends_with_its_lease() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let lease = client.grant(Duration::from_mins(1)).expect("a lease");
    let (keep_alive, published) = keep(&client, lease.id);
    published.recv_timeout(PATIENCE).expect("an acknowledgement");
    assert!(!is_readable(&keep_alive, Duration::ZERO), "the lease lives");
    client.revoke(lease.id).expect("a revocation");
    assert!(is_readable(&keep_alive, PATIENCE), "the end is told");
    assert!(keep_alive.is_gone());
    while published.recv().is_ok() {}
    assert!(is_readable(&keep_alive, Duration::ZERO), "it stays readable");
}

#[test]
fn a_keepalive_of_no_lease_ends_at_once() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let (keep_alive, published) = keep(&client, LeaseId::new(77).expect("an id"));
    assert!(is_readable(&keep_alive, PATIENCE), "the end is told");
    assert_eq!(keep_alive.acknowledged(), None, "nothing was acknowledged");
    assert!(published.recv().is_err(), "nothing was published");
}

#[test]
fn a_keepalive_goes_on_when_its_member_is_killed_or_falls_silent() {
    let mut cluster = TestCluster::start(3);
    let client = hasty_client_at(&cluster.address());
    let lease = client.grant(Duration::from_secs(20)).expect("a lease");
    let (keep_alive, published) = keep(&client, lease.id);
    published.recv_timeout(PATIENCE).expect("an acknowledgement");
    for silence in ["stopped", "killed"] {
        if silence == "stopped" {
            cluster.stop(0);
        } else {
            // The client may have come back to it.
            cluster.resume(0);
            cluster.await_leader(&[0, 1, 2]);
            cluster.kill(1);
        }
        let after = BootTime::now();
        let sent = published.iter().find(|sent| *sent > after).expect("another member answers");
        assert!(sent.since(after) < Duration::from_secs(10), "{silence}: within the TTL");
        assert!(!keep_alive.is_gone());
    }
}

#[test]
fn a_keepalive_says_why_it_has_no_answer() {
    let mut cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let lease = client.grant(Duration::from_mins(1)).expect("a lease");
    let (keep_alive, published) = keep(&client, lease.id);
    published.recv_timeout(PATIENCE).expect("an acknowledgement");
    cluster.kill(0);
    let failure = loop {
        if let Some(failure) = keep_alive.failure() {
            break failure;
        }
    };
    assert_eq!(failure.kind, ClusterErrorKind::Unreachable, "{failure}");
    cluster.restart(0);
    let after = BootTime::now();
    published.iter().find(|sent| *sent > after).expect("it goes on when the member is back");
    assert_eq!(keep_alive.failure(), None);
}
