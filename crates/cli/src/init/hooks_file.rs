//! The hooks that each harness gets, in which file, and the lines of shell that they run.
//!
//! A line does nothing where Lokt is not installed, because others get these files with the repository. A strict line
//! that is asked before an edit denies it there: no edit without a check.
//!
//! Only events that all versions know: a version of Claude Code that does not know an event reads nothing of the file.

use serde_json::{Map, Value, json};

/// What happens to an edit that cannot be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HookStrictness {
    /// It is made.
    Lenient,
    /// It is denied.
    Strict,
}

/// What a hook is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookPurpose {
    /// It tells an agent what it must know, when its session starts.
    Prime,
    /// It is told of an event, and decides nothing.
    Note,
    /// It decides about tools, some of which are no edits.
    Tool,
    /// It decides about edits alone.
    Edit,
}

impl HookPurpose {
    /// What its line runs, whatever else is in that.
    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::Prime => "lokt prime",
            Self::Note | Self::Tool | Self::Edit => "lokt hook",
        }
    }
}

/// How a harness writes down a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HookForm {
    /// A group with a matcher and a list of commands.
    Grouped,
    /// `command`, and a matcher.
    Plain,
    /// `bash`, without a matcher.
    Bash,
}

/// A hook that `init` puts into a file.
#[derive(Debug)]
pub(super) struct HookEntry {
    pub(super) event: &'static str,
    /// The names of tools that the hook is for, as a regular expression.
    matcher: Option<&'static str>,
    pub(super) purpose: HookPurpose,
}

/// A harness's file of hooks.
#[derive(Debug)]
pub(super) struct HooksFile {
    /// Where it is, relative to the project.
    pub(super) path: &'static str,
    /// What the harness is called by `lokt hook`.
    harness: &'static str,
    /// The version that the file says, where it says one.
    pub(super) version: Option<u8>,
    form: HookForm,
    pub(super) entries: &'static [HookEntry],
}

/// The line of earlier versions, which failed for those who do not have Lokt.
const EARLIER_PRIME: &str = "lokt prime";
/// What goes before a command that does nothing where Lokt is not installed.
const GUARD: &str = "! command -v lokt >/dev/null 2>&1 || ";
/// What goes behind a strict one. It also denies where Lokt is too old, or was killed.
const OR_DENY: &str = " || { echo 'this repository wants no edit that lokt has not checked: install lokt, or a newer one' >&2; exit 2; }";

const fn entry(event: &'static str, purpose: HookPurpose) -> HookEntry {
    HookEntry { event, matcher: None, purpose }
}

const fn of_tools(event: &'static str, matcher: &'static str, purpose: HookPurpose) -> HookEntry {
    HookEntry { event, matcher: Some(matcher), purpose }
}

// <https://code.claude.com/docs/en/hooks>
pub(super) const CLAUDE_CODE: HooksFile = HooksFile {
    path: ".claude/settings.json",
    harness: "claude-code",
    version: None,
    form: HookForm::Grouped,
    entries: &[
        entry("SessionStart", HookPurpose::Prime),
        entry("SessionStart", HookPurpose::Note),
        entry("UserPromptSubmit", HookPurpose::Note),
        of_tools("PreToolUse", "Edit|Write|MultiEdit|NotebookEdit", HookPurpose::Edit),
        of_tools("PreToolUse", "Bash", HookPurpose::Tool),
        of_tools("PostToolUse", "Edit|Write|MultiEdit|NotebookEdit|Bash", HookPurpose::Note),
        entry("Stop", HookPurpose::Note),
        entry("SubagentStop", HookPurpose::Note),
        entry("SessionEnd", HookPurpose::Note),
    ],
};

// <https://developers.openai.com/codex/hooks>; `codex-rs/config/src/hook_config.rs`: events that a version does not
// know are ignored. Edits come as `apply_patch`, which also matches as Edit and Write. There is no event at a session's
// end.
pub(super) const CODEX: HooksFile = HooksFile {
    path: ".codex/hooks.json",
    harness: "codex",
    version: None,
    form: HookForm::Grouped,
    entries: &[
        entry("SessionStart", HookPurpose::Prime),
        entry("SessionStart", HookPurpose::Note),
        entry("UserPromptSubmit", HookPurpose::Note),
        of_tools("PreToolUse", "apply_patch|Edit|Write", HookPurpose::Edit),
        of_tools("PreToolUse", "Bash", HookPurpose::Tool),
        of_tools("PostToolUse", "apply_patch|Edit|Write|Bash", HookPurpose::Note),
        entry("Stop", HookPurpose::Note),
        entry("SubagentStop", HookPurpose::Note),
    ],
};

// <https://geminicli.com/docs/hooks/reference>
pub(super) const GEMINI: HooksFile = HooksFile {
    path: ".gemini/settings.json",
    harness: "gemini",
    version: None,
    form: HookForm::Grouped,
    entries: &[
        entry("SessionStart", HookPurpose::Note),
        entry("BeforeAgent", HookPurpose::Note),
        of_tools("BeforeTool", "write_file|replace", HookPurpose::Edit),
        of_tools("BeforeTool", "run_shell_command", HookPurpose::Tool),
        of_tools("AfterTool", "write_file|replace|run_shell_command", HookPurpose::Note),
        entry("AfterAgent", HookPurpose::Note),
        entry("SessionEnd", HookPurpose::Note),
    ],
};

/// The names of Cursor's tools that write files.
const CURSOR_EDITS: &str = "Write|Edit|StrReplace|MultiEdit|EditNotebook|Delete|ApplyPatch";
// The names of those, and of the shell.
const CURSOR_TOOLS: &str = "Write|Edit|StrReplace|MultiEdit|EditNotebook|Delete|ApplyPatch|Shell";

// <https://cursor.com/docs/agent/hooks>
pub(super) const CURSOR: HooksFile = HooksFile {
    path: ".cursor/hooks.json",
    harness: "cursor",
    version: Some(1),
    form: HookForm::Plain,
    entries: &[
        entry("sessionStart", HookPurpose::Note),
        entry("beforeSubmitPrompt", HookPurpose::Note),
        of_tools("preToolUse", CURSOR_EDITS, HookPurpose::Edit),
        of_tools("preToolUse", "Shell", HookPurpose::Tool),
        of_tools("postToolUse", CURSOR_TOOLS, HookPurpose::Note),
        of_tools("postToolUseFailure", CURSOR_TOOLS, HookPurpose::Note),
        entry("stop", HookPurpose::Note),
        entry("sessionEnd", HookPurpose::Note),
    ],
};

// <https://docs.github.com/en/copilot/reference/hooks-reference>: all files of the folder count. Not every version
// limits a hook before a tool to some tools.
pub(super) const COPILOT: HooksFile = HooksFile {
    path: ".github/hooks/lokt.json",
    harness: "copilot",
    version: Some(1),
    form: HookForm::Bash,
    entries: &[
        entry("sessionStart", HookPurpose::Note),
        entry("userPromptSubmitted", HookPurpose::Note),
        entry("preToolUse", HookPurpose::Tool),
        entry("postToolUse", HookPurpose::Note),
        entry("agentStop", HookPurpose::Note),
        entry("sessionEnd", HookPurpose::Note),
    ],
};

impl HooksFile {
    /// The same file with other entries.
    #[cfg(test)]
    pub(super) const fn with_entries(like: &Self, entries: &'static [HookEntry]) -> Self {
        Self {
            path: like.path,
            harness: like.harness,
            version: like.version,
            form: like.form,
            entries,
        }
    }

    /// The hook of an entry.
    pub(super) fn hook(&self, entry: &HookEntry, strictness: HookStrictness) -> Value {
        self.hook_that_runs(entry, &self.command(entry, strictness))
    }

    /// The same with another line of shell.
    pub(super) fn hook_that_runs(&self, entry: &HookEntry, command: &str) -> Value {
        let matcher = entry.matcher.map(|it| ("matcher".to_owned(), json!(it)));
        let mut hook = Map::new();
        match self.form {
            HookForm::Grouped => {
                hook.extend(matcher);
                let command = json!({"type": "command", "command": command});
                hook.insert("hooks".to_owned(), json!([command]));
            }
            HookForm::Plain => {
                hook.insert("command".to_owned(), json!(command));
                hook.extend(matcher);
            }
            HookForm::Bash => {
                hook.insert("type".to_owned(), json!("command"));
                hook.insert("bash".to_owned(), json!(command));
            }
        }
        Value::Object(hook)
    }

    /// The line of shell of an entry.
    pub(super) fn command(&self, entry: &HookEntry, strictness: HookStrictness) -> String {
        let harness = self.harness;
        // Copilot denies a tool if the command before it fails in any way.
        let end = if self.form == HookForm::Bash { " || true" } else { "" };
        match (entry.purpose, strictness) {
            (HookPurpose::Prime, _) => format!("{GUARD}lokt prime"),
            (HookPurpose::Note, _) | (_, HookStrictness::Lenient) => {
                format!("{GUARD}lokt hook {harness}{end}")
            }
            (HookPurpose::Tool, HookStrictness::Strict) => {
                format!("{GUARD}lokt hook --strict {harness}")
            }
            (HookPurpose::Edit, HookStrictness::Strict) => {
                format!("lokt hook --strict {harness}{OR_DENY}")
            }
        }
    }

    /// Every line that `init` has ever put into the place of an entry.
    pub(super) fn commands(&self, entry: &HookEntry) -> Vec<String> {
        let today = [HookStrictness::Lenient, HookStrictness::Strict];
        let mut all: Vec<String> = today.map(|it| self.command(entry, it)).into();
        all.dedup();
        if entry.purpose == HookPurpose::Prime {
            all.push(EARLIER_PRIME.to_owned());
        }
        all
    }
}
