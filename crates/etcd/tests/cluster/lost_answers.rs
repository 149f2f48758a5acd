//! Writes whose answers are lost.

use crate::fixture::{client_of, committed, hasty_client_at, put};
use lokt_etcd::{ClusterErrorKind, EtcdClient, KeyRange, LeaseId, WriteError};
use lokt_testkit::{LossyProxy, TestCluster};
use std::{
    thread,
    time::{Duration, Instant},
};

/// A cluster with a proxy in front of its one member, and clients of both.
fn behind_a_proxy() -> (TestCluster, LossyProxy, EtcdClient, EtcdClient) {
    let cluster = TestCluster::start(1);
    let proxy = LossyProxy::start("127.0.0.1", &cluster.endpoints().concat());
    let client = hasty_client_at(&format!("etcd://{}/lokt", proxy.endpoint()));
    committed(client.commit(&put(&[("before", "")])));
    let direct = client_of(&cluster);
    (cluster, proxy, client, direct)
}

fn value(client: &EtcdClient, key: &str) -> Vec<u8> {
    let read = client.read(&[KeyRange::key(key)]).expect("a read");
    read.ranges.concat().into_iter().map(|it| it.value).collect::<Vec<_>>().concat()
}

#[test]
fn a_commit_whose_answer_is_lost_may_have_been_made() {
    let (_cluster, proxy, client, direct) = behind_a_proxy();
    proxy.withhold_answers();
    match client.commit(&put(&[("a", "one")])) {
        Err(WriteError::MaybeApplied(error)) => {
            assert_eq!(error.kind, ClusterErrorKind::Unreachable);
            let text = WriteError::MaybeApplied(error).to_string();
            let expected = format!(
                "cannot commit: no member of the cluster answers: {}: no answer within 0.5s; \
                 the change may have been made, or may still be made",
                proxy.endpoint()
            );
            assert_eq!(text, expected);
        }
        other => panic!("nothing is known of it: {other:?}"),
    }
    assert_eq!(value(&direct, "a"), b"one", "this one was made");
    proxy.pass_answers();
    committed(client.commit(&put(&[("b", "two")])));
}

#[test]
fn a_commit_whose_connection_breaks_may_have_been_made() {
    let (_cluster, proxy, client, direct) = behind_a_proxy();
    proxy.withhold_answers();
    let outcome = thread::scope(|scope| {
        let commit = scope.spawn(|| client.commit(&put(&[("a", "one")])));
        proxy.await_withheld_answer();
        while value(&direct, "a").is_empty() {}
        proxy.cut();
        commit.join().expect("an outcome")
    });
    match outcome {
        Err(WriteError::MaybeApplied(error)) => {
            assert!(error.to_string().contains(": connection "), "{error}");
        }
        other => panic!("nothing is known of it: {other:?}"),
    }
}

#[test]
fn a_lease_whose_answer_is_lost_can_be_revoked() {
    let (_cluster, proxy, client, direct) = behind_a_proxy();
    let id = LeaseId::new(77).expect("an id");
    proxy.withhold_answers();
    let outcome = client.grant_as(id, Duration::from_mins(1));
    assert!(matches!(outcome, Err(WriteError::MaybeApplied(_))), "{outcome:?}");
    assert!(direct.time_to_live(id).expect("an answer").is_some(), "the lease lives");
    direct.revoke(id).expect("a revocation");
    assert_eq!(direct.time_to_live(id), Ok(None));
}

#[test]
fn a_commit_is_never_sent_twice() {
    let cluster = TestCluster::start(3);
    let proxy = LossyProxy::start("127.0.0.1", &cluster.endpoints()[0]);
    let address = format!("etcd://{},{}/lokt", proxy.endpoint(), cluster.endpoints()[1]);
    let client = hasty_client_at(&address);
    committed(client.commit(&put(&[("a", "")])));
    proxy.withhold_answers();
    let outcome = client.commit(&put(&[("a", "")]));
    assert!(matches!(outcome, Err(WriteError::MaybeApplied(_))), "{outcome:?}");
    let read = client.read(&[KeyRange::key("a")]).expect("the other member answers");
    assert_eq!(read.ranges[0][0].version, 2, "it was put once before, and once then");
}

#[test]
fn a_commit_that_was_never_sent_goes_to_the_next_member() {
    let mut cluster = TestCluster::start(3);
    let client = client_of(&cluster);
    let leader = cluster.await_leader(&[0, 1, 2]);
    committed(client.commit(&put(&[("a", "one")])));
    let follower = (leader + 1) % 3;
    cluster.kill(follower);
    // Whether the client has noticed already that its connection is broken or not.
    for key in ["b", "c", "d"] {
        committed(client.commit(&put(&[(key, "two")])));
    }
    assert_eq!(value(&client, "b"), b"two");
}

#[test]
fn a_stopped_member_costs_one_limit_and_then_nothing() {
    let cluster = TestCluster::start(3);
    let client = hasty_client_at(&cluster.address());
    committed(client.commit(&put(&[("a", "one")])));
    cluster.stop(0);
    cluster.await_leader(&[1, 2]);
    let before = Instant::now();
    assert_eq!(value(&client, "a"), b"one", "the next member answers the read");
    assert!(before.elapsed() >= Duration::from_millis(500), "the stopped member was asked");
    let before = Instant::now();
    committed(client.commit(&put(&[("a", "two")])));
    assert!(before.elapsed() < Duration::from_millis(500), "it is not asked first any more");
}
