//! `--json` answers with one JSON document on stdout, whatever the outcome is; the error is on stderr as well.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must stop, and say where"
)]

use lokt_testkit::{Done, Sandbox};
use serde_json::{Value, json};
use std::fs;

fn sandbox() -> Sandbox {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    it.shell("git init -q . && echo 1 >a && mkdir -p .ai/tools/web && echo 'no tool' >.ai/tools/web/odd.py")
        .run()
        .ok();
    it
}

/// Runs the words of a line.
fn call(it: &Sandbox, line: &str) -> Done {
    let words: Vec<&str> = line.split(' ').collect();
    it.lokt(words).env("HOME", it.folder().join("home")).run()
}

/// Requires a failure that stdout and stderr tell alike, and returns what stdout tells.
#[track_caller]
fn failure(done: &Done, line: &str) -> Value {
    assert_eq!(done.out.lines().count(), 1, "`{line}` prints one document: {done:#?}");
    let told = done.json();
    assert_eq!(told["exit_code"], json!(done.code), "`{line}`: {done:#?}");
    let error = told["error"].as_str().unwrap_or_else(|| panic!("`{line}`: {done:#?}"));
    let first = done.err.lines().find(|it| it.starts_with("error: ")).unwrap_or_default();
    assert_eq!(first, format!("error: {error}"), "`{line}` says the same on stderr");
    let hints: Vec<&str> = done.err.lines().filter_map(|it| it.strip_prefix("hint: ")).collect();
    assert_eq!(told["hints"], json!(hints), "`{line}`");
    assert!(told["status"].is_string(), "`{line}`: {told}");
    told
}

#[test]
fn what_is_not_found_is_said_as_json() {
    let it = sandbox();
    it.lokt(["lock", "held", "--ttl", "1h", "--meta", "topic=parser"]).run().ok();
    for line in [
        "unlock none --json",
        "unlock none nothing --json",
        "status none --json",
        "get-meta none topic --json",
        "get-meta held none --json",
        "unfreeze none --json",
        "once none --check --json -- true",
        "results show none --json",
        "results rm none --json",
        "key show --json",
        "key untrust 0123456789abcdef --json",
        "tool show web/none --json",
        "tool resolve web/none --json",
        "tool lock web/none --json",
        "tool diff web/none --json",
        "tool run web/none --json",
        "tool run --json -- web/none",
        "tool sign web/none --json",
    ] {
        let done = call(&it, line).expect(3);
        failure(&done, line);
    }
}

#[test]
fn refusals_are_said_as_json() {
    let it = sandbox();
    it.lokt(["lock", "theirs", "--ttl", "1h"]).owner("ada").run().ok();
    it.lokt(["freeze", "frozen", "--ttl", "1h"]).owner("ada").run().ok();
    let refused = |line: &str, code: i32| failure(&call(&it, line).expect(code), line);
    let held = refused("lock theirs --json", 2);
    assert_eq!((&held["status"], &held["reason"]), (&"blocked".into(), &"held".into()));
    assert_eq!((&held["holder_owner"], &held["holder_mine"]), (&"ada".into(), &false.into()));
    let frozen = refused("lock frozen --json", 2);
    assert_eq!((&frozen["status"], &frozen["reason"]), (&"blocked".into(), &"frozen".into()));
    let late = refused("lock theirs --wait --timeout 10ms --json", 2);
    assert!(late["waited_ms"].is_number(), "{late}");
    let theirs = refused("unlock theirs --json", 4);
    assert_eq!((&theirs["name"], &theirs["holder_owner"]), (&"theirs".into(), &"ada".into()));
    let theirs = refused("unfreeze frozen --json", 4);
    assert_eq!((&theirs["name"], &theirs["freeze_owner"]), (&"frozen".into(), &"ada".into()));
    let theirs = refused("freeze frozen --ttl 1m --json", 2);
    assert_eq!((&theirs["reason"], &theirs["freeze_owner"]), (&"frozen".into(), &"ada".into()));
    refused("unlock theirs --break-stale --json", 4);
    refused("unlock theirs --force --fence 1 --json", 4);
    refused("once frozen --json -- true", 2);
    let held = refused("tool run bash --guard theirs --json", 3);
    assert_eq!((&held["item_id"], &held["reason"]), (&"bash".into(), &"not-found".into()));
    for line in
        ["tool lock web/odd --json", "tool run web/odd --json", "tool resolve web/odd --json"]
    {
        let refused = refused(line, 5);
        assert_eq!(
            (&refused["status"], &refused["item_id"]),
            (&"refused".into(), &"web/odd".into())
        );
    }
}

#[test]
fn faults_and_wrong_usage_are_said_as_json() {
    let it = sandbox();
    it.write_record("broken", "{");
    for (line, code) in [
        ("unlock broken --json", 1),
        ("exists broken --json", 1),
        ("get-meta broken k --json", 1),
        ("fence check broken 1 --json", 1),
        ("lock a/b --json", 64),
        ("status a/b --json", 64),
        ("lock x --ttl 1y --json", 64),
        ("unlock --json", 64),
        ("freeze x --json", 64),
        ("results show --json", 64),
        ("audit --since never --json", 64),
        ("tool run web/odd --params [] --json", 5),
        ("key trust no-file --json", 1),
    ] {
        failure(&call(&it, line).expect(code), line);
    }
    fs::remove_dir_all(it.root()).unwrap();
    fs::write(it.root(), "in the way").unwrap();
    for line in ["lock x --json", "freeze x --ttl 1m --json"] {
        failure(&call(&it, line).expect(1), line);
    }
}

#[test]
fn an_answer_that_is_printed_already_stays_the_only_document() {
    let it = sandbox();
    it.write_record("broken", "{");
    let done = call(&it, "status broken --json").expect(1);
    assert_eq!(done.json()["state"], "corrupted");
    let done = call(&it, "once t --json -- no-such-command").expect(127);
    assert_eq!((&done.json()["status"], &done.json()["exit_code"]), (&"ran".into(), &127.into()));
    let done = call(&it, "tool verify web/none --json").expect(3);
    assert_eq!(done.json()[0]["reason"], "not-found");
}

#[test]
fn of_several_names_json_tells_what_was_unlocked_and_what_was_not() {
    let it = sandbox();
    it.lokt(["lock", "mine", "--ttl", "1h"]).run().ok();
    it.lokt(["lock", "theirs", "--ttl", "1h"]).owner("ada").run().ok();
    let done = call(&it, "unlock none mine theirs --json").expect(3);
    assert_eq!(done.out.lines().count(), 1, "{done:#?}");
    let told = done.json();
    assert_eq!((&told["released"], &told["count"]), (&json!(["mine"]), &1.into()));
    let failed =
        |at: usize| (told["failed"][at]["name"].clone(), told["failed"][at]["exit_code"].clone());
    assert_eq!(failed(0), ("none".into(), 3.into()));
    assert_eq!(failed(1), ("theirs".into(), 4.into()));
    assert_eq!(told["failed"].as_array().unwrap().len(), 2);
    assert_eq!(told["error"], told["failed"][0]["error"], "the exit code is that of the first");
    assert_eq!(done.err.matches("error: ").count(), 2, "{done:#?}");
}

#[test]
fn commands_that_print_nothing_or_a_value_have_json_too() {
    let it = sandbox();
    let meta = r#"{"topic":"a \"b\"","limits":{"b":1.0,"a":[2]}}"#;
    it.lokt(["lock", "x", "--ttl", "1h", "--meta-json", meta]).run().ok();
    let fence = it.record("x")["fence"].as_u64().unwrap();
    let out = |line: &str| call(&it, line).ok().out;
    assert_eq!(out("exists x --json"), "{\"name\":\"x\",\"held\":true}\n");
    let done = call(&it, "exists none --json").expect(3);
    assert_eq!(
        (done.out.as_str(), done.err.as_str()),
        ("{\"name\":\"none\",\"held\":false}\n", "")
    );
    assert_eq!(
        out("get-meta x limits --json"),
        "{\"name\":\"x\",\"key\":\"limits\",\"value\":{\"b\":1.0,\"a\":[2]}}\n",
        "to the byte"
    );
    assert_eq!(call(&it, "get-meta x topic --json").ok().json()["value"], "a \"b\"");
    let current = call(&it, &format!("fence check x {fence} --json")).ok().json();
    assert_eq!(current, json!({"name": "x", "fence": fence, "current": true, "fences": [fence]}));
    let old = call(&it, "fence check x 1 --json").expect(4);
    let old = failure(&old, "fence check x 1 --json");
    assert_eq!((&old["current"], &old["fences"]), (&false.into(), &json!([fence])));
    assert_eq!(out("exists x"), "", "without --json it stays silent");
}

#[test]
fn json_of_another_command_is_not_lokts() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "1h"]).owner("ada").run().ok();
    let done = it.lokt(["guard", "x", "--", "lokt", "status", "--json"]).run().expect(2);
    assert_eq!(done.out, "", "the guarded command did not run, and lokt was not asked for JSON");
}
