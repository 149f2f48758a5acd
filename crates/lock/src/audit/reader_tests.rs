use super::*;
use std::{fmt::Write as _, fs, time::Duration};

fn start() -> Timestamp {
    "2026-02-01T10:00:00Z".parse().unwrap()
}

/// A log with one event a second, each with its number as `pid`.
fn log_of(events: u64) -> (tempfile::TempDir, PathBuf) {
    let mut text = String::new();
    for n in 0..events {
        let time = start().saturating_add(Duration::from_secs(n));
        writeln!(text, r#"{{"ts":"{time}","event":"acquire","name":"x","pid":{n}}}"#).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn number(event: &AuditLogLine) -> u64 {
    match event {
        AuditLogLine::Event(fields) => fields["pid"].as_u64().unwrap(),
        AuditLogLine::Broken(line) => panic!("not an event: {line}"),
    }
}

#[test]
fn a_point_in_time_is_found_without_reading_the_log() {
    let (_folder, path) = log_of(20_000);
    let mut reader = LogReader::open(&path).unwrap().unwrap();
    for wanted in [0, 1, 12_345, 19_999] {
        let since = start().saturating_add(Duration::from_secs(wanted));
        reader.seek_to(since).unwrap();
        let rest: Vec<u64> = reader.by_ref().map(|event| number(&event.unwrap())).collect();
        let from = rest.iter().position(|n| *n == wanted).expect("the event itself is among them");
        assert!(from < 4000, "at most the slack is read before the point, not {from} events");
        assert_eq!(rest.last(), Some(&19_999), "everything behind the point follows");
    }
}

#[test]
fn a_time_behind_the_end_finds_the_last_events_and_then_what_is_appended() {
    let (_folder, path) = log_of(10);
    let mut reader = LogReader::open(&path).unwrap().unwrap();
    reader.seek_to(start().saturating_add(Duration::from_secs(99))).unwrap();
    while reader.next_event().unwrap().is_some() {}
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, b"{\"ts\":\"2026-02-01T11:00:00Z\"").unwrap();
    assert_eq!(reader.next_event().unwrap(), None, "half a line is no event yet");
    std::io::Write::write_all(&mut file, b",\"pid\":77}\n").unwrap();
    assert_eq!(number(&reader.next_event().unwrap().unwrap()), 77);
}

#[test]
fn a_torn_event_does_not_hide_the_next() {
    let line = br#"{"ts":"2026-02-01T10:00:00Z","eve{"ts":"2026-02-01T10:00:01Z","pid":5}"#;
    assert_eq!(number(&parse(line)), 5);
    assert_eq!(parse(b"garbage"), AuditLogLine::Broken("garbage".into()));
}

#[test]
fn a_log_that_was_cut_is_noticed() {
    let (_folder, path) = log_of(10);
    let mut reader = LogReader::open(&path).unwrap().unwrap();
    while reader.next_event().unwrap().is_some() {}
    assert!(!reader.was_truncated().unwrap());
    fs::write(&path, "").unwrap();
    assert!(reader.was_truncated().unwrap());
}

#[test]
fn a_search_in_a_log_that_is_cut_meanwhile_ends() {
    let (_folder, path) = log_of(10);
    let mut reader = LogReader::open(&path).unwrap().unwrap();
    let length = reader.length().unwrap();
    fs::write(&path, "another log\n").unwrap();
    assert_eq!(reader.time_after(0, length).unwrap(), None, "behind the end there is no event");
}

#[test]
fn no_log_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(LogReader::open(&folder.path().join("none")).unwrap().is_none());
}
