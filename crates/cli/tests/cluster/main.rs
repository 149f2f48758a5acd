//! The command line with a real cluster as its store: the same commands, with the same exit codes.

mod keepers;
mod refusals;

use lokt_testkit::{Lokt, Running, Sandbox, TestCluster};
use std::fs;

/// A cluster, and a folder where commands work.
struct ClusterFixture {
    cluster: TestCluster,
    sandbox: Sandbox,
}

impl ClusterFixture {
    fn start() -> Self {
        Self { cluster: TestCluster::start(1), sandbox: Sandbox::new(env!("CARGO_BIN_EXE_lokt")) }
    }

    fn lokt<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Lokt {
        self.sandbox.lokt(words).env("LOKT_ROOT", self.cluster.address())
    }

    /// A guard whose command says that it runs, and ends with its input.
    fn guard<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Running {
        let words: Vec<&str> = words.into_iter().collect();
        let all = ["guard"].into_iter().chain(words).chain(["--"]).chain(lokt_testkit::HOLD);
        self.lokt(all).start()
    }
}

#[test]
fn a_lease_is_taken_seen_and_unlocked() {
    let it = ClusterFixture::start();
    it.lokt(["lock", "x", "--ttl", "5m", "--meta", "topic=parser"]).owner("ada").run().ok();
    it.lokt(["lock", "x"]).owner("bob").run().fails_with(2, "is held by ada");
    let status = it.lokt(["status", "--json"]).run().ok().json();
    assert_eq!(status.pointer("/0/name").unwrap(), "x", "{status}");
    assert_eq!(status.pointer("/0/owner").unwrap(), "ada", "{status}");
    let text = it.lokt(["status"]).run().ok();
    assert!(text.out.contains("ada"), "{text:#?}");
    assert!(text.err.contains(&it.cluster.address()), "the store is named: {text:#?}");
    it.lokt(["why", "x"]).owner("bob").run().expect(2);
    it.lokt(["exists", "x"]).run().ok();
    let meta = it.lokt(["get-meta", "x", "topic"]).run().ok();
    assert_eq!(meta.out.trim(), "parser");
    let fence = status.pointer("/0/fence").unwrap().to_string();
    it.lokt(["fence", "check", "x", &fence]).run().ok();
    it.lokt(["unlock", "x"]).owner("bob").run().expect(4);
    it.lokt(["unlock", "x"]).owner("ada").run().ok();
    it.lokt(["unlock", "x"]).owner("ada").run().expect(3);
    it.lokt(["why", "x"]).owner("bob").run().ok();
    it.lokt(["exists", "x"]).run().expect(3);
    assert!(!it.sandbox.root().exists(), "nothing is made on this machine");
}

#[test]
fn a_variable_that_is_empty_is_not_set() {
    let it = ClusterFixture::start();
    for (ttl, user) in [("", ""), ("1m", "")] {
        let call = it.lokt(["guard", "x", "--", "true"]).env("LOKT_SESSION_TTL", ttl);
        call.env("ETCDCTL_USER", user).env("ETCDCTL_PASSWORD", "").run().ok();
    }
}

#[test]
fn a_frozen_name_has_no_new_holders() {
    let it = ClusterFixture::start();
    it.lokt(["freeze", "x", "--ttl", "5m"]).owner("ada").run().ok();
    it.lokt(["guard", "x", "--", "true"]).owner("bob").run().fails_with(2, "frozen");
    it.lokt(["unfreeze", "x"]).owner("ada").run().ok();
    it.lokt(["guard", "x", "--", "true"]).owner("bob").run().ok();
}

#[test]
fn a_guard_gives_the_code_of_its_command_and_the_lock_is_free_after_it() {
    let it = ClusterFixture::start();
    it.lokt(["guard", "x", "-c", "exit 5"]).run().expect(5);
    it.lokt(["guard", "x", "--", "/nowhere/nothing"]).run().expect(127);
    let inner = format!("{} guard y -- true", it.sandbox.program().display());
    it.lokt(["guard", "x", "-c", &inner]).run().ok();
    it.lokt(["why", "x"]).run().ok();
    it.lokt(["wait", "x", "y"]).run().ok();
}

#[test]
fn guards_exclude_each_other_and_enter_in_the_order_of_their_arrival() {
    let it = ClusterFixture::start();
    let first = it.guard(["x"]).is_in();
    it.lokt(["guard", "x", "--", "true"]).run().fails_with(2, "is held by");
    let log = it.sandbox.folder().join("order");
    let append = |mark: &str| format!("echo {mark} >> {}", log.display());
    let waiting = |mark: &str| {
        let line = append(mark);
        it.lokt(["guard", "x", "--wait", "-c", &line]).start().is_waiting()
    };
    let second = waiting("second");
    let third = waiting("third");
    assert!(!log.exists(), "no command starts while the first guard runs");
    first.release().ok();
    second.ends().ok();
    third.ends().ok();
    assert_eq!(fs::read_to_string(&log).unwrap(), "second\nthird\n");
}

#[test]
fn a_wait_for_a_holder_ends_when_there_is_one() {
    let it = ClusterFixture::start();
    it.lokt(["wait", "x", "--until", "held", "--timeout", "1s"]).run().expect(2);
    let wait = it.lokt(["wait", "x", "--until", "held"]).start();
    let guard = it.guard(["x"]).is_in();
    wait.ends().ok();
    guard.release().ok();
}

#[test]
fn whoami_and_doctor_name_the_cluster() {
    let it = ClusterFixture::start();
    it.lokt(["lock", "x", "--ttl", "5m"]).run().ok();
    let me = it.lokt(["whoami", "--json"]).run().ok().json();
    assert_eq!(me["root_path"], it.cluster.address(), "{me}");
    assert_eq!(me["root_method"], "env", "{me}");
    assert_eq!(me.pointer("/locks/0/name").unwrap(), "x", "{me}");
    assert!(me["reservations"].is_null(), "there are none to know of: {me}");
    let doctor = it.lokt(["doctor", "--json"]).run().ok().json();
    assert_eq!(doctor["root_path"], it.cluster.address(), "{doctor}");
}

#[test]
fn a_waiter_enters_when_the_process_of_a_lease_has_ended() {
    let it = ClusterFixture::start();
    let mut process = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = process.id().to_string();
    it.lokt(["lock", "x", "--pid", &pid]).owner("ada").run().ok();
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("bob").start().is_waiting();
    process.kill().unwrap();
    process.wait().unwrap();
    waiter.ends().ok();
}
