//! What changes nothing: `status` and `why`.

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
pub(super) struct McpStatusArguments {
    /// Only this lock. Default: all
    name: Option<McpLockNameArgument>,
}

impl McpOperation for McpStatusArguments {
    const NAME: &'static str = "status";
    const TITLE: &'static str = "Show locks";
    const ABOUT: &'static str = "List the locks that are held, waited for or frozen: the holder, since when, the \
        remaining time, the command, the waiters and the metadata. Changes nothing.";
    const NATURE: McpOperationEffect = McpOperationEffect::Looks;

    fn fields() -> Vec<OutputField> {
        vec![(
            "locks",
            McpFieldType::Objects,
            "Each with name, state, owner, agent_id, pid, command, acquired_ts, expires_at, age_sec, \
             metadata, taken, waiters, queue and more; empty without holders, waiters and freezes",
        )]
    }

    async fn call(self, call: &McpOperationCall) -> ToolAnswer {
        let name = self.name.as_ref().map(|name| name.as_str().to_owned());
        let words = name.map(|name| ["--".to_owned(), name]).into_iter().flatten();
        match LoktSubprocess::new(["status", "--json"]).words(words).run(call).await {
            Ok(ended) => locks(&ended),
            Err(error) => broken(&error),
        }
    }
}

/// Returns the locks as a list, also if it is only one. A lock without a holder is not in the list.
fn locks(ended: &McpCommandResult) -> ToolAnswer {
    let locks = match (ended.code, ended.json()) {
        (Some(0), Some(Value::Array(locks))) => locks,
        (Some(0), Some(lock @ Value::Object(_))) => vec![lock],
        (Some(3), _) => Vec::new(),
        // A lock whose record is unreadable: the flaw is in the answer.
        (Some(_), Some(lock @ Value::Object(_))) => {
            return failed(ended, list(vec![lock]));
        }
        _ => return failed(ended, JsonObject::new()),
    };
    done(list(locks))
}

fn list(locks: Vec<Value>) -> JsonObject {
    JsonObject::from_iter([("locks".to_owned(), locks.into())])
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpWhyArguments {
    name: McpLockNameArgument,
}

impl McpOperation for McpWhyArguments {
    const NAME: &'static str = "why";
    const TITLE: &'static str = "Why a lock cannot be taken";
    const ABOUT: &'static str = "Explain whether you could take a lock now: the holder or waiter ahead of \
        you, and what you can do. Changes nothing.";
    const NATURE: McpOperationEffect = McpOperationEffect::Looks;

    fn fields() -> Vec<OutputField> {
        vec![
            ("name", McpFieldType::Text, "The lock"),
            (
                "reasons",
                McpFieldType::Objects,
                "Each with type, message, holder_ or freeze_ fields, and the record if there is one",
            ),
            ("suggestions", McpFieldType::Texts, "What you can do, as commands"),
        ]
    }

    async fn call(self, call: &McpOperationCall) -> ToolAnswer {
        match LoktSubprocess::new(["why", "--json", "--", self.name.as_str()]).run(call).await {
            Ok(ended) => match (ended.code, ended.json()) {
                // That it is blocked is an answer.
                (Some(0 | 2), Some(Value::Object(fields))) => done(fields),
                _ => failed(&ended, JsonObject::new()),
            },
            Err(error) => broken(&error),
        }
    }
}
