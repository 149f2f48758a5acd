//! The audit log: every line is returned, and a search for a time finds what a full read finds.

use lokt_lock::{
    audit::{AuditLogLine, LogReader},
    words::Timestamp,
};
use serde_json::{Map, Value};
use std::{
    io::{BufRead, Write},
    time::Duration,
};
use tempfile::NamedTempFile;

/// How far lines may be out of order, in bytes, so that a search still finds them.
const SLACK: u64 = 64 * 1024;

/// Checks that a log with these bytes is read correctly, from the start and from other positions.
pub fn check(bytes: &[u8]) {
    let log = Log::of(bytes);
    let lines = whole_lines(bytes);
    assert_eq!(log.events.len(), lines.len(), "every line that is whole is told, once");
    for (event, line) in log.events.iter().zip(&lines) {
        assert_matches_line(event, line);
    }
    for part in [0, bytes.len() / 2, bytes.len().saturating_sub(1)] {
        check_growing_log(&log.events, bytes, part);
    }
    log.check_ends(bytes);
    log.check_times();
}

/// Checks only that a search in a log with these bytes finds what a full read finds.
pub fn check_search(bytes: &[u8]) {
    Log::of(bytes).check_times();
}

/// A log as a file, and all events that a full read returns.
struct Log {
    file: NamedTempFile,
    events: Vec<AuditLogLine>,
    /// The start of each event's line.
    starts: Vec<u64>,
}

impl Log {
    fn of(bytes: &[u8]) -> Self {
        let mut file = NamedTempFile::new().expect("a file can be made");
        file.write_all(bytes).expect("a file can be written");
        let events = rest_of(&mut open(&file));
        Self { file, events, starts: starts_of(&whole_lines(bytes)) }
    }

    /// A reader that goes back from the end by any number of bytes starts at the first line after that
    /// position.
    fn check_ends(&self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).expect("a length fits");
        for back in [0, 1, length / 3, length, u64::MAX] {
            let mut reader = open(&self.file);
            reader.seek_near_end(back).expect("the log can be read");
            let from = length.saturating_sub(back);
            let at = self.starts.partition_point(|start| *start < from);
            let expected = self.events.get(at..).unwrap_or_default();
            assert_eq!(rest_of(&mut reader), expected, "the last {back} bytes of {length}");
        }
    }

    /// A search ends, and finds the end of the log. If the events are in order, it finds every event since
    /// the time.
    fn check_times(&self) {
        let times: Vec<Timestamp> = self.events.iter().filter_map(AuditLogLine::time).collect();
        let is_ordered = self.disorder() <= SLACK;
        for since in points(&times) {
            let mut reader = open(&self.file);
            reader.seek_to(since).expect("the log can be read");
            let found = rest_of(&mut reader);
            assert!(self.events.ends_with(&found), "what is found is the end of the log");
            assert!(
                !is_ordered || wanted(&found, since) == wanted(&self.events, since),
                "a search for {since} finds what reading everything finds"
            );
        }
    }

    /// The largest distance in bytes between two events in the wrong order.
    fn disorder(&self) -> u64 {
        let mut latest: Vec<(Timestamp, u64)> = Vec::new();
        let mut most = 0;
        for (event, start) in self.events.iter().zip(&self.starts) {
            let Some(time) = event.time() else { continue };
            let earlier = latest.partition_point(|(latest, _)| *latest <= time);
            match latest.get(earlier) {
                Some((_, begin)) => most = most.max(start - begin),
                None => latest.push((time, *start)),
            }
        }
        most
    }
}

fn open(file: &NamedTempFile) -> LogReader {
    let reader = LogReader::open(file.path()).expect("the log can be opened");
    reader.expect("the log is there")
}

fn rest_of(reader: &mut LogReader) -> Vec<AuditLogLine> {
    let rest = reader.by_ref().map(|event| event.expect("the log can be read")).collect();
    assert!(!reader.was_truncated().expect("the log is there"), "the log was not cut");
    rest
}

/// The complete lines.
fn whole_lines(mut rest: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    // Byte by byte, instrumented for fuzzing, this would take most of the time.
    while rest.read_until(b'\n', &mut line).expect("memory can be read") > 0 {
        lines.push(std::mem::take(&mut line));
    }
    lines.pop_if(|last| !last.ends_with(b"\n"));
    lines
}

/// The start of each of these lines.
fn starts_of(lines: &[Vec<u8>]) -> Vec<u64> {
    let mut next = 0;
    let start = |line: &Vec<u8>| {
        let start = next;
        next += u64::try_from(line.len()).expect("a length fits");
        start
    };
    lines.iter().map(start).collect()
}

/// An event is an object that is the line, or that follows a torn event in the line. Any other line is
/// returned unchanged.
fn assert_matches_line(event: &AuditLogLine, line: &[u8]) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    let behind = text.rfind(r#"{"ts":""#).and_then(|start| object(text.get(start..)?));
    match object(text).or(behind) {
        Some(fields) => assert_eq!(*event, AuditLogLine::Event(fields), "an event has its fields"),
        None => assert_eq!(*event, AuditLogLine::Broken(text.to_owned()), "a broken line is told"),
    }
    assert!(event.kind().is_none() || event.text("event").is_some(), "a kind stands in the event");
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

/// A log that grows during a read is read as one that was complete before, for any cut.
fn check_growing_log(events: &[AuditLogLine], bytes: &[u8], part: usize) {
    let (begin, rest) = bytes.split_at(part);
    let mut file = NamedTempFile::new().expect("a file can be made");
    file.write_all(begin).expect("a file can be written");
    let mut reader = open(&file);
    let mut told = rest_of(&mut reader);
    file.write_all(rest).expect("a file can be written");
    told.extend(rest_of(&mut reader));
    assert_eq!(told, events, "a log that grew after {part} bytes is told as one that did not");
}

/// Times to search for: some from the log, those just after them, and the last possible one.
fn points(times: &[Timestamp]) -> Vec<Timestamp> {
    let thirds = (0..3).filter_map(|third| times.get(third * times.len() / 3));
    let some: Vec<Timestamp> = thirds.chain(times.last()).copied().collect();
    let later = |by| move |time: &Timestamp| time.saturating_add(by);
    let behind = some.iter().skip(1).map(later(Duration::from_micros(1)));
    let end = some.iter().take(1).map(later(Duration::MAX));
    let mut points: Vec<Timestamp> = behind.chain(end).chain(some.iter().copied()).collect();
    points.sort_unstable();
    points.dedup();
    points
}

fn wanted(events: &[AuditLogLine], since: Timestamp) -> Vec<&AuditLogLine> {
    events.iter().filter(|event| event.time().is_some_and(|time| time >= since)).collect()
}
