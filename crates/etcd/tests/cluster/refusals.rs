//! What a cluster refuses: accounts, rights, a full database, no leader.

use crate::fixture::{address_of, client_of, committed, is_readable, next_events, put, user};
use lokt_etcd::{
    Alarm, AlarmKind, CallLimits, ClusterErrorKind, Credentials, EtcdClient, KeyRange, Revision,
    WatchEvent, WatchedKinds, WatchedRange, WriteError,
};
use lokt_testkit::{PATIENCE, TestCluster, TestClusterOptions};
use std::time::{Duration, Instant};

/// The longest that a command may take to fail.
const SOON: Duration = Duration::from_secs(5);

fn client_as(cluster: &TestCluster, credentials: &Credentials) -> EtcdClient {
    EtcdClient::connect(&address_of(cluster), credentials, CallLimits::default())
        .expect("a running cluster accepts")
}

/// A cluster with accounts, and the user `ada` with the rights to `lokt/`.
fn with_accounts(token_seconds: Option<u64>) -> TestCluster {
    let options = TestClusterOptions { token_seconds, ..TestClusterOptions::default() };
    let mut cluster = TestCluster::with(options);
    cluster.add_user("ada", "secret", "lokt/");
    cluster.enable_accounts();
    cluster
}

#[test]
fn an_account_reads_and_writes_what_it_may() {
    let cluster = with_accounts(None);
    let client = client_as(&cluster, &user("ada", "secret"));
    committed(client.commit(&put(&[("lokt/a", "one")])));
    let read = client.read(&[KeyRange::prefix("lokt/")]).expect("a read");
    assert_eq!(read.ranges.concat().len(), 1);
    let lease = client.grant(Duration::from_mins(1)).expect("a lease");
    client.keep_alive_once(lease.id).expect("a keepalive");
    client.revoke(lease.id).expect("a revocation");
}

#[test]
fn what_an_account_may_not_do_is_told() {
    let cluster = with_accounts(None);
    let client = client_as(&cluster, &user("ada", "secret"));
    let error = client.read(&[KeyRange::key("other")]).expect_err("no right");
    assert_eq!(error.kind, ClusterErrorKind::NotAuthorised);
    let expected = format!(
        "cannot read keys: the user has no right to these keys: {}: permission denied",
        cluster.endpoints().concat()
    );
    assert_eq!(error.to_string(), expected);
    match client.commit(&put(&[("lokt/a", ""), ("other", "")])) {
        Err(WriteError::NotApplied(error)) => {
            assert_eq!(error.kind, ClusterErrorKind::NotAuthorised);
        }
        other => panic!("it is refused as a whole: {other:?}"),
    }
    let range = WatchedRange { range: KeyRange::prefix("other"), kinds: WatchedKinds::All };
    let watch = client.watch(&[range], Revision::new(1)).expect("a watch");
    match next_events(&watch).as_slice() {
        [WatchEvent::Lost(error)] => assert_eq!(error.kind, ClusterErrorKind::NotAuthorised),
        other => panic!("nothing may be seen: {other:?}"),
    }
}

#[test]
fn a_wrong_account_and_a_missing_one_are_told() {
    let cluster = with_accounts(None);
    for (name, credentials, kind) in [
        ("wrong password", user("ada", "wrong"), ClusterErrorKind::WrongPassword),
        ("unknown user", user("eve", "secret"), ClusterErrorKind::WrongPassword),
        ("no account", Credentials::none(), ClusterErrorKind::AccountNeeded),
    ] {
        let client = client_as(&cluster, &credentials);
        let before = Instant::now();
        let error = client.read(&[KeyRange::key("lokt/a")]).expect_err(name);
        assert_eq!(error.kind, kind, "{error}");
        match client.commit(&put(&[("lokt/a", "")])) {
            Err(WriteError::NotApplied(error)) => assert_eq!(error.kind, kind, "{error}"),
            other => panic!("{name}: {other:?}"),
        }
        assert!(!error.to_string().contains("secret"), "no password is shown: {error}");
        assert!(before.elapsed() < SOON);
    }
}

#[test]
fn an_account_does_no_harm_where_none_is_needed() {
    let mut cluster = TestCluster::start(1);
    cluster.add_user("ada", "secret", "lokt/");
    let client = client_as(&cluster, &user("ada", "secret"));
    committed(client.commit(&put(&[("lokt/a", "one")])));
    // The client signs in when the cluster begins to ask for accounts.
    cluster.enable_accounts();
    committed(client.commit(&put(&[("lokt/a", "two")])));
}

#[test]
fn a_token_that_expires_is_replaced() {
    let cluster = with_accounts(Some(1));
    let client = client_as(&cluster, &user("ada", "secret"));
    let lease = client.grant(Duration::from_mins(1)).expect("a lease");
    let (sender, published) = std::sync::mpsc::channel();
    let publish = move |sent| {
        let _ = sender.send(sent);
    };
    let _keep_alive = client.keep_alive(lease.id, Duration::from_millis(100), publish);
    let watched = WatchedRange { range: KeyRange::prefix("lokt/"), kinds: WatchedKinds::All };
    let first = committed(client.commit(&put(&[("lokt/a", "")])));
    let watch = client.watch(std::slice::from_ref(&watched), first).expect("a watch");
    assert_eq!(next_events(&watch).len(), 1);
    let other = client_as(&cluster, &user("ada", "secret"));
    other.read(&[KeyRange::key("lokt/a")]).expect("a read");
    // etcd looks once a second for tokens that no call has used meanwhile.
    let deadline = lease.sent.after(Duration::from_secs(3));
    published.iter().find(|sent| *sent > deadline).expect("keepalives go on without a token");
    let late = client.watch(&[watched], first).expect("a watch");
    assert!(matches!(next_events(&late).as_slice(), [WatchEvent::Put(_)]), "a watch signs in");
    committed(other.commit(&put(&[("lokt/b", "")])));
    assert!(matches!(next_events(&watch).as_slice(), [WatchEvent::Put(_)]), "a watch goes on");
}

#[test]
fn a_full_database_refuses_puts_and_lets_leases_end() {
    let options =
        TestClusterOptions { quota_bytes: Some(16 << 20), ..TestClusterOptions::default() };
    let cluster = TestCluster::with(options);
    let client = client_of(&cluster);
    let lease = client.grant(Duration::from_mins(1)).expect("a lease");
    let large = "x".repeat(1 << 20);
    let error = loop {
        match client.commit(&put(&[("a", &large)])) {
            Ok(_) => {}
            Err(WriteError::NotApplied(error)) => break error,
            other => panic!("a full database changes nothing: {other:?}"),
        }
    };
    assert_eq!(error.kind, ClusterErrorKind::NoSpace);
    assert!(error.to_string().contains("the database of the cluster is full"), "{error}");
    match client.grant(Duration::from_mins(1)) {
        Err(WriteError::NotApplied(error)) => assert_eq!(error.kind, ClusterErrorKind::NoSpace),
        other => panic!("a grant is refused, too: {other:?}"),
    }
    client.keep_alive_once(lease.id).expect("a keepalive works");
    client.read(&[KeyRange::key("a")]).expect("a read works");
    client.revoke(lease.id).expect("a revocation works");
    let status = client.status(&address_of(&cluster).endpoints()[0]).expect("a status");
    let alarm = Alarm { member_id: status.member_id, kind: AlarmKind::NoSpace };
    assert_eq!(client.alarms().expect("alarms"), [alarm]);
    assert!(status.errors.iter().any(|it| it.contains("NOSPACE")), "{status:?}");
}

#[test]
fn a_cluster_without_a_majority_has_no_leader() {
    let mut cluster = TestCluster::start(3);
    let client = client_of(&cluster);
    committed(client.commit(&put(&[("a", "")])));
    let range = WatchedRange { range: KeyRange::key("a"), kinds: WatchedKinds::All };
    let hasty = client.with_limits(client.limits().within(Duration::from_secs(1)));
    let watch = hasty.watch(&[range], Revision::new(1)).expect("a watch");
    assert_eq!(next_events(&watch).len(), 1);
    cluster.kill(1);
    cluster.kill(2);
    // Until the last member notices, it waits for the others.
    let error = loop {
        let before = Instant::now();
        let error = client.read(&[KeyRange::key("a")]).expect_err("one member is no majority");
        assert!(before.elapsed() < SOON, "a failure comes soon");
        if error.kind == ClusterErrorKind::NoLeader {
            break error;
        }
    };
    let text = error.to_string();
    let [first, second, third] = [0, 1, 2].map(|index| cluster.endpoints()[index].clone());
    assert!(text.contains(&format!("{first}: no leader")), "{text}");
    assert!(text.contains(&format!("{second}: connection refused")), "{text}");
    assert!(text.contains(&format!("{third}: connection refused")), "{text}");
    match hasty.commit(&put(&[("a", "")])) {
        Err(WriteError::NotApplied(error)) => assert_eq!(error.kind, ClusterErrorKind::NoLeader),
        other => panic!("a member without a leader proposes nothing: {other:?}"),
    }
    assert!(is_readable(&watch, PATIENCE), "a watch without a leader ends");
    match watch.take_events().as_slice() {
        [WatchEvent::Lost(error)] => assert_eq!(error.kind, ClusterErrorKind::NoLeader, "{error}"),
        other => panic!("the watch is lost: {other:?}"),
    }
    let status = client.status(&address_of(&cluster).endpoints()[0]).expect("a member alone");
    assert_eq!(status.leader, None, "its status can be read");
    assert_eq!(client.members().expect("its list of members can be read").len(), 3);
}
