//! Closed streams, closed pipes, and a process that hangs inside a state change.

use lokt_testkit::Sandbox;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::fs;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

#[test]
fn a_latch_that_is_never_released_is_an_error_that_names_its_holder() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).run().ok();
    let latch = it.only_latch();
    let line = format!(
        "echo pid $$; exec flock --no-fork --exclusive '{}' sh -c 'echo in; read line'",
        latch.display()
    );
    let mut holder = it.shell(&line).start();
    let pid: i32 = holder.prints("pid").trim_start_matches("pid ").trim().parse().unwrap();
    let holder = holder.is_in();
    kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
    let stuck = it.lokt(["guard", "x", "--wait", "--", "true"]).start();
    let unlock = it.lokt(["unlock", "x"]).start();
    // What only reads is not kept waiting, and neither is anybody with another latch.
    it.lokt(["exists", "x"]).run().ok();
    it.lokt(["status", "x"]).run().ok();
    it.lokt(["guard", "other", "--", "true"]).run().ok();
    for done in [stuck.ends(), unlock.ends()] {
        let done = done.fails_with(1, &format!("is not released by process {pid}"));
        assert!(done.err.contains(&format!("kill -CONT {pid}")), "a way out: {done:#?}");
    }
    kill(Pid::from_raw(pid), Signal::SIGCONT).unwrap();
    holder.release();
    it.lokt(["unlock", "x"]).run().ok();
}

#[test]
fn closed_streams_never_become_somebody_elses_file() {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"] {
        let it = sandbox();
        let line = format!(
            "lokt lock x {closed}; lokt lock x --ttl 5m {closed}; lokt status {closed}
            lokt guard y -- sh -c 'echo out; echo err >&2; cat; true' {closed} && lokt unlock x {closed}
            lokt lock z; lokt lock z --bad-flag {closed}; lokt get-meta z nothing {closed}; true"
        );
        it.shell(&line).owner("ada").in_time().ok();
        let kinds: Vec<_> = it.events().iter().map(|event| event["event"].clone()).collect();
        let expected = ["acquire", "renew", "acquire", "release", "release", "acquire"];
        assert_eq!(kinds, expected, "with {closed}");
        for latch in fs::read_dir(it.root().join("latches")).unwrap() {
            let content = fs::read_to_string(latch.unwrap().path()).unwrap();
            let fence = content.trim().parse::<u64>();
            assert!(fence.is_ok(), "with {closed}, something else was written: {content:?}");
        }
        assert_eq!(it.record("z")["owner"], "ada", "with {closed}");
    }
}

#[test]
fn output_that_nobody_reads_any_more_is_no_error() {
    let it = sandbox();
    let large = "x".repeat(100_000);
    it.lokt(["lock", "x", "--meta", &format!("large={large}")]).run().ok();
    for command in [
        "status --json",
        "status x --json",
        "status x",
        "get-meta x large",
        "lock x --json",
        "why x --json",
        "audit",
        "man",
        "completions bash",
        "--help",
    ] {
        let line =
            format!("set -o pipefail; lokt {command} | head -c1; echo ${{PIPESTATUS[0]}} >&2");
        let done = it.shell(&line).owner("tester").in_time().ok();
        let quiet = matches!(done.err.as_str(), "0\n" | "2\n");
        assert!(quiet, "{command} says nothing of a closed pipe: {}", done.err);
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let it = sandbox();
    it.lokt(["lock", "x", "--meta", "key=value"]).run().ok();
    for command in ["status", "status --json", "get-meta x key", "audit", "version", "doctor"] {
        let done = it.shell(&format!("lokt {command} >/dev/full")).owner("tester").in_time();
        done.fails_with(1, "cannot write output: No space left on device");
    }
}

#[test]
fn a_command_that_writes_to_a_closed_pipe_ends_as_without_a_guard() {
    let it = sandbox();
    let line = "lokt guard x -- yes | head -n1; echo ${PIPESTATUS[0]}";
    let done = it.shell(line).owner("ada").in_time().ok();
    assert_eq!((done.out.as_str(), done.err.as_str()), ("y\n141\n", ""), "killed by SIGPIPE");
    assert!(!it.record_path("x").exists(), "and the lock is given back");
}
