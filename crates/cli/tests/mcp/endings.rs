//! However a connection ends, nothing of it is left.

use crate::{eventually, line::Line, sandbox};
use lokt_testkit::{HOLD, Sandbox};
use nix::sys::signal::Signal;
use serde_json::json;
use std::fs::{self, File};

/// A command that never ends by itself, and lets a test wait until it runs.
const ENDLESS: &str = "mkfifo held; echo > running; exec cat held";

/// The same, and it does not heed being told to end.
const STUBBORN: &str = "trap '' TERM; mkfifo held; echo > running; cat held";

/// A client that holds a lease and runs a command under a lock.
fn busy(it: &Sandbox, command: &str) -> Line {
    let mut line = Line::connected(it);
    make_busy(it, &mut line, command);
    line
}

/// Holds a lease and runs a command under a lock.
fn make_busy(it: &Sandbox, line: &mut Line, command: &str) {
    it.shell("mkfifo running").run().ok();
    line.call("acquire", &json!({"name": "lease"}));
    line.start("run_guarded", &json!({"names": ["guarded"], "line": command}));
    it.shell("read line < running").in_time().ok();
}

/// What a client that is gone has done with the server's input.
#[derive(PartialEq, Eq)]
enum Input {
    Open,
    Closed,
}

/// Requires that both locks become free.
#[track_caller]
fn are_free(it: &Sandbox) {
    for name in ["lease", "guarded"] {
        let call = ["guard", name, "--wait", "--timeout", "30s", "--", "true"];
        it.lokt(call).owner("next").run().ok();
    }
}

/// A server whose client reads so many answers and is then gone.
fn with_a_client_that_reads(it: &Sandbox, answers: u32) -> Line {
    let read = "IFS= read -r line; printf '%s\\n' \"$line\"";
    let reader = format!("for count in $(seq {answers}); do {read}; done");
    let mut line = Line::with(it.shell(&format!("lokt mcp | ({reader})")).start());
    line.shake_hands();
    line
}

#[test]
fn what_was_asked_for_before_the_end_of_its_input_is_answered() {
    let it = sandbox();
    it.shell("mkfifo running gate").run().ok();
    let command = "echo > running; read word < gate; echo \"the word is $word\"";
    let mut requests = Line::handshake(1, "2025-11-25").to_string();
    let calls = [
        Line::request(2, "acquire", &json!({"name": "lease"})),
        Line::request(3, "run_guarded", &json!({"names": ["guarded"], "line": command})),
        Line::request(4, "run_guarded", &json!({"names": ["other"], "line": "exit 7"})),
    ];
    requests.extend(calls.map(|call| format!("\n{call}")));
    fs::write(it.folder().join("requests"), requests).unwrap();
    let mut server = it.lokt(["mcp"]).start_with(File::open(it.folder().join("requests")).unwrap());
    it.shell("read line < running").in_time().ok();
    server.prints(r#""command_exit_code":7"#);
    it.shell("echo open > gate").in_time().ok();
    let done = server.ends().ok();
    assert!(done.out.contains("the word is open"), "the command is not stopped: {done:#?}");
    assert!(done.err.is_empty(), "all went well: {done:#?}");
    assert_eq!(it.event_kinds("lease"), ["acquire", "release"], "given back, not found stale");
    are_free(&it);
}

#[test]
fn a_wait_goes_on_after_the_end_of_its_input() {
    let it = sandbox();
    let holder = it.lokt(["guard", "x", "--"]).arguments(HOLD).start().is_in();
    let mut line = Line::connected(&it);
    line.start("run_guarded", &json!({"names": ["x"], "line": "echo in", "wait": true}));
    eventually(|| it.tickets("x").len() == 2);
    line.server.closes_input();
    holder.release().ok();
    let done = line.server.ends().ok();
    assert!(done.out.contains(r#""stdout":"in\n""#), "it has got its turn: {done:#?}");
}

#[test]
fn a_client_that_is_gone_leaves_nothing_behind() {
    for command in [ENDLESS, STUBBORN] {
        for input in [Input::Open, Input::Closed] {
            let it = sandbox();
            let mut line = with_a_client_that_reads(&it, 3);
            make_busy(&it, &mut line, command);
            // The third answer is the last that is read.
            line.ask("ping", &json!({}));
            if input == Input::Closed {
                line.server.closes_input();
            }
            let done = line.server.ends().ok();
            assert!(done.err.is_empty(), "all went well: {done:#?}");
            for name in ["lease", "guarded"] {
                assert_eq!(it.event_kinds(name), ["acquire", "release"], "given back, not stale");
            }
            are_free(&it);
        }
    }
}

#[test]
fn a_signal_ends_what_goes_on_after_the_end_of_its_input() {
    let it = sandbox();
    let mut line = busy(&it, ENDLESS);
    line.server.closes_input();
    line.server.signal(Signal::SIGTERM);
    let done = line.server.ends().expect(143);
    assert!(done.out.contains("error: the connection has ended"), "it is answered: {done:#?}");
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
fn a_wait_ends_with_its_client() {
    let it = sandbox();
    let holder = it.lokt(["guard", "x", "--"]).arguments(HOLD).start().is_in();
    let mut line = with_a_client_that_reads(&it, 2);
    line.start("acquire", &json!({"name": "x", "wait": true, "timeout": "1h"}));
    eventually(|| it.tickets("x").len() == 2);
    line.ask("ping", &json!({}));
    line.server.ends().ok();
    assert_eq!(it.tickets("x").len(), 1, "it has left the line");
    holder.release().ok();
    assert_eq!(it.event_kinds("x").last().map(String::as_str), Some("release"));
}

#[test]
fn without_a_handshake_it_fails() {
    let nonsense = "nonsense\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
    for requests in ["", nonsense] {
        let it = sandbox();
        let mut line = Line::open(&it);
        line.write(requests);
        line.server.release().fails_with(1, "no handshake");
        assert!(!it.root().exists(), "nothing was made");
    }
}

#[test]
fn streams_that_fail_are_errors() {
    let it = sandbox();
    it.shell("lokt mcp < /").in_time().fails_with(1, "cannot read stdin: Is a directory");
    fs::write(it.folder().join("hello"), Line::handshake(1, "2025-11-25").to_string()).unwrap();
    let full = it.shell("lokt mcp < hello > /dev/full").in_time();
    full.fails_with(1, "cannot write to stdout: No space left");
    it.shell("lokt mcp < hello > answers && grep -q protocolVersion answers").in_time().ok();
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
    let server = "{ lokt mcp; echo $? > code; touch ended; }";
    let server = it.shell(&format!("{server} | ({reader})")).start();
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
    let done = line.server.release().ok();
    assert!(done.err.contains("does not read the answers"), "{done:#?}");
    assert_eq!(fs::read_to_string(it.folder().join("code")).unwrap(), "1\n", "answers are lost");
    assert_eq!(it.event_kinds("lease"), ["acquire", "release"], "given back, not found stale");
}
