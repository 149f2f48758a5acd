//! The agent that a connection is: the session of its harness, where that is known.

use crate::{client::Client, sandbox};
use lokt_testkit::Sandbox;
use serde_json::{Value, json};
use std::{fs, io::Write, os::unix::fs::PermissionsExt};

fn connected(it: &Sandbox, session: Option<&str>) -> Client {
    let server = it.lokt(["mcp"]).without("LOKT_OWNER");
    let server = session.into_iter().fold(server, |it, id| it.env("CLAUDE_CODE_SESSION_ID", id));
    let mut client = Client::with(server.start());
    client.shake_hands();
    client
}

#[track_caller]
fn call(client: &mut Client, tool: &str, arguments: &Value) -> Value {
    let id = client.send("tools/call", &json!({"name": tool, "arguments": arguments}));
    client.answer_to(&json!(id))["result"]["structuredContent"].clone()
}

#[test]
fn the_shell_of_a_session_renews_and_unlocks_what_its_server_locked() {
    let it = sandbox();
    let mut client = connected(&it, Some("c1"));
    let taken = call(&mut client, "acquire", &json!({"name": "x", "ttl": "5m"}));
    assert_eq!(taken["agent_id"], "claude-code:c1", "{taken}");
    assert_eq!(taken["next"], Value::Null, "the shell is the same agent: {taken}");
    let shell = |words: &[&str], session| {
        it.in_new_session(words.iter().copied()).env("CLAUDE_CODE_SESSION_ID", session).run()
    };
    shell(&["unlock", "x"], "c2").fails_with(4, "claude-code c1");
    let renewed = shell(&["lock", "x", "--ttl", "9m"], "c1").ok();
    assert!(renewed.out.contains("renewed"), "{renewed:#?}");
    shell(&["unlock", "x"], "c1").ok();
    // Taken again by the shell, it is the shell's.
    shell(&["lock", "x", "--ttl", "1h"], "c1").ok();
    // The other way round: the lease of the shell is the server's, and outlives it.
    shell(&["lock", "y", "--ttl", "1h"], "c1").ok();
    let renewed = call(&mut client, "acquire", &json!({"name": "y", "ttl": "2h"}));
    assert_eq!((&renewed["renewed"], &renewed["until"]), (&true.into(), &"unlock".into()));
    shell(&["lock", "z", "--ttl", "1h"], "c1").ok();
    let released = call(&mut client, "release", &json!({"name": "z"}));
    assert_eq!(released["released"], json!(["z"]), "{released}");
    let mut other = connected(&it, Some("c2"));
    let refused = call(&mut other, "release", &json!({"name": "y"}));
    assert_eq!(refused["exit_code"], 4, "another session: {refused}");
    client.server.release().ok();
    assert_eq!(it.record("y")["agent_id"], "claude-code:c1", "it did not end with the connection");
    shell(&["unlock", "x", "y"], "c1").ok();
    other.server.release().ok();
}

#[test]
fn an_agent_whose_session_is_unknown_is_told_how_to_give_back() {
    let it = sandbox();
    let mut client = connected(&it, None);
    let taken = call(&mut client, "acquire", &json!({"name": "x"}));
    assert!(taken["agent_id"].as_str().unwrap().starts_with("mcp-"), "{taken}");
    assert!(taken["next"].as_str().unwrap().contains("unlock it with the tool unlock"), "{taken}");
    it.in_new_session(["unlock", "x"]).run().fails_with(4, "mcp ");
    let released = call(&mut client, "release", &json!({"name": "x"}));
    assert_eq!(released["count"], 1, "{released}");
    client.server.release().ok();
}

#[test]
fn a_given_agent_id_is_the_connections_too() {
    let it = sandbox();
    let mut client = Client::with(it.lokt(["mcp"]).env("LOKT_AGENT_ID", "a1").start());
    client.shake_hands();
    let taken = call(&mut client, "acquire", &json!({"name": "x"}));
    assert_eq!(taken["agent_id"], "a1", "{taken}");
    client.server.release().ok();
}

#[test]
fn a_server_is_the_session_that_its_harness_has_now() {
    let it = sandbox();
    it.lokt(["lock", "root", "--ttl", "1h"]).run().ok();
    let folder = it.folder();
    // The harness runs the server, and by another program its hooks.
    for (name, text) in [
        ("claude", "#!/bin/sh\nsh ./driver.sh &\nexport CLAUDE_CODE_SESSION_ID=c1\nlokt mcp\n"),
        ("driver.sh", "while read -r line; do eval \"$line\"; done < orders\n"),
    ] {
        fs::write(folder.join(name), text).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    for fifo in ["orders", "answers"] {
        nix::unistd::mkfifo(&folder.join(fifo), nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
    let mut client = Client::with(it.shell("exec ./claude").start());
    client.shake_hands();
    let mut orders = fs::File::options().write(true).open(folder.join("orders")).unwrap();
    let mut tell = |session: &str, event: &str, source: &str| {
        let payload = json!({"session_id": session, "cwd": folder, "hook_event_name": event, "source": source});
        fs::write(folder.join("payload"), payload.to_string()).unwrap();
        writeln!(orders, "lokt hook claude-code --timeout 30s < payload; echo done > answers")
            .unwrap();
        assert_eq!(fs::read_to_string(folder.join("answers")).unwrap(), "done\n");
    };
    let agent = |client: &mut Client, name: &str| {
        let taken = call(client, "acquire", &json!({"name": name}));
        taken["agent_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(agent(&mut client, "a"), "claude-code:c1");
    tell("c1", "SessionStart", "startup");
    tell("c1", "SessionEnd", "clear");
    tell("c2", "SessionStart", "clear");
    assert_eq!(agent(&mut client, "b"), "claude-code:c2", "after /clear it is another session");
    let shell = |session: &str| {
        it.in_new_session(["unlock", "b"]).env("CLAUDE_CODE_SESSION_ID", session).run()
    };
    shell("c1").fails_with(4, "claude-code c2");
    shell("c2").ok();
    let released = call(&mut client, "release", &json!({"name": "a"}));
    assert_eq!(released["released"], json!(["a"]), "what it took before is its own: {released}");
    assert_eq!(agent(&mut client, "c"), "claude-code:c2");
    tell("c2", "SessionEnd", "exit");
    client.server.release().ok();
    assert!(!it.record_path("c").exists(), "what it has ends with it");
}
