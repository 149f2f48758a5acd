//! The latest events of the audit log.

use super::{
    answer::{ToolAnswer, broken, done, failed, unfit},
    argument_table::{McpArgument, McpArgumentKind, optional},
    argument_types::McpLockNameArgument,
    call::McpCallHandle,
    command_line::{LoktCommandLine, McpCommandResult},
    excerpt::ExcerptLimit,
    plain_text,
    server::{McpOperation, McpOperationEffect},
};
use crate::span;
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::Value;

/// From when on, where the call does not say.
const SINCE: &str = "24h";

/// How many events are given where the call does not say.
const EVENTS: usize = 100;
/// How many events are given at most.
const EVENTS_AT_MOST: u64 = 1000;

/// How much of the log's end is looked at: a thousand events of some length.
const LOG: usize = 2 << 20;

/// Arguments of `audit`, which runs `lokt audit --json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpAuditArguments {
    name: Option<McpLockNameArgument>,
    owner: Option<String>,
    event: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<usize>,
}

impl McpOperation for McpAuditArguments {
    const NAME: &'static str = "audit";
    const TITLE: &'static str = "What happened to locks";
    const ABOUT: &'static str = "List what happened to locks: every change and every refusal. Result: events, oldest \
        first, each with ts, event, name, owner, agent_id, pid, extra; truncated, if there are earlier ones.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Looks;
    const ARGUMENTS: &'static [McpArgument] = &[
        optional("name", McpArgumentKind::Name, "Only this lock"),
        optional("owner", McpArgumentKind::Owner, "Only what this owner did"),
        optional(
            "event",
            McpArgumentKind::Event,
            "Only this kind: acquire, deny, release, renew, lost, freeze, ...",
        ),
        optional(
            "since",
            McpArgumentKind::Moment,
            "From this time on, or from this long ago: 2026-02-01T10:00:00Z, 2h; default 24h",
        ),
        optional("until", McpArgumentKind::Moment, "Until this time, or until this long ago"),
        optional(
            "limit",
            McpArgumentKind::Count(1, EVENTS_AT_MOST),
            "At most this many, the latest; default 100",
        ),
    ];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        if self.ends_before_it_begins() {
            return unfit("\"until\" is before \"since\": no event can match");
        }
        let order = LoktCommandLine::new(["audit", "--json"])
            .flag("--since", Some(self.since.as_deref().unwrap_or(SINCE)))
            .flag("--until", self.until.as_ref())
            .flag("--name", self.name.as_ref().map(McpLockNameArgument::as_str))
            .flag("--owner", self.owner.as_ref())
            .flag("--event", self.event.as_ref())
            .keeping(ExcerptLimit::Tail(LOG));
        match order.run(call).await {
            Ok(ended) => last(&ended, self.limit.unwrap_or(EVENTS)),
            Err(error) => broken(&error),
        }
    }
}

impl McpAuditArguments {
    /// Whether no event can match, because the span of time is empty.
    fn ends_before_it_begins(&self) -> bool {
        let time = |text: &str| span::point(text).ok();
        let since = time(self.since.as_deref().unwrap_or(SINCE));
        let until = self.until.as_deref().and_then(time);
        since.zip(until).is_some_and(|(since, until)| until < since)
    }
}

/// The last events of those that were printed.
///
/// `truncated` is true if events are left out by `limit`, or because the log is longer than
/// [`LOG`].
fn last(ended: &McpCommandResult, limit: usize) -> ToolAnswer {
    if ended.code != Some(0) {
        return failed(ended, JsonObject::new());
    }
    let text = ended.out.text();
    // Where the beginning is left out, the first line says so and the next may be half of one.
    let cut = if ended.out.left_out() > 0 { 3 } else { 0 };
    let events: Vec<Value> =
        text.lines().skip(cut).filter_map(|line| serde_json::from_str(line).ok()).collect();
    let earlier = events.len().saturating_sub(limit);
    let truncated = earlier > 0 || cut > 0;
    let events: Vec<Value> = events.into_iter().skip(earlier).collect();
    let fields = JsonObject::from_iter([
        ("events".to_owned(), events.into()),
        ("truncated".to_owned(), truncated.into()),
    ]);
    Ok(done(fields, plain_text::events))
}
