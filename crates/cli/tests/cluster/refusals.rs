//! What cannot work says so, soon and with the code of an error, and never works on another store instead.

use super::ClusterFixture;
use lokt_testkit::{Done, Sandbox};
use std::time::{Duration, Instant};

/// Runs a command with a value of a variable, and no cluster.
fn run(words: &[&str], variables: &[(&str, &str)]) -> Done {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    let call = it.lokt(words.iter().copied());
    let call = variables.iter().fold(call, |call, (key, value)| call.env(key, value));
    let done = call.run();
    assert!(!it.root().exists(), "no root is made: {done:#?}");
    done
}

#[test]
fn a_cluster_that_cannot_be_reached_is_an_error_within_five_seconds() {
    // Nothing listens on the first; packets to the second (TEST-NET-1) get no answer, or there is no way to it.
    for address in ["etcd://127.0.0.1:1/lokt", "etcd://192.0.2.1:2379,192.0.2.2:2379/lokt"] {
        let began = Instant::now();
        let done = run(&["lock", "x"], &[("LOKT_ROOT", address)]);
        let took = began.elapsed();
        let done = done.fails_with(1, "no member of the cluster answers");
        let host = address.trim_start_matches("etcd://").split([':', ',']).next();
        assert!(host.is_some_and(|host| done.err.contains(host)), "{done:#?}");
        assert!(took < Duration::from_secs(5), "{address} took {took:?}");
    }
}

#[test]
fn a_member_that_answers_nothing_is_an_error_within_five_seconds() {
    let it = ClusterFixture::start();
    it.cluster.stop(0);
    let began = Instant::now();
    let calls = [&["lock", "x"][..], &["status"], &["why", "x"], &["guard", "x", "--", "true"]];
    let running = calls.map(|words| it.lokt(words.iter().copied()).start());
    for call in running {
        call.ends().expect(1).says("no member of the cluster answers");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "it took {took:?}");
    }
}

#[test]
fn a_url_is_never_taken_for_a_folder() {
    for (url, text) in [
        ("redis://host/x", "does not begin with etcd://"),
        ("file:///var/locks", "does not begin with etcd://"),
        ("etcd:host/x", "does not begin with etcd://"),
        ("etcd://host:2379", "has no prefix"),
        ("etcd://host:none/x", "has no port"),
    ] {
        for words in [&["lock", "x"][..], &["status"], &["guard", "x", "--", "true"], &["doctor"]] {
            run(words, &[("LOKT_ROOT", url)]).fails_with(1, text);
        }
    }
}

#[test]
fn a_ttl_that_is_too_short_or_no_duration_is_wrong_usage() {
    for (ttl, text) in [("5s", "at least 6s"), ("soon", "is not a duration"), ("0", "at least 6s")]
    {
        let root = ("LOKT_ROOT", "etcd://127.0.0.1:1/lokt");
        let done = run(&["lock", "x"], &[root, ("LOKT_SESSION_TTL", ttl)]);
        done.fails_with(64, &format!("LOKT_SESSION_TTL: {ttl:?}")).says(text);
    }
}

#[test]
fn half_of_an_account_is_an_error_that_names_the_variable() {
    let root = ("LOKT_ROOT", "etcd://127.0.0.1:1/lokt");
    run(&["lock", "x"], &[root, ("ETCDCTL_PASSWORD", "secret")]).fails_with(1, "ETCDCTL_USER");
}

#[test]
fn a_cluster_that_asks_for_an_account_says_how_to_give_one() {
    let mut it = ClusterFixture::start();
    it.cluster.enable_accounts();
    let done = it.lokt(["lock", "x"]).run().fails_with(1, "no user was given");
    assert!(done.err.contains("hint: set ETCDCTL_USER"), "{done:#?}");
    let as_root = |password: &str| {
        let call = it.lokt(["lock", "x", "--ttl", "5m"]).env("ETCDCTL_USER", "root");
        call.env("ETCDCTL_PASSWORD", password).run()
    };
    let done = as_root("not-shown").fails_with(1, "wrong user or password");
    assert!(!done.err.contains("not-shown"), "no password is shown: {done:#?}");
    as_root(lokt_testkit::ROOT_ACCOUNT.1).ok();
}

#[test]
fn what_a_cluster_does_not_have_yet_is_refused() {
    let it = ClusterFixture::start();
    for words in [
        &["once", "x", "--", "true"][..],
        &["results", "list"],
        &["audit"],
        &["audit", "--timeline"],
    ] {
        let done = it.lokt(words.iter().copied()).run();
        let done = done.fails_with(1, "not supported on a cluster yet");
        assert!(done.out.is_empty() && done.err.contains(&it.cluster.address()), "{done:#?}");
    }
    for words in [&["reserve", "src"][..], &["reservations"], &["unreserve", "src"]] {
        let done = it.lokt(words.iter().copied()).run();
        done.fails_with(1, "reservations on a cluster are not supported yet");
    }
    assert!(!it.sandbox.root().exists(), "nothing is made on this machine");
}
