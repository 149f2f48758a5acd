//! The harnesses, one row each. This is the only place that knows the name of one of their variables.
//!
//! A new row, or a new variable, needs a source that says which processes get it: shell commands, MCP servers, hooks. A
//! variable that only some of them get would make two agents of one.

use crate::words::Harness;

/// The variable by which a user names an agent. It comes before all that harnesses say.
pub const AGENT_ID: &str = "LOKT_AGENT_ID";

/// The variable that names a session of Claude Code.
pub const CLAUDE_SESSION: &str = "CLAUDE_CODE_SESSION_ID";

/// What is known of a harness.
#[derive(Debug)]
pub(super) struct HarnessRow {
    pub(super) harness: Harness,
    /// Variables that have the id of its session. The first that is set counts.
    pub(super) session: &'static [&'static str],
    /// Variables that say only that it is above: the name and, where others use the variable too, the value.
    pub(super) markers: &'static [(&'static str, Option<&'static str>)],
    /// Variables with the id of its session that not all of its commands get: they are markers, and name the session
    /// only where its process cannot be seen.
    pub(super) partial: &'static [&'static str],
    /// Whether some of its versions name no session: then a marker of it may be the inner harness also beside a session
    /// of another one.
    pub(super) may_name_no_session: bool,
    /// A variable that has the pid of its process.
    pub(super) process: Option<&'static str>,
    /// Names of its program.
    pub(super) programs: &'static [&'static str],
    /// Ends of folders that its program is in, where an interpreter runs it.
    pub(super) packages: &'static [&'static str],
}

/// What a row is that says nothing.
const ROW: HarnessRow = HarnessRow {
    harness: Harness::ClaudeCode,
    session: &[],
    markers: &[],
    partial: &[],
    may_name_no_session: false,
    process: None,
    programs: &[],
    packages: &[],
};

/// All rows, checked in November 2026.
pub(super) const TABLE: [HarnessRow; 7] = [
    // <https://code.claude.com/docs/en/env-vars>: CLAUDE_CODE_SESSION_ID in commands of the Bash tool and in hooks, the
    // same as `session_id` in the input of hooks, new after /clear. Since 2.1.132
    // (<https://github.com/anthropics/claude-code/issues/63758>), in stdio MCP servers since 2.1.154. CLAUDECODE=1 is
    // older, and IDE extensions set it in terminals of people too, so without a process above it says nothing.
    HarnessRow {
        harness: Harness::ClaudeCode,
        session: &[CLAUDE_SESSION],
        markers: &[("CLAUDECODE", Some("1"))],
        programs: &["claude"],
        packages: &["@anthropic-ai/claude-code"],
        ..ROW
    },
    // <https://github.com/openai/codex/blob/main/codex-rs/protocol/src/shell_environment.rs> (`populate_env`): in shell
    // commands. Not in stdio MCP servers (<https://github.com/openai/codex/issues/19937>). A `codex exec` within a
    // session may pass on the outer one's id (<https://github.com/openai/codex/issues/15527>).
    HarnessRow {
        harness: Harness::Codex,
        session: &["CODEX_THREAD_ID"],
        programs: &["codex"],
        packages: &["@openai/codex"],
        ..ROW
    },
    // <https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/services/shellExecutionService.ts> and
    // packages/core/src/tools/mcp-client.ts there: GEMINI_CLI=1 in shell commands and in stdio MCP servers, and no id
    // of the session. Hooks get GEMINI_SESSION_ID (docs/hooks/index.md there), and no other command does.
    HarnessRow {
        harness: Harness::Gemini,
        markers: &[("GEMINI_CLI", Some("1"))],
        may_name_no_session: true,
        partial: &["GEMINI_SESSION_ID"],
        programs: &["gemini"],
        packages: &["@google/gemini-cli"],
        ..ROW
    },
    // <https://github.com/fujibee/agmsg/issues/856>: CURSOR_CONVERSATION_ID in shell commands of cursor-agent. Not in
    // MCP servers (<https://github.com/gleanwork/glean-plugins-vnext/pull/12>). CURSOR_AGENT=1:
    // <https://github.com/aws/aws-cdk-cli/blob/main/packages/aws-cdk/lib/cli/util/detect-agent.ts>. CURSOR_TRACE_ID is
    // also in terminals of people (<https://docs.rs/crate/ai_env/0.1.1/source/src/cursor.rs>), so it is not here. The
    // command's other name, `agent`, is one of other programs too.
    HarnessRow {
        harness: Harness::Cursor,
        session: &["CURSOR_CONVERSATION_ID"],
        markers: &[("CURSOR_AGENT", None)],
        may_name_no_session: true,
        programs: &["cursor-agent"],
        packages: &["share/cursor-agent"],
        ..ROW
    },
    // <https://github.com/watson/is-ci/issues/28>: COPILOT_AGENT_SESSION_ID and COPILOT_CLI=1 in shell commands of the
    // cloud agent; azure-cli reads the former as the id of the session. Some versions of the command line have only
    // COPILOT_CLI. COPILOT_AGENT=1 in terminals of VS Code's agent: <https://github.com/microsoft/vscode/pull/316267>.
    HarnessRow {
        harness: Harness::Copilot,
        session: &["COPILOT_AGENT_SESSION_ID"],
        markers: &[("COPILOT_CLI", Some("1")), ("COPILOT_AGENT", Some("1"))],
        may_name_no_session: true,
        programs: &["copilot"],
        packages: &["@github/copilot"],
        ..ROW
    },
    // <https://github.com/anomalyco/opencode/blob/dev/packages/opencode/src/index.ts>: OPENCODE=1 and OPENCODE_PID in
    // all that it starts. It sets no id of the session (<https://github.com/anomalyco/opencode/pull/50006>, closed);
    // plugins do, by this name (<https://github.com/cfal/garcon/pull/699>).
    HarnessRow {
        harness: Harness::OpenCode,
        session: &["OPENCODE_SESSION_ID"],
        markers: &[("OPENCODE", Some("1"))],
        may_name_no_session: true,
        process: Some("OPENCODE_PID"),
        programs: &["opencode"],
        packages: &["opencode-ai"],
        ..ROW
    },
    // AMP_CURRENT_THREAD_ID in shell commands: <https://github.com/snarktank/ralph/blob/main/prompt.md> uses it so.
    // AGENT=amp beside it: <https://github.com/sageox/ox/pull/62> on how it is told from Claude Code. Its manual names
    // neither.
    HarnessRow {
        harness: Harness::Amp,
        session: &["AMP_CURRENT_THREAD_ID"],
        markers: &[("AGENT", Some("amp"))],
        programs: &["amp"],
        packages: &["@sourcegraph/amp", "@ampcode/cli"],
        ..ROW
    },
];

/// Every variable that says something of a harness.
pub fn variables() -> impl Iterator<Item = &'static str> {
    TABLE.iter().flat_map(|row| {
        let markers = row.markers.iter().map(|(name, _)| *name);
        let sessions = row.session.iter().chain(row.partial).copied();
        sessions.chain(markers).chain(row.process)
    })
}
