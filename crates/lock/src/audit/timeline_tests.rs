use super::*;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A second of the day on which everything happens.
fn at(second: i64) -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000 + second * 1_000_000).unwrap()
}

/// An event, written as `SECOND KIND NAME ID OWNER PID`, with its lifetime and what is in `extra`.
fn event(line: &str, ttl: Option<u64>, extra: &Value) -> AuditLogLine {
    let words: Vec<&str> = line.split(' ').collect();
    let id = if words[3] == "-" { Value::Null } else { words[3].into() };
    let fields = json!({"ts": at(words[0].parse().unwrap()).to_string(), "event": words[1],
        "name": words[2], "lock_id": id, "owner": words[4], "host": "box",
        "pid": words[5].parse::<i64>().unwrap(), "agent_id": "agent-1", "ttl_sec": ttl, "extra": extra});
    AuditLogLine::Event(fields.as_object().unwrap().clone())
}

fn plain(lines: &[&str]) -> Vec<AuditLogLine> {
    lines.iter().map(|line| event(line, None, &json!({}))).collect()
}

fn window(since: Option<i64>, until: i64) -> ResolvedTimeRange {
    ResolvedTimeRange { since: since.map(at), until: at(until), now: at(until) }
}

/// The spans, written as `NAME KIND OWNER FROM-UNTIL END`, with `~` before a beginning that is not known.
fn described(timeline: &Timeline) -> Vec<String> {
    let seconds = |time: Timestamp| (time.as_microseconds() - at(0).as_microseconds()) / 1_000_000;
    let span = |name: &str, span: &TimelineSpan| {
        let earlier = if span.beginning == TimelineSpanStartCertainty::Earlier { "~" } else { "" };
        let by = match &span.end {
            SpanEnd::Broken { by } => format!(" by {by}"),
            _ => String::new(),
        };
        format!(
            "{name} {} {} {earlier}{}-{} {}{by}",
            span.kind.as_str(),
            span.who.owner,
            seconds(span.from),
            seconds(span.until),
            span.end.as_str()
        )
    };
    let lanes = timeline.lanes.iter();
    lanes.flat_map(|lane| lane.spans.iter().map(|it| span(&lane.name, it))).collect()
}

fn timeline(events: Vec<AuditLogLine>) -> Vec<String> {
    described(&Timeline::of(events, &TimelineEndState::default(), window(None, 100)))
}

#[test]
fn a_hold_goes_from_acquire_to_release() {
    let events = plain(&[
        "1 acquire build a ada 7",
        "2 acquire test b bob 8",
        "5 release build a ada 7",
        "9 release test b bob 8",
    ]);
    assert_eq!(timeline(events), ["build hold ada 1-5 released", "test hold bob 2-9 released"]);
}

#[test]
fn whoever_waited_is_seen_to_have_waited() {
    let events = vec![
        event("1 acquire x a ada 7", None, &json!({"command": ["make", "x y"]})),
        event("4 deny x - eve 9", None, &json!({"holder_owner": "ada", "waited_ms": 2000})),
        event("5 deny x - max 9", None, &json!({"holder_owner": "ada"})),
        event("5 deny x - kim 9", None, &json!({"waited_ms": 1000, "interrupted": true})),
        event("6 release x a ada 7", None, &json!({})),
        event("6 acquire x b bob 8", None, &json!({"waited_ms": 3500})),
        event("8 release x b bob 8", None, &json!({})),
    ];
    let all = Timeline::of(events, &TimelineEndState::default(), window(None, 100));
    let expected = [
        "x hold ada 1-6 released",
        "x wait eve 2-4 refused",
        "x wait bob 2-6 entered",
        "x wait kim 4-5 interrupted",
        "x refusal max 5-5 refused",
        "x hold bob 6-8 released",
    ];
    assert_eq!(described(&all), expected);
    assert_eq!(all.lanes[0].spans[0].command, ["make", "x y"]);
}

#[test]
fn every_way_to_end_is_told_apart() {
    let ends =
        |kind: &str| timeline(plain(&["1 acquire x a ada 7", &format!("3 {kind} x a eve 9")]));
    assert_eq!(ends("lost"), ["x hold ada 1-3 lost"]);
    assert_eq!(ends("force-break"), ["x hold ada 1-3 broken by eve"]);
    assert_eq!(ends("stale-break"), ["x hold ada 1-3 stale"]);
    assert_eq!(ends("auto-prune"), ["x hold ada 1-3 expired"]);
    assert_eq!(ends("renew"), ["x hold ada 1-100 unknown"], "nothing tells of an end");
    let corrupt = plain(&["1 acquire x a ada 7", "3 corrupt-break x - eve 9"]);
    assert_eq!(timeline(corrupt), ["x hold ada 1-3 broken by eve"]);
}

#[test]
fn a_lock_that_was_taken_away_ends_once() {
    let events = plain(&[
        "1 acquire x a ada 7",
        "3 force-break x a eve 9",
        "4 lost x a ada 7",
        "4 renew x a ada 7",
    ]);
    assert_eq!(timeline(events), ["x hold ada 1-3 broken by eve"]);
}

#[test]
fn whoever_gets_in_alone_ends_what_the_log_forgot() {
    let events = plain(&["1 acquire x a ada 7", "5 acquire x b bob 8", "6 release x b bob 8"]);
    assert_eq!(timeline(events), ["x hold ada 1-5 unknown", "x hold bob 5-6 released"]);
}

#[test]
fn those_who_share_hold_beside_each_other() {
    let shared = |line: &str| event(line, None, &json!({"mode": "shared"}));
    let mut events = vec![shared("1 acquire x a ada 7"), shared("2 acquire x b bob 8")];
    events.extend(plain(&["5 release x a ada 7", "6 release x b bob 8"]));
    assert_eq!(timeline(events), ["x hold ada 1-5 released", "x hold bob 2-6 released"]);
}

#[test]
fn a_guard_under_a_lease_is_a_span_of_its_own() {
    let under = |line: &str| event(line, None, &json!({"under_lease": true}));
    let events = vec![
        event("1 acquire x a ada 7", Some(50), &json!({})),
        under("2 acquire x a ada 8"),
        under("4 release x a ada 8"),
        event("9 release x a ada 9", Some(50), &json!({})),
    ];
    assert_eq!(timeline(events), ["x hold ada 1-9 released", "x hold ada 2-4 released"]);
}

#[test]
fn a_lease_ends_with_its_lifetime_and_a_guard_does_not() {
    let lease = vec![
        event("1 acquire x a ada 7", Some(10), &json!({})),
        event("5 renew x a ada 7", Some(10), &json!({})),
    ];
    assert_eq!(timeline(lease), ["x hold ada 1-15 expired"]);
    let guard = vec![event("1 acquire x a ada 7", Some(10), &json!({"command": ["make"]}))];
    assert_eq!(timeline(guard), ["x hold ada 1-100 unknown"]);
    let late = vec![
        event("1 acquire x a ada 7", Some(10), &json!({})),
        event("60 auto-prune x a bob 8", Some(10), &json!({"holder_owner": "ada"})),
    ];
    assert_eq!(
        timeline(late),
        ["x hold ada 1-11 expired"],
        "it was over before that was found out"
    );
}

#[test]
fn a_freeze_is_a_span_and_a_new_time_extends_it() {
    let events = vec![
        event("1 freeze x f ops 7", Some(10), &json!({})),
        event("5 freeze x g ops 7", Some(10), &json!({})),
        event("6 freeze-deny x - ada 8", None, &json!({"holder_owner": "ops"})),
        event("7 unfreeze x g ops 7", None, &json!({"holder_owner": "ops"})),
        event("20 freeze y h ops 7", Some(10), &json!({})),
        event("25 force-unfreeze y h eve 7", None, &json!({"holder_owner": "ops"})),
        event("40 freeze z i ops 7", Some(10), &json!({})),
        event("70 auto-prune z i eve 7", None, &json!({"holder_owner": "ops"})),
    ];
    let expected = [
        "x freeze ops 1-7 released",
        "x refusal ada 6-6 refused",
        "y freeze ops 20-25 broken by eve",
        "z freeze ops 40-50 expired",
    ];
    assert_eq!(timeline(events), expected);
}

#[test]
fn what_began_before_the_log_begins_with_it() {
    let events = || {
        vec![
            event("10 release x a ada 7", None, &json!({})),
            event("11 force-break y b eve 9", None, &json!({"holder_owner": "bob"})),
            event("12 renew z c max 9", None, &json!({})),
            event("13 release z c max 9", None, &json!({})),
        ]
    };
    let expected = [
        "x hold ada ~5-10 released",
        "y hold bob ~5-11 broken by eve",
        "z hold max ~5-13 released",
    ];
    let with_since = Timeline::of(events(), &TimelineEndState::default(), window(Some(5), 100));
    assert_eq!(described(&with_since), expected);
    let without = Timeline::of(events(), &TimelineEndState::default(), window(None, 100));
    assert_eq!(without.from, at(10), "else with the first event");
}

#[test]
fn only_what_touches_the_window_is_in_it() {
    let events = plain(&[
        "1 acquire x a ada 7",
        "2 release x a ada 7",
        "3 acquire y b bob 7",
        "9 acquire z c eve 7",
        "10 release y b bob 7",
    ]);
    let all = Timeline::of(
        events,
        &TimelineEndState::default(),
        ResolvedTimeRange { until: at(6), ..window(Some(4), 50) },
    );
    assert_eq!(described(&all), ["y hold bob 3-10 released"]);
    assert_eq!((all.from, all.until), (at(4), at(6)));
}

fn record(name: &str, id: &str, owner: &str, second: i64) -> LockRecord {
    let text = json!({"version": 1, "name": name, "lock_id": id, "owner": owner, "host": "box", "pid": 7,
        "acquired_ts": at(second).to_string()});
    let name = crate::words::LockName::new(name).unwrap();
    LockRecord::parse(text.to_string().as_bytes(), &name).unwrap()
}

fn ticket(name: &str, owner: &str, pid: i32, second: i64) -> TicketContent {
    TicketContent {
        name: name.into(),
        owner: owner.into(),
        owner_given: true,
        agent_id: "agent-2".into(),
        pid,
        command: vec!["make".into()],
        since: at(second).to_string(),
        held: Vec::new(),
    }
}

#[test]
fn what_stands_at_the_end_is_open_whether_it_was_logged_or_not() {
    let ids = ["a", "b"].map(|id| id.repeat(32));
    let present = TimelineEndState {
        holders: vec![record("x", &ids[0], "ada", 20), record("y", &ids[1], "bob", 1)],
        freezes: vec![record("z", &ids[0], "ops", 40)],
        waiters: vec![ticket("x", "eve", 9, 30)],
        inside: vec![ticket("x", "ada", 8, 25), ticket("w", "tim", 4, 1)],
        reservations: Vec::new(),
    };
    let mut events = plain(&[&format!("20 acquire x {} ada 7", ids[0]), "21 acquire gone c max 3"]);
    let under = format!("25 acquire x {} ada 8", ids[0]);
    events.push(event(&under, None, &json!({"under_lease": true})));
    let expected = [
        "gone hold max 21-100 unknown",
        "w hold tim 1-100 open",
        "x hold ada 20-100 open",
        "x hold ada 25-100 open",
        "x wait eve 30-100 open",
        "y hold bob 1-100 open",
        "z freeze ops 40-100 open",
    ];
    assert_eq!(described(&Timeline::of(events, &present, window(None, 100))), expected);
}

#[test]
fn what_is_no_event_of_a_lock_is_passed_over() {
    let other = json!({"ts": at(3).to_string(), "event": "tool-run", "name": null});
    let events = vec![
        AuditLogLine::Broken("{".into()),
        AuditLogLine::Event(Map::new()),
        AuditLogLine::Event(other.as_object().unwrap().clone()),
        event("1 of-a-later-kind x a ada 7", None, &json!({})),
    ];
    let none = Timeline::of(events, &TimelineEndState::default(), window(None, 100));
    assert_eq!(none, Timeline { from: at(100), until: at(100), lanes: Vec::new() });
}

proptest! {
    /// For every log, in every order of events: no span ends before it begins, and no holder or waiter is lost.
    #[test]
    fn no_span_ends_before_it_begins(
        steps in proptest::collection::vec((0..50i64, 0..14usize, 0..3u8, 0..3u8, 0..2u8), 0..60),
    ) {
        let kinds = super::super::AuditEventKind::ALL;
        let events = steps.iter().map(|(second, kind, name, id, extra)| {
            let line = format!("{second} {} n{name} i{id} o{id} {id}", kinds[*kind]);
            let extra = match extra { 0 => json!({"waited_ms": 70_000}), _ => json!({"mode": "shared"}) };
            event(&line, Some(5), &extra)
        });
        let all = Timeline::of(events, &TimelineEndState::default(), window(None, 100));
        for span in all.lanes.iter().flat_map(|lane| &lane.spans) {
            prop_assert!(span.from <= span.until, "{span:?} of {all:?}");
            prop_assert!(span.from >= all.from, "{span:?} begins before {:?}", all.from);
        }
    }
}
