//! Every end of a connection ends its commands and releases its locks.

use crate::{client::Client, sandbox};
use lokt_testkit::{HOLD, Sandbox, eventually};
use nix::sys::signal::Signal;
use serde_json::json;
use std::fs::{self, File};

/// A command that never ends by itself; a test can wait until it runs.
const ENDLESS: &str = "mkfifo held; echo > running; exec cat held";

/// The same, and it ignores SIGTERM.
const STUBBORN: &str = "trap '' TERM; mkfifo held; echo > running; cat held";

/// A client that holds a lease and runs a command under a lock.
fn busy(it: &Sandbox, command: &str) -> Client {
    let mut client = Client::connected(it);
    make_busy(it, &mut client, command);
    client
}

/// Takes a lease and runs a command under a lock.
fn make_busy(it: &Sandbox, client: &mut Client, command: &str) {
    it.shell("mkfifo running").run().ok();
    client.call("lock", &json!({"name": "lease"}));
    client.start("run_guarded", &json!({"names": ["guarded"], "line": command}));
    it.shell("read line < running").in_time().ok();
}

/// What a vanished client has done with the server's input.
#[derive(PartialEq, Eq)]
enum ServerInputState {
    Open,
    Closed,
}

/// Asserts that both locks become free.
#[track_caller]
fn assert_free(it: &Sandbox) {
    for name in ["lease", "guarded"] {
        let call = ["guard", name, "--wait", "--timeout", "30s", "--", "true"];
        it.lokt(call).owner("next").run().ok();
    }
}

/// A server whose client reads some answers and then vanishes.
fn with_a_client_that_reads(it: &Sandbox, answers: u32) -> Client {
    let read = "IFS= read -r line; printf '%s\\n' \"$line\"";
    let reader = format!("for count in $(seq {answers}); do {read}; done");
    let mut client = Client::with(it.shell(&format!("lokt mcp | ({reader})")).start());
    client.shake_hands();
    client
}

#[test]
fn requests_before_the_end_of_input_are_answered() {
    let it = sandbox();
    it.shell("mkfifo running gate").run().ok();
    let command = "echo > running; read word < gate; echo \"the word is $word\"";
    let mut requests = Client::handshake(1, "2025-11-25").to_string();
    let calls = [
        Client::request(2, "lock", &json!({"name": "lease"})),
        Client::request(3, "run_guarded", &json!({"names": ["guarded"], "line": command})),
        Client::request(4, "run_guarded", &json!({"names": ["other"], "line": "exit 7"})),
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
    assert_free(&it);
}

#[test]
fn a_wait_continues_after_the_end_of_input() {
    let it = sandbox();
    let holder = it.lokt(["guard", "x", "--"]).arguments(HOLD).start().is_in();
    let mut client = Client::connected(&it);
    client.start("run_guarded", &json!({"names": ["x"], "line": "echo in", "wait": true}));
    eventually("both wait", || it.tickets("x").len() == 2);
    client.server.closes_input();
    holder.release().ok();
    let done = client.server.ends().ok();
    assert!(done.out.contains(r#""stdout":"in\n""#), "it has got its turn: {done:#?}");
}

#[test]
fn a_vanished_client_leaves_nothing_behind() {
    for command in [ENDLESS, STUBBORN] {
        for input in [ServerInputState::Open, ServerInputState::Closed] {
            let it = sandbox();
            let mut client = with_a_client_that_reads(&it, 3);
            make_busy(&it, &mut client, command);
            // The third answer is the last that is read.
            client.ask("ping", &json!({}));
            if input == ServerInputState::Closed {
                client.server.closes_input();
            }
            let done = client.server.ends().ok();
            assert!(done.err.is_empty(), "all went well: {done:#?}");
            for name in ["lease", "guarded"] {
                assert_eq!(it.event_kinds(name), ["acquire", "release"], "given back, not stale");
            }
            assert_free(&it);
        }
    }
}

#[test]
fn a_signal_ends_waits_after_the_end_of_input() {
    let it = sandbox();
    let mut client = busy(&it, ENDLESS);
    client.server.closes_input();
    client.server.signal(Signal::SIGTERM);
    let done = client.server.ends().expect(143);
    assert!(done.out.contains("error: the connection has ended"), "it is answered: {done:#?}");
    assert_free(&it);
}

#[test]
fn a_signal_ends_it_like_the_end_of_its_input() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 129)] {
        let it = sandbox();
        let client = busy(&it, ENDLESS);
        client.server.signal(signal);
        client.server.ends().expect(code);
        assert_eq!(it.event_kinds("lease"), ["acquire", "release"], "given back after {signal}");
        assert_free(&it);
    }
}

#[test]
fn a_killed_server_leaves_nothing_behind() {
    let it = sandbox();
    busy(&it, ENDLESS).server.kill();
    assert_free(&it);
    assert_eq!(it.event_kinds("lease").get(1).map(String::as_str), Some("stale-break"));
}

#[test]
fn a_wait_ends_with_its_client() {
    let it = sandbox();
    let holder = it.lokt(["guard", "x", "--"]).arguments(HOLD).start().is_in();
    let mut client = with_a_client_that_reads(&it, 2);
    client.start("lock", &json!({"name": "x", "wait": true, "timeout": "1h"}));
    eventually("both wait", || it.tickets("x").len() == 2);
    client.ask("ping", &json!({}));
    client.server.ends().ok();
    assert_eq!(it.tickets("x").len(), 1, "it has left the queue");
    holder.release().ok();
    assert_eq!(it.event_kinds("x").last().map(String::as_str), Some("release"));
}

#[test]
fn input_without_a_handshake_is_an_error() {
    let nonsense = "nonsense\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
    for requests in ["", nonsense] {
        let it = sandbox();
        let mut client = Client::open(&it);
        client.write(requests);
        client.server.release().fails_with(1, "no handshake");
        assert!(!it.root().exists(), "nothing was made");
    }
}

#[test]
fn streams_that_fail_are_errors() {
    let it = sandbox();
    it.shell("lokt mcp < /").in_time().fails_with(1, "cannot read stdin: Is a directory");
    fs::write(it.folder().join("hello"), Client::handshake(1, "2025-11-25").to_string()).unwrap();
    let full = it.shell("lokt mcp < hello > /dev/full").in_time();
    full.fails_with(1, "cannot write to stdout: No space left");
    it.shell("lokt mcp < hello > answers && grep -q protocolVersion answers").in_time().ok();
}

#[test]
fn an_absent_folder_is_an_error() {
    let it = sandbox();
    it.lokt(["mcp", "--folder", "no-such-folder"]).run().fails_with(1, "no-such-folder");
}

#[test]
fn the_server_works_in_the_given_folder() {
    let it = sandbox();
    it.shell("mkdir -p project && git init -q project").run().ok();
    let server = it.lokt(["mcp", "--folder", "project"]).without("LOKT_ROOT").start();
    let mut client = Client::with(server);
    client.shake_hands();
    let answer = client.call("run_guarded", &json!({"names": ["x"], "line": "basename \"$PWD\""}));
    assert_eq!(answer["stdout"], "project\n");
    client.server.release().ok();
    assert!(it.folder().join("project/.git/lokt/audit.log").exists(), "its locks are there");
}

#[test]
fn unread_answers_do_not_block_a_server_after_the_end_of_input() {
    let it = sandbox();
    // It reads the answers to the handshake and to the first call, and no more.
    let reader = "for count in 1 2; do IFS= read -r line; printf '%s\\n' \"$line\"; done; \
        until [ -e ended ]; do sleep 0.1; done";
    let server = "{ lokt mcp; echo $? > code; touch ended; }";
    let server = it.shell(&format!("{server} | ({reader})")).start();
    let mut client = Client::with(server);
    client.shake_hands();
    client.call("lock", &json!({"name": "lease"}));
    let names = ["a", "b", "c", "d"];
    for name in names {
        let print = "head -c 500000 /dev/zero | tr '\\0' x";
        let call = json!({"names": [name], "line": print, "max_output_bytes": 500_000});
        client.start("run_guarded", &call);
    }
    for name in names {
        eventually("it is given back", || it.event_kinds(name).contains(&"release".to_owned()));
    }
    let done = client.server.release().ok();
    assert!(done.err.contains("does not read the answers"), "{done:#?}");
    assert_eq!(fs::read_to_string(it.folder().join("code")).unwrap(), "1\n", "answers are lost");
    assert_eq!(it.event_kinds("lease"), ["acquire", "release"], "given back, not found stale");
}
