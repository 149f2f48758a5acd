//! The harnesses whose hooks Lokt answers, one row each: the events, the tools that write files and run shell lines,
//! and the names of fields. This is the only place that knows these names.
//!
//! Checked in November 2026. A new row needs a documented event before an edit that can deny it, and its source.

use super::event::HookAnswer;
use super::{claude_code, copilot, cursor, gemini, opencode};
use clap::ValueEnum;
use lokt_lock::words::Harness;
use std::time::Duration;

/// A harness that asks hooks before edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HookedHarness {
    ClaudeCode,
    Codex,
    Gemini,
    Cursor,
    Copilot,
    #[value(name = "opencode")]
    OpenCode,
}

/// What kind of event a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKind {
    SessionStarts,
    SessionEnds,
    PromptSubmitted,
    BeforeTool,
    AfterTool,
    /// A tool has failed, or was refused.
    ToolFailed,
    /// A line of shell is about to run: a separate event.
    BeforeShell,
    /// A file was written: a separate event.
    AfterEdit,
    PermissionAsked,
    /// A message to a person, which may be about a permission.
    Notification,
    TurnEnds,
    SubagentEnds,
}

/// What a tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToolKind {
    /// It writes the files that its input names.
    Edit,
    /// It applies a patch.
    Patch,
    /// It runs a line of shell.
    Shell,
}

/// Where a payload has what, the first name that is there.
#[derive(Debug)]
pub(super) struct PayloadNames {
    pub(super) event: &'static [&'static str],
    pub(super) session: &'static [&'static str],
    pub(super) subagent: &'static [&'static str],
    pub(super) tool: &'static [&'static str],
    pub(super) input: &'static [&'static str],
    pub(super) call: &'static [&'static str],
}

/// A harness.
#[derive(Debug)]
pub(super) struct HookRow {
    pub(super) harness: Harness,
    pub(super) events: &'static [(&'static str, EventKind)],
    pub(super) tools: &'static [(&'static str, ToolKind)],
    pub(super) names: PayloadNames,
    /// Whether shell commands and MCP servers know the session by the id that hooks get. Otherwise, hooks find it as
    /// those do.
    pub(super) is_session_known: bool,
    /// Whether a hook may answer with another input for a tool, without approving it.
    pub(super) rewrites: bool,
    /// How long its shell tool lets a line run where the call does not say.
    pub(super) shell_limit: Option<Duration>,
    /// The exit code of a hook that failed: one that lets the tool run, and shows the line on stderr where there is
    /// such a code.
    pub(super) fault_code: u8,
    /// The text of an answer.
    pub(super) answer: fn(&HookAnswer, Option<&super::event::ShellCall>) -> Option<String>,
}

/// The names of payloads that have the form of Claude Code's.
const SNAKE_CASE: PayloadNames = PayloadNames {
    event: &["hook_event_name"],
    session: &["session_id"],
    subagent: &["agent_id"],
    tool: &["tool_name"],
    input: &["tool_input"],
    call: &["tool_use_id"],
};

const CLAUDE_EVENTS: &[(&str, EventKind)] = &[
    ("SessionStart", EventKind::SessionStarts),
    ("SessionEnd", EventKind::SessionEnds),
    ("UserPromptSubmit", EventKind::PromptSubmitted),
    ("PreToolUse", EventKind::BeforeTool),
    ("PostToolUse", EventKind::AfterTool),
    ("PostToolUseFailure", EventKind::ToolFailed),
    ("PermissionDenied", EventKind::ToolFailed),
    ("PermissionRequest", EventKind::PermissionAsked),
    ("Notification", EventKind::Notification),
    ("Stop", EventKind::TurnEnds),
    ("StopFailure", EventKind::TurnEnds),
    ("SubagentStop", EventKind::SubagentEnds),
];

// Version 2.1. <https://code.claude.com/docs/en/hooks>: the events, `permissionDecision`, `updatedInput` (replaces the
// whole input), `agent_id` where a subagent acts, exit code 2 denies and any other but 0 shows stderr to the user and
// goes on. File paths are absolute. <https://code.claude.com/docs/en/tools-reference>: the tools; Bash ends after 2
// minutes by default.
const CLAUDE_CODE: HookRow = HookRow {
    harness: Harness::ClaudeCode,
    events: CLAUDE_EVENTS,
    tools: &[
        ("Edit", ToolKind::Edit),
        ("Write", ToolKind::Edit),
        ("MultiEdit", ToolKind::Edit),
        ("NotebookEdit", ToolKind::Edit),
        ("Bash", ToolKind::Shell),
    ],
    names: SNAKE_CASE,
    is_session_known: true,
    rewrites: true,
    shell_limit: Some(Duration::from_mins(2)),
    fault_code: 1,
    answer: claude_code::answer,
};

// Version 0.124 and later, where hooks are on and see `apply_patch`.
// <https://github.com/openai/codex/tree/main/codex-rs/hooks>: `schema/generated` has the payloads,
// `src/engine/output_parser.rs` the answers. `updatedInput` counts only with an *allow*, which would approve the rest
// of the line, so a line is never rewritten. There is no event at the session's end. `agent_id` is the thread of a
// subagent, which its shell commands have in CODEX_THREAD_ID.
const CODEX: HookRow = HookRow {
    harness: Harness::Codex,
    events: CLAUDE_EVENTS,
    tools: &[
        ("apply_patch", ToolKind::Patch),
        ("Edit", ToolKind::Patch),
        ("Write", ToolKind::Patch),
        ("Bash", ToolKind::Shell),
    ],
    names: SNAKE_CASE,
    is_session_known: true,
    rewrites: false,
    shell_limit: None,
    fault_code: 1,
    answer: claude_code::answer,
};

// Version 0.26 and later. <https://github.com/google-gemini/gemini-cli/blob/main/docs/hooks/reference.md>: the events,
// `decision` and `reason`, `hookSpecificOutput.tool_input` (merged with the input); exit code 2 blocks, any other but 0
// is a warning. The id of the session is in hooks alone, so the session is the harness's process, as for shell
// commands.
const GEMINI: HookRow = HookRow {
    harness: Harness::Gemini,
    events: &[
        ("SessionStart", EventKind::SessionStarts),
        ("SessionEnd", EventKind::SessionEnds),
        ("BeforeAgent", EventKind::PromptSubmitted),
        ("BeforeTool", EventKind::BeforeTool),
        ("AfterTool", EventKind::AfterTool),
        ("AfterAgent", EventKind::TurnEnds),
        ("Notification", EventKind::Notification),
    ],
    tools: &[
        ("write_file", ToolKind::Edit),
        ("replace", ToolKind::Edit),
        ("run_shell_command", ToolKind::Shell),
    ],
    names: SNAKE_CASE,
    is_session_known: false,
    rewrites: true,
    shell_limit: None,
    fault_code: 1,
    answer: gemini::answer,
};

// Versions with `preToolUse`. <https://cursor.com/docs/agent/hooks>: `permission`, `user_message`, `agent_message`;
// exit code 2 denies, any other but 0 lets the action go on. `beforeShellExecution` cannot change the line.
const CURSOR: HookRow = HookRow {
    harness: Harness::Cursor,
    events: &[
        ("sessionStart", EventKind::SessionStarts),
        ("sessionEnd", EventKind::SessionEnds),
        ("beforeSubmitPrompt", EventKind::PromptSubmitted),
        ("preToolUse", EventKind::BeforeTool),
        ("postToolUse", EventKind::AfterTool),
        ("postToolUseFailure", EventKind::ToolFailed),
        ("beforeShellExecution", EventKind::BeforeShell),
        ("afterFileEdit", EventKind::AfterEdit),
        ("stop", EventKind::TurnEnds),
        ("subagentStop", EventKind::SubagentEnds),
    ],
    tools: &[
        ("Write", ToolKind::Edit),
        ("Edit", ToolKind::Edit),
        ("StrReplace", ToolKind::Edit),
        ("MultiEdit", ToolKind::Edit),
        ("EditNotebook", ToolKind::Edit),
        ("Delete", ToolKind::Edit),
        ("ApplyPatch", ToolKind::Patch),
        // The line comes again in `beforeShellExecution`.
        ("Shell", ToolKind::Shell),
    ],
    names: PayloadNames {
        event: &["hook_event_name"],
        session: &["conversation_id", "session_id"],
        subagent: &["subagent_id"],
        tool: &["tool_name"],
        input: &["tool_input"],
        call: &["tool_use_id"],
    },
    is_session_known: true,
    rewrites: false,
    shell_limit: None,
    fault_code: 1,
    answer: cursor::answer,
};

// <https://docs.github.com/en/copilot/reference/hooks-reference>: both forms of payloads, `permissionDecision`. A
// command that fails before a tool denies it, whatever its code, so a fault ends with 0. No payload before a tool names
// a subagent. The camelCase form names no event, which its other fields show. VS Code's own agent:
// <https://code.visualstudio.com/docs/agents/reference/hooks-reference>.
const COPILOT: HookRow = HookRow {
    harness: Harness::Copilot,
    events: CLAUDE_EVENTS,
    tools: &[
        ("create", ToolKind::Edit),
        ("edit", ToolKind::Edit),
        ("str_replace_editor", ToolKind::Edit),
        ("apply_patch", ToolKind::Patch),
        ("bash", ToolKind::Shell),
        // The names in payloads of the other form.
        ("Write", ToolKind::Edit),
        ("Edit", ToolKind::Edit),
        ("Bash", ToolKind::Shell),
        ("editFiles", ToolKind::Edit),
        ("create_file", ToolKind::Edit),
        ("insert_edit_into_file", ToolKind::Edit),
        ("replace_string_in_file", ToolKind::Edit),
        ("multi_replace_string_in_file", ToolKind::Edit),
        ("run_in_terminal", ToolKind::Shell),
    ],
    names: PayloadNames {
        event: &["hook_event_name", "hookEventName"],
        session: &["sessionId", "session_id"],
        subagent: &["agentId", "agent_id"],
        tool: &["toolName", "tool_name"],
        input: &["toolArgs", "tool_input"],
        call: &["tool_use_id"],
    },
    is_session_known: false,
    rewrites: false,
    shell_limit: None,
    fault_code: 0,
    answer: copilot::answer,
};

// Version 1.15. <https://opencode.ai/docs/plugins>: a plugin that throws in `tool.execute.before` denies the tool, and
// may change `output.args`. The plugin passes what it gets: `{"event": "tool.execute.before", "sessionID", "callID",
// "tool", "args", "directory"}`. `tool.execute.after` comes only where a tool succeeds
// (<https://github.com/anomalyco/opencode/issues/27900>).
const OPENCODE: HookRow = HookRow {
    harness: Harness::OpenCode,
    events: &[
        ("session.created", EventKind::SessionStarts),
        ("session.deleted", EventKind::SessionEnds),
        ("chat.message", EventKind::PromptSubmitted),
        ("tool.execute.before", EventKind::BeforeTool),
        ("tool.execute.after", EventKind::AfterTool),
        ("permission.asked", EventKind::PermissionAsked),
        ("session.idle", EventKind::TurnEnds),
    ],
    tools: &[
        ("edit", ToolKind::Edit),
        ("write", ToolKind::Edit),
        ("multiedit", ToolKind::Edit),
        ("patch", ToolKind::Patch),
        ("apply_patch", ToolKind::Patch),
        ("bash", ToolKind::Shell),
    ],
    names: PayloadNames {
        event: &["event"],
        session: &["sessionID"],
        subagent: &["subagentID"],
        tool: &["tool"],
        input: &["args"],
        call: &["callID"],
    },
    is_session_known: false,
    rewrites: true,
    shell_limit: Some(Duration::from_mins(2)),
    fault_code: 1,
    answer: opencode::answer,
};

impl HookedHarness {
    /// Its row.
    pub(super) const fn row(self) -> &'static HookRow {
        match self {
            Self::ClaudeCode => &CLAUDE_CODE,
            Self::Codex => &CODEX,
            Self::Gemini => &GEMINI,
            Self::Cursor => &CURSOR,
            Self::Copilot => &COPILOT,
            Self::OpenCode => &OPENCODE,
        }
    }

    /// The exit code of a hook that failed.
    pub(crate) const fn fault_code(self) -> u8 {
        self.row().fault_code
    }
}

impl HookRow {
    /// What kind of event a name stands for.
    pub(super) fn event(&self, name: &str) -> Option<EventKind> {
        self.events.iter().find(|(it, _)| *it == name).map(|(_, kind)| *kind)
    }

    /// What a tool does; nothing where it writes no files and runs no shell.
    pub(super) fn tool(&self, name: &str) -> Option<ToolKind> {
        self.tools.iter().find(|(it, _)| *it == name).map(|(_, kind)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_has_the_name_of_its_harness() {
        for harness in HookedHarness::value_variants() {
            let name = harness.to_possible_value().unwrap();
            assert_eq!(name.get_name(), harness.row().harness.as_str());
        }
    }

    #[test]
    fn a_fault_never_has_the_code_that_denies() {
        for harness in HookedHarness::value_variants() {
            assert!(harness.fault_code() < 2, "{harness:?}");
        }
    }
}
