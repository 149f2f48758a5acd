//! What changes nothing: `status` and `why`.

use super::{
    answer::{ToolAnswer, broken, done, failed},
    argument_table::{McpArgument, McpArgumentKind, optional, required},
    argument_types::McpLockNameArgument,
    call::McpCallHandle,
    command_line::{LoktCommandLine, McpCommandResult},
    next_step, plain_text,
    server::{McpOperation, McpOperationEffect},
};
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::Value;

/// Arguments of `status`, which runs `lokt status --json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpStatusArguments {
    name: Option<McpLockNameArgument>,
}

impl McpOperation for McpStatusArguments {
    const NAME: &'static str = "status";
    const TITLE: &'static str = "Show locks";
    const ABOUT: &'static str = "List the locks that are held, waited for or frozen. Result: locks, each with name, \
        state, owner, agent_id, pid, command, held_since, expires_at, metadata, queue and more.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Looks;
    const ARGUMENTS: &'static [McpArgument] =
        &[optional("name", McpArgumentKind::Name, "Only this lock")];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        let name = self.name.as_ref().map(|name| name.as_str().to_owned());
        let words = name.map(|name| ["--".to_owned(), name]).into_iter().flatten();
        match LoktCommandLine::new(["status", "--json"]).words(words).run(call).await {
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
    let text = plain_text::status(&locks);
    Ok(done(list(locks), |_| text))
}

/// The field `locks`.
fn list(locks: Vec<Value>) -> JsonObject {
    JsonObject::from_iter([("locks".to_owned(), locks.into())])
}

/// Arguments of `why`, which runs `lokt why --json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpWhyArguments {
    name: McpLockNameArgument,
}

impl McpOperation for McpWhyArguments {
    const NAME: &'static str = "why";
    const TITLE: &'static str = "Why a lock cannot be taken";
    const ABOUT: &'static str = "Explain whether you could take a lock now. Result: status (free or blocked), reasons \
        with the holder or the waiters, next.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Looks;
    const ARGUMENTS: &'static [McpArgument] =
        &[required("name", McpArgumentKind::Name, "The lock")];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        match LoktCommandLine::new(["why", "--lock", "--json", "--", self.name.as_str()])
            .run(call)
            .await
        {
            Ok(ended) => match (ended.code, ended.json()) {
                // That it is blocked is an answer.
                (Some(0 | 2), Some(Value::Object(fields))) => {
                    Ok(done(explained(fields), plain_text::explanation))
                }
                _ => failed(&ended, JsonObject::new()),
            },
            Err(error) => broken(&error),
        }
    }
}

/// The explanation, with a next step in place of commands for people at a command line.
fn explained(mut fields: JsonObject) -> JsonObject {
    fields.shift_remove("suggestions");
    if let Some(next) = next_step::after_why(&fields) {
        fields.insert("next".to_owned(), next.into());
    }
    fields
}
