//! What is done with a line of shell before it runs.

use super::{
    HookFault,
    event::{HookAnswer, ShellCall},
    places,
    session::HookSession,
};
use crate::{
    locking::nesting,
    output,
    project_store::files_of,
    shell_rules::{
        ShellDecision, ShellToolCall, ToolInputMutability, decide, project, uncommitted,
    },
};
use lokt_lock::words::LockName;
use std::path::Path;

/// Decides about a line; `folder` is that of the session.
pub(super) fn before(
    session: &HookSession,
    shell: &ShellCall,
    folder: &Path,
) -> Result<HookAnswer, HookFault> {
    let folder = shell.folder.as_ref().map_or_else(|| folder.to_owned(), |it| folder.join(it));
    let rules = project::rules(&folder);
    let held: Vec<LockName> = nesting::held().into_iter().map(|(name, _)| name).collect();
    let input = if shell.can_be_rewritten() {
        ToolInputMutability::Changeable
    } else {
        ToolInputMutability::Fixed
    };
    let answer = decide(&ShellToolCall {
        line: &shell.line,
        folder: &folder,
        time_limit: shell.limit,
        input,
        rules: rules.as_ref().map_or(&[], Vec::as_slice),
        held: &held,
        index_lock: &project::index_lock,
        program: &project::program(),
    });
    for call in &answer.discards {
        let from = call.folder.as_deref().unwrap_or(&folder);
        // git works in the innermost work tree.
        let Some(root) = places::roots_of(from).into_iter().next() else { continue };
        let store = files_of(&root).unannounced();
        if let Some(text) = uncommitted::denial(call, &folder, &store, &session.caller)? {
            return Ok(HookAnswer::Deny(text));
        }
    }
    let decided = match answer.decision {
        ShellDecision::Unchanged => HookAnswer::NoDecision,
        ShellDecision::Rewritten(line) => HookAnswer::Rewrite(line),
        ShellDecision::Denied(denial) => HookAnswer::Deny(denial.text()),
    };
    if decided == HookAnswer::NoDecision {
        rules?;
        if !answer.notes.is_empty() {
            output::warn(&format!("lokt hook: {}", answer.notes.join("; ")));
        }
    }
    Ok(decided)
}
