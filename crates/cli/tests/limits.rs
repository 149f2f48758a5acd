//! Limits of the system that a caller has set or reached: each gives an error that names it, or has no effect
//! at all.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Done, Fault, HOLD, Injection, Sandbox};
use std::fs;

fn sandbox() -> Sandbox {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    fs::write(it.folder().join("in"), "text").unwrap();
    it
}

/// A call after a shell has set a limit.
fn below(it: &Sandbox, limit: &str, command: &str) -> Done {
    it.shell(&format!("{limit}; exec lokt {command}")).owner("tester").in_time()
}

/// A call with a limit to the size of its files.
fn with_files_of(it: &Sandbox, bytes: u64, command: &str) -> lokt_testkit::Lokt {
    it.shell(&format!("exec prlimit --fsize={bytes} lokt {command}")).owner("tester")
}

/// Asserts that every latch contains a fence and nothing else, after any failure.
fn assert_latches_are_whole(it: &Sandbox) {
    for latch in fs::read_dir(it.root().join("latches")).into_iter().flatten() {
        let content = fs::read_to_string(latch.unwrap().path()).unwrap();
        let is_whole = content.is_empty() || content.trim().parse::<u64>().is_ok();
        assert!(is_whole, "something else was written into a latch: {content:?}");
    }
}

fn log_size(it: &Sandbox) -> u64 {
    fs::metadata(it.root().join("audit.log")).unwrap().len()
}

#[test]
fn when_no_file_may_grow_no_lock_is_taken_and_held_locks_are_released() {
    for command in [
        "lock x --ttl 5m",
        "lock x --wait",
        "lock mine --ttl 20m",
        "guard x -- touch entered",
        "guard x --wait -- touch entered",
        "guard x y --shared -- touch entered",
        "freeze x --ttl 5m",
        "once x --input in -- touch entered",
    ] {
        let it = sandbox();
        it.lokt(["lock", "mine", "--ttl", "10m"]).run().ok();
        let before = it.record("mine");
        let done = below(&it, "ulimit -f 0", command).fails_with(1, "File too large");
        assert!(done.err.contains("ulimit -f"), "it says which limit: {done:#?}");
        let taken = it.record_path("x").exists() || it.freeze_path("x").exists();
        assert!(!taken && it.tickets("x").is_empty(), "{command} left something");
        assert_eq!(it.record("mine"), before, "{command} changed a lease");
        assert!(!it.folder().join("entered").exists(), "nothing ran");
        below(&it, "ulimit -f 0", "status mine").ok();
        below(&it, "ulimit -f 0", "why mine").expect(2);
        below(&it, "ulimit -f 0", "unlock mine").ok().says("warning: lock \"mine\" is free, but ");
        it.lokt(["exists", "mine"]).run().expect(3);
        it.lokt(["guard", "x", "--", "true"]).run().ok();
        assert_latches_are_whole(&it);
    }
}

#[test]
fn a_release_that_does_not_fit_in_the_log_takes_effect() {
    let it = sandbox();
    it.lokt(["guard", "x", "--", "sh", "-c", "exit 3"]).run().expect(3);
    let log = fs::read_to_string(it.root().join("audit.log")).unwrap();
    let acquired = log.lines().next().unwrap().len() as u64 + 1;
    let room = log_size(&it) + acquired + 20;
    let done = with_files_of(&it, room, "guard x -- sh -c 'exit 3'").in_time().expect(3);
    let done = done.says("warning: lock \"x\" is free, but ").says("File too large");
    assert!(!it.record_path("x").exists() && it.tickets("x").is_empty(), "{done:#?}");
    let short = log_size(&it) + acquired / 2;
    let done = with_files_of(&it, short, "guard x -- touch entered").in_time();
    done.fails_with(1, "audit.log: File too large");
    assert!(!it.record_path("x").exists() && !it.folder().join("entered").exists());
    it.lokt(["lock", "x", "--ttl", "1h"]).run().ok();
    let events = it.lokt(["audit", "--name", "x", "--json"]).run().ok().out;
    let last: serde_json::Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "acquire", "a torn line takes no later event with it");
}

#[test]
fn a_heartbeat_that_does_not_fit_in_the_log_is_reported_and_the_lock_holds() {
    let it = sandbox();
    it.lokt(["guard", "x", "--ttl", "300ms", "--", "sh", "-c", "echo in; read line; exit 0"])
        .start()
        .is_in()
        .release()
        .ok();
    let log = fs::read_to_string(it.root().join("audit.log")).unwrap();
    let room = log_size(&it) + log.lines().next().unwrap().len() as u64 + 20;
    let command = format!("guard x --ttl 300ms -- {} -c '{}'", HOLD[0], HOLD[2]);
    let mut guard = with_files_of(&it, room, &command).start().is_in();
    guard.says("cannot announce that lock \"x\" is still held (it is)");
    it.lokt(["lock", "x"]).owner("other").run().expect(2);
    guard.release().ok();
    assert!(!it.record_path("x").exists());
}

#[test]
fn once_shows_all_output_that_cannot_be_recorded_and_keeps_nothing() {
    let it = sandbox();
    it.lokt(["once", "warm", "--input", "in", "--", "true"]).run().ok();
    let print = "sh -c 'head -c 100000 /dev/zero | tr \"\\0\" x; exit 0'";
    let command = format!("once x --input in -- {print}");
    for options in ["", "--json "] {
        let command = command.replace("once x", &format!("once x {options}"));
        let done = with_files_of(&it, 20_000, &command).in_time().ok();
        if options.is_empty() {
            assert_eq!(done.out.len(), 100_000, "all of it is shown");
            assert!(done.err.contains("is not kept"), "{}", done.err);
        } else {
            assert_eq!(
                (&done.json()["kept"], &done.json()["stdout"]["bytes"]),
                (&false.into(), &100_000.into())
            );
        }
    }
    let kept = it.lokt(["results", "list", "--json"]).run().ok().out;
    assert!(!kept.contains("\"x\""), "nothing is kept: {kept}");
    let command = "once a --input in --artifact big -- sh -c 'head -c 10000 /dev/zero >big'";
    let done = with_files_of(&it, 9_000, command).in_time();
    assert!(done.code.is_some(), "{done:#?}");
    assert!(!it.lokt(["results", "list", "--json"]).run().ok().out.contains("\"a\""));
}

#[test]
fn a_result_that_is_removed_without_a_log_line_is_reported_as_removed() {
    let it = sandbox();
    it.lokt(["once", "x", "--input", "in", "--", "true"]).run().ok();
    let done = below(&it, "ulimit -f 0", "results rm x").ok();
    let done = done.says("warning: the lease \"x\" is gone, but that could not be logged");
    assert!(!it.record_path("x").exists(), "{done:#?}");
}

#[test]
fn files_of_the_caller_that_cannot_grow_are_errors() {
    let it = sandbox();
    it.lokt(["guard", "x", "--", "true"]).run().ok();
    for (command, code) in [
        ("guard x --status-file out.json -- touch entered", 1),
        ("audit --timeline --html out.html", 1),
        ("man --dir pages", 1),
        ("key generate", 1),
        ("init --yes --agent claude", 1),
    ] {
        let done = below(&it, "git init -q . 2>/dev/null; ulimit -f 0", command).expect(code);
        assert!(done.err.contains("File too large"), "{command}: {done:#?}");
    }
    assert!(!it.folder().join("entered").exists(), "nothing ran");
}

#[test]
fn without_descriptors_every_command_ends_with_an_error_or_does_its_work() {
    let it = sandbox();
    it.lokt(["lock", "held", "--ttl", "1h"]).run().ok();
    it.lokt(["guard", "x", "--", "true"]).run().ok();
    for descriptors in 4..=16 {
        let limit = format!("ulimit -n {descriptors}");
        for command in [
            "status --json",
            "why held",
            "lock held --ttl 1h",
            "guard x -- true",
            "guard held --wait --timeout 1ms -- true",
            "once x --input in -- true",
            "audit",
            "doctor",
            "mcp",
        ] {
            let done = below(&it, &limit, command);
            let is_told = done.code == Some(0) || !(done.err.is_empty() && done.out.is_empty());
            let is_told = matches!(done.code, Some(0..=3 | 126)) && is_told;
            assert!(is_told, "{command} with {descriptors} descriptors: {done:#?}");
        }
    }
    it.lokt(["guard", "x", "--", "true"]).run().ok();
    it.lokt(["unlock", "held"]).run().ok();
    assert_latches_are_whole(&it);
}

/// A fault: the start of a thread or a process fails.
fn no_process(number: usize) -> [Injection; 1] {
    [Injection { call: "clone3".into(), number, fault: Fault::Error("EAGAIN") }]
}

#[test]
fn without_threads_a_command_works_alone_or_fails_with_an_error() {
    let it = sandbox();
    for number in 0..2100 {
        it.write_record(
            &format!("n{number}"),
            r#"{"owner":"a","acquired_ts":"2026-02-01T10:00:00Z"}"#,
        );
    }
    let all = it.traced(&no_process(1), ["status", "--json"]).in_time().ok();
    assert_eq!(all.json().as_array().unwrap().len(), 2100, "all locks are listed");
    it.shell("rm -r root").run().ok();
    for number in 1..=6 {
        let done = it.traced(&no_process(number), ["once", "x", "--input", "in", "--", "true"]);
        let done = done.in_time();
        assert!(matches!(done.code, Some(0 | 1 | 126)), "{number}: {done:#?}");
        assert!(!done.err.contains("panicked"), "{number}: {done:#?}");
        let done = it.traced(&no_process(number), ["guard", "g", "--", "true"]).in_time();
        assert!(matches!(done.code, Some(0 | 126)), "{number}: {done:#?}");
        assert!(!it.record_path("g").exists(), "the lock is released");
    }
    let done = it.traced(&no_process(1), ["mcp"]).in_time();
    done.fails_with(1, "cannot serve");
}

#[test]
fn a_waiter_without_threads_still_waits() {
    let it = sandbox();
    let holder = it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start();
    let holder = holder.is_in();
    // The first thread waits for the lock of the ticket.
    let waiter =
        it.traced(&no_process(1), ["guard", "x", "--wait", "--", "echo", "entered"]).start();
    let waiter = waiter.is_waiting();
    holder.release().ok();
    assert_eq!(waiter.release().ok().out, "entered\n");
}

#[test]
fn a_stack_that_is_too_small_is_an_error() {
    let it = sandbox();
    for (limit, command) in [(64, "status"), (128, "audit"), (256, "guard x -- true")] {
        let done = below(&it, &format!("ulimit -s {limit}"), command);
        done.fails_with(1, "the stack may have");
    }
    below(&it, "ulimit -s 1024", "guard x -- true").ok();
}

#[test]
fn closed_streams_never_become_files_of_the_root_without_devices() {
    let it = sandbox();
    let line = "mount -t tmpfs none /dev; for n in 1 2; do
        lokt guard x -- sh -c 'echo out; echo err >&2; true' <&- >&- 2>&-; lokt lock y --ttl 1h <&- >&- 2>&-
        lokt status >&- 2>&- || true; done; lokt exists y";
    it.with_own_mounts(line).in_time().ok();
    assert_latches_are_whole(&it);
}

#[test]
fn a_follower_of_the_log_ends_when_its_reader_has_gone() {
    let it = sandbox();
    it.lokt(["guard", "x", "--", "true"]).run().ok();
    for options in ["", "--json"] {
        let line = format!("(lokt audit --tail {options}; echo ended $? >&2) | head -n 1");
        let done = it.shell(&line).in_time().ok();
        assert_eq!(done.err, "ended 0\n", "quietly, and without another event");
    }
    // The log may be absent.
    let line = "(LOKT_ROOT=$PWD/none lokt audit --tail; echo ended $? >&2) | true";
    assert_eq!(it.shell(line).in_time().ok().err, "ended 0\n");
}

/// Starts a program on a new terminal, waits until it has drawn something, closes the terminal, and prints how the
/// program ended.
const HANG_UP: &str = "import os, pty, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    if sys.argv[1] == 'ignored':
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.execvp(sys.argv[2], sys.argv[2:])
os.read(terminal, 1)
os.close(terminal)
status = os.waitpid(pid, 0)[1]
print('signal' if os.WIFSIGNALED(status) else 'code', os.WTERMSIG(status) or os.WEXITSTATUS(status))";

#[test]
fn a_drawing_command_ends_when_its_terminal_hangs_up() {
    let it = sandbox();
    it.lokt(["guard", "x", "--", "true"]).run().ok();
    for (hang_up, words, expected) in [
        ("default", vec!["lokt", "top"], ["signal 1\n", "code 1\n"]),
        ("ignored", vec!["lokt", "top"], ["code 1\n", "code 0\n"]),
        ("ignored", vec!["lokt", "audit", "--tail"], ["code 0\n", "code 1\n"]),
    ] {
        let call = it.python(HANG_UP).arguments([hang_up].into_iter().chain(words.clone()));
        let out = call.env("TERM", "xterm").in_time().ok().out;
        assert!(expected.contains(&out.as_str()), "{hang_up} {words:?}: {out}");
    }
}
