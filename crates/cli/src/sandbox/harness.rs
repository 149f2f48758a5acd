//! The harnesses whose sandbox is known.

use crate::env;
use std::path::Path;

/// A harness that runs the commands of an agent in a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SandboxedHarness {
    /// `OpenAI` Codex: `.git` in the work tree is read-only.
    Codex,
    /// Claude Code: a linked worktree may write the shared git directory, and nothing else outside of it.
    ClaudeCode,
    /// Cursor.
    Cursor,
}

/// The marks of each in the environment of its commands. Sources: for Codex, `core/src/spawn.rs` of openai/codex
/// (`CODEX_SANDBOX`, `CODEX_SANDBOX_NETWORK_DISABLED`) and its pull request 10096 (`CODEX_THREAD_ID`); for Claude Code,
/// code.claude.com/docs/en/env-vars; for Cursor, cursor.com/docs/agent/tools/terminal.
///
/// The first that is set counts.
const MARKS: [(&str, SandboxedHarness); 8] = [
    ("CODEX_SANDBOX", SandboxedHarness::Codex),
    ("CODEX_SANDBOX_NETWORK_DISABLED", SandboxedHarness::Codex),
    ("CODEX_THREAD_ID", SandboxedHarness::Codex),
    ("CURSOR_SANDBOX", SandboxedHarness::Cursor),
    ("CURSOR_AGENT", SandboxedHarness::Cursor),
    ("CURSOR_CONVERSATION_ID", SandboxedHarness::Cursor),
    ("CLAUDECODE", SandboxedHarness::ClaudeCode),
    ("CLAUDE_CODE_SESSION_ID", SandboxedHarness::ClaudeCode),
];

/// A setting of a harness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HarnessSetting {
    /// The settings file, as a person would name it.
    pub(crate) file: String,
    /// What to put into it, in the language of that file: TOML or JSON. TOML has several lines.
    pub(crate) text: String,
    /// A further step that is needed, or empty.
    pub(crate) note: &'static str,
}

/// Before each line of a text that is to be copied as it is.
pub(crate) const COPIED: &str = "  ";

impl HarnessSetting {
    /// The setting as hints: what to do with it, then each line of its text alone, so that it can be copied.
    pub(crate) fn hints(&self, what: &str) -> Vec<String> {
        let lines = self.text.lines().map(|line| format!("{COPIED}{line}"));
        std::iter::once(format!("{what} this:")).chain(lines).collect()
    }
}

impl SandboxedHarness {
    /// All of them, by the names that people know.
    pub(crate) const ALL: [(&str, Self); 3] =
        [("Codex", Self::Codex), ("Claude Code", Self::ClaudeCode), ("Cursor", Self::Cursor)];

    /// The harness of this process, as the environment says.
    ///
    /// A mark is inherited by all processes below the harness, so it says which harness is near,
    /// not that its sandbox is on.
    pub(crate) fn current() -> Option<Self> {
        let mark = MARKS.iter().find(|(key, _)| env::value(key).is_some());
        mark.map(|(_, harness)| *harness)
    }

    /// The setting that lets the sandbox write a folder; none for a path that is not UTF-8.
    pub(crate) fn setting(self, folder: &Path) -> Option<HarnessSetting> {
        // A string of JSON is one of TOML too.
        let path = serde_json::to_string(folder.to_str()?).ok()?;
        Some(match self {
            Self::Codex => HarnessSetting {
                file: format!("{}/config.toml", codex_home()),
                text: format!("[sandbox_workspace_write]\nwritable_roots = [{path}]"),
                note: "`lokt init --agent codex`, run outside of the sandbox, does that; then start Codex again",
            },
            Self::ClaudeCode => HarnessSetting {
                file: ".claude/settings.local.json".to_owned(),
                text: format!("{{\"sandbox\": {{\"filesystem\": {{\"allowWrite\": [{path}]}}}}}}"),
                note: "",
            },
            Self::Cursor => HarnessSetting {
                file: "~/.cursor/sandbox.json".to_owned(),
                text: format!("{{\"additionalReadwritePaths\": [{path}]}}"),
                note: "",
            },
        })
    }
}

/// Codex's folder of this user, as it is shown.
pub(crate) fn codex_home() -> &'static str {
    if env::value(env::CODEX_HOME).is_some() { "$CODEX_HOME" } else { "~/.codex" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_in_the_language_of_the_file() {
        let folder = Path::new("/a \"b\"/.git/lokt");
        let text = |harness: SandboxedHarness| harness.setting(folder).unwrap().text;
        let table: toml::Table = toml::from_str(&text(SandboxedHarness::Codex)).unwrap();
        let roots = &table["sandbox_workspace_write"]["writable_roots"];
        assert_eq!(roots[0].as_str(), folder.to_str());
        for harness in [SandboxedHarness::ClaudeCode, SandboxedHarness::Cursor] {
            let value: serde_json::Value = serde_json::from_str(&text(harness)).unwrap();
            assert!(value.to_string().contains(".git/lokt"), "{value}");
        }
    }
}
