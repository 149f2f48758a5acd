//! Guards that are killed, keepers that are killed, and a cluster that does not answer.

use crate::ClusterFixture;
use lokt_testkit::{Running, eventually};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

/// The TTL of the sessions here: the least that is allowed.
const TTL: Duration = Duration::from_secs(6);

/// The keepers of a cluster that live: each has the address of the cluster in its command line.
fn keepers(it: &ClusterFixture) -> Vec<i32> {
    let address = it.cluster.address();
    let pids = fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse::<i32>().ok()?;
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let words = String::from_utf8_lossy(&words);
        let is_keeper = words.starts_with("lokt-keeper\0") && words.contains(&address);
        is_keeper.then_some(pid)
    });
    pids.collect()
}

/// A guard whose command runs, and makes a file when it gets SIGTERM.
fn trapping_guard(it: &ClusterFixture) -> (Running, PathBuf) {
    let (begun, end) = (it.sandbox.folder().join("begun"), it.sandbox.folder().join("end"));
    let script = format!(
        "trap 'echo > {}; exit' TERM; echo > {}; while :; do sleep 0.05; done",
        end.display(),
        begun.display()
    );
    let guard = it.lokt(["guard", "x", "-c", &script]).env("LOKT_SESSION_TTL", "6s").start();
    eventually("the command runs", || begun.exists());
    (guard, end)
}

#[test]
fn a_lock_outlives_its_guard_and_ends_with_its_command() {
    let it = ClusterFixture::start();
    let (begun, end) = (it.sandbox.folder().join("begun"), it.sandbox.folder().join("end"));
    let script = format!(
        "echo > {}; while [ ! -e {} ]; do sleep 0.05; done",
        begun.display(),
        end.display()
    );
    let guard = it.lokt(["guard", "x", "-c", &script]).env("LOKT_SESSION_TTL", "6s").start();
    eventually("the command runs", || begun.exists());
    guard.kill();
    let killed = Instant::now();
    eventually("a session without a keeper would have ended", || killed.elapsed() > TTL * 4 / 3);
    it.lokt(["guard", "x", "--", "true"]).run().fails_with(2, "is held by");
    let next = it.lokt(["guard", "x", "--wait", "--", "true"]).start().is_waiting();
    let ended = Instant::now();
    fs::write(&end, "").unwrap();
    next.ends().ok();
    assert!(ended.elapsed() < TTL / 2, "the next one enters at once, not after the TTL");
    eventually("no keeper is left", || keepers(&it).is_empty());
}

#[test]
fn a_killed_keeper_is_replaced() {
    let it = ClusterFixture::start();
    let guard = it.guard(["x"]).is_in();
    eventually("a keeper runs", || keepers(&it).len() == 1);
    let first = keepers(&it)[0];
    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
    eventually("another keeper runs", || keepers(&it).iter().any(|pid| *pid != first));
    guard.release().ok();
    eventually("no keeper is left", || keepers(&it).is_empty());
}

#[test]
fn a_guard_without_its_cluster_stops_its_command_before_the_session_ends() {
    let it = ClusterFixture::start();
    let (guard, end) = trapping_guard(&it);
    it.cluster.stop(0);
    let stopped = Instant::now();
    let done = guard.ends();
    it.cluster.resume(0);
    assert!(stopped.elapsed() < TTL, "the command is dead before another can enter");
    assert!(end.exists(), "it got SIGTERM first");
    assert_eq!(done.code, Some(6), "{done:#?}");
    assert!(done.err.contains("was lost"), "{done:#?}");
    assert!(!done.err.contains("SIGKILL"), "it ended at SIGTERM: {done:#?}");
}

#[test]
fn a_keeper_without_guard_and_cluster_stops_the_command() {
    let it = ClusterFixture::start();
    let (guard, end) = trapping_guard(&it);
    guard.kill();
    it.cluster.stop(0);
    let stopped = Instant::now();
    eventually("the command gets SIGTERM", || end.exists());
    assert!(stopped.elapsed() < TTL, "before another can enter");
    it.cluster.resume(0);
    eventually("no keeper is left", || keepers(&it).is_empty());
}
