//! However a connection ends, nothing of it is left.

use crate::{eventually, line::Line, sandbox};
use lokt_testkit::{HOLD, Sandbox};
use nix::sys::signal::Signal;
use serde_json::json;

/// A command that never ends by itself, and lets a test wait until it runs.
const ENDLESS: &str = "mkfifo held; echo > running; exec cat held";

/// The same, and it does not heed being told to end.
const STUBBORN: &str = "trap '' TERM; mkfifo held; echo > running; cat held";

/// A client that holds a lease and runs a command under a lock.
fn busy(it: &Sandbox, command: &str) -> Line {
    it.shell("mkfifo running").run().ok();
    let mut line = Line::connected(it);
    line.call("acquire", &json!({"name": "lease"}));
    line.start("run_guarded", &json!({"names": ["guarded"], "line": command}));
    it.shell("read line < running").in_time().ok();
    line
}

/// Requires that both locks become free.
#[track_caller]
fn are_free(it: &Sandbox) {
    for name in ["lease", "guarded"] {
        let call = ["guard", name, "--wait", "--timeout", "30s", "--", "true"];
        it.lokt(call).owner("next").run().ok();
    }
}

#[test]
fn the_end_of_its_input_stops_what_runs_and_gives_back_what_is_held() {
    let it = sandbox();
    let done = busy(&it, ENDLESS).server.release().ok();
    assert!(done.err.is_empty(), "all went well: {done:#?}");
    assert_eq!(it.event_kinds("lease"), ["acquire", "release"], "given back, not found stale");
    are_free(&it);
}

#[test]
fn a_command_that_does_not_heed_the_end_is_killed_and_its_lock_given_back() {
    let it = sandbox();
    let done = busy(&it, STUBBORN).server.release().ok();
    assert!(done.err.is_empty(), "all went well: {done:#?}");
    assert_eq!(it.event_kinds("guarded"), ["acquire", "release"], "given back, not found stale");
    are_free(&it);
}

#[test]
fn a_signal_ends_it_like_the_end_of_its_input() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 129)] {
        let it = sandbox();
        let line = busy(&it, ENDLESS);
        line.server.signal(signal);
        line.server.ends().expect(code);
        assert_eq!(it.event_kinds("lease"), ["acquire", "release"], "given back after {signal}");
        are_free(&it);
    }
}

#[test]
fn a_server_that_is_killed_leaves_nothing_behind() {
    let it = sandbox();
    busy(&it, ENDLESS).server.kill();
    are_free(&it);
    assert_eq!(it.event_kinds("lease").get(1).map(String::as_str), Some("stale-break"));
}

#[test]
fn a_wait_ends_with_its_connection() {
    let it = sandbox();
    let holder = it.lokt(["guard", "x", "--"]).arguments(HOLD).start().is_in();
    let mut line = Line::connected(&it);
    line.start("acquire", &json!({"name": "x", "wait": true, "timeout": "1h"}));
    eventually(|| it.tickets("x").len() == 2);
    line.server.release().ok();
    assert_eq!(it.tickets("x").len(), 1, "it has left the line");
    holder.release().ok();
    assert_eq!(it.event_kinds("x").last().map(String::as_str), Some("release"));
}

#[test]
fn without_a_handshake_it_ends_in_peace() {
    let it = sandbox();
    let done = Line::open(&it).server.release().ok();
    assert!(done.out.is_empty() && done.err.is_empty(), "{done:#?}");
    assert!(!it.root().exists(), "nothing was made");
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let it = sandbox();
    it.lokt(["mcp", "--folder", "no-such-folder"]).run().fails_with(1, "no-such-folder");
}

#[test]
fn it_works_in_the_folder_that_it_is_given() {
    let it = sandbox();
    it.shell("mkdir -p project && git init -q project").run().ok();
    let server = it.lokt(["mcp", "--folder", "project"]).without("LOKT_ROOT").start();
    let mut line = Line::with(server);
    line.shake_hands();
    let answer = line.call("run_guarded", &json!({"names": ["x"], "line": "basename \"$PWD\""}));
    assert_eq!(answer["stdout"], "project\n");
    line.server.release().ok();
    assert!(it.folder().join("project/.git/lokt/audit.log").exists(), "its locks are there");
}

#[test]
fn answers_that_nobody_reads_do_not_keep_a_server_whose_input_has_ended() {
    let it = sandbox();
    // It reads the answers to the handshake and to the first call, and no more.
    let reader = "for count in 1 2; do IFS= read -r line; printf '%s\\n' \"$line\"; done; \
        until [ -e ended ]; do sleep 0.1; done";
    let server = it.shell(&format!("{{ lokt mcp; touch ended; }} | ({reader})")).start();
    let mut line = Line::with(server);
    line.shake_hands();
    line.call("acquire", &json!({"name": "lease"}));
    let names = ["a", "b", "c", "d"];
    for name in names {
        let print = "head -c 500000 /dev/zero | tr '\\0' x";
        let call = json!({"names": [name], "line": print, "max_output_bytes": 500_000});
        line.start("run_guarded", &call);
    }
    for name in names {
        eventually(|| it.event_kinds(name).contains(&"release".to_owned()));
    }
    line.server.release().ok();
    assert_eq!(it.event_kinds("lease"), ["acquire", "release"], "given back, not found stale");
}
