//! Readers of the first releases, which only know `acquired_ts` and `ttl_sec`: a held lock must never look
//! expired to them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_lock::words::Timestamp;
use lokt_testkit::{HOLD, Running, Sandbox, time};
use serde_json::Value;
use std::time::Duration;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn holder(it: &Sandbox, owner: &str, words: &[&str]) -> Running {
    let words = [&["guard"], words, &["--"], &HOLD[..]].concat();
    it.lokt(words).owner(owner).start().is_in()
}

/// When a record expires for a reader of the first releases; `None` is never.
fn end_for_old_readers(record: &Value) -> Option<Timestamp> {
    let ttl = record["ttl_sec"].as_u64().filter(|ttl| *ttl > 0)?;
    Some(time(&record["acquired_ts"]).saturating_add(Duration::from_secs(ttl)))
}

/// Asserts that such a reader sees no earlier expiry than one that knows `expires_at`, for any holder.
fn assert_covered(record: &Value) {
    let Some(seen) = end_for_old_readers(record) else { return };
    let beside = record["co_holders"].as_array().into_iter().flatten();
    for holder in std::iter::once(record).chain(beside) {
        let end = &holder["expires_at"];
        assert!(
            !end.is_null() && seen >= time(end),
            "over to an old reader before its end: {record}"
        );
    }
}

#[test]
fn a_renewal_extends_the_lifetime_for_old_readers_and_keeps_the_time_of_entry() {
    for ttl in ["60ms", "300ms", "1500ms"] {
        let it = sandbox();
        let mut log = it.lokt(["audit", "--tail", "--event", "renew", "--name", "x"]).start();
        let guard = holder(&it, "ada", &["x", "--ttl", ttl]);
        let first = it.record("x");
        for _ in 0..5 {
            log.prints("renew");
            let now = it.record("x");
            assert_covered(&now);
            assert_eq!(now["held_since"], first["held_since"], "the time of entry stays");
        }
        let last = it.record("x");
        assert!(time(&last["acquired_ts"]) > time(&first["held_since"]), "{last}");
        guard.release().ok();
        log.kill();
    }
}

#[test]
fn a_lease_renewed_by_lock_or_by_a_guard_under_it_does_so_too() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).run().ok();
    let taken = it.record("x");
    let renewed = it.lokt(["lock", "x", "--ttl", "6s", "--json"]).run().ok().json();
    assert_eq!(renewed, merged(&renewed, &it.record("x")), "the output equals the record");
    let mut log = it.lokt(["audit", "--tail", "--event", "renew", "--name", "x"]).start();
    let guard = holder(&it, "tester", &["x"]);
    log.prints("renew");
    log.prints("renew");
    let under = it.record("x");
    guard.release().ok();
    log.kill();
    for record in [&renewed, &under] {
        assert_covered(record);
        assert!(time(&record["acquired_ts"]) > time(&taken["acquired_ts"]));
        assert_eq!(record["held_since"], taken["held_since"]);
    }
}

/// The first with all the fields of the second.
fn merged(one: &Value, other: &Value) -> Value {
    let mut all = one.clone();
    let fields = other.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(fields);
    all
}

#[test]
fn a_lease_of_an_earlier_version_is_as_old_as_it_was() {
    let it = sandbox();
    let since = "2026-02-01T10:00:00Z";
    it.write_record(
        "x",
        format!(
            r#"{{"version":1,"name":"x","owner":"tester","acquired_ts":"{since}",
            "expires_at":"2199-01-01T00:00:00Z","hold":"lease","note":1.0}}"#
        ),
    );
    let before = it.lokt(["status", "x", "--json"]).run().ok().json();
    it.lokt(["lock", "x", "--ttl", "5m"]).run().ok();
    let record = it.record("x");
    assert_eq!(
        (record["held_since"].as_str(), &record["note"].to_string()),
        (Some(since), &"1.0".to_owned())
    );
    assert_covered(&record);
    let after = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert!(after["age_sec"].as_u64() >= before["age_sec"].as_u64(), "no renewal makes it younger");
}

#[test]
fn every_age_is_counted_from_the_time_of_entry() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "5m"]).owner("ada").run().ok();
    let mut record = it.record("x");
    record["held_since"] = "2026-02-01T10:00:00Z".into();
    it.write_record("x", record.to_string());
    let day = 86_400;
    let status = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert!(status["age_sec"].as_u64().unwrap() > day, "{status}");
    let refused = it.lokt(["lock", "x", "--json"]).run().expect(2);
    assert!(refused.json()["holder_age_sec"].as_u64().unwrap() > day, "{refused:#?}");
    assert_eq!(refused.json()["holder_held_since"], record["held_since"]);
    let ages = [
        refused.err.clone(),
        it.lokt(["status"]).run().ok().out,
        it.lokt(["status", "x"]).run().ok().out,
        it.lokt(["why", "x"]).run().expect(2).out,
        it.lokt(["prime"]).run().ok().out,
    ];
    for told in ages {
        let has_days = told
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| word.strip_suffix('d').is_some_and(|days| days.parse::<u32>().is_ok()));
        assert!(has_days, "an age in days: {told}");
    }
}

#[test]
fn the_first_of_several_holders_covers_the_end_of_all() {
    let it = sandbox();
    let mut log = it.lokt(["audit", "--tail", "--event", "renew", "--name", "x"]).start();
    let short = holder(&it, "short", &["x", "--shared", "--ttl", "200ms"]);
    it.lokt(["lock", "x", "--shared", "--ttl", "1h"]).owner("long").run().ok();
    let record = it.record("x");
    assert_covered(&record);
    assert_eq!(
        record["owner"], "long",
        "a reader that knows one holder waits as long as any holder holds"
    );
    log.prints("short");
    log.prints("short");
    assert_covered(&it.record("x"));
    let shown = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!(shown["owner"], "short", "who came first is shown first");
    let endless = holder(&it, "endless", &["x", "--shared"]);
    assert_eq!(end_for_old_readers(&it.record("x")), None, "one of them has no end");
    endless.release().ok();
    short.release().ok();
    assert_covered(&it.record("x"));
    it.lokt(["unlock", "x"]).owner("long").run().ok();
    assert!(!it.record_path("x").exists());
    log.kill();
}

#[test]
fn a_held_name_is_renewed_during_a_wait_for_another() {
    let it = sandbox();
    let mut log = it.lokt(["audit", "--tail", "--event", "renew", "--name", "a"]).start();
    let in_b = holder(&it, "ada", &["b"]);
    let words = ["guard", "a", "b", "--ttl", "200ms", "--wait", "--", HOLD[0], HOLD[1], HOLD[2]];
    let waiter = it.lokt(words).owner("bob").start().is_waiting();
    let before = it.record("a");
    log.prints("bob");
    log.prints("bob");
    log.prints("bob");
    let record = it.record("a");
    assert!(time(&record["acquired_ts"]) > time(&before["acquired_ts"]), "{record}");
    assert_covered(&record);
    in_b.release().ok();
    waiter.is_in().release().ok();
    log.kill();
}
