use crate::fixture::client_of;
use lokt_etcd::{
    BootTime, Change, ClusterErrorKind, CompareTarget, Comparison, KeepAliveOutcome, KeyRange,
    LeaseId, Transaction, WriteError,
};
use lokt_testkit::TestCluster;
use std::time::Duration;

const TTL: Duration = Duration::from_mins(1);

#[test]
fn a_lease_is_granted_kept_and_revoked_with_its_keys() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let before = BootTime::now();
    let lease = client.grant(Duration::from_millis(59_001)).expect("a lease");
    assert_eq!(lease.ttl, TTL, "a TTL is rounded up");
    assert!(before <= lease.sent && lease.sent <= BootTime::now(), "it was sent just now");
    let changes = vec![Change::put_on(lease.id, "a", "one")];
    client.commit(&Transaction { changes, ..Transaction::default() }).expect("a put");
    let on_lease = Comparison::equal("a", CompareTarget::Lease(Some(lease.id)));
    let held = Transaction { comparisons: vec![on_lease], ..Transaction::default() };
    client.commit(&held).expect("a comparison of the lease");
    let read = client.read(&[KeyRange::key("a")]).expect("a read");
    assert_eq!(read.ranges[0][0].lease, Some(lease.id), "the key names its lease");
    match client.keep_alive_once(lease.id).expect("a keepalive") {
        KeepAliveOutcome::Alive { ttl, sent } => {
            assert_eq!(ttl, TTL);
            assert!(sent > lease.sent, "the keepalive was sent later than the grant");
        }
        KeepAliveOutcome::Gone => panic!("the lease lives"),
    }
    let life = client.time_to_live(lease.id).expect("an answer").expect("the lease lives");
    assert_eq!(life.granted, TTL);
    assert!(life.left <= TTL && life.left > Duration::from_secs(50), "{life:?}");
    client.revoke(lease.id).expect("a revocation");
    client.revoke(lease.id).expect("a lease that has ended is revoked");
    let read = client.read(&[KeyRange::key("a")]).expect("a read");
    assert_eq!(read.ranges, [[]], "the key has ended with its lease");
}

#[test]
fn a_keepalive_of_a_lease_that_has_ended_says_so() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let id = LeaseId::new(77).expect("an id");
    assert_eq!(client.keep_alive_once(id), Ok(KeepAliveOutcome::Gone), "it never existed");
    assert_eq!(client.time_to_live(id), Ok(None));
    client.grant_as(id, TTL).expect("a lease");
    client.revoke(id).expect("a revocation");
    assert_eq!(client.keep_alive_once(id), Ok(KeepAliveOutcome::Gone), "it was revoked");
    assert_eq!(client.time_to_live(id), Ok(None));
}

#[test]
fn a_chosen_id_is_granted_once() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let id = LeaseId::from_random(0x8000_0000_0000_1234).expect("an id");
    assert_eq!(id.to_string(), "0000000000001234");
    assert_eq!(client.grant_as(id, TTL).expect("a lease").id, id);
    match client.grant_as(id, TTL) {
        Err(WriteError::NotApplied(error)) => {
            assert_eq!(error.kind, ClusterErrorKind::LeaseExists, "{error}");
        }
        other => panic!("an id has one lease: {other:?}"),
    }
}

#[test]
fn a_put_on_a_lease_that_has_ended_changes_nothing() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let gone = LeaseId::new(77).expect("an id");
    let changes = vec![Change::put("a", "one"), Change::put_on(gone, "b", "two")];
    match client.commit(&Transaction { changes, ..Transaction::default() }) {
        Err(WriteError::NotApplied(error)) => {
            assert_eq!(error.kind, ClusterErrorKind::LeaseNotFound, "{error}");
        }
        other => panic!("a lease that has ended carries no key: {other:?}"),
    }
    let all = client.read(&[KeyRange::prefix("")]).expect("a read");
    assert_eq!(all.ranges, [[]], "the transaction failed as a whole");
}
