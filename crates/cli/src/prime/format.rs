use clap::ValueEnum;

/// Whose instruction file a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InstructionFileKind {
    /// AGENTS.md, read by Codex and many others
    AgentsMd,
    /// CLAUDE.md of Claude Code
    ClaudeMd,
    /// .cursorrules or .cursor/rules of Cursor
    Cursorrules,
    /// .windsurfrules of Windsurf: less than 2,000 characters
    Windsurfrules,
    /// .github/copilot-instructions.md of GitHub Copilot
    Copilot,
    /// .clinerules of Cline
    Clinerules,
    /// CONVENTIONS.md for aider
    Aider,
}

impl InstructionFileKind {
    /// The most characters that the text may have.
    pub(super) const fn most_characters(self) -> usize {
        match self {
            Self::Windsurfrules => 1999,
            _ => usize::MAX,
        }
    }

    /// How the agent learns what is held.
    pub(super) const fn sight(self) -> &'static str {
        match self {
            Self::ClaudeMd => {
                "The session-start hook shows what is held, if it is set up; `lokt prime` shows it at any time."
            }
            Self::Aider => {
                "`lokt prime` shows what is held now. The same rules hold for commands that you only propose."
            }
            _ => "Run `lokt prime` when a session starts: it shows what is held now.",
        }
    }
}
