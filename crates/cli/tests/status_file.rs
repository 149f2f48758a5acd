//! A guard's report on how it ended, for each way of ending.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

use lokt_testkit::{Done, HOLD, Lokt, Running, Sandbox};
use nix::{libc::O_NONBLOCK, sys::signal::Signal};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::OpenOptionsExt,
};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A guard that writes to the file `s`.
fn guard(it: &Sandbox, words: &[&str]) -> Lokt {
    it.lokt([&["guard", "--status-file", "s"], words].concat())
}

fn holder(it: &Sandbox, name: &str) -> Running {
    it.lokt(["guard", name, "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in()
}

/// The content of the file, which must have every field.
fn status(it: &Sandbox) -> Value {
    let text = fs::read_to_string(it.folder().join("s")).unwrap();
    assert!(text.starts_with("{\"version\":1,") && text.ends_with("}\n"), "{text:?}");
    let status: Value = serde_json::from_str(&text).unwrap();
    let fields = [
        "version",
        "outcome",
        "names",
        "lock_ids",
        "fences",
        "pid",
        "exit_code",
        "command_exit_code",
        "command_signal",
        "waited_ms",
        "held_ms",
        "error",
    ];
    let found: Vec<&String> = status.as_object().unwrap().keys().collect();
    assert_eq!(found, fields);
    status
}

/// Asserts an outcome, with the guard's exit code, and that no command ran.
fn assert_outcome_without_command(it: &Sandbox, outcome: &str, done: &Done) {
    let status = status(it);
    assert_eq!((&status["outcome"], &status["exit_code"]), (&json!(outcome), &json!(done.code)));
    assert_eq!((&status["command_exit_code"], &status["held_ms"]), (&Value::Null, &Value::Null));
    assert!(status["waited_ms"].is_u64() && status["lock_ids"] == json!([]), "{status}");
    let error = format!("error: {}", status["error"].as_str().unwrap());
    assert!(done.err.lines().any(|line| line == error), "the printed error: {status}");
}

#[test]
fn a_command_that_ran_to_its_end() {
    let it = sandbox();
    let line = "cat s; cat \"$LOKT_ROOT/locks/x.json\"; exit 3";
    let done = guard(&it, &["x", "-c", line]).run().expect(3);
    let (before, record) = done.out.split_once('\n').unwrap();
    let (before, record): (Value, Value) =
        (serde_json::from_str(before).unwrap(), serde_json::from_str(record).unwrap());
    assert_eq!((&before["outcome"], &before["exit_code"]), (&json!("unfinished"), &Value::Null));
    let after = status(&it);
    assert_eq!(after["outcome"], "completed");
    assert_eq!((&after["names"], &after["pid"]), (&json!(["x"]), &record["pid"]));
    assert_eq!(
        (&after["lock_ids"][0], &after["fences"][0]),
        (&record["lock_id"], &record["fence"])
    );
    assert_eq!((&after["exit_code"], &after["command_exit_code"]), (&json!(3), &json!(3)));
    assert_eq!((&after["command_signal"], &after["error"]), (&Value::Null, &Value::Null));
    assert!(after["waited_ms"].is_u64() && after["held_ms"].is_u64(), "{after}");
    guard(&it, &["x", "-c", "kill -TERM $$"]).run().expect(143);
    let after = status(&it);
    assert_eq!((&after["outcome"], &after["exit_code"]), (&json!("completed"), &json!(143)));
    assert_eq!((&after["command_exit_code"], &after["command_signal"]), (&Value::Null, &json!(15)));
}

#[test]
fn an_unavailable_lock() {
    let it = sandbox();
    let inside = holder(&it, "x");
    let done = guard(&it, &["x", "--", "true"]).run().expect(2);
    assert_outcome_without_command(&it, "denied", &done);
    let done = guard(&it, &["x", "--conflict-exit-code", "9", "--", "true"]).run().expect(9);
    assert_outcome_without_command(&it, "denied", &done);
    let words = ["x", "--wait", "--timeout", "120ms", "--", "true"];
    let done = guard(&it, &words).run().expect(2);
    assert_outcome_without_command(&it, "timed_out", &done);
    assert!(status(&it)["waited_ms"].as_u64().unwrap() >= 120, "{}", status(&it));
    it.lokt(["freeze", "y", "--ttl", "1m"]).run().ok();
    let done = guard(&it, &["y", "--", "true"]).run().expect(2);
    assert_outcome_without_command(&it, "denied", &done);
    let waiter = guard(&it, &["x", "--wait", "--", "true"]).start().is_waiting();
    assert_eq!(status(&it)["outcome"], "unfinished", "the last run's end is not this one's");
    waiter.signal(Signal::SIGHUP);
    assert_eq!(waiter.ends().signal, Some(Signal::SIGHUP as i32));
    let after = status(&it);
    assert_eq!((&after["outcome"], &after["exit_code"]), (&json!("interrupted"), &json!(129)));
    inside.release().ok();
}

#[test]
fn a_deadlock_and_an_unreadable_state() {
    let it = sandbox();
    let line = "lokt guard --status-file s x --wait -- true";
    let done = it.lokt(["guard", "x", "--shared", "-c", line]).run().expect(7);
    assert_outcome_without_command(&it, "deadlock", &done);
    it.write_record("y", "{\"version\":99}");
    let done = guard(&it, &["y", "--", "true"]).run().expect(1);
    assert_outcome_without_command(&it, "error", &done);
    it.lokt(["lock", "z", "--slots", "3"]).owner("ada").run().ok();
    let done = guard(&it, &["z", "--slots", "2", "--", "true"]).run().expect(1);
    assert_outcome_without_command(&it, "error", &done);
}

#[test]
fn a_command_that_did_not_start() {
    let it = sandbox();
    fs::write(it.folder().join("data"), "no program").unwrap();
    for (command, code) in [("no-such-command", 127), ("./data", 126)] {
        guard(&it, &["x", "--", command]).run().expect(code);
        let after = status(&it);
        assert_eq!((&after["outcome"], &after["exit_code"]), (&json!("not_started"), &json!(code)));
        assert_eq!(after["command_exit_code"], Value::Null);
        assert!(after["error"].as_str().unwrap().contains(command), "{after}");
        assert!(!it.record_path("x").exists(), "the lock was released");
    }
}

#[test]
fn a_lock_that_was_lost_and_a_command_that_ran_too_long() {
    let it = sandbox();
    let line = "trap 'exit 0' TERM; sleep 1000 & echo in; wait";
    let lost = guard(&it, &["x", "-c", line]).start().is_in();
    it.lokt(["unlock", "x", "--force"]).owner("bob").run().ok();
    lost.ends().expect(6);
    let after = status(&it);
    assert_eq!((&after["outcome"], &after["exit_code"]), (&json!("lost"), &json!(6)));
    assert_eq!(after["command_exit_code"], 0, "it trapped the signal, and that counts for nothing");
    assert!(after["error"].as_str().unwrap().contains("was lost"), "{after}");
    let words = ["x", "--on-lost", "warn", "-c", "rm $LOKT_ROOT/locks/x.json; exit 4"];
    guard(&it, &words).run().expect(4);
    let after = status(&it);
    assert_eq!((&after["outcome"], &after["exit_code"]), (&json!("lost"), &json!(4)));
    guard(&it, &["x", "--max-hold", "50ms", "-c", line]).run().expect(124);
    let after = status(&it);
    assert_eq!((&after["outcome"], &after["exit_code"]), (&json!("max_hold"), &json!(124)));
    assert!(after["held_ms"].as_u64().unwrap() >= 50, "{after}");
}

#[test]
fn a_guard_that_is_killed_has_no_end() {
    let it = sandbox();
    fs::write(it.folder().join("s"), "{\"outcome\":\"completed\"}").unwrap();
    let killed = guard(&it, &["x", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    let pid = killed.pid();
    killed.kill();
    let after = status(&it);
    assert_eq!((&after["outcome"], &after["pid"]), (&json!("unfinished"), &json!(pid)));
    let left = fs::read_dir(it.folder()).unwrap().count();
    assert_eq!(left, 2, "the root and the file, and no draft of it");
}

#[test]
fn lists_of_several_locks_are_in_the_order_of_the_names() {
    let it = sandbox();
    let line = "echo $LOKT_LOCK_ID; echo $LOKT_FENCE";
    let around = |words: &str| format!("lokt guard {words} --status-file s -c '{line}'");
    for call in [around("c a b"), format!("lokt guard a -- {}", around("b a c"))] {
        let out = it.shell(&call).run().ok().out;
        let mut lines = out.lines();
        let after = status(&it);
        let list = |field: &str| -> String {
            let texts = after[field].as_array().unwrap().iter();
            let texts = texts.map(|it| it.to_string().trim_matches('"').to_owned());
            texts.collect::<Vec<_>>().join(",")
        };
        assert_eq!(lines.next(), Some(list("lock_ids").as_str()), "{call}: {after}");
        assert_eq!(lines.next(), Some(list("fences").as_str()), "{call}: {after}");
    }
    assert_eq!(status(&it)["names"], json!(["b", "a", "c"]));
    // Inside guards of all names, the file is written, too.
    it.shell("lokt guard a -- lokt guard a --status-file s -c 'exit 8'").run().expect(8);
    let after = status(&it);
    assert_eq!((&after["outcome"], &after["command_exit_code"]), (&json!("completed"), &json!(8)));
    assert!(after["fences"][0].is_u64(), "{after}");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_before_a_lock_is_taken() {
    let it = sandbox();
    fs::create_dir(it.folder().join("folder")).unwrap();
    for path in ["missing/s", "folder", "/dev/null/s", "/proc/s"] {
        let words = ["guard", "x", "--status-file", path, "--", "touch", "ran"];
        let done = it.lokt(words).run().fails_with(1, &format!("status file {path}"));
        assert!(done.err.contains("nothing was locked"), "{done:#?}");
    }
    it.lokt(["guard", "x", "--status-file", "", "--", "touch", "ran"]).run().expect(64);
    it.shell("ln -s loop loop; ln -s missing/s lost").run().ok();
    it.python("import socket; socket.socket(socket.AF_UNIX).bind('socket')").run().ok();
    for path in ["loop", "lost", "socket"] {
        let words = ["guard", "x", "--status-file", path, "--", "touch", "ran"];
        it.lokt(words).run().fails_with(1, &format!("status file {path}"));
    }
    assert!(!it.root().exists() && !it.folder().join("ran").exists(), "nothing was made");
    fs::create_dir(it.folder().join("gone")).unwrap();
    let words = ["guard", "x", "--status-file", "gone/s", "-c", "rm -r gone; exit 3"];
    it.lokt(words).run().expect(3).says("warning: cannot write the status file gone/s");
}

#[test]
fn a_pipe_without_a_reader_is_reported_and_does_not_hang() {
    let it = sandbox();
    it.shell("mkfifo pipe full").run().ok();
    let reader = File::options().read(true).custom_flags(O_NONBLOCK).open(it.folder().join("full"));
    let mut writer = File::options();
    let writer = writer.write(true).custom_flags(O_NONBLOCK).open(it.folder().join("full"));
    while writer.as_ref().unwrap().write(&[b'x'; 4096]).is_ok() {}
    let call = |name, path| it.lokt(["guard", name, "--status-file", path, "-c", "exit 3"]).start();
    for (running, path) in [(call("x", "pipe"), "pipe"), (call("y", "full"), "full")] {
        let warning = format!("warning: cannot write the status file {path}: no process reads it");
        running.ends().expect(3).says(&warning);
    }
    drop(reader);
    assert!(
        !it.record_path("x").exists() && !it.record_path("y").exists(),
        "all locks are released"
    );
    let out = it.shell("cat pipe & lokt guard x --status-file pipe -- true; wait").run().ok().out;
    let status: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(status["outcome"], "completed", "a reader gets it");
}

#[test]
fn a_link_to_a_file_that_is_not_there_yet_stays_one() {
    let it = sandbox();
    it.shell("mkdir deep; ln -s deep/there s; ln -s deep/../s further").run().ok();
    for path in ["s", "further"] {
        it.lokt(["guard", "x", "--status-file", path, "--", "true"]).run().ok();
        assert_eq!(status(&it)["outcome"], "completed");
        assert!(fs::symlink_metadata(it.folder().join(path)).unwrap().is_symlink(), "{path}");
        fs::remove_file(it.folder().join("deep/there")).unwrap();
    }
}

#[test]
fn a_link_is_followed_and_a_stream_gets_the_final_state() {
    let it = sandbox();
    fs::write(it.folder().join("target"), "old").unwrap();
    std::os::unix::fs::symlink("target", it.folder().join("s")).unwrap();
    guard(&it, &["x", "--", "true"]).run().ok();
    assert_eq!(status(&it)["outcome"], "completed");
    assert!(fs::symlink_metadata(it.folder().join("s")).unwrap().is_symlink(), "a link stays one");
    let call = "lokt guard x --status-file /dev/fd/1 -- echo said";
    for to in ["| cat", ">log; cat log"] {
        let out = it.shell(&format!("{call} {to}")).run().ok().out;
        let (said, status) = out.split_once('\n').unwrap();
        let status: Value = serde_json::from_str(status).unwrap();
        assert_eq!((said, &status["outcome"]), ("said", &json!("completed")), "{to}");
    }
}
