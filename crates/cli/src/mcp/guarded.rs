//! Running a command under locks.

use super::{
    answer::{ToolAnswer, broken, done, failed, unfit},
    argument_table::{McpArgument, McpArgumentKind, optional, required},
    argument_types::{
        COMMAND, LINE, McpDurationArgument, McpLockNameArgument, McpWaitLimitArgument, SHARED,
        SLOTS, SLOTS_KIND, TIMEOUT, WAITING, command, sharing, waiting,
    },
    call::McpCallHandle,
    command_line::{LoktCommandLine, McpCommandResult},
    excerpt::ExcerptLimit,
    plain_text,
    server::{McpOperation, McpOperationEffect},
};
use crate::env;
use lokt_lock::sys;
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::Value;
use std::{fs, io, path::Path};

/// How much of each output is given where the call does not say.
const OUTPUT: usize = 64 << 10;

/// How much of each output is given at most: a client of the TypeScript SDK takes no message of more than
/// 10 MB, and a byte can take six in JSON, and one more in the text around that.
pub(super) const OUTPUT_AT_MOST: u64 = 512 << 10;

/// Arguments of `run_guarded`, which runs `lokt guard` with a status file in a temporary folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpRunGuardedArguments {
    names: Vec<McpLockNameArgument>,
    command: Option<Vec<String>>,
    line: Option<String>,
    ttl: Option<McpDurationArgument>,
    max_hold: Option<McpDurationArgument>,
    shared: Option<bool>,
    slots: Option<u32>,
    wait: Option<bool>,
    timeout: Option<McpWaitLimitArgument>,
    max_output_bytes: Option<usize>,
}

/// What `max_output_bytes` means.
pub(super) const OUTPUT_BYTES: &str =
    "Return at most this many bytes of stdout and of stderr, from both ends; default 65536";

impl McpOperation for McpRunGuardedArguments {
    const NAME: &'static str = "run_guarded";
    const TITLE: &'static str = "Run a command under locks";
    const ABOUT: &'static str = "Run a command while holding locks, without input and terminal. The locks are free \
        when it ends. Result: exit_code, stdout, stderr and more, also if the command fails; an error only if it \
        could not run or was stopped.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Runs;
    const ARGUMENTS: &'static [McpArgument] = &[
        required("names", McpArgumentKind::Names, "The locks: all or none"),
        optional("command", McpArgumentKind::Command, COMMAND),
        optional("line", McpArgumentKind::Text, LINE),
        optional(
            "ttl",
            McpArgumentKind::Duration,
            "Announce how long it takes; extended while it runs",
        ),
        optional("max_hold", McpArgumentKind::Duration, "Stop it after this long"),
        optional("shared", McpArgumentKind::Flag, SHARED),
        optional("slots", SLOTS_KIND, SLOTS),
        optional("wait", McpArgumentKind::Flag, WAITING),
        optional("timeout", McpArgumentKind::WaitLimit, TIMEOUT),
        optional("max_output_bytes", McpArgumentKind::Count(0, OUTPUT_AT_MOST), OUTPUT_BYTES),
    ];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
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
    /// The command line; `status` is the path of the status file. An error names the argument that
    /// is wrong.
    fn order(&self, status: &Path) -> Result<LoktCommandLine, &'static str> {
        let status = status.to_str().ok_or("the folder of temporary files is no text")?;
        let names: Vec<String> = self.names.iter().map(|name| name.as_str().to_owned()).collect();
        let command = command(self.command.as_deref(), self.line.as_deref())?;
        Ok(LoktCommandLine::new(["guard"])
            .flag("--status-file", Some(status))
            .flag("--ttl", self.ttl.as_ref())
            .flag("--max-hold", self.max_hold.as_ref())
            .words(sharing(self.shared, self.slots)?)
            .words(waiting(self.wait, self.timeout.as_ref())?)
            .words(names.iter().cloned())
            .words(["--".to_owned()])
            .words(command)
            .keeping(output(self.max_output_bytes))
            .lasting(names))
    }
}

/// How much of each output is kept.
///
/// `most` is `max_output_bytes`; without it, [`OUTPUT`].
pub(super) fn output(most: Option<usize>) -> ExcerptLimit {
    ExcerptLimit::Ends(most.unwrap_or(OUTPUT))
}

/// The fields of a guard and of its command.
///
/// They come from the guard's status file, which tells apart what the guard and what the command
/// exited with. Only a command that ran to its end is a result, whatever its code; all else is an
/// error.
fn account(ended: &McpCommandResult, path: &Path) -> ToolAnswer {
    let mut fields = read(path).unwrap_or_default();
    fields.extend(outputs(ended));
    let completed = fields.get("outcome").is_some_and(|outcome| outcome == "completed");
    fields.insert("status".to_owned(), fields.get("outcome").cloned().unwrap_or("error".into()));
    if completed && ended.stopped.is_none() {
        Ok(done(fields, plain_text::run))
    } else {
        failed(ended, fields)
    }
}

/// A folder that only this user can read. It is removed with the returned value.
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
///
/// `stdout_bytes` and `stderr_bytes` count all that was written, also what is left out.
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
