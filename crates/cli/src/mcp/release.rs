//! Unlocking a lease.

use super::{
    answer::{ToolAnswer, broken, done, failed},
    argument_types::McpLockNameArgument,
    call::McpOperationCall,
    command_line::{LoktSubprocess, McpCommandResult},
    schema::{McpFieldType, OutputField},
    server::{McpOperation, McpOperationEffect},
};
use rmcp::{model::JsonObject, schemars::JsonSchema};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpReleaseArguments {
    name: McpLockNameArgument,
}

/// The result fields of all operations that unlock.
pub(super) const RELEASED: [OutputField; 2] = [
    ("released", McpFieldType::Texts, "The locks that are free now"),
    ("count", McpFieldType::Whole, "Number of these locks"),
];

impl McpOperation for McpReleaseArguments {
    const NAME: &'static str = "release";
    const TITLE: &'static str = "Release a lock";
    const ABOUT: &'static str = "Unlock a lock that you took with acquire. Only your own.";
    const NATURE: McpOperationEffect = McpOperationEffect::Changes;

    fn fields() -> Vec<OutputField> {
        RELEASED.to_vec()
    }

    async fn call(self, call: &McpOperationCall) -> ToolAnswer {
        match LoktSubprocess::new(["unlock", "--json", "--", self.name.as_str()]).run(call).await {
            Ok(ended) => released(call, &self.name, &ended),
            Err(error) => broken(&error),
        }
    }
}

/// The answer after a lock was unlocked or taken away.
pub(super) fn released(
    call: &McpOperationCall,
    name: &McpLockNameArgument,
    ended: &McpCommandResult,
) -> ToolAnswer {
    if matches!(ended.code, Some(0 | 3)) {
        call.connection.holds_no_more(name.lock());
    }
    plain(ended)
}

/// What a command printed as a JSON object, or how it failed.
pub(super) fn plain(ended: &McpCommandResult) -> ToolAnswer {
    let printed = match ended.json() {
        Some(Value::Object(fields)) => Some(fields),
        _ => None,
    };
    match (ended.code, printed) {
        (Some(0), Some(fields)) => done(fields),
        (_, fields) => failed(ended, fields.unwrap_or_else(JsonObject::new)),
    }
}
