//! Arguments with one checked constructor, which reading them from JSON goes through. None of them can be
//! taken for a flag.

use super::argument_table::McpArgumentKind;
use crate::span;
use lokt_lock::words::LockName;
use serde::Deserialize;
use std::time::Duration;

/// The default time limit of a wait: many clients wait for an answer for a minute at most.
const WAIT: &str = "50s";

/// How long a call may wait at most.
const WAIT_AT_MOST: Duration = Duration::from_hours(1);

/// What the arguments mean that several tools have.
///
/// These texts are descriptions of arguments, which a model reads.
pub(super) const COMMAND: &str =
    "The program and its arguments, without a shell. Either this or line";
pub(super) const LINE: &str = "A line for /bin/sh. Either this or command";
pub(super) const SHARED: &str = "Share it with other holders that set this";
pub(super) const SLOTS: &str = "Hold one of this many slots; all holders give the same number";
pub(super) const WAITING: &str = "Wait in the queue, first come, first served";
pub(super) const TIMEOUT: &str = "With wait: the time limit; default 50s, at most 1h";

/// How many slots a lock can have.
pub(super) const SLOTS_KIND: McpArgumentKind = McpArgumentKind::Count(1, u32::MAX as u64);

/// Name of a lock: 1 to 200 of the characters A-Z a-z 0-9 . _ -, not beginning with -
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct McpLockNameArgument(LockName);

impl McpLockNameArgument {
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn lock(&self) -> &LockName {
        &self.0
    }
}

impl TryFrom<String> for McpLockNameArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with('-') {
            return Err(format!("invalid lock name {text:?}: it must not begin with '-'"));
        }
        LockName::new(text).map(Self).map_err(|error| error.to_string())
    }
}

/// A duration: 500ms, 90s, 5m, 1h30m, 2d, 1w
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct McpDurationArgument(String);

impl AsRef<str> for McpDurationArgument {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for McpDurationArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        span::parse(&text).map(|_| Self(text))
    }
}

/// The time limit of a wait: at most 1h
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct McpWaitLimitArgument(String);

impl TryFrom<String> for McpWaitLimitArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let asked = span::parse(&text)?;
        if asked > WAIT_AT_MOST {
            let most = span::show(WAIT_AT_MOST);
            return Err(format!(
                "a call waits {most} at most, not {text:?}; call again after that"
            ));
        }
        Ok(Self(text))
    }
}

/// The words that make a command wait; an error names the argument that is wrong.
///
/// A wait without a time limit gets [`WAIT`]. A time limit without a wait is an error, because the
/// caller would take it for a wait.
pub(super) fn waiting(
    wait: Option<bool>,
    timeout: Option<&McpWaitLimitArgument>,
) -> Result<Vec<String>, &'static str> {
    match (wait, timeout) {
        (Some(true), given) => {
            let timeout = given.map_or(WAIT, |it| it.0.as_str());
            Ok(vec!["--wait".to_owned(), format!("--timeout={timeout}")])
        }
        (_, Some(_)) => Err("\"timeout\" needs \"wait\": true"),
        (_, None) => Ok(Vec::new()),
    }
}

/// The words that make a command share a lock; an error names the arguments that are wrong.
pub(super) fn sharing(
    shared: Option<bool>,
    slots: Option<u32>,
) -> Result<Option<String>, &'static str> {
    match (shared, slots) {
        (Some(true), Some(_)) => Err("\"shared\" and \"slots\" exclude each other: give one"),
        (Some(true), None) => Ok(Some("--shared".to_owned())),
        (_, slots) => Ok(slots.map(|slots| format!("--slots={slots}"))),
    }
}

/// The words of a command that is given as words, or as a line for a shell; an error names the arguments.
///
/// Exactly one of the two must be given.
pub(super) fn command(
    command: Option<&[String]>,
    line: Option<&str>,
) -> Result<Vec<String>, &'static str> {
    match (command, line) {
        (Some(command), None) => Ok(command.to_vec()),
        // As `lokt guard -c` runs it.
        (None, Some(line)) => Ok(["/bin/sh", "-c", line].map(str::to_owned).to_vec()),
        (Some(_), Some(_)) => Err("\"command\" and \"line\" exclude each other: give one"),
        (None, None) => Err("\"command\" or \"line\" is missing: give one of them"),
    }
}

/// Id of a tool: its path below tools/, like web/scraper
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct McpToolIdArgument(String);

impl McpToolIdArgument {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for McpToolIdArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with('-') {
            return Err(format!("invalid tool id {text:?}: it must not begin with '-'"));
        }
        Ok(Self(text))
    }
}
