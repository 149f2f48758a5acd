//! How the events of reservations become spans: one for each pattern, in the lane of that pattern.

use super::{
    AuditEventActor, AuditEventKind, AuditLogLine, SpanEnd, TimelineLane, TimelineSpan,
    TimelineSpanKind, TimelineSpanStartCertainty, TimelineSubject,
};
use crate::{reservation::Reservation, words::Timestamp};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

/// A span that has begun, and when its lifetime ends, as far as it was announced.
#[derive(Debug)]
struct OpenReservationSpan {
    span: TimelineSpan,
    deadline: Option<Timestamp>,
}

/// Spans of reservations in the making.
#[derive(Debug)]
pub(super) struct ReservationTimelineBuilder {
    /// Where what began earlier is taken to begin.
    since: Option<Timestamp>,
    first: Option<Timestamp>,
    /// What has begun and not ended: by the reservation's id, then by the pattern's text.
    begun: HashMap<String, BTreeMap<String, OpenReservationSpan>>,
    lanes: BTreeMap<String, Vec<TimelineSpan>>,
}

/// What happened to a reservation at a moment.
#[derive(Debug)]
struct ReservationEvent {
    at: Timestamp,
    kind: AuditEventKind,
    id: String,
    patterns: Vec<String>,
    who: AuditEventActor,
    ttl_sec: Option<u64>,
    waited: Option<Duration>,
    /// Whether the reservation was there before.
    is_extension: bool,
    /// Whether its process had ended, where it was over.
    is_process_gone: bool,
    /// Whose it was, if not the caller's.
    holder: Option<String>,
}

impl ReservationTimelineBuilder {
    pub(super) fn new(since: Option<Timestamp>) -> Self {
        Self { since, first: None, begun: HashMap::new(), lanes: BTreeMap::new() }
    }

    /// Takes in the next event of the log; what is not about a reservation is passed over.
    pub(super) fn take(&mut self, logged: &AuditLogLine) {
        if let Some(at) = logged.time() {
            self.first.get_or_insert(at);
        }
        let Some(event) = ReservationEvent::of(logged) else { return };
        match event.kind {
            AuditEventKind::Reserve => self.reserve(&event),
            AuditEventKind::Unreserve => self.end(&event, &event.given_back()),
            AuditEventKind::Expire if event.is_process_gone => self.end(&event, &SpanEnd::Stale),
            AuditEventKind::Expire => self.end(&event, &SpanEnd::Expired),
            _ => self.refuse(&event),
        }
    }

    /// Ends what has not ended, by the reservations that stand at the end.
    pub(super) fn finish(mut self, present: &[Reservation], now: Timestamp) -> Vec<TimelineLane> {
        let mut standing = HashSet::new();
        for record in present {
            let begun = self.begun.entry(record.id.to_string()).or_default();
            for pattern in record.patterns.iter().map(ToString::to_string) {
                standing.insert((record.id.to_string(), pattern.clone()));
                begun.entry(pattern).or_insert_with(|| OpenReservationSpan::of_record(record));
            }
        }
        let begun = std::mem::take(&mut self.begun).into_iter();
        let begun = begun.flat_map(|(id, patterns)| {
            patterns.into_iter().map(move |(pattern, begun)| ((id.clone(), pattern), begun))
        });
        for (key, begun) in begun {
            let end = if standing.contains(&key) { SpanEnd::Open } else { begun.end_at(now) };
            self.close(&key.1, begun, (now, end));
        }
        let lane = |(name, spans)| TimelineLane { subject: TimelineSubject::Paths, name, spans };
        self.lanes.into_iter().map(lane).collect()
    }

    fn reserve(&mut self, event: &ReservationEvent) {
        if event.waited.is_some() {
            self.add_wait(event, &SpanEnd::Entered);
        }
        let earlier = self.earlier(event.at);
        let mut begun = self.begun.remove(&event.id).unwrap_or_default();
        let began_before = event.is_extension && begun.is_empty();
        // A larger pattern takes the place of those that it contains.
        let replaced = begun.extract_if(.., |pattern, _| !event.patterns.contains(pattern));
        for (pattern, replaced) in replaced {
            self.close(&pattern, replaced, (event.at, SpanEnd::Released));
        }
        let span = event.span(TimelineSpanKind::Reservation);
        let span = if began_before { span.begun_before(earlier) } else { span };
        for pattern in &event.patterns {
            let new = || OpenReservationSpan { span: span.clone(), deadline: None };
            let begun = begun.entry(pattern.clone()).or_insert_with(new);
            begun.deadline = begun.deadline.max(event.deadline());
        }
        self.begun.insert(event.id.clone(), begun);
    }

    /// Ends the patterns of an event. One whose beginning was not logged began with its reservation, or before the log.
    fn end(&mut self, event: &ReservationEvent, end: &SpanEnd) {
        let mut begun = self.begun.remove(&event.id).unwrap_or_default();
        let start = begun.values().map(|it| it.span.from).min();
        let unlogged = || {
            let span = event.span(TimelineSpanKind::Reservation);
            let span = TimelineSpan { who: event.holder(), ..span };
            let span = match start {
                Some(from) => TimelineSpan { from, ..span },
                None => span.begun_before(self.earlier(event.at)),
            };
            OpenReservationSpan { span, deadline: None }
        };
        let ended: Vec<(&String, OpenReservationSpan)> = event
            .patterns
            .iter()
            .map(|pattern| (pattern, begun.remove(pattern).unwrap_or_else(unlogged)))
            .collect();
        for (pattern, span) in ended {
            self.close(pattern, span, (event.at, end.clone()));
        }
        if !begun.is_empty() {
            self.begun.insert(event.id.clone(), begun);
        }
    }

    fn refuse(&mut self, event: &ReservationEvent) {
        self.add_wait(event, &SpanEnd::Refused);
    }

    /// Adds the wait before an event. Without a wait, the event is an immediate refusal.
    fn add_wait(&mut self, event: &ReservationEvent, end: &SpanEnd) {
        let span = match event.waited {
            Some(waited) => TimelineSpan {
                from: event.at.saturating_sub(waited),
                ..event.span(TimelineSpanKind::Wait)
            },
            None => event.span(TimelineSpanKind::Refusal),
        };
        for pattern in &event.patterns {
            let span = TimelineSpan { end: end.clone(), ..span.clone() };
            self.lanes.entry(pattern.clone()).or_default().push(span);
        }
    }

    fn close(
        &mut self,
        pattern: &str,
        begun: OpenReservationSpan,
        (at, end): (Timestamp, SpanEnd),
    ) {
        let at = match end {
            // It expired before a caller found that out.
            SpanEnd::Expired => begun.deadline.map_or(at, |deadline| deadline.min(at)),
            _ => at,
        };
        let until = at.max(begun.span.from);
        let span = TimelineSpan { until, end, ..begun.span };
        self.lanes.entry(pattern.to_owned()).or_default().push(span);
    }

    fn earlier(&self, at: Timestamp) -> Timestamp {
        self.since.or(self.first).unwrap_or(at).min(at)
    }
}

impl TimelineSpan {
    fn begun_before(self, from: Timestamp) -> Self {
        Self { from, beginning: TimelineSpanStartCertainty::Earlier, ..self }
    }
}

impl OpenReservationSpan {
    fn of_record(record: &Reservation) -> Self {
        let span = TimelineSpan {
            kind: TimelineSpanKind::Reservation,
            from: record.since(),
            beginning: TimelineSpanStartCertainty::Known,
            until: record.since(),
            end: SpanEnd::Open,
            who: AuditEventActor {
                owner: record.owner.to_string(),
                agent_id: record.agent_id.as_ref().map(ToString::to_string),
                host: record.host.clone(),
                pid: record.pid.map(i64::from),
            },
            command: Vec::new(),
        };
        Self { span, deadline: record.expiry() }
    }

    /// How it ended, where no event says so and nothing of it stands.
    fn end_at(&self, now: Timestamp) -> SpanEnd {
        let is_over = self.deadline.is_some_and(|deadline| deadline <= now);
        if is_over { SpanEnd::Expired } else { SpanEnd::Unknown }
    }
}

impl ReservationEvent {
    /// Reads an event; `None` where it is not about a reservation, or has no time.
    fn of(logged: &AuditLogLine) -> Option<Self> {
        let AuditLogLine::Event(fields) = logged else { return None };
        let kind = logged.kind().filter(|it| it.is_of_reservations())?;
        let none = Map::new();
        let extra = fields.get("extra").and_then(Value::as_object).unwrap_or(&none);
        let text = |key: &str| extra.get(key).and_then(Value::as_str);
        Some(Self {
            at: logged.time()?,
            kind,
            id: text("reservation").unwrap_or_default().to_owned(),
            patterns: logged.patterns().iter().map(ToString::to_string).collect(),
            who: AuditEventActor::of(logged),
            ttl_sec: fields.get("ttl_sec").and_then(Value::as_u64),
            waited: extra.get("waited_ms").and_then(Value::as_u64).map(Duration::from_millis),
            is_extension: extra.get("extended") == Some(&Value::Bool(true)),
            is_process_gone: text("why") == Some("process gone"),
            holder: text("holder_owner").map(str::to_owned),
        })
    }

    fn span(&self, kind: TimelineSpanKind) -> TimelineSpan {
        TimelineSpan {
            kind,
            from: self.at,
            beginning: TimelineSpanStartCertainty::Known,
            until: self.at,
            end: SpanEnd::Open,
            who: self.who.clone(),
            command: Vec::new(),
        }
    }

    fn given_back(&self) -> SpanEnd {
        match &self.holder {
            Some(_) => SpanEnd::Broken { by: self.who.owner.clone() },
            None => SpanEnd::Released,
        }
    }

    /// Whose the reservation was that the event ended.
    fn holder(&self) -> AuditEventActor {
        match &self.holder {
            Some(owner) => AuditEventActor { owner: owner.clone(), ..AuditEventActor::default() },
            None => self.who.clone(),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.ttl_sec.map(|seconds| self.at.saturating_add(Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
#[path = "reservation_timeline_tests.rs"]
mod tests;
