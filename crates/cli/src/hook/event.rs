//! What a harness reports, whichever it is.

use lokt_lock::reservation::EditEnd;
use std::{path::PathBuf, time::Duration};

/// A call of the hook.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HookCall {
    /// What happens.
    pub(crate) event: HookEvent,
    /// The id that the harness has for its session.
    pub(crate) session: Option<String>,
    /// The id that it has for the subagent that acts, where one does.
    pub(crate) subagent: Option<String>,
    /// The working folder of the session, from which relative paths are.
    pub(crate) folder: Option<PathBuf>,
    /// The id of the tool call.
    pub(crate) call: Option<String>,
}

/// What happens in a session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HookEvent {
    /// It begins.
    SessionStarts {
        /// It takes the place of the session that the process had.
        replaces: bool,
    },
    /// It ends.
    SessionEnds,
    /// A person gives it work.
    PromptSubmitted,
    /// A tool is about to write files.
    BeforeEdit(Vec<String>),
    /// A tool has written files, or was to.
    AfterEdit(Vec<String>, EditEnd),
    /// A tool is about to run a line of shell.
    BeforeShell(ShellCall),
    /// Another tool is about to run.
    BeforeTool,
    /// Another tool has run.
    AfterTool,
    /// A person is asked for a permission.
    PermissionAsked,
    /// The agent has done what it was told.
    TurnEnds,
    /// A subagent has.
    SubagentEnds,
    /// Something else.
    Other,
}

impl HookEvent {
    /// Whether a file may be written without a decision. A line of shell may run: rules are no permissions.
    pub(crate) fn is_decided(&self) -> bool {
        matches!(self, Self::BeforeEdit(_))
    }
}

/// A line of shell that a tool is about to run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShellCall {
    /// The line.
    pub(crate) line: String,
    /// The working folder of this call, where it has another than the session.
    pub(crate) folder: Option<PathBuf>,
    /// After how long the harness ends the call.
    pub(crate) limit: Option<Duration>,
    /// The tool's whole input as JSON, if the hook may answer with another: the key of the line in it, and the text.
    pub(crate) input: Option<(&'static str, String)>,
}

impl ShellCall {
    /// Whether the harness runs another line if the hook says so.
    pub(crate) fn can_be_rewritten(&self) -> bool {
        self.input.is_some()
    }
}

/// What the hook answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HookAnswer {
    /// Nothing: the harness does what it would do without the hook.
    NoDecision,
    /// The tool does not run; the text is for the model.
    Deny(String),
    /// The tool runs this line instead, if the harness would have let it run the other.
    Rewrite(String),
}
