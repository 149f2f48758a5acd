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
    // Commands that only read do not wait, nor do commands that use another latch.
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
fn closed_streams_never_become_other_files() {
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
fn a_closed_reader_of_stdout_is_no_error() {
    let it = sandbox();
    let large = "x".repeat(100_000);
    it.lokt(["lock", "x", "--ttl", "30m", "--meta", &format!("large={large}")]).run().ok();
    for command in [
        "status --json",
        "status x --json",
        "status x",
        "get-meta x large",
        "lock x --ttl 1h --json",
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

/// Runs its arguments with a stdout that has no reader, and ends with their code.
const UNREAD: &str = "import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
sys.exit(subprocess.run(sys.argv[1:], stdout=writer).returncode)";

#[test]
fn the_exit_code_does_not_depend_on_a_reader_of_the_output() {
    let it = sandbox();
    it.lokt(["lock", "held"]).owner("ada").run().ok();
    it.write_record("broken", "no record");
    for (words, code) in [
        (vec!["lock", "mine", "--ttl", "1h"], 0),
        (vec!["lock", "held"], 2),
        (vec!["lock", "held", "--json"], 2),
        (vec!["why", "held"], 2),
        (vec!["why", "held", "--json"], 2),
        (vec!["status", "held"], 0),
        (vec!["status", "broken", "--json"], 1),
        (vec!["doctor"], 0),
        (vec!["unlock", "mine"], 0),
        (vec!["freeze", "mine", "--ttl", "1h", "--json"], 0),
        (vec!["unfreeze", "mine"], 0),
    ] {
        let call = it.python(UNREAD).arguments(["lokt"].into_iter().chain(words.clone()));
        let done = call.owner("tester").in_time();
        assert_eq!(done.code, Some(code), "{words:?}: {done:#?}");
    }
}

#[test]
fn a_change_stays_when_stdout_cannot_be_written() {
    let it = sandbox();
    let full = |command: &str| {
        let done = it.shell(&format!("lokt {command} >/dev/full")).owner("tester").in_time().ok();
        done.says("cannot write output: No space left on device").says("warning: ")
    };
    full("lock x --ttl 1h");
    assert_eq!(it.record("x")["owner"], "tester", "taken, and reported");
    full("lock x --ttl 2h --json");
    full("unlock x");
    assert!(!it.record_path("x").exists(), "given back, and told so");
    full("freeze x --ttl 1h");
    full("unfreeze x");
    it.lokt(["lock", "x"]).owner("ada").run().ok();
    let refused = it.shell("lokt lock x --json >/dev/full").owner("tester").in_time();
    refused.expect(2).says("held by ada").says("No space left on device");
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let it = sandbox();
    it.lokt(["lock", "x", "--meta", "key=value"]).run().ok();
    for command in [
        "status",
        "status --json",
        "get-meta x key",
        "audit",
        "version",
        "doctor",
        "--help",
        "guard --help",
        "--version",
        "completions bash",
        "man",
    ] {
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
