//! Every error ends with one next step, and a model that does exactly that takes nothing of another.

use crate::{client::Client, sandbox};
use lokt_testkit::{HOLD, Sandbox};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, SystemTime},
};

/// Words of a next step that would take what belongs to another.
const TAKING: [&str; 7] = ["force", "break-stale", "--", "owner", "LOKT_", "delete", "kill"];

/// Calls a tool that fails, and returns its structured error.
#[track_caller]
fn fails(client: &mut Client, tool: &str, arguments: &Value, code: i64) -> Value {
    let answer = client.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
    let result = &answer["result"];
    let error = result["structuredContent"].clone();
    assert_eq!((&result["isError"], &error["exit_code"]), (&json!(true), &json!(code)), "{answer}");
    let next = error["next"].as_str().expect("a next step");
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("error: "), "{tool}: {text}");
    assert_eq!(text.lines().last(), Some(format!("next: {next}").as_str()), "{tool}: {text}");
    assert_eq!(text.matches("\nnext: ").count(), 1, "one next step: {text}");
    assert!(!text.contains("hint: ") && error.get("hints").is_none(), "{tool}: {text}");
    for taking in TAKING {
        assert!(!next.contains(taking), "an obedient model must not {taking}: {next}");
    }
    error
}

#[test]
fn each_tool_says_what_to_do_after_an_error() {
    let it = sandbox();
    let mut client = Client::with(it.lokt(["mcp", "--allow-force"]).start());
    client.shake_hands();
    for tool in [
        "lock",
        "unlock",
        "why",
        "force_unlock",
        "unfreeze",
        "run_guarded",
        "run_once",
        "run_tool",
        "reserve",
        "unreserve",
    ] {
        fails(&mut client, tool, &json!({}), 64);
    }
    for tool in ["status", "audit", "reservations"] {
        fails(&mut client, tool, &json!({"nam": "x"}), 64);
    }
    fails(&mut client, "unlock", &json!({"name": "free"}), 3);
    fails(&mut client, "unfreeze", &json!({"name": "free"}), 3);
    fails(&mut client, "run_tool", &json!({"id": "no/such"}), 3);
    fails(
        &mut client,
        "run_guarded",
        &json!({"names": ["x"], "command": ["no-such-program"]}),
        127,
    );
    let endless = "mkfifo held; exec cat held";
    let call = json!({"names": ["x"], "line": endless, "max_hold": "100ms"});
    let error = fails(&mut client, "run_guarded", &call, 124);
    let stderr = error["stderr"].as_str().unwrap();
    assert!(!stderr.contains("error: "), "the error is told once: {error}");
    let call = json!({"name": "x", "line": "true", "inputs": ["nothing*"]});
    let error = fails(&mut client, "run_once", &call, 64);
    assert!(error["error"].as_str().unwrap().starts_with("\"inputs\" nothing*"), "{error}");
    client.server.release().ok();
}

#[test]
fn a_lock_of_another_is_waited_for_and_never_taken() {
    let it = sandbox();
    let holder = it.lokt(["guard", "x", "--"]).owner("other").arguments(HOLD).start().is_in();
    it.lokt(["lock", "lease", "--ttl", "1h"]).owner("other").run().ok();
    it.lokt(["freeze", "cold", "--ttl", "1h"]).owner("other").run().ok();
    let mut client = Client::connected(&it);
    for name in ["x", "lease"] {
        let error = fails(&mut client, "lock", &json!({"name": name}), 2);
        assert!(error["next"].as_str().unwrap().contains("\"wait\": true"), "{error}");
        let waited = json!({"name": name, "wait": true, "timeout": "10ms"});
        let error = fails(&mut client, "lock", &waited, 2);
        assert!(error["next"].as_str().unwrap().contains("\"timeout\""), "{error}");
        let error = fails(&mut client, "unlock", &json!({"name": name}), 4);
        assert!(error["next"].as_str().unwrap().starts_with("leave it"), "{error}");
        fails(&mut client, "run_guarded", &json!({"names": [name], "line": "true"}), 2);
        let why = client.call("why", &json!({"name": name}));
        assert!(why["next"].as_str().unwrap().starts_with("do other work"), "{why}");
        assert!(why.get("suggestions").is_none(), "an agent has no command line here: {why}");
    }
    let frozen = fails(&mut client, "lock", &json!({"name": "cold"}), 2);
    assert!(frozen["next"].as_str().unwrap().contains("freeze"), "{frozen}");
    client.server.release().ok();
    assert!(it.event_kinds("x").iter().all(|it| it != "force-break"), "nothing was broken");
    holder.release().ok();
}

#[test]
fn a_lock_of_the_caller_is_called_so() {
    let it = sandbox();
    it.shell("mkfifo running gate").run().ok();
    let mut client = Client::connected(&it);
    let command = "echo > running; read word < gate";
    client.start("run_guarded", &json!({"names": ["x"], "line": command}));
    it.shell("read line < running").in_time().ok();
    let error = fails(&mut client, "lock", &json!({"name": "x"}), 2);
    assert!(error["next"].as_str().unwrap().starts_with("it is yours"), "{error}");
    it.shell("echo open > gate").in_time().ok();
    client.server.release().ok();
}

#[test]
fn a_record_in_doubt_is_for_a_person() {
    let it = sandbox();
    it.write_record("x", "{broken");
    let record = it.record_path("x");
    let file = fs::File::options().append(true).open(&record).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
    let mut client = Client::connected(&it);
    let why = client.call("why", &json!({"name": "x"}));
    assert!(why["next"].as_str().unwrap().contains("a person"), "{why}");
    client.server.release().ok();
    assert_eq!(fs::read_to_string(record).unwrap(), "{broken", "nothing was removed");
}

/// Takes a lease of five minutes, and gives the result of taking it again.
#[track_caller]
fn renewed(it: &Sandbox, again: &Value) -> Value {
    let mut client = Client::connected(it);
    let first = client.call("lock", &json!({"name": "x", "ttl": "5m"}));
    let second = client.call("lock", again);
    assert_eq!(second["renewed"], true, "{second}");
    assert_eq!(second["previous_expires_at"], first["expires_at"], "{second}");
    client.server.release().ok();
    second
}

#[test]
fn a_renewal_says_the_end_before_and_now_and_never_cuts_in_silence() {
    let cut = renewed(&sandbox(), &json!({"name": "x", "ttl": "1m"}));
    assert!(cut["note"].as_str().unwrap().contains("earlier"), "{cut}");
    let longer = renewed(&sandbox(), &json!({"name": "x", "ttl": "1h"}));
    assert_eq!(longer.get("note"), None, "{longer}");
    let same = renewed(&sandbox(), &json!({"name": "x"}));
    assert_eq!((same.get("note"), &same["ttl_sec"]), (None, &json!(300)), "{same}");
}

#[test]
fn a_lease_that_outlives_its_connection_does_so_after_a_renewal() {
    let it = sandbox();
    let mut client = Client::connected(&it);
    client.call("lock", &json!({"name": "stays", "until": "unlock", "ttl": "5m"}));
    let renewed = client.call("lock", &json!({"name": "stays", "ttl": "6m"}));
    assert_eq!((&renewed["until"], renewed.get("note")), (&json!("unlock"), None), "{renewed}");
    client.call("lock", &json!({"name": "goes", "until": "unlock", "ttl": "5m"}));
    let tied = client.call("lock", &json!({"name": "goes", "until": "connection", "ttl": "6m"}));
    assert_eq!(tied["until"], "connection", "{tied}");
    assert!(tied["note"].as_str().unwrap().contains("this connection"), "{tied}");
    client.server.release().ok();
    assert_eq!(it.record("stays")["hold"], "lease", "it outlives the connection");
    it.lokt(["exists", "goes"]).run().expect(3);
}
