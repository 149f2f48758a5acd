use std::fmt;

/// A program that coding agents run in.
///
/// It has one name, in agent ids as in arguments: [`Harness::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Harness {
    /// Claude Code.
    ClaudeCode,
    /// Codex, by `OpenAI`.
    Codex,
    /// Google's Gemini CLI.
    Gemini,
    /// Cursor's agent, in the editor and as `cursor-agent`.
    Cursor,
    /// Copilot, by `GitHub`: the command line and the cloud agent.
    Copilot,
    /// `OpenCode`.
    OpenCode,
    /// Amp.
    Amp,
}

impl Harness {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ClaudeCode,
        Self::Codex,
        Self::Gemini,
        Self::Cursor,
        Self::Copilot,
        Self::OpenCode,
        Self::Amp,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Cursor => "cursor",
            Self::Copilot => "copilot",
            Self::OpenCode => "opencode",
            Self::Amp => "amp",
        }
    }

    /// The harness of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

impl fmt::Display for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
