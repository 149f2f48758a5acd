use super::{
    BuiltInTemplateVariables, CapturedStream, ToolEnvironment,
    environment::scalar_text,
    fields::{ToolConfigError, ToolConfigFieldReader, bytes_of},
    program::{self, ProgramSearchOutcome},
    search_paths,
};
use lokt_lock::guard::{CommandEnd, GuardStopCause};
use serde_json::{Map, Value, json};
use std::{
    ffi::OsString,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// The longest argument in bytes: execve(2), `MAX_ARG_STRLEN`, without the NUL at its end.
const MAX_ARGUMENT: usize = 131_071;

/// How long a process may run, unless its config says otherwise.
const TIMEOUT: Duration = Duration::from_mins(5);

/// A process as a config describes it, ready to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ToolSubprocessPlan {
    pub(super) words: Vec<OsString>,
    pub(super) environment: ToolEnvironment,
    pub(super) folder: PathBuf,
    pub(super) input: Option<Vec<u8>>,
    pub(super) timeout: Duration,
}

/// Says why a config describes no process that could be started.
#[derive(Debug, thiserror::Error)]
pub enum SubprocessConfigError {
    /// A key is wrong.
    #[error(transparent)]
    Config(#[from] ToolConfigError),
    /// There is no such program.
    #[error("command not found: {0}")]
    NotFound(String),
    /// It is there and cannot be executed.
    #[error("cannot run {}: it is no executable file", .0.display())]
    NotExecutable(PathBuf),
    /// There is no such folder.
    #[error("cwd {} is no folder", .0.display())]
    Folder(PathBuf),
    /// An argument or a variable cannot be given to a process.
    #[error("{0} contains a NUL byte")]
    Nul(String),
    /// An argument or a variable is longer than the kernel takes.
    #[error("{what} has {size} bytes; the kernel takes {MAX_ARGUMENT}")]
    TooLong {
        /// Which.
        what: String,
        /// Its length in bytes.
        size: usize,
    },
    /// The parameters would have to go by standard input, which is taken.
    #[error(
        "{what} has {size} bytes, too many for an argument, and input_data takes its place on stdin"
    )]
    InputTaken {
        /// Which argument.
        what: String,
        /// Its length in bytes.
        size: usize,
    },
}

impl SubprocessConfigError {
    /// Whether it is the kernel that would not execute this.
    pub fn is_not_executable(&self) -> bool {
        matches!(self, Self::NotExecutable(_) | Self::Nul(_) | Self::TooLong { .. })
    }
}

impl ToolSubprocessPlan {
    /// Reads a config whose templates are filled in; `raw` is the same before that.
    pub(super) fn new(
        raw: &Map<String, Value>,
        config: &Map<String, Value>,
        mut environment: ToolEnvironment,
        project: &Path,
    ) -> Result<Self, SubprocessConfigError> {
        let fields = ToolConfigFieldReader { place: "", object: config };
        let command = fields.text("command")?.filter(|command| !command.is_empty());
        let command = command.ok_or(ToolConfigError::Missing("command"))?;
        let mut input = fields.get("input_data").map(bytes_of);
        let arguments = arguments(raw, fields, &mut input)?;
        for (name, value) in fields.object("env")?.into_iter().flatten() {
            let text = variable(name, value)?;
            environment.set(name, text);
        }
        search_paths::clean(&mut environment);
        for (name, value) in environment.variables() {
            let what = format!("variable {}", name.to_string_lossy());
            fits(what, &[name.as_bytes(), b"=", value.as_bytes()].concat())?;
        }
        let folder = project.join(fields.text("cwd")?.unwrap_or_default());
        if !folder.is_dir() {
            return Err(SubprocessConfigError::Folder(folder));
        }
        let program = match program::find(&environment, command, &folder) {
            ProgramSearchOutcome::Found(program) => program,
            ProgramSearchOutcome::NotExecutable(path) => {
                return Err(SubprocessConfigError::NotExecutable(path));
            }
            ProgramSearchOutcome::Missing => {
                return Err(SubprocessConfigError::NotFound(command.to_owned()));
            }
        };
        search_paths::complete(&mut environment);
        let words = [program.into_os_string()].into_iter();
        Ok(Self {
            words: words.chain(arguments.into_iter().map(OsString::from)).collect(),
            environment,
            folder,
            input,
            timeout: fields.seconds("timeout")?.unwrap_or(TIMEOUT),
        })
    }
}

/// The arguments. Parameters that are too long for one go to the standard input.
fn arguments(
    raw: &Map<String, Value>,
    fields: ToolConfigFieldReader<'_>,
    input: &mut Option<Vec<u8>>,
) -> Result<Vec<String>, SubprocessConfigError> {
    let items = match fields.get("args") {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(fields.wrong("args", "a list", other).into()),
    };
    let whole = format!("{{{}}}", BuiltInTemplateVariables::PARAMS_JSON);
    let is_parameters =
        |at: usize| raw.get("args").and_then(|args| args.get(at)?.as_str()) == Some(&whole);
    let taken = input.is_some();
    let argument = |(at, item): (usize, &Value)| {
        let what = format!("args[{at}]");
        let text = scalar_text(item)
            .ok_or_else(|| fields.wrong(&what, "a text, a number or a boolean", item))?;
        if text.len() <= MAX_ARGUMENT || !is_parameters(at) {
            fits(what, text.as_bytes())?;
            return Ok(text);
        }
        if taken {
            return Err(SubprocessConfigError::InputTaken { what, size: text.len() });
        }
        *input = Some(text.into_bytes());
        Ok("-".to_owned())
    };
    items.iter().enumerate().map(argument).collect()
}

fn variable(name: &str, value: &Value) -> Result<String, SubprocessConfigError> {
    let place = format!("env.{name}");
    if name.is_empty() || name.contains('=') {
        let expected = "the name of a variable";
        return Err(ToolConfigError::Value { place, expected, found: format!("{name:?}") }.into());
    }
    let fields = ToolConfigFieldReader { place: "", object: &Map::new() };
    let text = scalar_text(value);
    Ok(text.ok_or_else(|| fields.wrong(&place, "a text, a number or a boolean", value))?)
}

fn fits(what: String, bytes: &[u8]) -> Result<(), SubprocessConfigError> {
    if bytes.contains(&0) {
        return Err(SubprocessConfigError::Nul(what));
    }
    if bytes.len() > MAX_ARGUMENT {
        return Err(SubprocessConfigError::TooLong { what, size: bytes.len() });
    }
    Ok(())
}

/// What became of a tool's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubprocessResult {
    /// How it ended.
    pub ending: CommandEnd,
    /// Why it was stopped, if it was: [`GuardStopCause::MaxHold`] stands for its timeout.
    pub stopped: Option<GuardStopCause>,
    /// Its standard output; empty where that was shown.
    pub stdout: CapturedStream,
    /// Its standard error output; empty where that was shown.
    pub stderr: CapturedStream,
    /// How long it ran.
    pub duration: Duration,
}

impl SubprocessResult {
    /// Whether it ended by itself, and well.
    pub fn success(&self) -> bool {
        self.ending == CommandEnd::Exited(0) && self.stopped.is_none()
    }

    /// Whether it ran for longer than its timeout and was stopped.
    pub fn timed_out(&self) -> bool {
        self.stopped == Some(GuardStopCause::MaxHold)
    }

    /// Its exit code as a shell gives it: 128 and the signal's number where one ended it.
    pub fn return_code(&self) -> u8 {
        self.ending.code()
    }

    /// What it gave: its standard output, where that is one JSON object.
    pub fn data(&self) -> Option<Map<String, Value>> {
        match serde_json::from_slice(&self.stdout.bytes) {
            Ok(Value::Object(object)) if !self.stdout.truncated => Some(object),
            _ => None,
        }
    }

    /// The result as others read it. Bytes that are no UTF-8 are shown as U+FFFD.
    pub fn to_json(&self) -> Value {
        json!({
            "success": self.success(),
            "truncated": self.stdout.truncated || self.stderr.truncated,
            "stdout": String::from_utf8_lossy(&self.stdout.bytes),
            "stderr": String::from_utf8_lossy(&self.stderr.bytes),
            "return_code": self.return_code(),
            "duration_ms": milliseconds(self.duration),
            "timed_out": self.timed_out(),
        })
    }
}

/// Whole milliseconds.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "subprocess_tests.rs"]
mod tests;
