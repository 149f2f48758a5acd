use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{sync::mpsc, thread};

pub(super) fn name() -> LockName {
    LockName::new("test-result").unwrap()
}

pub(super) fn parse(value: &Value) -> Result<LockRecord, RecordParseError> {
    LockRecord::parse(value.to_string().as_bytes(), &name())
}

pub(super) fn minimal() -> Value {
    json!({"owner": "agent-1", "acquired_ts": "2026-02-01T10:00:00Z"})
}

fn with(field: &str, value: Value) -> Value {
    let mut record = minimal();
    record.as_object_mut().unwrap().insert(field.to_owned(), value);
    record
}

#[test]
fn every_version_ever_written_is_read() {
    for (sample, version) in [
        (include_str!("../../tests/records/version-0.json"), 0),
        (include_str!("../../tests/records/version-1.json"), 1),
        (include_str!("../../tests/records/version-1-guard.json"), 1),
        (include_str!("../../tests/records/version-1-renewed.json"), 1),
        (include_str!("../../tests/records/version-1-slots.json"), 1),
    ] {
        let record = LockRecord::parse(sample.as_bytes(), &name()).unwrap();
        assert_eq!(record.version, version);
        assert_eq!(record.owner.as_str(), "agent-1", "who came first is first");
    }
}

#[test]
fn a_version_1_record_is_written_as_it_was_read() {
    for sample in [
        include_str!("../../tests/records/version-1-guard.json"),
        include_str!("../../tests/records/version-1-renewed.json"),
        include_str!("../../tests/records/version-1-slots.json"),
    ] {
        let record = LockRecord::parse(sample.as_bytes(), &name()).unwrap();
        assert_eq!(String::from_utf8(record.encode()).unwrap(), sample);
    }
}

/// When a reader of the first release, which knows `acquired_ts` and `ttl_sec` alone, and one that knows `expires_at`
/// see a file's first holder end; `None` is never.
fn ends_for_readers(file: &[u8]) -> [Option<Timestamp>; 2] {
    let fields: Value = serde_json::from_slice(file).unwrap();
    let time = |field: &str| fields[field].as_str().map(|text| text.parse::<Timestamp>().unwrap());
    let lifetime = fields["ttl_sec"].as_u64().map(Duration::from_secs);
    let old = lifetime.map(|ttl| time("acquired_ts").unwrap().saturating_add(ttl));
    [old, time("expires_at").or(old)]
}

#[test]
fn a_renewal_moves_the_end_for_every_reader_and_keeps_the_time_of_entry() {
    let mut record = parse(&minimal()).unwrap();
    let (entered, mut now) = (record.acquired, record.acquired);
    for milliseconds in [1, 10, 500, 999, 1000, 1001, 1500, 300_000] {
        let ttl = Duration::from_millis(milliseconds);
        now = now.saturating_add(Duration::from_millis(7));
        record.renew(Some(ttl), now);
        for end in ends_for_readers(&record.encode()) {
            assert!(end >= Some(now.saturating_add(ttl)), "{ttl:?}: no reader sees an earlier end");
        }
        record = LockRecord::parse(&record.encode(), &name()).unwrap();
        assert_eq!((record.since(), record.acquired), (entered, now));
    }
}

#[test]
fn the_first_of_several_in_the_file_covers_the_end_of_all() {
    let holder = |owner: &str, second: u32, ttl: Option<u64>| {
        let mut holder = json!({"lock_id": owner, "owner": owner, "hold": "lease", "fence": second,
            "acquired_ts": format!("2026-02-01T10:00:0{second}Z")});
        if let Some(ttl) = ttl {
            holder["ttl_sec"] = json!(ttl);
        }
        holder
    };
    let lifetimes = [Some(5), Some(600), Some(10), None];
    let choices = || lifetimes.into_iter();
    for (a, b, c) in
        choices().flat_map(|a| choices().flat_map(move |b| choices().map(move |c| (a, b, c))))
    {
        let mut record = holder("a", 1, a);
        record["mode"] = json!("shared");
        record["co_holders"] = json!([holder("b", 2, b), holder("c", 3, c)]);
        let record = parse(&record).unwrap();
        let file = record.encode();
        let end = |it: &LockRecord| it.expiry().map_or((true, None), |end| (false, Some(end)));
        let last = record.holders().map(end).max().unwrap();
        for seen in ends_for_readers(&file) {
            assert_eq!((seen.is_none(), seen), last, "{a:?} {b:?} {c:?}");
        }
        let again = LockRecord::parse(&file, &name()).unwrap();
        let owners: Vec<&str> = again.holders().map(|it| it.owner.as_str()).collect();
        assert_eq!(owners, ["a", "b", "c"], "the order of arrival stays");
    }
}

#[test]
fn a_record_of_an_earlier_version_is_as_old_as_it_says() {
    let record = parse(&minimal()).unwrap();
    assert_eq!((record.held_since, record.since()), (None, record.acquired));
    assert!(!String::from_utf8(record.encode()).unwrap().contains("held_since"));
}

#[test]
fn writing_puts_the_version_first_and_raises_version_0() {
    let record = parse(&minimal()).unwrap();
    assert_eq!(record.version, 0);
    assert!(String::from_utf8(record.encode()).unwrap().starts_with("{\n  \"version\": 1,"));
}

#[test]
fn a_newer_version_is_refused_before_anything_else_is_looked_at() {
    let newer = json!({"version": 99, "owner": {"now": "an object"}});
    let error = parse(&newer).unwrap_err();
    assert_eq!(error.to_string(), "lockfile version 99 not supported (max: 1); upgrade lokt");
}

#[test]
fn a_wrong_type_is_a_flaw() {
    for (field, value) in [
        ("version", json!("abc")),
        ("version", json!(-1)),
        ("version", json!(1.5)),
        ("owner", json!(7)),
        ("pid", json!("12")),
        ("pid", json!(1_u64 << 40)),
        ("acquired_ts", json!("yesterday")),
        ("expires_at", json!(1_700_000_000)),
        ("metadata", json!(["a"])),
        ("command", json!("make")),
    ] {
        let error = parse(&with(field, value.clone())).unwrap_err();
        assert!(
            matches!(error, RecordParseError::Flaw(_)),
            "{field}: {value} is corruption, got {error}"
        );
    }
}

#[test]
fn absent_in_other_writers_ways_is_absent() {
    let zero = json!({"owner": "a", "acquired_ts": "2026-02-01T10:00:00Z", "ttl_sec": 0,
        "expires_at": "0001-01-01T00:00:00Z", "metadata": null, "lock_id": "", "pid": 0});
    let record = parse(&zero).unwrap();
    assert_eq!(
        (record.expiry(), record.metadata, record.lock_id, record.pid),
        (None, None, None, None)
    );
}

#[test]
fn a_file_of_nothing_but_equal_keys_is_read_in_time() {
    let text =
        minimal().to_string().replacen('{', &format!("{{{}", r#""pid":7,"#.repeat(200_000)), 1);
    let (done, read) = mpsc::channel();
    thread::spawn(move || drop(done.send(LockRecord::parse(text.as_bytes(), &name()))));
    let read = read.recv_timeout(Duration::from_secs(30));
    let record = read.expect("reading takes as long as the file, not as its square").unwrap();
    assert_eq!((record.pid, record.unknown.len()), (Some(7), 0), "all of them are one field");
}

#[test]
fn what_every_record_has_must_be_there() {
    for (text, flaw) in [
        ("", LockRecordFlaw::Empty),
        ("[]", LockRecordFlaw::NotAnObject),
        ("{}", LockRecordFlaw::Missing("owner")),
        (r#"{"owner":"a"}"#, LockRecordFlaw::Missing("acquired_ts")),
    ] {
        assert_eq!(
            LockRecord::parse(text.as_bytes(), &name()),
            Err(RecordParseError::Flaw(flaw)),
            "{text:?}"
        );
    }
}

#[test]
fn the_expiry_wins_over_the_lifetime() {
    let both = parse(&with("ttl_sec", json!(600))).unwrap();
    assert_eq!(both.expiry().unwrap().to_string(), "2026-02-01T10:10:00Z");
    let mut explicit = with("ttl_sec", json!(600));
    explicit["expires_at"] = json!("2026-02-01T13:00:00+02:00");
    assert_eq!(parse(&explicit).unwrap().expiry().unwrap().to_string(), "2026-02-01T11:00:00Z");
}

#[test]
fn a_lifetime_below_a_second_is_written_as_one_and_ends_on_time() {
    let mut record = parse(&minimal()).unwrap();
    record.set_lifetime(Some(Duration::from_millis(500)), record.acquired);
    assert_eq!(record.ttl_sec, Some(1));
    assert_eq!(record.expires_at.unwrap().to_string(), "2026-02-01T10:00:00.5Z");
}

#[test]
fn all_holders_are_read_and_written_back_with_what_is_unknown() {
    let mut shared = with("mode", json!("slots"));
    shared["version"] = json!(1);
    shared["slots"] = json!(3);
    shared["lock_id"] = json!("first");
    shared["co_holders"] = json!([
        {"lock_id": "second", "owner": "b", "acquired_ts": "2026-02-01T10:00:01Z", "fence": 7,
         "pid": 12, "command": ["make"], "metadata": {"k": 1.50}, "later": {"x": ["y"]}},
        {"lock_id": "third", "owner": "c", "acquired_ts": "2026-02-01T10:00:02Z"},
    ]);
    let record = parse(&shared).unwrap();
    let owners: Vec<&str> = record.holders().map(|it| it.owner.as_str()).collect();
    assert_eq!(owners.len(), 3);
    assert_eq!(owners[1..], ["b", "c"]);
    assert_eq!(LockRecord::parse(&record.encode(), &name()).unwrap(), record);
    let second = LockId::from_record("second").unwrap();
    let later = &record.holder(&second).unwrap().unknown[0];
    assert_eq!((later.name().as_str(), later.value.as_str()), ("later", r#"{"x":["y"]}"#));
    let first = record.lock_id.clone().unwrap();
    let rest = record.without(&first).unwrap();
    assert_eq!((rest.owner.as_str(), rest.co_holders.len()), ("b", 1), "the next stands for all");
    assert_eq!(LockRecord::parse(&rest.encode(), &name()).unwrap(), rest);
}

#[test]
fn a_mode_of_a_later_version_is_kept_and_shared_with_nobody() {
    let mut later = with("mode", json!("quorum"));
    later["slots"] = json!(5);
    let record = parse(&later).unwrap();
    assert_eq!(record.mode, crate::words::LockMode::Exclusive);
    let again: Value = serde_json::to_value(&record).unwrap();
    assert_eq!((&again["mode"], &again["slots"]), (&json!("quorum"), &json!(5)));
}

#[test]
fn slots_without_a_number_are_no_record() {
    for slots in [json!(0), json!("3"), json!(-1), json!(5_000_000_000_u64), json!(null)] {
        let mut record = with("mode", json!("slots"));
        record["slots"] = slots.clone();
        assert!(parse(&record).is_err(), "{slots}");
    }
    assert!(parse(&with("co_holders", json!({}))).is_err());
    assert!(parse(&with("co_holders", json!(["x"]))).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = LockRecord::parse(&bytes, &name());
    }
}
