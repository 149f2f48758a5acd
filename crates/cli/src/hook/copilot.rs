//! The answers that Copilot reads: the command line and the cloud agent the first form, VS Code the second. Each
//! ignores the fields of the other.

use super::event::{HookAnswer, ShellCall};
use serde_json::json;

/// The text of an answer. No answer of Lokt changes an input here.
pub(super) fn answer(answer: &HookAnswer, _: Option<&ShellCall>) -> Option<String> {
    match answer {
        HookAnswer::NoDecision | HookAnswer::Rewrite(_) => None,
        HookAnswer::Deny(reason) => {
            let answer = json!({
                "permissionDecision": "deny",
                "permissionDecisionReason": reason,
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "deny",
                    "permissionDecisionReason": reason,
                },
            });
            Some(answer.to_string())
        }
    }
}
