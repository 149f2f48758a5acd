//! The answers that Lokt's plugin for `OpenCode` reads: it throws `deny` as an error, and runs `command` instead of the
//! line.

use super::event::{HookAnswer, ShellCall};
use serde_json::json;

/// The text of an answer.
pub(super) fn answer(answer: &HookAnswer, _: Option<&ShellCall>) -> Option<String> {
    match answer {
        HookAnswer::NoDecision => None,
        HookAnswer::Deny(reason) => Some(json!({"deny": reason}).to_string()),
        HookAnswer::Rewrite(line) => Some(json!({"command": line}).to_string()),
    }
}
