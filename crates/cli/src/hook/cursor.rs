//! The answers that Cursor reads.

use super::event::{HookAnswer, ShellCall};
use serde_json::json;

/// The text of an answer. No answer of Lokt changes an input here.
pub(super) fn answer(answer: &HookAnswer, _: Option<&ShellCall>) -> Option<String> {
    match answer {
        HookAnswer::NoDecision | HookAnswer::Rewrite(_) => None,
        HookAnswer::Deny(reason) => {
            let first = reason.lines().next().unwrap_or_default();
            let answer =
                json!({"permission": "deny", "user_message": first, "agent_message": reason});
            Some(answer.to_string())
        }
    }
}
