use crate::fixture::{
    client_of, committed, delete, hasty_client_at, is_readable, next_events, put, user,
};
use lokt_etcd::{
    CallLimits, Change, ClusterAddress, ClusterErrorKind, Credentials, EtcdClient, KeyRange,
    Revision, Watch, WatchEvent, WatchedKinds, WatchedRange,
};
use lokt_testkit::{LossyProxy, TestCluster};
use std::{
    sync::mpsc::channel,
    time::{Duration, Instant},
};

fn watched(prefix: &str, kinds: WatchedKinds) -> WatchedRange {
    WatchedRange { range: KeyRange::prefix(prefix), kinds }
}

/// An event in short: `+key` or `-key`.
fn short(event: &WatchEvent) -> String {
    match event {
        WatchEvent::Put(pair) => format!("+{}", String::from_utf8_lossy(&pair.key)),
        WatchEvent::Deleted { key, .. } => format!("-{}", String::from_utf8_lossy(key)),
        WatchEvent::Lost(error) => format!("lost: {error}"),
    }
}

/// Waits for as many events as are expected, and compares them.
#[track_caller]
fn expect(watch: &Watch, expected: &[&str]) {
    let mut events = Vec::new();
    while events.len() < expected.len() {
        events.extend(next_events(watch).iter().map(short));
    }
    assert_eq!(events, expected, "each event comes once, in order");
}

#[test]
fn a_watch_tells_puts_and_deletions_from_a_revision_on() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    committed(client.commit(&put(&[("a/0", "before")])));
    let first = committed(client.commit(&put(&[("a/1", "one")])));
    let watch = client.watch(&[watched("a/", WatchedKinds::All)], first).expect("a watch");
    expect(&watch, &["+a/1"]);
    committed(client.commit(&put(&[("a/2", "two"), ("b", "")])));
    expect(&watch, &["+a/2"]);
    let deletion = committed(client.commit(&delete("a/1")));
    let events = next_events(&watch);
    let expected = WatchEvent::Deleted { key: b"a/1".to_vec(), mod_revision: deletion };
    assert_eq!(events, [expected], "a deletion has its revision");
}

#[test]
fn each_range_tells_the_kinds_that_were_asked_for() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let ranges = [
        watched("puts/", WatchedKinds::Puts),
        watched("deletions/", WatchedKinds::Deletions),
        watched("end", WatchedKinds::All),
    ];
    let watch = client.watch(&ranges, Revision::new(1)).expect("a watch");
    committed(client.commit(&put(&[("puts/1", ""), ("deletions/1", "")])));
    committed(client.commit(&delete("puts/1")));
    committed(client.commit(&delete("deletions/1")));
    committed(client.commit(&put(&[("end", "")])));
    let mut events = Vec::new();
    while events.len() < 3 {
        events.extend(next_events(&watch).iter().map(short));
    }
    // Events of different ranges may overtake each other.
    events.sort();
    assert_eq!(events, ["+end", "+puts/1", "-deletions/1"]);
}

#[test]
fn the_end_of_a_lease_is_a_deletion() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let watch = client.watch(&[watched("a", WatchedKinds::Deletions)], Revision::new(1));
    let watch = watch.expect("a watch");
    let lease = client.grant(Duration::from_secs(1)).expect("a lease");
    let mut transaction = put(&[]);
    transaction.changes.push(Change::put_on(lease.id, "a", "one"));
    committed(client.commit(&transaction));
    expect(&watch, &["-a"]);
}

#[test]
fn events_that_are_taken_leave_nothing_to_poll() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let watch =
        client.watch(&[watched("a", WatchedKinds::All)], Revision::new(1)).expect("a watch");
    committed(client.commit(&put(&[("a", "one")])));
    expect(&watch, &["+a"]);
    assert!(!is_readable(&watch, Duration::ZERO), "one event wakes once");
    assert_eq!(watch.take_events(), [], "it was taken");
}

#[test]
fn a_watch_of_a_compacted_revision_is_lost() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    committed(client.commit(&put(&[("a", "one")])));
    let second = committed(client.commit(&put(&[("a", "two")])));
    client.compact(second).expect("a compaction");
    let watch =
        client.watch(&[watched("a", WatchedKinds::All)], Revision::new(1)).expect("a watch");
    match next_events(&watch).as_slice() {
        [WatchEvent::Lost(error)] => assert_eq!(error.kind, ClusterErrorKind::Compacted, "{error}"),
        other => panic!("events were missed: {other:?}"),
    }
    assert!(!is_readable(&watch, Duration::ZERO), "nothing comes after that");
}

#[test]
fn a_watch_goes_on_when_its_member_is_killed() {
    let mut cluster = TestCluster::start(3);
    let client = client_of(&cluster);
    let watch =
        client.watch(&[watched("a/", WatchedKinds::All)], Revision::new(1)).expect("a watch");
    committed(client.commit(&put(&[("a/1", "")])));
    expect(&watch, &["+a/1"]);
    // The client asks the first member of the address first, and stays with it.
    cluster.kill(0);
    cluster.await_leader(&[1, 2]);
    committed(client.commit(&put(&[("a/2", "")])));
    committed(client.commit(&delete("a/1")));
    expect(&watch, &["+a/2", "-a/1"]);
}

#[test]
fn a_watch_goes_on_when_its_member_falls_silent() {
    let cluster = TestCluster::start(3);
    let client = hasty_client_at(&cluster.address());
    let watch =
        client.watch(&[watched("a/", WatchedKinds::All)], Revision::new(1)).expect("a watch");
    committed(client.commit(&put(&[("a/1", "")])));
    expect(&watch, &["+a/1"]);
    cluster.stop(0);
    cluster.await_leader(&[1, 2]);
    cluster.etcdctl(&["--endpoints", &cluster.endpoints()[1], "put", "a/2", ""]);
    let before = Instant::now();
    expect(&watch, &["+a/2"]);
    assert!(before.elapsed() < Duration::from_secs(4), "a silent member is left soon");
}

/// A client behind a proxy, with a watch that has told one event.
fn watch_behind_a_proxy(
    cluster: &TestCluster,
    credentials: &Credentials,
) -> (LossyProxy, EtcdClient, Watch) {
    let proxy = LossyProxy::start("127.0.0.1", &cluster.endpoints().concat());
    let address: ClusterAddress =
        format!("etcd://{}/lokt", proxy.endpoint()).parse().expect("an address");
    let client = EtcdClient::connect(&address, credentials, CallLimits::default());
    let client = client.expect("a running cluster accepts");
    let first = committed(client.commit(&put(&[("a/1", "")])));
    let watch = client.watch(&[watched("a/", WatchedKinds::All)], first).expect("a watch");
    expect(&watch, &["+a/1"]);
    (proxy, client, watch)
}

#[test]
fn a_watch_that_is_resumed_tells_each_event_once() {
    let cluster = TestCluster::start(1);
    let (proxy, client, watch) = watch_behind_a_proxy(&cluster, &Credentials::none());
    let direct = client_of(&cluster);
    for round in 2..5 {
        proxy.withhold_answers();
        committed(direct.commit(&put(&[(&format!("a/{round}"), "missed")])));
        committed(direct.commit(&delete(&format!("a/{round}"))));
        proxy.await_withheld_answer();
        proxy.pass_answers();
        proxy.cut();
        expect(&watch, &[&format!("+a/{round}"), &format!("-a/{round}")]);
    }
    committed(client.commit(&put(&[("a/9", "")])));
    expect(&watch, &["+a/9"]);
}

#[test]
fn a_quiet_watch_stays_with_its_member() {
    let cluster = TestCluster::start(1);
    let (proxy, client, _watch) = watch_behind_a_proxy(&cluster, &Credentials::none());
    let limits = CallLimits { per_member: Duration::from_millis(300), ..client.limits() };
    let hasty = client.with_limits(limits);
    let watch = hasty.watch(&[watched("b/", WatchedKinds::All)], Revision::new(1));
    let watch = watch.expect("a watch");
    committed(client.commit(&put(&[("b/1", "")])));
    expect(&watch, &["+b/1"]);
    // Keepalives on another connection are the clock.
    let direct = client_of(&cluster);
    let lease = direct.grant(Duration::from_mins(1)).expect("a lease");
    let (sender, published) = channel();
    let publish = move |sent| {
        let _ = sender.send(sent);
    };
    let _keep_alive = direct.keep_alive(lease.id, Duration::from_millis(100), publish);
    let end = lease.sent.after(6 * limits.per_member);
    published.iter().find(|sent| *sent > end).expect("time passes");
    assert_eq!(proxy.accepted(), 1, "a member that gives signs of life is not left");
}

#[test]
fn a_watch_that_missed_a_compacted_event_is_lost() {
    let cluster = TestCluster::start(1);
    let (proxy, _client, watch) = watch_behind_a_proxy(&cluster, &Credentials::none());
    let direct = client_of(&cluster);
    proxy.withhold_answers();
    committed(direct.commit(&put(&[("a/2", "")])));
    committed(direct.commit(&delete("a/2")));
    let last = committed(direct.commit(&put(&[("b", "")])));
    direct.compact(last).expect("a compaction");
    proxy.await_withheld_answer();
    proxy.pass_answers();
    proxy.cut();
    match next_events(&watch).as_slice() {
        [WatchEvent::Lost(error)] => assert_eq!(error.kind, ClusterErrorKind::Compacted, "{error}"),
        other => panic!("events were missed: {other:?}"),
    }
}

#[test]
fn a_watch_that_loses_its_right_is_lost_when_it_is_resumed() {
    let mut cluster = TestCluster::start(1);
    cluster.add_user("ada", "secret", "a/");
    cluster.enable_accounts();
    let (proxy, _client, watch) = watch_behind_a_proxy(&cluster, &user("ada", "secret"));
    cluster.etcdctl(&["role", "revoke-permission", "ada-role", "--prefix", "a/"]);
    proxy.cut();
    match next_events(&watch).as_slice() {
        [WatchEvent::Lost(error)] => {
            assert_eq!(error.kind, ClusterErrorKind::NotAuthorised, "{error}");
        }
        other => panic!("nothing may be seen any more: {other:?}"),
    }
}

#[test]
fn a_watch_is_lost_if_no_member_can_go_on() {
    let mut cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let watch =
        client.watch(&[watched("a", WatchedKinds::All)], Revision::new(1)).expect("a watch");
    committed(client.commit(&put(&[("a", "")])));
    expect(&watch, &["+a"]);
    cluster.kill(0);
    match next_events(&watch).as_slice() {
        [WatchEvent::Lost(error)] => {
            assert_eq!(error.kind, ClusterErrorKind::Unreachable);
            let expected = format!(
                "cannot watch keys: no member of the cluster answers: {}: connection refused",
                cluster.endpoints()[0]
            );
            assert_eq!(error.to_string(), expected);
        }
        other => panic!("the cluster is gone: {other:?}"),
    }
}
