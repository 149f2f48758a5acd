//! Running a command under locks.

use super::{
    answer::{ToolAnswer, broken, done, failed, unfit},
    argument_types::{
        McpDurationArgument, McpLockNameArgument, McpWaitLimitArgument, sharing, waiting,
    },
    call::McpOperationCall,
    command_line::{LoktSubprocess, McpCommandResult},
    excerpt::ExcerptLimit,
    schema::{McpFieldType, OutputField},
    server::{McpOperation, McpOperationEffect},
};
use crate::env;
use lokt_lock::sys;
use rmcp::{model::JsonObject, schemars::JsonSchema};
use serde::Deserialize;
use serde_json::Value;
use std::{fs, io, path::Path};

/// How much of each output is given where the call does not say.
const OUTPUT: usize = 64 << 10;

/// How much of each output is given at most: a client of the TypeScript SDK takes no message of more than
/// 10 MB, and a result stands in it twice, as JSON and as text.
const OUTPUT_AT_MOST: usize = 512 << 10;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpRunGuardedArguments {
    /// The locks to hold while it runs: all or none
    names: Vec<McpLockNameArgument>,
    /// The program and its arguments, without a shell. Either this or line
    command: Option<Vec<String>>,
    /// A line for /bin/sh. Either this or command
    line: Option<String>,
    /// Announce to others how long it takes, like 90s, 5m, 1h30m; extended while it runs
    ttl: Option<McpDurationArgument>,
    /// Stop it after it has run this long, like 90s, 5m, 1h30m
    max_hold: Option<McpDurationArgument>,
    /// Share the locks with other holders that also set this. Default: false
    shared: Option<bool>,
    /// Hold one of this many slots; all holders must ask for the same number
    slots: Option<u32>,
    /// Wait in the queue, first come, first served. Default: false
    wait: Option<bool>,
    /// With wait: the time limit. Default: 50s, at most 1h
    timeout: Option<McpWaitLimitArgument>,
    /// Return at most this many bytes of stdout and of stderr, from both ends. Default: 65536, at most 524288
    max_output_bytes: Option<usize>,
}

/// The fields about a command's output.
pub(super) const OUTPUTS: [OutputField; 6] = [
    ("stdout", McpFieldType::Text, "Its output, or the beginning and end of it"),
    (
        "stderr",
        McpFieldType::Text,
        "Its error output, after lokt's own lines, or the beginning and end of it",
    ),
    ("stdout_bytes", McpFieldType::Whole, "Length of the whole stdout, bytes"),
    ("stderr_bytes", McpFieldType::Whole, "Length of the whole stderr, bytes"),
    ("stdout_truncated", McpFieldType::Yes, "Whether the middle of stdout is left out"),
    ("stderr_truncated", McpFieldType::Yes, "Whether the middle of stderr is left out"),
];

impl McpOperation for McpRunGuardedArguments {
    const NAME: &'static str = "run_guarded";
    const TITLE: &'static str = "Run a command under locks";
    const ABOUT: &'static str = "Run a command while holding one or several locks, and give its output and \
        exit code. The locks are free when it ends. It gets no input and no terminal. A command that fails \
        is a result with its exit_code; only where it could not run, or was stopped, that is an error.";
    const NATURE: McpOperationEffect = McpOperationEffect::Runs;

    fn fields() -> Vec<OutputField> {
        let own = [
            (
                "outcome",
                McpFieldType::Text,
                "completed, denied, timed_out, interrupted, lost, max_hold, deadlock, not_started or error",
            ),
            ("version", McpFieldType::Whole, "Version of these fields"),
            ("names", McpFieldType::Texts, "The locks"),
            ("lock_ids", McpFieldType::Texts, "The acquisitions, in the order of names"),
            (
                "fences",
                McpFieldType::Wholes,
                "Numbers that rise with every acquisition, in the order of names",
            ),
            ("pid", McpFieldType::Whole, "Process ID of the guard"),
            ("command_exit_code", McpFieldType::Whole, "The command's own exit code"),
            ("command_signal", McpFieldType::Whole, "The signal that ended the command"),
            ("waited_ms", McpFieldType::Whole, "Time spent waiting for the locks, ms"),
            ("held_ms", McpFieldType::Whole, "Time that the command ran, ms"),
        ];
        own.into_iter().chain(OUTPUTS).collect()
    }

    async fn call(self, call: &McpOperationCall) -> ToolAnswer {
        let status = match temporary_folder() {
            Ok(folder) => folder,
            Err(error) => return broken(&error),
        };
        let path = status.path().join("status.json");
        let order = match self.order(&path) {
            Ok(order) => order,
            Err(reason) => return unfit(reason),
        };
        match order.run(call).await {
            Ok(ended) => account(&ended, &path),
            Err(error) => broken(&error),
        }
    }
}

impl McpRunGuardedArguments {
    fn order(&self, status: &Path) -> Result<LoktSubprocess, &'static str> {
        let status = status.to_str().ok_or("the folder of temporary files is no text")?;
        let names: Vec<String> = self.names.iter().map(|name| name.as_str().to_owned()).collect();
        if names.is_empty() {
            return Err("names must name at least one lock");
        }
        let command = match (&self.command, &self.line) {
            (Some(command), None) if !command.is_empty() => command.clone(),
            (None, Some(line)) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
            _ => return Err("give either command, with at least the program, or line"),
        };
        Ok(LoktSubprocess::new(["guard"])
            .flag("--status-file", Some(status))
            .flag("--ttl", self.ttl.as_ref())
            .flag("--max-hold", self.max_hold.as_ref())
            .words(sharing(self.shared, self.slots))
            .words(waiting(self.wait, self.timeout.as_ref()))
            .words(names.iter().cloned())
            .words(["--".to_owned()])
            .words(command)
            .keeping(output(self.max_output_bytes))
            .lasting(names))
    }
}

/// How much of each output is kept.
pub(super) fn output(most: Option<usize>) -> ExcerptLimit {
    ExcerptLimit::Ends(most.unwrap_or(OUTPUT).min(OUTPUT_AT_MOST))
}

/// The fields of a guard and of its command.
fn account(ended: &McpCommandResult, path: &Path) -> ToolAnswer {
    let mut fields = read(path).unwrap_or_default();
    fields.extend(outputs(ended));
    let completed = fields.get("outcome").is_some_and(|outcome| outcome == "completed");
    fields.insert("status".to_owned(), fields.get("outcome").cloned().unwrap_or("error".into()));
    if completed && ended.stopped.is_none() { done(fields) } else { failed(ended, fields) }
}

fn temporary_folder() -> io::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("lokt-mcp-").tempdir_in(env::temporary())?;
    sys::keep_owner_bits_of(folder.path(), 0o700)?;
    Ok(folder)
}

fn read(path: &Path) -> io::Result<JsonObject> {
    let value: Value = serde_json::from_slice(&fs::read(path)?)?;
    Ok(value.as_object().cloned().unwrap_or_default())
}

/// The fields about what a command wrote.
pub(super) fn outputs(ended: &McpCommandResult) -> JsonObject {
    let (out, err) = (&ended.out, &ended.err);
    JsonObject::from_iter([
        ("stdout".to_owned(), out.text().into()),
        ("stderr".to_owned(), err.text().into()),
        ("stdout_bytes".to_owned(), out.total.into()),
        ("stderr_bytes".to_owned(), err.total.into()),
        ("stdout_truncated".to_owned(), (out.left_out() > 0).into()),
        ("stderr_truncated".to_owned(), (err.left_out() > 0).into()),
    ])
}
