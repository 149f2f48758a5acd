//! Leases that several hold at the same time, and guards beside them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Done, HOLD, Running, Sandbox, time};
use serde_json::{Value, json};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn lock(it: &Sandbox, owner: &str, flags: &[&str]) -> Done {
    it.lokt([&["lock", "x"], flags].concat()).owner(owner).run()
}

fn share(it: &Sandbox, owner: &str) -> Done {
    lock(it, owner, &["--shared", "--ttl", "10m"]).ok()
}

fn guard(it: &Sandbox, owner: &str) -> Running {
    let words = ["guard", "x", "--shared", "--", HOLD[0], HOLD[1], HOLD[2]];
    it.lokt(words).owner(owner).start().is_in()
}

fn unlock(it: &Sandbox, owner: &str, flags: &[&str]) -> Done {
    it.lokt([&["unlock", "x"], flags].concat()).owner(owner).run()
}

/// All holders of `x`, in the order of their arrival.
fn holders(it: &Sandbox) -> Vec<String> {
    if !it.record_path("x").exists() {
        return Vec::new();
    }
    let mut all = fields_of_holders(&it.record("x"));
    all.sort_by_key(|it| it["fence"].as_u64());
    all.iter().map(|it| it["owner"].as_str().unwrap().to_owned()).collect()
}

/// The fields of each holder in a record; the one with the latest expiry is the first.
fn fields_of_holders(record: &Value) -> Vec<Value> {
    let beside = record["co_holders"].as_array().cloned().unwrap_or_default();
    std::iter::once(record.clone()).chain(beside).collect()
}

/// The fields of an owner in a record.
fn fields_of_owner(record: &Value, owner: &str) -> Value {
    fields_of_holders(record).into_iter().find(|it| it["owner"] == owner).unwrap()
}

#[test]
fn the_same_lease_again_is_renewed_and_another_mode_is_refused() {
    let it = sandbox();
    share(&it, "ada");
    lock(&it, "bob", &["--shared", "--ttl", "10m", "--meta", "k=old"]).ok();
    let before = it.record("x");
    let again = lock(&it, "bob", &["--shared", "--ttl", "1h", "--meta", "k=new", "--json"]).ok();
    assert_eq!(again.json()["renewed"], true);
    let after = it.record("x");
    let (was, now) = (fields_of_owner(&before, "bob"), fields_of_owner(&after, "bob"));
    assert_eq!((&now["lock_id"], &now["fence"]), (&was["lock_id"], &was["fence"]));
    assert_eq!((&now["ttl_sec"], &now["metadata"]["k"]), (&json!(3600), &json!("new")));
    let end_of_ada = |record| fields_of_owner(record, "ada")["expires_at"].clone();
    assert_eq!(end_of_ada(&after), end_of_ada(&before), "the other's life is as it was");
    for flags in [[].as_slice(), &["--slots", "2"]] {
        lock(&it, "bob", flags).expect(2);
        lock(&it, "carl", flags).fails_with(2, "held by ada");
    }
    assert_eq!(it.record("x"), after, "who was refused changed nothing");
    share(&it, "ada");
    assert_eq!(holders(&it), ["ada", "bob"]);
}

#[test]
fn a_renewal_passes_waiters_and_a_newcomer_does_not() {
    let it = sandbox();
    share(&it, "ada");
    lock(&it, "sam", &["--slots", "3"]).fails_with(2, "held by ada");
    let words = ["guard", "x", "--wait", "--", HOLD[0], HOLD[1], HOLD[2]];
    let writer = it.lokt(words).owner("w").start().is_waiting();
    share(&it, "ada");
    lock(&it, "bob", &["--shared"]).fails_with(2, "held by ada");
    let newcomer = it.lokt(["lock", "x", "--shared", "--wait"]).owner("bob").start().is_waiting();
    unlock(&it, "ada", &[]).ok();
    let writer = writer.is_in();
    writer.release().ok();
    newcomer.ends().ok();
    assert_eq!(holders(&it), ["bob"]);
}

#[test]
fn a_lease_of_a_slot_is_renewed_and_keeps_its_number() {
    let it = sandbox();
    lock(&it, "ada", &["--slots", "2", "--ttl", "10m"]).ok();
    lock(&it, "bob", &["--slots", "2", "--ttl", "10m"]).ok();
    let again = lock(&it, "ada", &["--slots", "2", "--ttl", "1h", "--json"]).ok();
    assert_eq!(again.json()["renewed"], true, "with both slots taken, too");
    for flags in [&["--slots", "3"][..], &["--slots", "3", "--wait"]] {
        lock(&it, "ada", flags).fails_with(1, "lock \"x\" has 2 slots, not 3");
    }
    lock(&it, "ada", &["--shared"]).fails_with(2, "held by your lease: ada");
    assert_eq!(holders(&it), ["ada", "bob"]);
}

#[test]
fn an_exclusive_lease_is_not_made_a_shared_one() {
    let it = sandbox();
    lock(&it, "ada", &["--ttl", "10m"]).ok();
    for flags in [&["--shared"][..], &["--slots", "2"]] {
        lock(&it, "ada", flags).fails_with(2, "held by your lease: ada");
        lock(&it, "bob", flags).fails_with(2, "held by ada");
    }
    assert_eq!(it.record("x").get("mode"), None);
    lock(&it, "ada", &[]).ok();
}

#[test]
fn a_shared_guard_beside_its_owners_shared_lease_joins_it() {
    let it = sandbox();
    share(&it, "ada");
    let inside = guard(&it, "ada");
    let record = it.record("x");
    assert_eq!(
        (&record["hold"], &record["co_holders"][0]["hold"]),
        (&json!("guard"), &json!("lease")),
        "the guard has no end, so it is the first"
    );
    assert_ne!(record["fence"], record["co_holders"][0]["fence"], "each has its own");
    unlock(&it, "ada", &[]).ok();
    assert_eq!(it.record("x")["hold"], "guard", "the guard is a separate holder");
    unlock(&it, "ada", &[]).fails_with(4, "held by a living guard");
    lock(&it, "bob", &["--ttl", "1m"]).fails_with(2, "held by ada");
    share(&it, "bob");
    inside.release().ok();
    assert_eq!(holders(&it), ["bob"]);
    it.lokt(["guard", "x", "--", "true"]).owner("bob").run().expect(2);
}

#[test]
fn a_release_leaves_the_other_holders() {
    let it = sandbox();
    for owner in ["ada", "bob", "carl"] {
        share(&it, owner);
    }
    unlock(&it, "dora", &[]).fails_with(4, "not yours");
    unlock(&it, "ada", &[]).ok();
    assert_eq!(holders(&it), ["bob", "carl"], "the record has the remaining holders");
    unlock(&it, "ada", &[]).fails_with(4, "not yours: bob");
    let inside = guard(&it, "bob");
    it.lokt(["unlock", "--all"]).owner("carl").run().ok();
    assert_eq!(holders(&it), ["bob", "bob"], "also where it was not the first");
    it.lokt(["unlock", "--all", "--json"]).owner("bob").run().ok();
    assert_eq!(it.record("x")["hold"], "guard");
    inside.release().ok();
    assert_eq!(holders(&it), [""; 0]);
    let kinds = it.event_kinds("x");
    assert_eq!(kinds.iter().filter(|kind| *kind == "release").count(), 4, "{kinds:?}");
}

#[test]
fn force_takes_all_and_break_stale_only_what_is_stale() {
    let it = sandbox();
    share(&it, "ada");
    unlock(&it, "bob", &["--break-stale"]).fails_with(4, "not stale: it is valid for");
    // Taken by a shell that has ended since, without an expiry.
    it.shell("lokt lock x --shared; true").owner("bob").run().ok();
    it.shell("lokt lock x --shared --pid $$").owner("carl").run().ok();
    let inside = guard(&it, "dora");
    assert_eq!(holders(&it), ["ada", "bob", "dora"], "carl's process is gone, and dora found out");
    unlock(&it, "eve", &["--break-stale"]).ok();
    assert_eq!(holders(&it), ["ada", "dora"], "bob's is abandoned");
    unlock(&it, "eve", &["--break-stale"]).fails_with(4, "not stale");
    unlock(&it, "eve", &["--force"]).ok();
    assert_eq!(holders(&it), [""; 0]);
    inside.ends().expect(6).says("\"x\" was lost while the command ran");
    let kinds = it.event_kinds("x");
    assert_eq!(kinds.iter().filter(|kind| *kind == "force-break").count(), 2, "{kinds:?}");
}

#[test]
fn force_wakes_waiters_for_all_holders() {
    let it = sandbox();
    share(&it, "ada");
    let words = ["guard", "x", "--shared", "--on-lost", "warn", "--", HOLD[0], HOLD[1], HOLD[2]];
    let inside = it.lokt(words).owner("bob").start().is_in();
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("w").start().is_waiting();
    unlock(&it, "eve", &["--force"]).ok();
    waiter.ends().ok();
    inside.release().ok().says("was taken away");
}

#[test]
fn every_reader_ignores_an_expired_lease() {
    let it = sandbox();
    let line = "lokt lock x --shared --pid $$ --meta who=ada && echo taken; read line";
    let mut script = it.shell(line).owner("ada").start();
    script.prints("taken");
    lock(&it, "bob", &["--shared", "--ttl", "10m", "--meta", "who=bob"]).ok();
    let told = || it.lokt(["get-meta", "x", "who"]).run().ok().out;
    assert_eq!(told(), "ada\n", "the first valid holder counts");
    script.release();
    assert_eq!(told(), "bob\n", "an expired lease has no metadata");
    let one = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!(
        (&one["owner"], &one["taken"], one.get("co_holders")),
        (&json!("bob"), &json!(1), None)
    );
    let why = it.lokt(["why", "x", "--json"]).run().expect(2).json();
    assert_eq!(why["reasons"][0]["record"]["owner"], json!("bob"), "{why}");
    assert_eq!(why["reasons"].as_array().map(Vec::len), Some(1), "it does not block either: {why}");
    it.lokt(["guard", "x", "--", "true"]).owner("w").run().fails_with(2, "held by bob");
    assert_eq!(holders(&it), ["ada", "bob"], "who is refused changes nothing");
    it.lokt(["status"]).run().ok();
    assert_eq!(holders(&it), ["bob"], "the list takes it out of the record");
    assert!(it.event_kinds("x").contains(&"stale-break".to_owned()));
    unlock(&it, "ada", &[]).fails_with(4, "not yours: bob");
    it.lokt(["exists", "x"]).run().ok();
}

#[test]
fn a_heartbeat_extends_only_its_own_announcement() {
    let it = sandbox();
    share(&it, "ada");
    let before = it.record("x")["expires_at"].clone();
    let mut log = it.lokt(["audit", "--tail", "--event", "renew", "--name", "x"]).start();
    let words = ["guard", "x", "--shared", "--ttl", "150ms", "--", HOLD[0], HOLD[1], HOLD[2]];
    let inside = it.lokt(words).owner("bob").start().is_in();
    let first = it.record("x")["co_holders"][0]["expires_at"].clone();
    log.prints("bob");
    log.prints("bob");
    let record = it.record("x");
    assert!(time(&record["co_holders"][0]["expires_at"]) > time(&first), "{record}");
    assert_eq!(record["expires_at"], before, "and no other's");
    inside.release().ok();
    log.kill();
}

/// A record of two readers, with fields that this version does not know.
const WITH_MORE: &str = r#"{"version":1,"name":"x","lock_id":"0a","owner":"ada","hold":"lease",
    "acquired_ts":"2026-02-01T10:00:00Z","expires_at":"2199-01-01T00:00:00Z","mode":"shared",
    "co_holders":[{"lock_id":"0b","owner":"bob","hold":"lease","acquired_ts":"2026-02-01T10:00:00Z",
    "expires_at":"2199-01-01T00:00:00Z","color":"blue"}],"color":"red"}"#;

#[test]
fn unknown_fields_of_a_holder_stay_with_it() {
    let it = sandbox();
    it.write_record("x", WITH_MORE);
    share(&it, "carl");
    let record = it.record("x");
    assert_eq!(
        (&record["color"], &record["co_holders"][0]["color"]),
        (&json!("red"), &json!("blue"))
    );
    share(&it, "bob");
    unlock(&it, "ada", &[]).ok();
    let record = it.record("x");
    assert_eq!((&record["owner"], &record["color"]), (&json!("bob"), &json!("blue")));
    assert_eq!(record["co_holders"][0].get("color"), None, "{record}");
    assert!(record.as_object().unwrap().keys().next().is_some_and(|key| key == "version"));
}

#[test]
fn an_unknown_mode_is_compatible_with_none_and_is_kept() {
    let it = sandbox();
    it.write_record("x", WITH_MORE.replace("shared", "quorum"));
    lock(&it, "carl", &["--shared"]).fails_with(2, "held by ada");
    it.lokt(["guard", "x", "--", "true"]).owner("carl").run().fails_with(2, "held by ada");
    lock(&it, "ada", &["--ttl", "1h"]).ok();
    assert_eq!(it.record("x")["mode"], "quorum", "a renewal keeps it");
    for (wrong, field) in [("slots", "slots"), ("7", "mode")] {
        let text = if wrong == "7" { "\"mode\":7" } else { "\"mode\":\"slots\"" };
        it.write_record("x", WITH_MORE.replace("\"mode\":\"shared\"", text));
        it.lokt(["status", "x"]).run().fails_with(1, &format!("corrupted: field \"{field}\""));
        lock(&it, "carl", &["--shared"]).fails_with(2, "another program may still be writing it");
    }
}
