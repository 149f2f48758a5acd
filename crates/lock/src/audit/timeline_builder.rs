//! How events become spans: what opens one, what ends it, and what follows where an end is missing.

use super::{
    AuditEventActor, AuditEventKind, AuditLogLine, SpanEnd, TimelineEndState, TimelineLane,
    TimelineSpan, TimelineSpanKind, TimelineSpanStartCertainty, TimelineSubject,
    occurrence::TimelineEvent,
};
use crate::{
    record::LockRecord,
    rules::TicketContent,
    words::{LockName, Timestamp},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

/// What makes a span one and the same from its first event to its last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum SpanKey {
    /// An acquisition.
    Hold { id: String },
    /// A guard that entered under an acquisition of its owner, by its process.
    Under { id: String, pid: i64 },
    /// The freeze of the name.
    Freeze,
}

/// A span that has begun.
#[derive(Debug)]
struct OpenSpan {
    span: TimelineSpan,
    /// When its lifetime ends, as far as it was announced.
    deadline: Option<Timestamp>,
    /// Whether others may hold the name beside it.
    shares: bool,
}

/// The spans of one name.
#[derive(Debug, Default)]
struct LaneBuilder {
    begun: HashMap<SpanKey, OpenSpan>,
    /// What has ended: the holder of a lock that was taken away finds that out later, and says so too.
    ended: HashSet<SpanKey>,
    spans: Vec<TimelineSpan>,
}

/// Spans in the making.
#[derive(Debug)]
pub(super) struct TimelineBuilder {
    /// Where what began earlier is taken to begin.
    since: Option<Timestamp>,
    first: Option<Timestamp>,
    lanes: BTreeMap<String, LaneBuilder>,
}

impl TimelineBuilder {
    pub(super) fn new(since: Option<Timestamp>) -> Self {
        Self { since, first: None, lanes: BTreeMap::new() }
    }

    /// Takes in the next event of the log; what is no event of a lock is passed over.
    pub(super) fn take(&mut self, logged: &AuditLogLine) {
        let Some(event) = TimelineEvent::of(logged) else { return };
        let first = *self.first.get_or_insert(event.at);
        let earlier = self.since.unwrap_or(first).min(event.at);
        self.lanes.entry(event.name.clone()).or_default().take(&event, earlier);
    }

    /// Ends what has not ended, by what stands at the end.
    pub(super) fn finish(
        mut self,
        present: &TimelineEndState,
        now: Timestamp,
    ) -> Vec<TimelineLane> {
        for record in &present.holders {
            let key = SpanKey::Hold { id: id_of(record) };
            self.lane(&record.name).stands(key, TimelineSpanKind::Hold, record);
        }
        for freeze in &present.freezes {
            self.lane(&freeze.name).stands(SpanKey::Freeze, TimelineSpanKind::Freeze, freeze);
        }
        let held = |it: &LockRecord| (it.name.to_string(), id_of(it));
        let held: HashSet<(String, String)> = present.holders.iter().map(held).collect();
        for (name, lane) in &mut self.lanes {
            let is_there = |key: &SpanKey| match key {
                SpanKey::Hold { id } => held.contains(&(name.clone(), id.clone())),
                SpanKey::Under { pid, .. } => {
                    present.inside.iter().any(|it| it.name == *name && i64::from(it.pid) == *pid)
                }
                SpanKey::Freeze => present.freezes.iter().any(|it| it.name.as_str() == name),
            };
            lane.finish(now, is_there);
        }
        for (tickets, kind) in
            [(&present.inside, TimelineSpanKind::Hold), (&present.waiters, TimelineSpanKind::Wait)]
        {
            for ticket in tickets {
                self.has_ticket(ticket, kind, now);
            }
        }
        let lane = |(name, lane): (String, LaneBuilder)| TimelineLane {
            subject: TimelineSubject::Lock,
            name,
            spans: lane.spans,
        };
        self.lanes.into_iter().map(lane).collect()
    }

    fn lane(&mut self, name: &LockName) -> &mut LaneBuilder {
        self.lanes.entry(name.to_string()).or_default()
    }

    /// A holder or a waiter with a ticket; a holder may be known already.
    fn has_ticket(&mut self, ticket: &TicketContent, kind: TimelineSpanKind, now: Timestamp) {
        let lane = self.lanes.entry(ticket.name.clone()).or_default();
        let pid = i64::from(ticket.pid);
        let is_in = |span: &TimelineSpan| {
            span.kind == TimelineSpanKind::Hold
                && span.end == SpanEnd::Open
                && span.who.pid == Some(pid)
        };
        if kind == TimelineSpanKind::Hold && lane.spans.iter().any(is_in) {
            return;
        }
        let from = ticket.arrived().unwrap_or(now);
        lane.spans.push(TimelineSpan {
            kind,
            from,
            beginning: TimelineSpanStartCertainty::Known,
            until: now.max(from),
            end: SpanEnd::Open,
            who: AuditEventActor {
                owner: ticket.owner.clone(),
                agent_id: Some(ticket.agent_id.clone()),
                host: None,
                pid: Some(pid),
            },
            command: ticket.command.clone(),
        });
    }
}

/// An acquisition's id; of another program's record, when it was taken.
fn id_of(record: &LockRecord) -> String {
    record.lock_id.as_ref().map_or_else(|| record.since().to_string(), ToString::to_string)
}

impl LaneBuilder {
    fn take(&mut self, event: &TimelineEvent, earlier: Timestamp) {
        match event.kind {
            AuditEventKind::Acquire => self.acquire(event),
            AuditEventKind::Renew => self.renew(event, earlier),
            AuditEventKind::Release => self.end(&key_of(event), SpanEnd::Released, event, earlier),
            AuditEventKind::Lost => self.end(&key_of(event), SpanEnd::Lost, event, earlier),
            AuditEventKind::ForceBreak | AuditEventKind::CorruptBreak => {
                self.broken(event, earlier);
            }
            AuditEventKind::StaleBreak => self.end(&key_of(event), SpanEnd::Stale, event, earlier),
            AuditEventKind::AutoPrune => self.pruned(event, earlier),
            AuditEventKind::Deny | AuditEventKind::FreezeDeny => self.refused(event),
            AuditEventKind::Freeze => self.freeze(event),
            AuditEventKind::Unfreeze => {
                self.end(&SpanKey::Freeze, SpanEnd::Released, event, earlier);
            }
            AuditEventKind::ForceUnfreeze => {
                self.end(&SpanKey::Freeze, broken_by(event), event, earlier);
            }
            AuditEventKind::ToolRun
            | AuditEventKind::Reserve
            | AuditEventKind::Unreserve
            | AuditEventKind::ReserveDeny
            | AuditEventKind::Expire => {}
        }
    }

    fn acquire(&mut self, event: &TimelineEvent) {
        self.spans.extend(event.wait(SpanEnd::Entered));
        let key = key_of(event);
        if let (SpanKey::Hold { .. }, false) = (&key, event.shares) {
            // It entered alone, so no other holder is left, even if the log does not say so.
            self.end_holds(event.at, &SpanEnd::Unknown, |begun| !begun.shares);
        }
        let begun = OpenSpan {
            span: event.span(TimelineSpanKind::Hold),
            deadline: event.deadline(),
            shares: event.shares,
        };
        self.begun.insert(key, begun);
    }

    fn renew(&mut self, event: &TimelineEvent, earlier: Timestamp) {
        let key = key_of(event);
        if self.ended.contains(&key) {
            return;
        }
        let begun = self.begun.entry(key).or_insert_with(|| OpenSpan {
            span: TimelineSpan {
                from: earlier,
                beginning: TimelineSpanStartCertainty::Earlier,
                ..event.span(TimelineSpanKind::Hold)
            },
            deadline: None,
            shares: true,
        });
        begun.deadline = event.deadline();
    }

    fn freeze(&mut self, event: &TimelineEvent) {
        self.ended.remove(&SpanKey::Freeze);
        let begun = self.begun.remove(&SpanKey::Freeze);
        // One's own freeze gets a new time; another's is over by then.
        let span = match begun {
            Some(before)
                if before.span.who.owner == event.who.owner && !before.is_over(event.at) =>
            {
                before.span
            }
            Some(before) => {
                self.close(SpanKey::Freeze, before, (event.at, SpanEnd::Expired));
                self.ended.remove(&SpanKey::Freeze);
                event.span(TimelineSpanKind::Freeze)
            }
            None => event.span(TimelineSpanKind::Freeze),
        };
        let begun = OpenSpan { span, deadline: event.deadline(), shares: true };
        self.begun.insert(SpanKey::Freeze, begun);
    }

    fn refused(&mut self, event: &TimelineEvent) {
        let end = if event.interrupted { SpanEnd::Interrupted } else { SpanEnd::Refused };
        let refusal =
            || TimelineSpan { end: SpanEnd::Refused, ..event.span(TimelineSpanKind::Refusal) };
        self.spans.push(event.wait(end).unwrap_or_else(refusal));
    }

    /// What is past its lifetime is removed: a lock, or a freeze.
    fn pruned(&mut self, event: &TimelineEvent, earlier: Timestamp) {
        let key = key_of(event);
        if self.begun.contains_key(&key) || !self.begun.contains_key(&SpanKey::Freeze) {
            self.end(&key, SpanEnd::Expired, event, earlier);
        } else {
            self.end(&SpanKey::Freeze, SpanEnd::Expired, event, earlier);
        }
    }

    fn broken(&mut self, event: &TimelineEvent, earlier: Timestamp) {
        if event.id.is_some() {
            self.end(&key_of(event), broken_by(event), event, earlier);
        } else {
            self.end_holds(event.at, &broken_by(event), |_| true);
        }
    }

    /// Ends a span by an event. One whose beginning was not logged has been there from before.
    fn end(&mut self, key: &SpanKey, end: SpanEnd, event: &TimelineEvent, earlier: Timestamp) {
        if let Some(begun) = self.begun.remove(key) {
            self.close(key.clone(), begun, (event.at, end));
        } else if self.ended.insert(key.clone()) {
            let kind = if *key == SpanKey::Freeze {
                TimelineSpanKind::Freeze
            } else {
                TimelineSpanKind::Hold
            };
            let span = TimelineSpan {
                from: earlier,
                beginning: TimelineSpanStartCertainty::Earlier,
                ..event.span(kind)
            };
            self.spans.push(TimelineSpan {
                until: event.at.max(earlier),
                end,
                who: event.holder(),
                ..span
            });
        }
    }

    fn end_holds(&mut self, at: Timestamp, end: &SpanEnd, which: impl Fn(&OpenSpan) -> bool) {
        let is_meant = |(key, begun): &(&SpanKey, &OpenSpan)| {
            matches!(key, SpanKey::Hold { .. }) && which(begun)
        };
        let meant = self.begun.iter().filter(is_meant).map(|(key, _)| key.clone());
        for key in meant.collect::<Vec<_>>() {
            if let Some(begun) = self.begun.remove(&key) {
                self.close(key, begun, (at, end.clone()));
            }
        }
    }

    fn close(&mut self, key: SpanKey, begun: OpenSpan, (at, end): (Timestamp, SpanEnd)) {
        let at = match end {
            // It expired before a caller found that out.
            SpanEnd::Expired => begun.deadline.map_or(at, |deadline| deadline.min(at)),
            _ => at,
        };
        let until = at.max(begun.span.from);
        self.spans.push(TimelineSpan { until, end, ..begun.span });
        self.ended.insert(key);
    }

    /// Something that holds or is in force at the end, whether or not its beginning was logged.
    fn stands(&mut self, key: SpanKey, kind: TimelineSpanKind, record: &LockRecord) {
        self.begun.entry(key).or_insert_with(|| OpenSpan {
            span: TimelineSpan {
                kind,
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
                command: record.command.clone().unwrap_or_default(),
            },
            deadline: record.expiry(),
            shares: true,
        });
    }

    fn finish(&mut self, now: Timestamp, is_there: impl Fn(&SpanKey) -> bool) {
        for (key, begun) in std::mem::take(&mut self.begun) {
            let end = if is_there(&key) {
                SpanEnd::Open
            } else if begun.is_over(now) {
                SpanEnd::Expired
            } else {
                SpanEnd::Unknown
            };
            self.close(key, begun, (now, end));
        }
    }
}

impl OpenSpan {
    /// Whether its lifetime has ended by the clock. That of a guard, which runs a command, never does.
    fn is_over(&self, at: Timestamp) -> bool {
        self.span.command.is_empty() && self.deadline.is_some_and(|deadline| deadline <= at)
    }
}

fn key_of(event: &TimelineEvent) -> SpanKey {
    let id = event.id.clone().unwrap_or_default();
    match (event.is_under, event.who.pid) {
        (true, Some(pid)) => SpanKey::Under { id, pid },
        _ => SpanKey::Hold { id },
    }
}

fn broken_by(event: &TimelineEvent) -> SpanEnd {
    SpanEnd::Broken { by: event.who.owner.clone() }
}

impl TimelineEvent {
    /// A span that begins and, for now, ends with the event.
    fn span(&self, kind: TimelineSpanKind) -> TimelineSpan {
        TimelineSpan {
            kind,
            from: self.at,
            beginning: TimelineSpanStartCertainty::Known,
            until: self.at,
            end: SpanEnd::Open,
            who: self.who.clone(),
            command: self.command.clone(),
        }
    }

    /// The wait that ended with the event.
    fn wait(&self, end: SpanEnd) -> Option<TimelineSpan> {
        let from = self.at.saturating_sub(self.waited?);
        Some(TimelineSpan { from, end, ..self.span(TimelineSpanKind::Wait) })
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.ttl_sec.map(|seconds| self.at.saturating_add(Duration::from_secs(seconds)))
    }
}
