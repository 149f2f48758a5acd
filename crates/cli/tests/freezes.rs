//! Freezes: an operator blocks new holders of a name, and the present holder keeps it.

use lokt_testkit::{HOLD, Sandbox, time};
use serde_json::{Value, json};
use std::fs;

/// A freeze as older versions wrote it: as the record of a lock, without an expiry or a live process.
const LEGACY: &str = r#"{"name":"x","owner":"ops","host":"elsewhere","pid":4711,
    "acquired_ts":"2026-02-01T10:00:00Z","expires_at":"2199-01-01T00:00:00Z"}"#;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

#[test]
fn no_caller_takes_a_frozen_name() {
    let it = sandbox();
    let frozen = it.lokt(["freeze", "x", "--ttl", "10m"]).owner("ops").run().ok();
    assert_eq!(frozen.out, "froze \"x\" for 10m\n");
    for (owner, by) in [("ops", "by you: ops"), ("ada", "by ops")] {
        let guard = it.lokt(["guard", "x", "--", "touch", "entered"]).owner(owner);
        guard.run().fails_with(2, &format!("lock \"x\" is frozen {by} ("));
        it.lokt(["lock", "x"]).owner(owner).run().fails_with(2, &format!("is frozen {by} ("));
    }
    assert!(!it.folder().join("entered").exists() && !it.record_path("x").exists());
    let kinds = it.event_kinds("x");
    assert_eq!(kinds, ["freeze", "freeze-deny", "freeze-deny", "freeze-deny", "freeze-deny"]);
    it.lokt(["guard", "other", "--", "true"]).run().ok();
    it.lokt(["exists", "x"]).run().expect(3);
    let blocked = it.lokt(["lock", "x", "--json"]).run().expect(2).json();
    assert_eq!((&blocked["status"], &blocked["holder_owner"]), (&json!("blocked"), &json!("ops")));
}

#[test]
fn every_query_shows_a_freeze() {
    let it = sandbox();
    let view = it.lokt(["freeze", "x", "--ttl", "10m", "--json"]).owner("ops").run().ok().json();
    assert_eq!((&view["status"], &view["ttl_sec"]), (&json!("frozen"), &json!(600)));
    let list = it.lokt(["status", "--json"]).run().ok().json();
    let entry = &list[0];
    assert_eq!(
        (&entry["name"], &entry["freeze"], &entry["state"], &entry["owner"]),
        (&json!("x"), &json!(true), &json!("frozen"), &json!("ops"))
    );
    assert!(it.lokt(["status"]).run().ok().out.contains("frozen"));
    let why = it.lokt(["why", "x", "--json"]).run().expect(2).json();
    assert_eq!((&why["status"], &why["reasons"][0]["type"]), (&json!("blocked"), &json!("frozen")));
    it.lokt(["unfreeze", "x"]).owner("ops").run().ok();
    it.lokt(["lock", "x"]).run().ok();
    it.lokt(["freeze", "x", "--ttl", "10m"]).owner("ops").run().ok();
    let one = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!((&one["state"], &one["freeze"]), (&json!("held"), &json!(false)));
    assert_eq!(one["frozen"]["owner"], "ops", "the lock's entry has the freeze: {one}");
}

#[test]
fn a_waiter_gets_in_when_the_name_is_unfrozen() {
    let it = sandbox();
    it.lokt(["freeze", "x", "--ttl", "10m"]).owner("ops").run().ok();
    let mut waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).start();
    let told = waiter.says("waiting for lock");
    assert!(told.contains("is frozen by ops"), "{told}");
    assert_eq!(it.tickets("x").len(), 1, "it is in the queue");
    let unfrozen = it.lokt(["unfreeze", "x"]).owner("ops").run().ok();
    assert_eq!(unfrozen.out, "unfroze \"x\"\n");
    waiter.ends().ok();
    assert_eq!(it.event_kinds("x"), ["freeze", "unfreeze", "acquire", "release"]);
}

#[test]
fn a_waiter_gets_in_when_the_freeze_expires_and_not_before() {
    let it = sandbox();
    it.lokt(["freeze", "x", "--ttl", "400ms"]).owner("ops").run().ok();
    let freeze: Value = serde_json::from_slice(&fs::read(it.freeze_path("x")).unwrap()).unwrap();
    it.lokt(["guard", "x", "--wait", "--", "true"]).in_time().ok();
    let events = it.events();
    let entered = events.iter().find(|event| event["event"] == "acquire").unwrap();
    let (entered, end) = (time(&entered["ts"]), time(&freeze["expires_at"]));
    assert!(entered >= end, "entered at {entered}, frozen until {end}");
    it.lokt(["unfreeze", "x"]).owner("ops").run().fails_with(3, "is not frozen");
}

#[test]
fn a_waiter_gives_up_when_its_timeout_ends_before_the_freeze() {
    let it = sandbox();
    it.lokt(["freeze", "x", "--ttl", "10m"]).owner("ops").run().ok();
    let words = ["guard", "x", "--wait", "--timeout", "50ms", "--", "true"];
    it.lokt(words).run().expect(2).says("is frozen by ops");
    assert!(it.tickets("x").is_empty(), "it left the line");
}

#[test]
fn waiters_behind_a_holder_keep_waiting_while_the_name_is_frozen() {
    let it = sandbox();
    let words = ["guard", "x", "--wait", "--", HOLD[0], HOLD[1], HOLD[2]];
    let holder = it.lokt(words).owner("a").start().is_in();
    let first = it.lokt(words).owner("b").start().is_waiting();
    let second = it.lokt(words).owner("c").start().is_waiting();
    it.lokt(["freeze", "x", "--ttl", "10m"]).owner("ops").run().ok();
    holder.release().ok();
    it.lokt(["guard", "x", "--", "true"]).owner("d").run().expect(2);
    assert_eq!(it.tickets("x").len(), 2, "both wait on");
    it.lokt(["unfreeze", "x"]).owner("ops").run().ok();
    let first = first.is_in();
    first.release().ok();
    second.is_in().release().ok();
}

#[test]
fn the_holder_keeps_a_frozen_name() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "5m"]).run().ok();
    let guard = it.lokt(["guard", "y", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    for name in ["x", "y"] {
        it.lokt(["freeze", name, "--ttl", "10m"]).owner("ops").run().ok();
        it.lokt(["exists", name]).run().ok();
    }
    let renewed = it.lokt(["lock", "x", "--ttl", "20m"]).run().ok();
    assert_eq!(renewed.out, "renewed lock \"x\"\n", "a renewal takes nothing");
    assert_eq!(it.record("x")["ttl_sec"], 1200);
    it.lokt(["guard", "x", "--", "true"]).run().fails_with(2, "is frozen by ops");
    it.lokt(["unlock", "x"]).run().ok();
    guard.release().ok();
    it.lokt(["lock", "x"]).run().fails_with(2, "is frozen by ops");
}

#[test]
fn a_heartbeat_goes_on_while_the_name_is_frozen() {
    let it = sandbox();
    let mut log = it.lokt(["audit", "--tail", "--event", "renew", "--name", "x"]).start();
    let words = ["guard", "x", "--ttl", "300ms", "--", HOLD[0], HOLD[1], HOLD[2]];
    let guard = it.lokt(words).start().is_in();
    it.lokt(["freeze", "x", "--ttl", "10m"]).owner("ops").run().ok();
    let before = it.event_kinds("x").iter().filter(|kind| *kind == "renew").count();
    (0..=before).for_each(|_| drop(log.prints("renew")));
    guard.release().ok();
    log.kill();
}

#[test]
fn the_freeze_of_another_owner_needs_force_and_cannot_be_replaced() {
    let it = sandbox();
    it.lokt(["freeze", "x", "--ttl", "10m"]).owner("ops").run().ok();
    let before = fs::read(it.freeze_path("x")).unwrap();
    it.lokt(["freeze", "x", "--ttl", "20m"]).run().fails_with(2, "frozen already by ops");
    let refused = it.lokt(["unfreeze", "x"]).run().fails_with(4, "not yours to unfreeze");
    assert!(refused.err.contains("lokt why x"), "the owner of the freeze is named: {refused:#?}");
    assert_eq!(fs::read(it.freeze_path("x")).unwrap(), before, "it is unchanged");
    let lifted = it.lokt(["unfreeze", "x", "--force", "--json"]).run().ok().json();
    assert_eq!(lifted, json!({"status": "unfrozen", "name": "x"}));
    assert_eq!(it.event_kinds("x"), ["freeze", "force-unfreeze"]);
    let event = it.events().pop().unwrap();
    assert_eq!(
        (&event["owner"], &event["extra"]["holder_owner"]),
        (&json!("tester"), &json!("ops"))
    );
    it.lokt(["unfreeze", "x"]).run().fails_with(3, "is not frozen");
    it.lokt(["unfreeze", "x", "--force"]).run().fails_with(3, "is not frozen");
}

#[test]
fn an_owners_freeze_is_replaced_by_a_new_one() {
    let it = sandbox();
    it.lokt(["freeze", "x", "--ttl", "10m"]).owner("ops").run().ok();
    it.lokt(["freeze", "x", "--ttl", "1m"]).owner("ops").run().ok();
    let list = it.lokt(["status", "--json"]).run().ok().json();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["ttl_sec"]), (1, &json!(60)));
}

#[test]
fn two_terminals_of_one_user_freeze_as_two_owners() {
    let it = sandbox();
    it.in_new_session(["freeze", "x", "--ttl", "10m"]).run().ok();
    it.in_new_session(["freeze", "x", "--ttl", "10m"]).run().fails_with(2, "frozen already");
    it.in_new_session(["unfreeze", "x"]).run().fails_with(4, "not yours");
}

#[test]
fn a_freeze_of_an_older_version_holds_and_can_be_lifted() {
    let it = sandbox();
    it.write_record("freeze-x", LEGACY);
    it.lokt(["guard", "x", "--", "true"]).run().fails_with(2, "is frozen by ops");
    it.lokt(["lock", "x"]).run().fails_with(2, "is frozen by ops");
    assert_eq!(it.event_kinds("x"), ["freeze-deny", "freeze-deny"]);
    let list = it.lokt(["status", "--json"]).run().ok().json();
    assert_eq!(list.as_array().unwrap().len(), 1, "it is listed once: {list}");
    assert_eq!((&list[0]["name"], &list[0]["freeze"]), (&json!("x"), &json!(true)));
    let doctor = it.lokt(["doctor", "--json"]).run().ok().json();
    let checks = doctor["checks"].as_array().unwrap().iter();
    let told = checks.filter(|check| check["name"] == "freezes").all(|it| it["status"] == "warn");
    assert!(told, "doctor reports it: {doctor}");
    it.lokt(["freeze", "x", "--ttl", "5m"]).run().fails_with(2, "frozen already by ops");
    it.lokt(["unfreeze", "x"]).run().fails_with(4, "not yours");
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).start().is_waiting();
    it.lokt(["unfreeze", "x"]).owner("ops").run().ok();
    waiter.ends().ok();
    assert!(!it.record_path("freeze-x").exists(), "the old file is gone");
}

#[test]
fn an_expired_freeze_of_an_older_version_blocks_no_caller() {
    let it = sandbox();
    it.write_record("freeze-x", LEGACY.replace("2199", "2026"));
    it.lokt(["guard", "x", "--", "true"]).run().ok();
    it.lokt(["freeze", "x", "--ttl", "10m"]).run().ok();
    it.lokt(["unfreeze", "x"]).run().ok();
    it.lokt(["guard", "x", "--", "true"]).run().ok();
}

#[test]
fn a_lock_whose_name_looks_like_an_old_freeze_is_a_lock() {
    let it = sandbox();
    let guard = it.lokt(["guard", "freeze-x", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    it.lokt(["lock", "x"]).run().ok();
    let list = it.lokt(["status", "--json"]).run().ok().json();
    let names: Vec<_> =
        list.as_array().unwrap().iter().map(|it| (&it["name"], &it["freeze"])).collect();
    assert_eq!(names, [(&json!("freeze-x"), &json!(false)), (&json!("x"), &json!(false))]);
    guard.release().ok();
}

#[test]
fn a_freeze_needs_a_lifetime() {
    let it = sandbox();
    it.lokt(["freeze", "x"]).run().fails_with(64, "--ttl");
    for ttl in ["0", "0s", "-1", "soon", ""] {
        it.lokt(["freeze", "x", "--ttl", ttl]).run().expect(64);
    }
    assert!(!it.root().exists(), "nothing was made");
}
