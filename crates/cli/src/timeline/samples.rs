//! Timelines for tests.

use lokt_lock::{
    audit::{EventActor, Lane, SpanEnd, SpanKind, SpanStart, Timeline, TimelineSpan},
    words::Timestamp,
};

/// A second of the day on which everything happens.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000 + second * 1_000_000).unwrap()
}

/// A span of one owner from one second to another.
pub(super) fn span(kind: SpanKind, owner: &str, (from, until): (i64, i64)) -> TimelineSpan {
    let who = EventActor { owner: owner.to_owned(), agent_id: None, host: None, pid: Some(7) };
    let command = vec!["make".to_owned(), "build".to_owned()];
    let (from, until, end) = (at(from), at(until), SpanEnd::Released);
    TimelineSpan { kind, from, beginning: SpanStart::Known, until, end, who, command }
}

fn timeline(lanes: Vec<Lane>) -> Timeline {
    Timeline { from: at(0), until: at(60), lanes }
}

/// Ada builds, bob waits for her and builds then; eve is refused, and another owner freezes another name.
pub(super) fn two_builds() -> Timeline {
    let build = vec![
        span(SpanKind::Hold, "ada", (0, 30)),
        span(SpanKind::Wait, "bob", (10, 30)),
        span(SpanKind::Refusal, "eve", (20, 20)),
        span(SpanKind::Hold, "bob", (30, 45)),
    ];
    let deploy = vec![span(SpanKind::Freeze, "ops", (-30, 90))];
    timeline(vec![
        Lane { name: "build".to_owned(), spans: build },
        Lane { name: "deploy".to_owned(), spans: deploy },
    ])
}

/// One hold, by an owner of any name.
pub(super) fn owned_by(owner: &str) -> Timeline {
    let spans = vec![span(SpanKind::Hold, owner, (10, 20))];
    timeline(vec![Lane { name: "build".to_owned(), spans }])
}
