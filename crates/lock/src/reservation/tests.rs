//! The record: reading, writing, what others wrote.

use super::*;
use crate::rules::{
    Liveness,
    StalenessCause::{Expired, HolderGone},
};
use proptest::prelude::*;

fn id() -> ReservationId {
    ReservationId::new("0f3a").unwrap()
}

fn parse(json: &str) -> Result<Reservation, ReservationParseError> {
    Reservation::parse(json.as_bytes(), &id())
}

const LEAST: &str = r#""owner":"ada","acquired_ts":"2026-02-01T10:00:00Z","patterns":["src"]"#;

fn with(fields: &str) -> Reservation {
    parse(&format!("{{{LEAST}{fields}}}")).unwrap()
}

#[test]
fn a_record_has_the_fields_of_the_format_in_order_and_keeps_unknown_ones() {
    let all = r#","agent_id":"a","host":"box","pid":7,"hold":"lease","ttl_sec":60,
        "expires_at":"2026-02-01T10:01:00Z","scope":"tree","tree":"0f/.","mode":"shared","reason":"why","origin":"edit",
        "pid_start_ns":5,"boot_id":"b","pid_ns":9,"held_since":"2026-02-01T09:00:00Z",
        "later":{"b":1e400,"a":[1,2]},"x\u0041":"\u00e9""#;
    let record = with(all);
    let text = String::from_utf8(record.encode()).unwrap();
    let lines = text.lines().filter_map(|line| line.trim().split_once("\": "));
    let keys: Vec<&str> = lines.map(|(key, _)| key.trim_start_matches('"')).collect();
    let expected = "version id owner agent_id host pid hold acquired_ts ttl_sec expires_at scope tree mode patterns \
        reason origin pid_start_ns boot_id pid_ns held_since later x\\u0041";
    assert_eq!(keys.join(" "), expected);
    assert!(text.contains(r#"{"b":1e400,"a":[1,2]}"#) && text.contains(r#""\u00e9""#), "{text}");
    let again = Reservation::parse(text.as_bytes(), &id()).unwrap();
    assert_eq!(again, Reservation { version: 1, ..record });
}

#[test]
fn zeros_count_as_absent_as_in_the_lock_record() {
    let zeros =
        r#","ttl_sec":0,"expires_at":"0001-01-01T00:00:00Z","pid":0,"agent_id":"","reason":null"#;
    let record = with(zeros);
    assert_eq!((record.expiry(), record.pid), (None, None));
    assert_eq!((record.agent_id, record.reason), (None, None));
}

#[test]
fn a_newer_version_is_refused_whatever_else_it_holds() {
    let newer = parse(r#"{"version":99,"patterns":{"all":true}}"#);
    assert_eq!(newer, Err(UnsupportedReservationVersion { found: 99 }.into()));
    let text = newer.unwrap_err().to_string();
    assert_eq!(text, "reservation version 99 not supported (max: 1); upgrade lokt");
}

#[test]
fn what_is_no_record_is_a_typed_flaw() {
    for broken in [
        "",
        "garbage",
        "[]",
        "null",
        "{}",
        r#"{"version":"1"}"#,
        r#"{"owner":"a","acquired_ts":"2026-02-01T10:00:00Z"}"#,
        r#"{"owner":"a","acquired_ts":"2026-02-01T10:00:00Z","patterns":[]}"#,
        r#"{"owner":"a","acquired_ts":"2026-02-01T10:00:00Z","patterns":["a["]}"#,
        r#"{"owner":"a","acquired_ts":"2026-02-01T10:00:00Z","patterns":["../a"]}"#,
        r#"{"owner":"a","acquired_ts":"2026-02-01T10:00:00Z","patterns":[7]}"#,
        r#"{"owner":"a","acquired_ts":"yesterday","patterns":["a"]}"#,
        r#"{"owner":"a","acquired_ts":"2026-02-01T10:00:00Z","patterns":["a"],"scope":"tree"}"#,
        r#"{"owner":"a","acquired_ts":"2026-02-01T10:00:00Z","patterns":["a"],"expires_at":7}"#,
    ] {
        assert!(matches!(parse(broken), Err(ReservationParseError::Flaw(_))), "{broken}");
    }
    let deep = format!("{{{LEAST},\"x\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(parse(&deep).is_err(), "a deep value must not overflow the stack");
}

#[test]
fn a_word_of_a_later_version_counts_as_the_one_that_excludes_most() {
    let later =
        with(r#","scope":"cluster","tree":"t","mode":"append","origin":"robot","hold":"quorum""#);
    let shared = with(r#","mode":"shared","scope":"tree","tree":"0f/.""#);
    assert!(!conflicts(shared.terms(), later.terms()).is_empty());
    let text = String::from_utf8(later.encode()).unwrap();
    for kept in
        [r#""scope": "cluster""#, r#""tree": "t""#, r#""mode": "append""#, r#""origin": "robot""#]
    {
        assert!(text.contains(kept), "{kept} in {text}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_kept() {
    let record = Reservation { patterns: vec![Pattern::parse(b"a/\xff*").unwrap()], ..with("") };
    let again = Reservation::parse(&record.encode(), &id()).unwrap();
    assert_eq!(again.patterns, record.patterns);
}

#[test]
fn the_end_of_a_reservation_is_its_expiry_or_a_provable_death() {
    let now: Timestamp = "2026-02-01T10:30:00Z".parse().unwrap();
    let (past, future) =
        (r#","expires_at":"2026-02-01T10:10:00Z""#, r#","expires_at":"2026-02-01T11:00:00Z""#);
    let process = r#","hold":"process","pid":7"#;
    for (fields, liveness, expected) in [
        (past.to_owned(), Liveness::Alive, Some(Expired)),
        (future.to_owned(), Liveness::Dead, None),
        (String::new(), Liveness::Dead, None),
        (r#","ttl_sec":60"#.to_owned(), Liveness::Alive, Some(Expired)),
        (format!("{process}{future}"), Liveness::Dead, Some(HolderGone)),
        (format!("{process}{future}"), Liveness::Unknown, None),
        (format!("{process}{past}"), Liveness::Alive, Some(Expired)),
    ] {
        assert_eq!(
            judge(&with(&fields), with(&fields).is_expired(now), |_| liveness),
            expected,
            "{fields} {liveness:?}"
        );
    }
}

#[test]
fn prolonging_never_shortens() {
    let now: Timestamp = "2026-02-01T10:30:00Z".parse().unwrap();
    let mut record = with(r#","expires_at":"2026-02-01T11:00:00Z","ttl_sec":3600"#);
    let before = record.clone();
    record.prolong(Duration::from_mins(10), now);
    assert_eq!(record, before);
    record.prolong(Duration::from_hours(1), now);
    assert_eq!(record.expiry(), Some("2026-02-01T11:30:00Z".parse().unwrap()));
    assert_eq!((record.since(), record.acquired), (before.acquired, now));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Reservation::parse(&bytes, &id());
    }

    #[test]
    fn what_is_written_is_read_back(reason in any::<String>(), owner in any::<String>(), key in "[a-z]{10,12}", value in any::<String>()) {
        let unknown = format!(",{}:{}", serde_json::to_string(&key).unwrap(), serde_json::to_string(&value).unwrap());
        let record = Reservation { reason: Some(reason), owner: Owner::from_record(&owner), version: 1, ..with(&unknown) };
        prop_assert_eq!(Reservation::parse(&record.encode(), &id()), Ok(record));
    }
}
