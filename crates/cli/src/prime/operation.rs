use super::{
    call::{ScriptLoktCall, ScriptLoktCallKind},
    quotation::cut,
};
use crate::shell_rules::GuardRule;
use lokt_lock::file::PROJECT_FILE;
use serde::Serialize;

/// A guarded operation of the repository: what to run, and which locks that takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct GuardedOperation {
    /// `guard` or `once`.
    pub(crate) kind: ScriptLoktCallKind,
    /// The names, with variables as they are written.
    pub(crate) names: Vec<String>,
    /// What to run.
    pub(crate) run: String,
    /// The command that is guarded by that, where it says more than variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instead_of: Option<String>,
    /// Where it was found, relative to the project.
    pub(crate) file: String,
    /// In which line, where the file is one of lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
}

impl GuardedOperation {
    /// The operation that is started by `run`, which calls Lokt.
    pub(super) fn new(call: ScriptLoktCall, run: &str, file: &str) -> Self {
        let says_more = |command: &String| command.chars().any(char::is_alphanumeric);
        let is_variable = call.command.starts_with('$') || call.command.starts_with("'$");
        let command = Some(call.command).filter(says_more).filter(|_| !is_variable);
        Self {
            kind: call.kind,
            names: call.names,
            run: cut(run, MOST),
            instead_of: command.map(|it| cut(&it, MOST)),
            file: cut(file, MOST),
            line: Some(call.line),
        }
    }

    /// What a rule of `lokt.toml` makes of its commands.
    pub(super) fn of_rule(rule: &GuardRule) -> Self {
        let names: Vec<String> = rule.names.iter().map(ToString::to_string).collect();
        let command = rule.pattern.as_str().replace('*', "…");
        let (kind, verb) = if rule.is_once {
            (ScriptLoktCallKind::Once, "once")
        } else {
            (ScriptLoktCallKind::Guard, "guard")
        };
        let wait = if rule.waits && !rule.is_once { " --wait" } else { "" };
        let run = format!("lokt {verb} {}{wait} -- {command}", names.join(" "));
        Self {
            kind,
            names,
            run: cut(&run, MOST),
            instead_of: Some(cut(&command, MOST)),
            file: PROJECT_FILE.to_owned(),
            line: Some(rule.line),
        }
    }

    /// The same without a line: its file is not read by lines.
    pub(super) fn without_line(self) -> Self {
        Self { line: None, ..self }
    }
}

/// No field is longer than this, in characters, whatever a file says.
const MOST: usize = 200;
