//! Timelines for tests.

use lokt_lock::{
    audit::{
        AuditEventActor, SpanEnd, Timeline, TimelineLane, TimelineSpan, TimelineSpanKind,
        TimelineSpanStartCertainty, TimelineSubject,
    },
    words::Timestamp,
};

/// A second of the day on which everything happens.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000 + second * 1_000_000).unwrap()
}

/// A span of one owner from one second to another.
pub(super) fn span(kind: TimelineSpanKind, owner: &str, (from, until): (i64, i64)) -> TimelineSpan {
    let who = AuditEventActor { owner: owner.to_owned(), agent_id: None, host: None, pid: Some(7) };
    let command = vec!["make".to_owned(), "build".to_owned()];
    let (from, until, end) = (at(from), at(until), SpanEnd::Released);
    TimelineSpan {
        kind,
        from,
        beginning: TimelineSpanStartCertainty::Known,
        until,
        end,
        who,
        command,
    }
}

fn timeline(lanes: Vec<TimelineLane>) -> Timeline {
    Timeline { from: at(0), until: at(60), lanes }
}

/// Ada builds, bob waits for her and builds then; eve is refused, and another owner freezes another name.
pub(super) fn two_builds() -> Timeline {
    let build = vec![
        span(TimelineSpanKind::Hold, "ada", (0, 30)),
        span(TimelineSpanKind::Wait, "bob", (10, 30)),
        span(TimelineSpanKind::Refusal, "eve", (20, 20)),
        span(TimelineSpanKind::Hold, "bob", (30, 45)),
    ];
    let deploy = vec![span(TimelineSpanKind::Freeze, "ops", (-30, 90))];
    timeline(vec![
        lane(TimelineSubject::Lock, "build", build),
        lane(TimelineSubject::Lock, "deploy", deploy),
    ])
}

fn lane(subject: TimelineSubject, name: &str, spans: Vec<TimelineSpan>) -> TimelineLane {
    TimelineLane { subject, name: name.to_owned(), spans }
}

/// Two sessions of ada, one of which has reserved what the other then wants.
pub(super) fn two_sessions() -> Timeline {
    let of = |session: &str, span: TimelineSpan| {
        let agent_id = Some(format!("claude-code:{session}"));
        TimelineSpan { who: AuditEventActor { agent_id, ..span.who }, command: Vec::new(), ..span }
    };
    let src = vec![
        of("one", span(TimelineSpanKind::Reservation, "ada", (0, 30))),
        of("two", span(TimelineSpanKind::Refusal, "ada", (20, 20))),
    ];
    timeline(vec![lane(TimelineSubject::Paths, "src/**/*.rs", src)])
}

/// One hold, by an owner of any name.
pub(super) fn owned_by(owner: &str) -> Timeline {
    let spans = vec![span(TimelineSpanKind::Hold, owner, (10, 20))];
    timeline(vec![lane(TimelineSubject::Lock, "build", spans)])
}
