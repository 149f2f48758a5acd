//! Holders and waiters over time: the log's events as spans of time.
//!
//! [`Timeline::of`] is a function of values: events as they were logged, what holds and waits at its end, and the
//! time that is asked for. It reads nothing.
//!
//! # Limits
//! The log tells of changes. A hold that began before the first event that is given and ended after the last
//! one is known only where it is among those that are [`TimelineEndState`]. Where a clock was set back, a span may
//! seem to be shorter than it was; none ends before it begins.

use super::{
    AuditLogLine, reservation_timeline::ReservationTimelineBuilder,
    timeline_builder::TimelineBuilder,
};
use crate::{record::LockRecord, reservation::Reservation, rules::TicketContent, words::Timestamp};

/// What happened to locks and reservations in a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends.
    pub until: Timestamp,
    /// A lane for each name that anything happened to, sorted by name; then one for each pattern that was reserved.
    pub lanes: Vec<TimelineLane>,
}

/// What happened to one name, or to one pattern of reservations.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineLane {
    /// Which of the two.
    pub subject: TimelineSubject,
    /// The lock's name, or the pattern.
    pub name: String,
    /// Its spans, in the order in which they began. They may reach out of the timeline on both sides.
    pub spans: Vec<TimelineSpan>,
}

/// What a lane is about. A lock and a path may have the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineSubject {
    /// A lock.
    Lock,
    /// The paths that a pattern covers.
    Paths,
}

/// A span of time in which a caller held a name, waited for it, had frozen it, or had reserved paths.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineSpan {
    /// Which of these.
    pub kind: TimelineSpanKind,
    /// When it began.
    pub from: Timestamp,
    /// Whether that is known; else it began earlier, before the first event that was given.
    pub beginning: TimelineSpanStartCertainty,
    /// When it ended; where it has not, the end of the timeline.
    pub until: Timestamp,
    /// How it ended.
    pub end: SpanEnd,
    /// The holder, the waiter, or the caller that froze the name.
    pub who: AuditEventActor,
    /// The beginning of the command that ran, or would have run; empty where there was none, or none is known.
    pub command: Vec<String>,
}

/// What a caller did in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineSpanKind {
    /// Held the name.
    Hold,
    /// Stood in the queue for it.
    Wait,
    /// Had it frozen.
    Freeze,
    /// Was refused at once; such a span has no length.
    Refusal,
    /// Had reserved the paths.
    Reservation,
}

/// Whether the beginning of a span is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineSpanStartCertainty {
    /// It is.
    Known,
    /// It was earlier than the span says.
    Earlier,
}

/// How a span ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanEnd {
    /// It has not.
    Open,
    /// The lock was given back, or the freeze lifted by the owner that ordered it.
    Released,
    /// The waiter got the lock.
    Entered,
    /// The caller was refused, at once or when its wait timed out.
    Refused,
    /// A signal interrupted the waiter.
    Interrupted,
    /// Its lifetime ended.
    Expired,
    /// Its holder was gone.
    Stale,
    /// Its holder found that it was gone.
    Lost,
    /// Another caller took it away.
    Broken {
        /// The owner that did it.
        by: String,
    },
    /// Nothing tells how.
    Unknown,
}

/// The caller that an event is about, as far as the log tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEventActor {
    /// The owner.
    pub owner: String,
    /// Which of the owner's agents or terminals.
    pub agent_id: Option<String>,
    /// Where.
    pub host: Option<String>,
    /// Which process.
    pub pid: Option<i64>,
}

/// What stands at the end of a timeline.
#[derive(Clone, Debug, Default)]
pub struct TimelineEndState {
    /// The holders, each in a separate record.
    pub holders: Vec<LockRecord>,
    /// The freezes in force.
    pub freezes: Vec<LockRecord>,
    /// The waiters.
    pub waiters: Vec<TicketContent>,
    /// Guards that are in and that no record speaks of.
    pub inside: Vec<TicketContent>,
    /// The reservations that stand.
    pub reservations: Vec<Reservation>,
}

/// Which time is asked for.
#[derive(Clone, Copy, Debug)]
pub struct ResolvedTimeRange {
    /// From when on; `None` is from the first event on.
    pub since: Option<Timestamp>,
    /// Up to when.
    pub until: Timestamp,
    /// When what is [`TimelineEndState`] was found out.
    pub now: Timestamp,
}

impl Timeline {
    /// Makes spans of events, which are given in the order of the log.
    pub fn of(
        events: impl IntoIterator<Item = AuditLogLine>,
        present: &TimelineEndState,
        window: ResolvedTimeRange,
    ) -> Self {
        let mut locks = TimelineBuilder::new(window.since);
        let mut reservations = ReservationTimelineBuilder::new(window.since);
        for event in events {
            locks.take(&event);
            reservations.take(&event);
        }
        let mut lanes = locks.finish(present, window.now);
        lanes.extend(reservations.finish(&present.reservations, window.now));
        let until = window.until;
        let from = window.since.or_else(|| earliest(&lanes)).unwrap_or(until).min(until);
        for lane in &mut lanes {
            lane.spans.retain(|span| span.from <= until && span.until >= from);
            lane.spans.sort_by_key(|span| span.from);
        }
        lanes.retain(|lane| !lane.spans.is_empty());
        Self { from, until, lanes }
    }

    /// Keeps only the spans that `wanted` chooses, and the lanes that have one.
    pub fn retain(
        &mut self,
        mut wanted: impl FnMut((TimelineSubject, &str), &TimelineSpan) -> bool,
    ) {
        for TimelineLane { subject, name, spans } in &mut self.lanes {
            spans.retain(|span| wanted((*subject, name), span));
        }
        self.lanes.retain(|lane| !lane.spans.is_empty());
    }
}

fn earliest(lanes: &[TimelineLane]) -> Option<Timestamp> {
    lanes.iter().flat_map(|lane| &lane.spans).map(|span| span.from).min()
}

impl TimelineSubject {
    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Paths => "paths",
        }
    }
}

impl TimelineSpanKind {
    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Wait => "wait",
            Self::Freeze => "freeze",
            Self::Refusal => "refusal",
            Self::Reservation => "reservation",
        }
    }
}

impl SpanEnd {
    /// The word for it in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Released => "released",
            Self::Entered => "entered",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
            Self::Expired => "expired",
            Self::Stale => "stale",
            Self::Lost => "lost",
            Self::Broken { .. } => "broken",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
