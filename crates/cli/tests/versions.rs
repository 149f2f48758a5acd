//! Versions of the record format: records have the present version first, older ones are read, and newer ones
//! are refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{HOLD, Sandbox};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// A record of an older program: no version, no lock id, no metadata.
const OLD: &str = r#"{"name":"x","owner":"tester","host":"elsewhere","pid":4711,
    "acquired_ts":"2026-02-01T10:00:00+01:00","expires_at":"2199-01-01T00:00:00Z"}"#;

/// A record of a future program.
const NEWER: &str = r#"{"version":99,"name":"x","owner":"tester","acquired_at":4711}"#;

const REFUSED: &str = "lockfile version 99 not supported (max: 1); upgrade lokt";

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn assert_version_first(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let start: String = text.split_whitespace().collect();
    assert!(start.starts_with(r#"{"version":1,"#), "version is the first field: {text}");
}

#[test]
fn version_is_the_first_field_of_every_record() {
    let it = sandbox();
    it.lokt(["lock", "x"]).run().ok();
    assert_version_first(&it.record_path("x"));
    it.lokt(["lock", "x", "--ttl", "5m"]).run().ok();
    assert_version_first(&it.record_path("x"));
    it.lokt(["freeze", "x", "--ttl", "5m"]).run().ok();
    assert_version_first(&it.freeze_path("x"));
    let guard = it.lokt(["guard", "y", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    assert_version_first(&it.record_path("y"));
    guard.release().ok();
}

#[test]
fn a_heartbeat_gives_a_record_its_version_back_and_keeps_what_others_added() {
    let it = sandbox();
    let words = ["audit", "--tail", "--json", "--name", "x", "--event", "renew"];
    let mut log = it.lokt(words).start();
    let guard =
        it.lokt(["guard", "x", "--ttl", "300ms", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    let renewals = strip_version(&it);
    (0..=renewals).for_each(|_| drop(log.prints("renew")));
    assert_version_first(&it.record_path("x"));
    assert_eq!(it.record("x")["note"], "by another", "a renewal keeps unknown fields");
    guard.release().ok();
    log.kill();
}

/// Removes the version from the record between two heartbeats. Returns the number of heartbeats so far.
fn strip_version(it: &Sandbox) -> usize {
    let _latch = it.hold_latch();
    let mut record = it.record("x");
    let fields = record.as_object_mut().unwrap();
    fields.shift_remove("version");
    fields.insert("note".to_owned(), "by another".into());
    fs::write(it.folder().join("draft"), record.to_string()).unwrap();
    fs::rename(it.folder().join("draft"), it.record_path("x")).unwrap();
    it.event_kinds("x").iter().filter(|kind| *kind == "renew").count()
}

#[test]
fn a_record_without_a_version_is_read_by_every_command() {
    let it = sandbox();
    it.write_record("x", OLD);
    let status = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!((&status["version"], &status["state"]), (&json!(0), &json!("held")));
    let list = it.lokt(["status", "--json"]).run().ok().json();
    assert_eq!((&list[0]["version"], &list[0]["owner"]), (&json!(0), &json!("tester")));
    let table = it.lokt(["status"]).run().ok();
    assert!(table.err.is_empty() && table.out.contains("tester"), "{table:#?}");
    let why = it.lokt(["why", "x", "--json"]).run().expect(2).json();
    assert_eq!(why["reasons"][0]["type"], "self_held");
    it.lokt(["exists", "x"]).run().ok();
    it.lokt(["get-meta", "x", "k"]).run().fails_with(3, "no metadata key").says("no metadata at");
    it.lokt(["guard", "x", "--", "true"]).owner("b").run().fails_with(2, "held by tester");
    it.lokt(["lock", "x"]).owner("b").run().fails_with(2, "held by tester");
    it.lokt(["unlock", "x"]).owner("b").run().fails_with(4, "not yours");
    assert_eq!(
        fs::read_to_string(it.record_path("x")).unwrap(),
        OLD,
        "the record is not rewritten"
    );
    it.lokt(["unlock", "x"]).run().ok();
    assert!(!it.record_path("x").exists(), "its owner gave it back");
}

#[test]
fn a_record_without_a_version_gets_one_when_it_is_renewed_or_taken() {
    let it = sandbox();
    it.write_record("x", OLD);
    it.lokt(["lock", "x", "--ttl", "5m", "--json"]).run().ok();
    assert_version_first(&it.record_path("x"));
    assert_eq!(it.lokt(["status", "x", "--json"]).run().ok().json()["version"], 1);
    it.lokt(["unlock", "x"]).run().ok();
    it.write_record("x", OLD.replace("2199", "2026"));
    it.lokt(["lock", "x"]).owner("b").run().ok();
    assert_version_first(&it.record_path("x"));
    assert_eq!(it.record("x")["owner"], "b", "an expired one is free");
}

#[test]
fn old_records_end_by_their_lifetime() {
    let it = sandbox();
    let old = |end: &str| format!(r#"{{"owner":"ada","acquired_ts":"2026-02-01T10:00:00Z"{end}}}"#);
    it.write_record("over", old(r#","ttl_sec":600"#));
    it.lokt(["exists", "over"]).run().expect(3);
    it.lokt(["guard", "over", "--", "true"]).run().ok();
    // Some programs write a lifetime of zero if there is no lifetime.
    it.write_record("endless", old(r#","ttl_sec":0,"expires_at":"0001-01-01T00:00:00Z""#));
    it.lokt(["exists", "endless"]).run().ok();
    it.lokt(["guard", "endless", "--", "true"]).run().fails_with(2, "held by ada");
}

#[test]
fn a_record_of_a_newer_version_is_refused_by_every_command_and_left_alone() {
    let it = sandbox();
    it.write_record("x", NEWER);
    let commands: [&[&str]; 10] = [
        &["status", "x"],
        &["status", "x", "--json"],
        &["lock", "x"],
        &["lock", "x", "--wait"],
        &["guard", "x", "--", "true"],
        &["guard", "x", "--wait", "--", "true"],
        &["unlock", "x"],
        &["unlock", "x", "--break-stale"],
        &["why", "x"],
        &["exists", "x"],
    ];
    for words in commands {
        it.lokt(words.iter().copied()).in_time().fails_with(1, REFUSED);
    }
    it.lokt(["get-meta", "x", "k"]).run().fails_with(1, REFUSED);
    assert_eq!(fs::read_to_string(it.record_path("x")).unwrap(), NEWER, "the record is unchanged");
    assert!(it.tickets("x").is_empty(), "the queue is empty");
    it.lokt(["unlock", "x", "--force"]).run().ok();
    it.lokt(["guard", "x", "--", "true"]).run().ok();
}

#[test]
fn a_freeze_of_a_newer_version_is_refused_by_every_command_that_asks_for_it() {
    let it = sandbox();
    it.write_freeze("x", NEWER);
    let commands: [&[&str]; 6] = [
        &["freeze", "x", "--ttl", "5m"],
        &["unfreeze", "x"],
        &["lock", "x"],
        &["guard", "x", "--", "true"],
        &["why", "x"],
        &["status", "x"],
    ];
    for words in commands {
        it.lokt(words.iter().copied()).run().fails_with(1, REFUSED);
    }
    assert!(!it.record_path("x").exists() && it.tickets("x").is_empty(), "no guard entered");
    assert_eq!(fs::read_to_string(it.freeze_path("x")).unwrap(), NEWER, "the freeze is unchanged");
    it.lokt(["unfreeze", "x", "--force"]).run().ok();
    it.lokt(["lock", "x"]).run().ok();
}

#[test]
fn a_version_that_is_no_number_is_a_corruption() {
    let it = sandbox();
    for version in [r#""abc""#, "-1", "1.5", "[1]", "true"] {
        it.write_record("x", OLD.replacen('{', &format!("{{\"version\":{version},"), 1));
        it.lokt(["status", "x"]).run().fails_with(1, "corrupted: field \"version\"");
        it.lokt(["unlock", "x"]).run().fails_with(1, "corrupted: field \"version\"");
        let why = it.lokt(["why", "x", "--json"]).run().expect(2).json();
        assert_eq!(why["reasons"][0]["type"], "corrupted", "with version {version}");
    }
}

#[test]
fn a_list_shows_unreadable_records_and_warns() {
    let it = sandbox();
    it.lokt(["lock", "good"]).run().ok();
    it.write_record("newer", NEWER);
    it.write_freeze("cold", NEWER);
    it.write_record("broken", "{");
    let done = it.lokt(["status", "--json"]).run().ok();
    let list = done.json();
    let state = |name: &str| -> &Value {
        let found = list.as_array().unwrap().iter().find(|entry| entry["name"] == name);
        &found.unwrap_or_else(|| panic!("{name} is listed: {list}"))["state"]
    };
    assert_eq!((state("good"), state("broken")), (&json!("held"), &json!("corrupted")));
    assert_eq!((state("newer"), state("cold")), (&json!("unsupported"), &json!("unsupported")));
    for name in ["newer", "cold", "broken"] {
        let told = done.err.lines().any(|it| it.starts_with("warning: ") && it.contains(name));
        assert!(told, "a warning names {name}: {done:#?}");
    }
    let table = it.lokt(["status"]).run().ok().says("\"newer\"").out;
    assert!(table.contains(REFUSED) && table.contains("corrupted"), "{table}");
}

#[test]
fn every_output_has_the_version() {
    let it = sandbox();
    assert_eq!(it.lokt(["doctor", "--json"]).run().ok().json()["protocol_version"], 1);
    assert_eq!(it.lokt(["version", "--json"]).run().ok().json()["protocol_version"], 1);
    it.lokt(["lock", "x"]).run().ok();
    let full = it.lokt(["status", "x"]).run().ok().out;
    assert!(full.lines().any(|line| line.split_whitespace().eq(["version", "1"])), "{full}");
}
