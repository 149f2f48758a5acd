//! Callers that come while the command runs.

use super::{GATED, Repository};
use lokt_testkit::Running;
use std::thread;

#[test]
fn fifty_simultaneous_callers_get_one_run() {
    for round in 0..2 {
        let it = Repository::new();
        let line = "echo run >>ignored-runs; echo out; echo err >&2; cat a";
        let all: Vec<Running> = (0..50).map(|_| it.once(&["--quiet"], line).start()).collect();
        for one in all {
            let done = one.ends().ok();
            assert_eq!((done.out.as_str(), done.err.as_str()), ("out\n1\n", "err\n"), "{round}");
        }
        assert_eq!(it.runs(), 1, "round {round}");
    }
}

#[test]
fn a_follower_sees_the_output_live_from_its_start() {
    let it = Repository::new();
    let lead = it.gated(&[]);
    let followers: Vec<Running> = (0..20).map(|_| it.gated(&["--quiet"])).collect();
    it.open_gate();
    for one in followers.into_iter().chain([lead]) {
        let done = one.ends().ok();
        assert_eq!((done.out.as_str(), done.err.as_str()), ("begin\nend now\n", "trouble\n"));
    }
    assert_eq!((it.runs(), it.violations()), (1, 0));
}

#[test]
fn a_failure_is_shared_with_followers_and_not_stored() {
    let it = Repository::new();
    let line = format!("{GATED}; exit 3");
    let start = || it.begun(&[], &line);
    let (lead, follower) = (start(), start());
    it.open_gate();
    assert_eq!(lead.ends().expect(3).out, follower.ends().expect(3).out);
    assert_eq!(it.runs(), 1);
    let again = start();
    it.open_gate();
    again.ends().expect(3);
    assert_eq!(it.runs(), 2, "who comes later runs it");
}

#[test]
fn a_follower_gives_up_at_its_timeout() {
    let it = Repository::new();
    let mut lead = it.once(&[], GATED).owner("tester").start();
    lead.prints("begin");
    let done = it.once(&["--timeout", "100ms"], GATED).run().expect(2);
    let told = "error: \"t\" is being run by tester (";
    assert!(done.err.contains(told), "{done:#?}");
    assert_eq!(done.out, "begin\n", "what came until then was shown");
    it.open_gate();
    lead.ends().ok();
    assert_eq!(it.runs(), 1);
}

#[test]
fn different_results_are_made_at_the_same_time() {
    let it = Repository::new();
    let one = it.once(&["--key", "1"], "echo begin; read line <ignored-gate").start();
    let mut one = one;
    one.prints("begin");
    it.once(&["--key", "2"], "echo other").run().ok();
    it.open_gate();
    one.ends().ok();
}

#[test]
fn a_follower_gets_the_artifacts_too() {
    let it = Repository::new();
    it.shell("git worktree add -q ../other");
    let other = it.it.folder().join("other");
    let line = format!(
        "gate={}; {}; echo made >out",
        it.path("ignored-gate").display(),
        "echo begin; read line <$gate"
    );
    let start = |folder: &std::path::Path| {
        let mut one = it.once(&["--artifact", "out"], &line).folder(folder).start();
        one.prints("begin");
        one
    };
    let (lead, follower) = (start(&it.folder()), start(&other));
    it.open_gate();
    lead.ends().ok();
    follower.ends().ok();
    assert_eq!(std::fs::read_to_string(other.join("out")).unwrap(), "made\n");
}

#[test]
fn a_refresh_does_not_follow_an_earlier_run() {
    let it = Repository::new();
    let lead = it.gated(&[]);
    let refreshing = it.once(&["--refresh"], GATED).start();
    it.open_gate();
    lead.ends().ok();
    let mut refreshing = refreshing;
    refreshing.prints("begin");
    it.open_gate();
    refreshing.ends().ok();
    assert_eq!(it.runs(), 2);
}

#[test]
fn simultaneous_refreshes_run_it_once_more() {
    let it = Repository::new();
    let lead = it.gated(&[]);
    let together: Vec<Running> = (0..5).map(|_| it.once(&["--refresh"], GATED).start()).collect();
    // All of them wait by now; otherwise the next run would not count for them.
    for one in &together {
        while !is_watching(one) {
            thread::yield_now();
        }
    }
    it.open_gate();
    lead.ends().ok();
    it.open_gate();
    for one in together {
        one.ends().ok();
    }
    assert_eq!((it.runs(), it.violations()), (2, 0));
}

/// Whether a process waits for the end of a run.
fn is_watching(one: &Running) -> bool {
    let entries = std::fs::read_dir(format!("/proc/{}/fd", one.pid())).into_iter().flatten();
    let targets = entries.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok());
    targets.into_iter().any(|target| target.display().to_string().contains("inotify"))
}

/// Succeeds, or fails after the gate opens if an ignored file exists.
const FICKLE: &str = "echo run >>ignored-runs; [ -e ignored-fail ] || { echo yes; exit 0; }; \
    echo begin; read line <ignored-gate; exit 3";

#[test]
fn a_failure_is_not_replaced_by_an_older_success() {
    let it = Repository::new();
    it.once(&[], FICKLE).run().ok();
    it.shell("touch ignored-fail");
    let start = |flags: &[&str]| it.begun(flags, FICKLE);
    let lead = start(&["--refresh"]);
    // For callers that need a newer result.
    let follower = start(&["--ttl", "1ms"]);
    it.open_gate();
    lead.ends().expect(3);
    follower.ends().expect(3);
    assert_eq!(it.runs(), 2);
    it.lokt(["exists", "t"]).run().expect(3);
    let again = start(&[]);
    it.open_gate();
    again.ends().expect(3);
    assert_eq!(it.runs(), 3, "the older success is gone: what is there now fails");
}

#[test]
fn artifacts_of_an_older_result_do_not_replace_those_of_an_unstored_run() {
    let it = Repository::new();
    let line = "echo begin; if [ -e ignored-new ]; then read line <ignored-gate; fi; \
        cp ignored-text ignored-out; [ ! -e ignored-new ] || echo x >made";
    let flags = ["--artifact", "ignored-out"];
    it.shell("echo old >ignored-text");
    it.once(&flags, line).run().ok();
    it.shell("echo new >ignored-text; touch ignored-new");
    let start = |more: &[&str]| it.begun(&[&flags[..], more].concat(), line);
    let (lead, follower) = (start(&["--refresh"]), start(&["--ttl", "1ms"]));
    it.open_gate();
    lead.ends().ok().says("is not kept: while the command ran, made was added");
    follower.ends().ok().says("the artifacts were not kept");
    assert_eq!(std::fs::read_to_string(it.path("ignored-out")).unwrap(), "new\n");
}

#[test]
fn a_slow_follower_gets_the_run_that_it_followed() {
    let it = Repository::new();
    let line = "if [ -e ignored-second ]; then echo second; read line <ignored-gate; else : >ignored-second; \
        echo begin; read line <ignored-gate; head -c 2000000 /dev/zero; fi";
    let mut lead = it.once(&[], line).start();
    lead.prints("begin");
    // Reads no further than the first line, until the test continues it.
    let reader = format!(
        "lokt once t -- sh -c '{line}' | {{ read first; read line <ignored-slow; wc -c; }}"
    );
    nix::unistd::mkfifo(&it.path("ignored-slow"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let slow = it.it.shell(&reader).folder(it.folder()).start();
    it.open_gate();
    lead.release().ok();
    let mut next = it.once(&["--refresh"], line).start();
    next.prints("second");
    std::fs::write(it.path("ignored-slow"), "go\n").unwrap();
    assert_eq!(slow.ends().ok().out, "2000000\n");
    it.open_gate();
    next.ends().ok();
}
