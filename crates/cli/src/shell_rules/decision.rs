use super::{DiscardingGitCall, GuardRule};
use lokt_lock::words::LockName;
use std::{path::Path, time::Duration};

/// A line that a shell is about to run for an agent, and what deciding about it depends on.
pub(crate) struct ShellToolCall<'a> {
    /// The line.
    pub(crate) line: &'a str,
    /// The folder where it runs.
    pub(crate) folder: &'a Path,
    /// After how long the harness stops it.
    pub(crate) time_limit: Option<Duration>,
    /// Whether a hook can change the line.
    pub(crate) input: ToolInputMutability,
    /// The rules of the project.
    pub(crate) rules: &'a [GuardRule],
    /// The locks around the harness.
    pub(crate) held: &'a [LockName],
    /// The lock of the index of a folder's worktree.
    pub(crate) index_lock: &'a dyn Fn(&Path) -> Option<LockName>,
    /// How the program is called.
    pub(crate) program: &'a LoktCommandSpelling,
}

/// How the program is called in a line.
#[derive(Clone, Debug)]
pub(crate) struct LoktCommandSpelling {
    /// As it is found in this environment.
    pub(crate) usual: String,
    /// Wherever programs are searched for.
    pub(crate) absolute: String,
}

/// Whether a harness lets a hook change the input of a tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolInputMutability {
    /// It does.
    Changeable,
    /// The hook can only refuse the call.
    Fixed,
}

/// What is done with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ShellDecision {
    /// It runs as it is.
    Unchanged,
    /// This runs instead. It says nothing about whether the rest of the line may run.
    Rewritten(String),
    /// It does not run.
    Denied(ShellDenial),
}

/// Says why a line does not run, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ShellDenial {
    /// The harness cannot change the line: this is to be run instead.
    RunInstead(String),
    /// Commands that run at the same time need one lock: each would wait for the other.
    Concurrent {
        /// The lock.
        name: LockName,
        /// The whole line under that lock.
        line: String,
    },
}

/// A decision, and what a person should know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShellAnswer {
    pub(crate) decision: ShellDecision,
    /// Why a command that a rule is about has no guard.
    pub(crate) notes: Vec<String>,
    /// Calls of git that may take away what others have not committed.
    pub(crate) discards: Vec<DiscardingGitCall>,
}

impl ShellDenial {
    /// The denial as a text for a model.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::RunInstead(line) => format!(
                "This project runs such commands under a lock, so that no two run at the same time. \
                 Run this instead:\n{line}"
            ),
            Self::Concurrent { name, line } => format!(
                "Commands of this line that run at the same time need the lock {:?}, so each would wait for the \
                 other. Run them one after the other, or all of them under one lock:\n{line}",
                name.as_str()
            ),
        }
    }
}
