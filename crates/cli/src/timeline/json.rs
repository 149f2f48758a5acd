use crate::view::command_line;
use lokt_lock::audit::{SpanEnd, Timeline, TimelineLane, TimelineSpan, TimelineSpanStartCertainty};
use serde::Serialize;

/// A timeline as JSON; the field names are a contract.
#[derive(Serialize)]
pub(crate) struct TimelineJson<'a> {
    from: String,
    until: String,
    lanes: Vec<LaneJson<'a>>,
}

#[derive(Serialize)]
struct LaneJson<'a> {
    name: &'a str,
    /// What the name is: `lock`, or `paths` for the pattern of a reservation.
    subject: &'static str,
    spans: Vec<TimelineSpanJson<'a>>,
}

#[derive(Serialize)]
struct TimelineSpanJson<'a> {
    kind: &'static str,
    from: String,
    until: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    began_earlier: Option<bool>,
    end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    owner: &'a str,
    agent_id: Option<&'a str>,
    host: Option<&'a str>,
    pid: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

/// A timeline as JSON.
pub(crate) fn json(timeline: &Timeline) -> TimelineJson<'_> {
    TimelineJson {
        from: timeline.from.to_string(),
        until: timeline.until.to_string(),
        lanes: timeline.lanes.iter().map(lane).collect(),
    }
}

fn lane(lane: &TimelineLane) -> LaneJson<'_> {
    let spans = lane.spans.iter().map(span).collect();
    LaneJson { name: &lane.name, subject: lane.subject.as_str(), spans }
}

fn span(span: &TimelineSpan) -> TimelineSpanJson<'_> {
    TimelineSpanJson {
        kind: span.kind.as_str(),
        from: span.from.to_string(),
        until: span.until.to_string(),
        began_earlier: (span.beginning == TimelineSpanStartCertainty::Earlier).then_some(true),
        end: span.end.as_str(),
        by: match &span.end {
            SpanEnd::Broken { by } => Some(by),
            _ => None,
        },
        owner: &span.who.owner,
        agent_id: span.who.agent_id.as_deref(),
        host: span.who.host.as_deref(),
        pid: span.who.pid,
        command: (!span.command.is_empty()).then(|| command_line(&span.command)),
    }
}
