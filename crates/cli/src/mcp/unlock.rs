//! Unlocking a lease.

use super::{
    answer::{ToolAnswer, broken, done, failed},
    argument_table::{McpArgument, McpArgumentKind, required},
    argument_types::McpLockNameArgument,
    call::McpCallHandle,
    command_line::{LoktCommandLine, McpCommandResult},
    plain_text,
    server::{McpOperation, McpOperationEffect},
};
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::Value;

/// Arguments of `unlock`, which runs `lokt unlock --json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpUnlockArguments {
    name: McpLockNameArgument,
}

impl McpOperation for McpUnlockArguments {
    const NAME: &'static str = "unlock";
    const TITLE: &'static str = "Unlock";
    const ABOUT: &'static str = "Unlock a lock that you took with lock. Only your own.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Changes;
    const ARGUMENTS: &'static [McpArgument] =
        &[required("name", McpArgumentKind::Name, "The lock")];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        let order = LoktCommandLine::new(["unlock", "--json", "--", self.name.as_str()]);
        match order.acting_as(call.connection.taker_of(self.name.lock())).run(call).await {
            Ok(ended) => unlocked(call, &self.name, &ended),
            Err(error) => broken(&error),
        }
    }
}

/// The answer after a lock was unlocked or taken away.
///
/// A lock that is free now, or was free before, no longer ends with the connection.
pub(super) fn unlocked(
    call: &McpCallHandle,
    name: &McpLockNameArgument,
    ended: &McpCommandResult,
) -> ToolAnswer {
    if matches!(ended.code, Some(0 | 3)) {
        call.connection.holds_no_more(name.lock());
    }
    plain(ended, plain_text::freed)
}

/// What a command printed as a JSON object, or how it failed.
pub(super) fn plain(
    ended: &McpCommandResult,
    text: impl FnOnce(&JsonObject) -> String,
) -> ToolAnswer {
    let printed = match ended.json() {
        Some(Value::Object(fields)) => Some(fields),
        _ => None,
    };
    match (ended.code, printed) {
        (Some(0), Some(fields)) => Ok(done(fields, text)),
        (_, fields) => failed(ended, fields.unwrap_or_else(JsonObject::new)),
    }
}
