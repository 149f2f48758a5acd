//! The latest events of the audit log.

use super::{
    answer::{ToolAnswer, broken, done, failed},
    argument_types::McpLockNameArgument,
    call::McpOperationCall,
    command_line::{LoktSubprocess, McpCommandResult},
    excerpt::ExcerptLimit,
    schema::{McpFieldType, OutputField},
    server::{McpOperation, McpOperationEffect},
};
use rmcp::{model::JsonObject, schemars::JsonSchema};
use serde::Deserialize;
use serde_json::Value;

/// From when on, where the call does not say.
const SINCE: &str = "24h";

/// How many events are given where the call does not say, and at most.
const EVENTS: usize = 100;
const EVENTS_AT_MOST: usize = 1000;

/// How much of the log's end is looked at: a thousand events of some length.
const LOG: usize = 2 << 20;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpAuditArguments {
    /// Only this lock
    name: Option<McpLockNameArgument>,
    /// Only what this owner did
    owner: Option<String>,
    /// Only this kind of event: acquire, deny, release, renew, lost, freeze, force-break, ...
    event: Option<String>,
    /// Events since this time, or since this long ago, like 2026-02-01T10:00:00Z or 2h. Default: 24h
    since: Option<String>,
    /// Events until this time, or until this long ago
    until: Option<String>,
    /// Return at most this many events, the latest. Default: 100, at most 1000
    limit: Option<usize>,
}

impl McpOperation for McpAuditArguments {
    const NAME: &'static str = "audit";
    const TITLE: &'static str = "What happened to locks";
    const ABOUT: &'static str = "List what happened to locks, oldest first: every change and every refusal, \
        who did it and when. Changes nothing.";
    const NATURE: McpOperationEffect = McpOperationEffect::Looks;

    fn fields() -> Vec<OutputField> {
        vec![
            (
                "events",
                McpFieldType::Objects,
                "Each with ts, event, name, lock_id, owner, host, pid, agent_id, ttl_sec, extra",
            ),
            (
                "truncated",
                McpFieldType::Yes,
                "Whether there are earlier events that are not returned",
            ),
        ]
    }

    async fn call(self, call: &McpOperationCall) -> ToolAnswer {
        let order = LoktSubprocess::new(["audit", "--json"])
            .flag("--since", Some(self.since.as_deref().unwrap_or(SINCE)))
            .flag("--until", self.until.as_ref())
            .flag("--name", self.name.as_ref().map(McpLockNameArgument::as_str))
            .flag("--owner", self.owner.as_ref())
            .flag("--event", self.event.as_ref())
            .keeping(ExcerptLimit::Tail(LOG));
        match order.run(call).await {
            Ok(ended) => last(&ended, self.limit.unwrap_or(EVENTS).min(EVENTS_AT_MOST)),
            Err(error) => broken(&error),
        }
    }
}

/// The last events of those that were printed.
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
    done(JsonObject::from_iter([
        ("events".to_owned(), events.into()),
        ("truncated".to_owned(), truncated.into()),
    ]))
}
