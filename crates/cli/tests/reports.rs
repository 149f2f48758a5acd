//! The reports on locks for people and programs: status, why, exists, refusals.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

use lokt_testkit::{HOLD, Sandbox};
use serde_json::{Value, json};

/// The fields of a status that are not in the record.
const BEYOND: [&str; 6] = ["age_sec", "expired", "pid_status", "freeze", "state", "waiters"];

/// The fields of a refusal; the names are a contract.
const BLOCKED: [&str; 13] = [
    "status",
    "name",
    "holder_owner",
    "holder_host",
    "holder_pid",
    "holder_agent_id",
    "holder_age_sec",
    "holder_ttl_sec",
    "holder_remaining_sec",
    "holder_expired",
    "holder_pid_status",
    "holder_acquired_ts",
    "holder_expires_at",
];

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn json(it: &Sandbox, words: &[&str], code: i32) -> Value {
    it.lokt(words.iter().copied()).run().expect(code).json()
}

/// An expired lease of ada that was not removed yet.
fn expired(it: &Sandbox, name: &str) {
    it.lokt(["lock", name, "--ttl", "10m", "--meta", "k=v"]).owner("ada").run().ok();
    let mut record = it.record(name);
    for field in ["acquired_ts", "expires_at"] {
        *record.get_mut(field).expect("the field") = "2026-02-01T10:00:00Z".into();
    }
    it.write_record(name, record.to_string());
}

fn guard(name: &str) -> [&str; 7] {
    ["guard", name, "--wait", "--", HOLD[0], HOLD[1], HOLD[2]]
}

#[test]
fn a_status_has_the_record_and_further_fields() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m", "--meta", "k=v"]).run().ok();
    let one = json(&it, &["status", "x", "--json"], 0);
    for (field, value) in it.record("x").as_object().unwrap() {
        assert_eq!(one[field], *value, "the record's {field}");
    }
    for field in BEYOND {
        assert!(!one[field].is_null(), "{field} is there: {one}");
    }
    assert_eq!((&one["expired"], &one["freeze"]), (&json!(false), &json!(false)));
    assert_eq!((&one["state"], &one["waiters"]), (&json!("held"), &json!(0)));
    assert!(one["age_sec"].as_u64().unwrap() < 60, "{one}");
    assert!(["alive", "dead", "unknown"].contains(&one["pid_status"].as_str().unwrap()));
    let list = json(&it, &["status", "--json"], 0);
    assert_eq!(list.as_array().unwrap().len(), 1, "a list is an array");
    assert_eq!(list[0]["lock_id"], one["lock_id"]);
}

#[test]
fn a_status_lists_the_waiters() {
    let it = sandbox();
    let holder = it.lokt(guard("x")).owner("ada").start().is_in();
    let first = it.lokt(guard("x")).owner("bob").start().is_waiting();
    let second = it.lokt(guard("x")).owner("cleo").start().is_waiting();
    let one = json(&it, &["status", "x", "--json"], 0);
    assert_eq!((&one["waiters"], &one["pid_status"]), (&json!(2), &json!("alive")));
    let queue: Vec<&Value> =
        one["queue"].as_array().unwrap().iter().map(|it| &it["owner"]).collect();
    assert_eq!(queue, ["bob", "cleo"], "in their order");
    let text = it.lokt(["status", "x"]).run().ok().out;
    assert!(text.contains("waiting   bob (pid "), "{text}");
    holder.release().ok();
    first.is_in().release().ok();
    second.is_in().release().ok();
}

#[test]
fn a_table_has_a_line_for_each_lock() {
    let it = sandbox();
    let empty = it.lokt(["status"]).run().ok();
    assert!(empty.out.is_empty() && empty.err.is_empty(), "nothing is nothing: {empty:#?}");
    assert_eq!(json(&it, &["status", "--json"], 0), json!([]));
    it.lokt(["lock", "b", "--ttl", "90m", "--meta", "k=v"]).owner("ada").run().ok();
    let inside = it.lokt(guard("a")).start().is_in();
    let table = it.lokt(["status"]).run().ok().out;
    let lines: Vec<Vec<&str>> =
        table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..3], ["NAME", "STATE", "OWNER"]);
    assert_eq!(lines[1][..3], ["a", "held", "tester"], "sorted by name");
    assert_eq!(lines[2][..3], ["b", "held", "ada"]);
    assert!(lines[1].contains(&"sh"), "what runs: {table}");
    assert!(lines[2].contains(&"1h") && lines[2].contains(&"k"), "how long still: {table}");
    assert_eq!(lines.len(), 3);
    inside.release().ok();
}

#[test]
fn a_status_of_nothing_is_not_found() {
    let it = sandbox();
    it.lokt(["status", "x"]).run().fails_with(3, "lock \"x\" is not held");
    let done = it.lokt(["status", "x", "--json"]).run().expect(3);
    assert_eq!((&done.json()["name"], &done.json()["exit_code"]), (&"x".into(), &3.into()));
}

#[test]
fn an_expired_lease_is_listed_until_it_is_pruned() {
    let it = sandbox();
    expired(&it, "x");
    it.lokt(["lock", "y"]).run().ok();
    let list = json(&it, &["status", "--json"], 0);
    assert_eq!((&list[0]["state"], &list[0]["expired"]), (&json!("expired"), &json!(true)));
    it.lokt(["status", "x"]).run().fails_with(3, "is not held");
    let pruned = json(&it, &["status", "--json", "--prune-expired"], 0);
    assert_eq!(pruned.as_array().unwrap().len(), 1, "only y is left: {pruned}");
    assert!(!it.record_path("x").exists() && it.record_path("y").exists());
    assert_eq!(it.event_kinds("x"), ["acquire", "auto-prune"]);
    expired(&it, "z");
    it.lokt(["status", "z", "--prune-expired"]).run().expect(3);
    assert!(!it.record_path("z").exists(), "also where it is asked for by name");
}

#[test]
fn exists_is_silent() {
    let it = sandbox();
    it.lokt(["lock", "x"]).run().ok();
    expired(&it, "old");
    for (name, code) in [("x", 0), ("old", 3), ("free", 3)] {
        let done = it.lokt(["exists", name]).run().expect(code);
        assert!(done.out.is_empty() && done.err.is_empty(), "{done:#?}");
    }
}

/// The types of the reasons why a name can or cannot be taken.
fn reasons(it: &Sandbox, owner: &str, code: i32) -> Vec<String> {
    let why = it.lokt(["why", "x", "--json"]).owner(owner).run().expect(code).json();
    let status = if code == 0 { "free" } else { "blocked" };
    assert_eq!((&why["name"], &why["status"]), (&json!("x"), &json!(status)));
    assert!(why["suggestions"].is_array(), "{why}");
    let text = it.lokt(["why", "x"]).owner(owner).run().expect(code).out;
    let reasons = why["reasons"].as_array().expect("a list").iter();
    let told = |reason: &Value| {
        let kind = reason["type"].as_str().expect("a type").to_owned();
        let message = reason["message"].as_str().expect("a message");
        assert!(text.contains(&kind) && !message.is_empty(), "the text has it, too: {text}");
        kind
    };
    reasons.map(told).collect()
}

#[test]
fn why_lists_the_obstacles_and_whether_they_block() {
    let it = sandbox();
    assert_eq!(reasons(&it, "ada", 0), [""; 0], "nothing blocks it");
    it.lokt(["lock", "x", "--ttl", "10m"]).owner("ada").run().ok();
    assert_eq!(reasons(&it, "bob", 2), ["held"]);
    assert_eq!(reasons(&it, "ada", 2), ["self_held"]);
    let waiter = it.lokt(guard("x")).owner("cleo").start().is_waiting();
    assert_eq!(reasons(&it, "bob", 2), ["held", "queued"]);
    it.lokt(["freeze", "x", "--ttl", "10m"]).owner("ops").run().ok();
    assert_eq!(reasons(&it, "bob", 2), ["frozen", "held", "queued"]);
    it.lokt(["unlock", "x"]).owner("ada").run().ok();
    assert_eq!(reasons(&it, "bob", 2), ["frozen", "queued"]);
    it.lokt(["unfreeze", "x"]).owner("ops").run().ok();
    let inside = waiter.is_in();
    assert_eq!(reasons(&it, "bob", 2), ["held"]);
    inside.release().ok();
    expired(&it, "x");
    assert_eq!(reasons(&it, "bob", 0), ["expired"]);
    it.shell("lokt unlock x --break-stale; lokt lock x --pid $$").owner("ada").run().ok();
    assert_eq!(reasons(&it, "bob", 0), ["dead_pid"]);
    it.write_record("x", "{");
    assert_eq!(reasons(&it, "bob", 2), ["corrupted"]);
}

#[test]
fn why_names_a_way_out() {
    let it = sandbox();
    let suggested = |owner: &str| {
        let why = it.lokt(["why", "x", "--json"]).owner(owner).run().json();
        why["suggestions"].to_string()
    };
    assert_eq!(suggested("ada"), "[]", "who can take it needs no advice");
    it.lokt(["lock", "x"]).owner("ada").run().ok();
    assert!(suggested("ada").contains("lokt unlock x"), "{}", suggested("ada"));
    assert!(suggested("bob").contains("lokt guard x --wait"), "{}", suggested("bob"));
    it.lokt(["freeze", "x", "--ttl", "5m"]).owner("ops").run().ok();
    assert!(suggested("ops").contains("lokt unfreeze x"), "{}", suggested("ops"));
    assert!(!suggested("bob").contains("lokt unfreeze"), "it is another's: {}", suggested("bob"));
}

#[test]
fn every_output_of_why_has_the_number_of_slots() {
    let it = sandbox();
    let suggested = |owner: &str| it.lokt(["why", "x"]).owner(owner).run().expect(2).out;
    let slots = ["lock", "x", "--slots", "2", "--ttl", "10m"];
    it.lokt(slots).owner("ada").run().ok();
    let own = suggested("ada");
    assert!(own.contains("lokt guard x --slots 2 -- COMMAND   takes a free slot"), "{own}");
    assert!(!own.contains("under your lease"), "others may be in beside a lease of a slot: {own}");
    it.lokt(slots).owner("bob").run().ok();
    let full = suggested("carl");
    assert!(
        full.contains("lokt guard x --slots 2 --wait -- COMMAND   waits in the queue"),
        "{full}"
    );
}

#[test]
fn a_lease_whose_process_is_gone_may_be_abandoned_and_still_holds() {
    let it = sandbox();
    it.shell("lokt lock x 2>/dev/null").owner("ada").run().ok();
    assert_eq!(json(&it, &["status", "x", "--json"], 0)["state"], "abandoned");
    let why = it.lokt(["why", "x"]).run().expect(2).out;
    assert!(why.contains("abandoned?") && !why.contains("--break-stale"), "{why}");
    it.lokt(["guard", "x", "--", "true"]).run().expect(2);
    it.lokt(["unlock", "x", "--break-stale"]).run().ok();
    assert_eq!(it.event_kinds("x"), ["acquire", "deny", "stale-break"]);
}

#[test]
fn a_refusal_has_all_fields_of_the_holder() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).owner("ada").env("LOKT_AGENT_ID", "a1").run().ok();
    let record = it.record("x");
    let done = it.lokt(["lock", "x", "--json"]).run().fails_with(2, "held by ada");
    let blocked = done.json();
    for field in BLOCKED {
        assert!(blocked.get(field).is_some(), "{field} is there: {blocked}");
    }
    for field in ["owner", "host", "pid", "agent_id", "ttl_sec", "acquired_ts", "expires_at"] {
        assert_eq!(blocked[format!("holder_{field}")], record[field], "the holder's {field}");
    }
    assert_eq!((&blocked["status"], &blocked["name"]), (&json!("blocked"), &json!("x")));
    assert_eq!(blocked["holder_expired"], false);
    let left = blocked["holder_remaining_sec"].as_u64().unwrap();
    assert!((500..=600).contains(&left), "{blocked}");
    assert_eq!(done.out.lines().count(), 1, "one document, one line");
}

#[test]
fn a_refusal_has_null_for_unknown_fields() {
    let it = sandbox();
    let inside = it.lokt(guard("x")).owner("ada").start().is_in();
    let blocked = json(&it, &["lock", "x", "--json"], 2);
    for field in ["holder_ttl_sec", "holder_remaining_sec", "holder_expires_at"] {
        assert!(
            blocked.as_object().unwrap()[field].is_null(),
            "no lifetime, no {field}: {blocked}"
        );
    }
    assert_eq!(
        (&blocked["holder_pid_status"], &blocked["holder_command"][0]),
        (&json!("alive"), &json!("sh"))
    );
    inside.release().ok();
}

/// The only reason of a type in the output of `why x --json`.
fn reason(it: &Sandbox, kind: &str, code: i32) -> Value {
    let why = json(it, &["why", "x", "--json"], code);
    let reasons = why["reasons"].as_array().expect("reasons").clone();
    reasons.into_iter().find(|it| it["type"] == kind).expect(kind)
}

#[test]
fn each_reason_has_the_flat_fields_of_a_refusal() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).owner("ada").env("LOKT_AGENT_ID", "a1").run().ok();
    it.lokt(["freeze", "x", "--ttl", "5m"]).owner("ops").run().ok();
    let (held, blocked) = (reason(&it, "held", 2), json(&it, &["lock", "x", "--json"], 2));
    for field in blocked.as_object().unwrap().keys().filter(|it| it.starts_with("holder_")) {
        assert!(held.get(field).is_some(), "{field} is there: {held}");
    }
    let record = it.record("x");
    for field in ["owner", "host", "pid", "agent_id", "ttl_sec", "acquired_ts", "expires_at"] {
        assert_eq!(held[format!("holder_{field}")], record[field], "the holder's {field}");
    }
    assert_eq!((&held["holder_expired"], &held["record"]), (&json!(false), &record));
    let left = held["holder_remaining_sec"].as_u64().unwrap();
    assert!((500..=600).contains(&left) && held["holder_age_sec"].is_u64(), "{held}");
    assert!(["alive", "dead", "unknown"].contains(&held["holder_pid_status"].as_str().unwrap()));
    assert!(held.get("stale_reason").is_none() && held.get("freeze_owner").is_none(), "{held}");
    let frozen = reason(&it, "frozen", 2);
    assert_eq!((&frozen["freeze_owner"], &frozen["freeze_ttl_sec"]), (&json!("ops"), &json!(300)));
    let left = frozen["freeze_remaining_sec"].as_u64().unwrap();
    assert!((200..=300).contains(&left) && frozen.get("holder_owner").is_none(), "{frozen}");
}

#[test]
fn a_reason_says_why_a_lock_is_stale() {
    let it = sandbox();
    expired(&it, "x");
    let stale = reason(&it, "expired", 0);
    assert_eq!(
        (&stale["stale_reason"], &stale["holder_owner"]),
        (&json!("expired"), &json!("ada"))
    );
    assert_eq!(
        (&stale["holder_expired"], &stale["holder_remaining_sec"]),
        (&json!(true), &json!(0))
    );
    it.lokt(["unlock", "x", "--break-stale"]).run().ok();
    it.shell("lokt lock x --pid $$").owner("bob").run().ok();
    let stale = reason(&it, "dead_pid", 0);
    assert_eq!(
        (&stale["stale_reason"], &stale["holder_pid_status"]),
        (&json!("dead_pid"), &json!("dead"))
    );
    assert_eq!(stale["holder_owner"], "bob");
}

#[test]
fn a_holder_without_a_record_is_reported_from_its_ticket() {
    let it = sandbox();
    let words = ["guard", "x", "--on-lost", "warn", "--", HOLD[0], HOLD[1], HOLD[2]];
    let inside = it.lokt(words).owner("ada").start().is_in();
    std::fs::remove_file(it.record_path("x")).expect("a record");
    let held = reason(&it, "held", 2);
    assert_eq!((&held["holder_owner"], &held["holder_pid"]), (&json!("ada"), &json!(inside.pid())));
    inside.release().ok();
}
