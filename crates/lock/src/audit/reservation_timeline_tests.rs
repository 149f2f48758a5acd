use super::*;
use crate::audit::{ResolvedTimeRange, Timeline, TimelineEndState};
use serde_json::json;

/// A second of the day on which everything happens.
fn at(second: i64) -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000 + second * 1_000_000).unwrap()
}

/// An event, written as `SECOND KIND OWNER PATTERN PATTERN`, of the reservation that its owner's name names.
fn event(line: &str, extra: &Value) -> AuditLogLine {
    let words: Vec<&str> = line.split(' ').collect();
    let mut all = json!({"reservation": words[2], "patterns": words[3..]});
    all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let fields = json!({"ts": at(words[0].parse().unwrap()).to_string(), "event": words[1], "name": null,
        "owner": words[2], "pid": 7, "ttl_sec": 60, "extra": all});
    AuditLogLine::Event(fields.as_object().unwrap().clone())
}

fn plain(lines: &[&str]) -> Vec<AuditLogLine> {
    lines.iter().map(|line| event(line, &json!({}))).collect()
}

/// The spans at a second, written as `PATTERN KIND OWNER FROM-UNTIL END`, with `~` before a beginning that is not
/// known.
fn spans(events: Vec<AuditLogLine>, until: i64, present: Vec<Reservation>) -> Vec<String> {
    let window = ResolvedTimeRange { since: None, until: at(until), now: at(until) };
    let present = TimelineEndState { reservations: present, ..TimelineEndState::default() };
    let timeline = Timeline::of(events, &present, window);
    let seconds = |time: Timestamp| (time.as_microseconds() - at(0).as_microseconds()) / 1_000_000;
    let told = |lane: &TimelineLane, span: &TimelineSpan| {
        assert_eq!(lane.subject, TimelineSubject::Paths, "no lock of this name was used");
        let earlier = if span.beginning == TimelineSpanStartCertainty::Earlier { "~" } else { "" };
        let (from, until) = (seconds(span.from), seconds(span.until));
        let (kind, owner, end) = (span.kind.as_str(), &span.who.owner, span.end.as_str());
        format!("{} {kind} {owner} {earlier}{from}-{until} {end}", lane.name)
    };
    let lanes = timeline.lanes.iter();
    lanes.flat_map(|lane| lane.spans.iter().map(|it| told(lane, it))).collect()
}

fn ended(lines: &[&str]) -> Vec<String> {
    spans(plain(lines), 50, Vec::new())
}

#[test]
fn each_pattern_has_a_span_from_its_reservation_to_its_end() {
    let told = ended(&["1 reserve ada docs src", "5 unreserve ada src", "9 expire ada docs"]);
    assert_eq!(told, ["docs reservation ada 1-9 expired", "src reservation ada 1-5 released"]);
}

#[test]
fn an_extension_goes_on_and_a_new_pattern_begins_with_it() {
    let more = event("4 reserve ada docs src", &json!({"extended": true}));
    let events = [plain(&["1 reserve ada src"]), vec![more], plain(&["9 unreserve ada docs src"])];
    let told = spans(events.concat(), 50, Vec::new());
    assert_eq!(told, ["docs reservation ada 4-9 released", "src reservation ada 1-9 released"]);
    let larger = event("4 reserve ada .", &json!({"extended": true}));
    let events = [plain(&["1 reserve ada src"]), vec![larger], plain(&["9 unreserve ada ."])];
    let told = spans(events.concat(), 50, Vec::new());
    assert_eq!(told, [". reservation ada 4-9 released", "src reservation ada 1-4 released"]);
}

#[test]
fn what_began_before_the_log_is_said_to_have_begun_earlier() {
    let told = ended(&["3 reserve-deny bob src", "5 unreserve ada src"]);
    assert_eq!(told, ["src refusal bob 3-3 refused", "src reservation ada ~3-5 released"]);
}

#[test]
fn a_reservation_after_a_wait_shows_the_wait() {
    let waited = event("9 reserve bob src", &json!({"waited_ms": 4000}));
    let told = spans(vec![waited], 50, Vec::new());
    assert!(told.contains(&"src wait bob 5-9 entered".to_owned()), "{told:?}");
    assert!(told.iter().any(|it| it.starts_with("src reservation bob 9-")), "{told:?}");
}

#[test]
fn a_refusal_after_a_wait_is_a_wait() {
    let waited = event("9 reserve-deny bob src", &json!({"waited_ms": 4000}));
    assert_eq!(spans(vec![waited], 50, Vec::new()), ["src wait bob 5-9 refused"]);
}

#[test]
fn force_names_the_owner_whose_reservation_it_was() {
    let forced = event("5 unreserve bob src", &json!({"forced": true, "holder_owner": "ada"}));
    let told = spans(vec![forced], 50, Vec::new());
    assert_eq!(told, ["src reservation ada ~5-5 broken"]);
    let gone = event("5 expire bob src", &json!({"holder_owner": "ada", "why": "process gone"}));
    assert_eq!(spans(vec![gone], 50, Vec::new()), ["src reservation ada ~5-5 stale"]);
}

#[test]
fn what_stands_is_open_and_what_is_over_ended_with_its_lifetime() {
    let record = json!({"version": 1, "id": "ada", "owner": "ada", "acquired_ts": at(1).to_string(),
        "scope": "repository", "mode": "exclusive", "patterns": ["src"], "origin": "command"});
    let id = crate::reservation::ReservationId::new("ada").unwrap();
    let record = Reservation::parse(record.to_string().as_bytes(), &id).unwrap();
    let events = plain(&["1 reserve ada src"]);
    assert_eq!(spans(events.clone(), 50, vec![record.clone()]), ["src reservation ada 1-50 open"]);
    assert_eq!(spans(Vec::new(), 50, vec![record]), ["src reservation ada 1-50 open"], "unlogged");
    assert_eq!(spans(events.clone(), 90, Vec::new()), ["src reservation ada 1-61 expired"]);
    assert_eq!(spans(events, 50, Vec::new()), ["src reservation ada 1-50 unknown"]);
}
