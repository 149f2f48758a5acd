use super::hooks_file::{self, HooksFile};
use crate::prime::InstructionFileKind;
use clap::ValueEnum;
use std::path::Path;

/// A coding agent that reads instructions from a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodingAgent {
    /// AGENTS.md: Copilot's agent and many others
    Agents,
    /// AGENTS.md, hooks in .codex/hooks.json, and the locks in what Codex's sandbox may write
    Codex,
    /// GEMINI.md, and hooks in .gemini/settings.json: Gemini CLI
    Gemini,
    /// AGENTS.md, and a plugin in .opencode/plugins: opencode
    Opencode,
    /// AGENTS.md: Amp
    Amp,
    /// CLAUDE.md, and hooks in .claude/settings.json
    #[value(alias = "claude-code")]
    Claude,
    /// .cursor/rules/lokt.mdc, and hooks in .cursor/hooks.json
    Cursor,
    /// .windsurfrules
    Windsurf,
    /// .github/copilot-instructions.md, and hooks in .github/hooks/lokt.json
    Copilot,
    /// .clinerules, or lokt.md in a folder of that name
    Cline,
    /// CONVENTIONS.md, and .aider.conf.yml that reads it
    Aider,
}

/// A text file that an agent reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InstructionFile {
    /// Where it is, relative to the project.
    pub(super) path: &'static str,
    /// What a new one begins with.
    pub(super) opening: &'static str,
    /// How the section is written.
    pub(super) format: InstructionFileKind,
}

impl InstructionFile {
    const fn new(path: &'static str, format: InstructionFileKind) -> Self {
        Self { path, opening: "", format }
    }
}

/// A small file that `init` makes if it does not exist, and never changes. One line in it marks it as made by
/// `init`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StarterFile {
    /// Where it is, relative to the project.
    pub(super) path: &'static str,
    /// All of it.
    pub(super) content: &'static str,
    /// What one that was there before must have to do the same.
    pub(super) mentions: &'static str,
    /// What to do where it does not, and below that the lines to copy.
    pub(super) otherwise: &'static str,
}

/// The list of servers in the form that most agents read.
const SERVERS: &str = "{\n  \"mcpServers\": {\n    \"lokt\": {\n      \"command\": \"lokt\",\n      \"args\": [\"mcp\"]\n    }\n  }\n}\n";

/// The agents of which one may be found in a project.
const ALL: [CodingAgent; 11] = [
    CodingAgent::Agents,
    CodingAgent::Codex,
    CodingAgent::Gemini,
    CodingAgent::Opencode,
    CodingAgent::Amp,
    CodingAgent::Claude,
    CodingAgent::Cursor,
    CodingAgent::Windsurf,
    CodingAgent::Copilot,
    CodingAgent::Cline,
    CodingAgent::Aider,
];

impl CodingAgent {
    /// The agents that a project has files of; without any, the agents that read AGENTS.md.
    pub(crate) fn found_in(project: &Path) -> Vec<Self> {
        let is_there = |it: &Self| {
            it.traces().iter().any(|path| project.join(path).symlink_metadata().is_ok())
        };
        let found: Vec<Self> = ALL.into_iter().filter(is_there).collect();
        if found.is_empty() { vec![Self::Agents] } else { found }
    }

    /// Its name as an argument.
    pub(super) fn shown(self) -> String {
        self.to_possible_value().map_or_else(String::new, |it| it.get_name().to_owned())
    }

    /// All agents.
    pub(crate) fn all() -> Vec<Self> {
        ALL.to_vec()
    }

    /// Files and folders that only its users have.
    const fn traces(self) -> &'static [&'static str] {
        match self {
            Self::Agents => &["AGENTS.md"],
            Self::Codex => &[".codex"],
            Self::Gemini => &["GEMINI.md", ".gemini"],
            Self::Opencode => &["opencode.json", "opencode.jsonc", ".opencode"],
            Self::Amp => &[".amp"],
            Self::Claude => &["CLAUDE.md", ".claude"],
            Self::Cursor => &[".cursor", ".cursorrules"],
            Self::Windsurf => &[".windsurfrules", ".windsurf"],
            Self::Copilot => &[".github/copilot-instructions.md"],
            Self::Cline => &[".clinerules"],
            Self::Aider => &[".aider.conf.yml"],
        }
    }

    /// The instruction file that it reads in this project.
    pub(super) fn instructions(self, project: &Path) -> InstructionFile {
        match self {
            Self::Gemini => InstructionFile::new("GEMINI.md", InstructionFileKind::AgentsMd),
            Self::Agents | Self::Codex | Self::Opencode | Self::Amp => {
                InstructionFile::new("AGENTS.md", InstructionFileKind::AgentsMd)
            }
            Self::Claude => InstructionFile::new("CLAUDE.md", InstructionFileKind::ClaudeMd),
            // Cursor's agent does not read .cursorrules any more.
            Self::Cursor => InstructionFile {
                opening: "---\ndescription: Operations that are guarded by lokt\nalwaysApply: true\n---\n\n",
                ..InstructionFile::new(".cursor/rules/lokt.mdc", InstructionFileKind::Cursorrules)
            },
            Self::Windsurf => {
                InstructionFile::new(".windsurfrules", InstructionFileKind::Windsurfrules)
            }
            Self::Copilot => InstructionFile::new(
                ".github/copilot-instructions.md",
                InstructionFileKind::Copilot,
            ),
            Self::Cline if project.join(".clinerules").is_dir() => {
                InstructionFile::new(".clinerules/lokt.md", InstructionFileKind::Clinerules)
            }
            Self::Cline => InstructionFile::new(".clinerules", InstructionFileKind::Clinerules),
            Self::Aider => InstructionFile::new("CONVENTIONS.md", InstructionFileKind::Aider),
        }
    }

    /// The JSON file that has hooks, where the agent's harness knows such a thing.
    pub(super) const fn hooks_file(self) -> Option<&'static HooksFile> {
        match self {
            Self::Codex => Some(&hooks_file::CODEX),
            Self::Gemini => Some(&hooks_file::GEMINI),
            Self::Claude => Some(&hooks_file::CLAUDE_CODE),
            Self::Cursor => Some(&hooks_file::CURSOR),
            Self::Copilot => Some(&hooks_file::COPILOT),
            _ => None,
        }
    }

    /// What its hooks cannot do, a line each.
    pub(super) const fn limits(self) -> &'static [&'static str] {
        match self {
            Self::Claude => {
                &["claude: a shell command or an MCP tool that writes files is not checked"]
            }
            Self::Codex => &[
                "codex: skips the hooks until you trust them: run /hooks in Codex",
                "codex: a shell command or an MCP tool that writes files is not checked",
            ],
            Self::Gemini => &[
                "gemini: ignores the hooks in a folder that you do not trust",
                "gemini: a shell command or an MCP tool that writes files is not checked",
            ],
            Self::Cursor => &[
                "cursor: a shell command or an MCP tool that writes files is not checked, and subagents are not told apart",
            ],
            Self::Copilot => &[
                "copilot: its cloud agent works in a clone, which shares no reservations with yours",
                "copilot: a shell command or an MCP tool that writes files is not checked, and subagents are not told apart",
            ],
            Self::Opencode => &[
                "opencode: all sessions of one process are one agent",
                "opencode: a shell command or an MCP tool that writes files is not checked",
            ],
            _ => &[],
        }
    }

    /// The file of a project in which it looks for servers of the Model Context Protocol, with `lokt mcp` in it.
    pub(super) const fn servers(self) -> Option<StarterFile> {
        let (path, content, otherwise) = match self {
            Self::Claude => (
                ".mcp.json",
                SERVERS,
                "add to .mcp.json: {\"mcpServers\": {\"lokt\": {\"command\": \"lokt\", \"args\": [\"mcp\"]}}}",
            ),
            Self::Cursor => (
                ".cursor/mcp.json",
                SERVERS,
                "add to .cursor/mcp.json: {\"mcpServers\": {\"lokt\": {\"command\": \"lokt\", \"args\": [\"mcp\"]}}}",
            ),
            Self::Gemini => (
                ".gemini/settings.json",
                SERVERS,
                "add to .gemini/settings.json: {\"mcpServers\": {\"lokt\": {\"command\": \"lokt\", \"args\": [\"mcp\"]}}}",
            ),
            Self::Codex => (
                ".codex/config.toml",
                "[mcp_servers.lokt]\ncommand = \"lokt\"\nargs = [\"mcp\"]\n",
                "add to .codex/config.toml these lines:\n[mcp_servers.lokt]\ncommand = \"lokt\"\nargs = [\"mcp\"]",
            ),
            Self::Opencode => (
                "opencode.json",
                "{\n  \"mcp\": {\n    \"lokt\": {\n      \"type\": \"local\",\n      \"command\": [\"lokt\", \"mcp\"]\n    }\n  }\n}\n",
                "add to opencode.json: {\"mcp\": {\"lokt\": {\"type\": \"local\", \"command\": [\"lokt\", \"mcp\"]}}}",
            ),
            Self::Amp => (
                ".amp/settings.json",
                "{\n  \"amp.mcpServers\": {\n    \"lokt\": {\n      \"command\": \"lokt\",\n      \"args\": [\"mcp\"]\n    }\n  }\n}\n",
                "add to .amp/settings.json: {\"amp.mcpServers\": {\"lokt\": {\"command\": \"lokt\", \"args\": [\"mcp\"]}}}",
            ),
            Self::Copilot => (
                ".vscode/mcp.json",
                "{\n  \"servers\": {\n    \"lokt\": {\n      \"command\": \"lokt\",\n      \"args\": [\"mcp\"]\n    }\n  }\n}\n",
                "add to .vscode/mcp.json: {\"servers\": {\"lokt\": {\"command\": \"lokt\", \"args\": [\"mcp\"]}}}",
            ),
            _ => return None,
        };
        // The hooks in a file of JSON name Lokt, too.
        let mentions = if matches!(self, Self::Codex) { "lokt" } else { "\"lokt\"" };
        Some(StarterFile { path, content, mentions, otherwise })
    }

    /// What else it needs.
    pub(super) const fn companion(self) -> Option<StarterFile> {
        match self {
            Self::Aider => Some(StarterFile {
                path: ".aider.conf.yml",
                content: "# made by lokt init\nread: CONVENTIONS.md\n",
                mentions: "CONVENTIONS.md",
                otherwise: "aider reads CONVENTIONS.md only if .aider.conf.yml says `read: CONVENTIONS.md`",
            }),
            _ => None,
        }
    }
}
