//! The answers that Claude Code and Codex read (`hookSpecificOutput`).

use super::event::{HookAnswer, ShellCall};
use serde_json::json;

/// The text of an answer.
///
/// A rewritten line comes without a `permissionDecision`: an *allow* would approve the whole line, and what the harness
/// asks a person about, it asks about this line too.
pub(super) fn answer(answer: &HookAnswer, shell: Option<&ShellCall>) -> Option<String> {
    match answer {
        HookAnswer::NoDecision => None,
        HookAnswer::Deny(reason) => Some(denied(reason)),
        HookAnswer::Rewrite(line) => {
            let input = super::rewritten_input(shell?, line)?;
            Some(format!(
                r#"{{"hookSpecificOutput":{{"hookEventName":"PreToolUse","updatedInput":{input}}}}}"#
            ))
        }
    }
}

pub(super) fn denied(reason: &str) -> String {
    let output = json!({
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": reason,
    });
    json!({ "hookSpecificOutput": output }).to_string()
}
