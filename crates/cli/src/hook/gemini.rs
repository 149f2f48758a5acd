//! The answers that Gemini CLI reads.

use super::event::{HookAnswer, ShellCall};
use serde_json::json;

/// The text of an answer. What it says of the input is merged with the input.
pub(super) fn answer(answer: &HookAnswer, shell: Option<&ShellCall>) -> Option<String> {
    match answer {
        HookAnswer::NoDecision => None,
        HookAnswer::Deny(reason) => Some(json!({"decision": "deny", "reason": reason}).to_string()),
        HookAnswer::Rewrite(line) => {
            let (key, _) = shell?.input.as_ref()?;
            let input = json!({ *key: line });
            Some(json!({"hookSpecificOutput": {"tool_input": input}}).to_string())
        }
    }
}
