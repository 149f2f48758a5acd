//! Reserving paths, giving them back, and listing what is reserved.

use super::{
    answer::{ToolAnswer, broken, done, failed, unfit},
    argument_table::{McpArgument, McpArgumentKind, optional, required},
    argument_types::{McpDurationArgument, McpWaitLimitArgument, waiting},
    call::McpCallHandle,
    command_line::{LoktCommandLine, McpCommandResult},
    plain_text,
    server::{McpOperation, McpOperationEffect},
    unlock::plain,
};
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpReserveArguments {
    paths: Vec<String>,
    ttl: Option<McpDurationArgument>,
    reason: Option<String>,
    shared: Option<bool>,
    wait: Option<bool>,
    timeout: Option<McpWaitLimitArgument>,
}

impl McpOperation for McpReserveArguments {
    const NAME: &'static str = "reserve";
    const TITLE: &'static str = "Reserve paths";
    const ABOUT: &'static str = "Reserve files before you edit them, so that no other agent does: all or none. It lasts \
        until unreserve, its ttl, or the end of this connection. If another has reserved one, the error says who and \
        until when, and what is free.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Changes;
    const ARGUMENTS: &'static [McpArgument] = &[
        required(
            "paths",
            McpArgumentKind::Paths,
            "Files, folders or globs, like src/a.rs, docs, src/**/*.rs",
        ),
        optional("ttl", McpArgumentKind::Duration, "End it this long after now; default 30m"),
        optional("reason", McpArgumentKind::Text, "Why, for others to read"),
        optional("shared", McpArgumentKind::Flag, "Share them with others that set this"),
        optional("wait", McpArgumentKind::Flag, "Wait for them, first come, first served"),
        optional("timeout", McpArgumentKind::WaitLimit, "As for lock"),
    ];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        let order = match self.order(call) {
            Ok(order) => order,
            Err(error) => return unfit(error),
        };
        let ended = match order.run(call).await {
            Ok(ended) => ended,
            Err(error) => return broken(&error),
        };
        let fields = object(&ended);
        if ended.code != Some(0) {
            return failed(&ended, with_all_conflicts(&ended, fields));
        }
        // The client does not learn of the reservation, so it would never give it back.
        let is_new = fields.get("extended") == Some(&false.into());
        if is_new && (ended.stopped.is_some() || call.is_cancelled()) {
            give_back(call, &fields).await;
        }
        Ok(done(fields, plain_text::reserved))
    }
}

impl McpReserveArguments {
    fn order(&self, call: &McpCallHandle) -> Result<LoktCommandLine, &'static str> {
        // It ends with this process at the latest, however that ends.
        let me = call.connection.context.caller.pid.to_string();
        let order = LoktCommandLine::new(["reserve", "--json", "--origin=mcp"])
            .flag("--pid", Some(me))
            .flag("--ttl", self.ttl.as_ref())
            .flag("--reason", self.reason.as_ref())
            .words(self.shared.unwrap_or(false).then(|| "--shared".to_owned()))
            .words(waiting(self.wait, self.timeout.as_ref())?);
        let order = if self.wait == Some(true) { order.lasting([]) } else { order };
        Ok(order.words(operands(&self.paths)))
    }
}

/// Paths as the last words of a command line, none of which is taken for a flag.
fn operands(paths: &[String]) -> impl Iterator<Item = String> {
    std::iter::once("--".to_owned()).chain(paths.iter().cloned())
}

/// What a command printed, if that is a JSON object.
fn object(ended: &McpCommandResult) -> JsonObject {
    match ended.json() {
        Some(Value::Object(fields)) => fields,
        _ => JsonObject::new(),
    }
}

/// A refusal with all its conflicts in the error, and what is free: a command has an error for each.
fn with_all_conflicts(ended: &McpCommandResult, mut fields: JsonObject) -> JsonObject {
    let text = ended.err.text();
    let mut all: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
    let free: Vec<String> = fields
        .get("free")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(Value::to_string)
        .collect();
    let free = format!("free now: {}", free.join(", "));
    if fields.contains_key("conflicts") && !all.is_empty() {
        if !free.ends_with(": ") {
            all.push(&free);
        }
        fields.insert("error".to_owned(), all.join("; ").into());
    }
    fields
}

async fn give_back(call: &McpCallHandle, fields: &JsonObject) {
    let Some(id) = fields.get("id").and_then(Value::as_str) else { return };
    let order = LoktCommandLine::new(["unreserve"]).flag("--id", Some(id));
    // What cannot be given back ends by itself.
    let _ = order.run_for(&call.connection).await;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpUnreserveArguments {
    paths: Vec<String>,
}

impl McpOperation for McpUnreserveArguments {
    const NAME: &'static str = "unreserve";
    const TITLE: &'static str = "Give back paths";
    const ABOUT: &'static str = "Give back paths that you have reserved. Only your own.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Changes;
    const ARGUMENTS: &'static [McpArgument] =
        &[required("paths", McpArgumentKind::Paths, "What to give back, as it was reserved")];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        let order = LoktCommandLine::new(["unreserve", "--json"]).words(operands(&self.paths));
        match order.run(call).await {
            Ok(ended) => plain(&ended, plain_text::given_back),
            Err(error) => broken(&error),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpReservationsArguments {
    paths: Option<Vec<String>>,
    mine: Option<bool>,
}

impl McpOperation for McpReservationsArguments {
    const NAME: &'static str = "reservations";
    const TITLE: &'static str = "Show reserved paths";
    const ABOUT: &'static str = "List which paths are reserved. Result: reservations, each with id, patterns, owner, \
        agent_id, mine, expires_at, reason and more.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Looks;
    const ARGUMENTS: &'static [McpArgument] = &[
        optional("paths", McpArgumentKind::Paths, "Only what covers one of these"),
        optional("mine", McpArgumentKind::Flag, "Only your own"),
    ];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        let mine = self.mine.unwrap_or(false).then(|| "--mine".to_owned());
        let paths = self.paths.unwrap_or_default();
        let order = LoktCommandLine::new(["reservations", "--json"]).words(mine);
        let ended = match order.words(operands(&paths)).run(call).await {
            Ok(ended) => ended,
            Err(error) => return broken(&error),
        };
        let list = |all| JsonObject::from_iter([("reservations".to_owned(), Value::Array(all))]);
        match (ended.code, ended.json()) {
            (Some(0), Some(Value::Array(all))) => Ok(done(list(all), plain_text::reservations)),
            // Something that cannot be read may be a reservation.
            (_, Some(Value::Array(all))) => failed(&ended, list(all)),
            _ => failed(&ended, JsonObject::new()),
        }
    }
}
