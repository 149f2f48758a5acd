//! Running a command unless its result exists already.

use super::{
    answer::{ToolAnswer, broken, done, failed, unfit},
    argument_table::{McpArgument, McpArgumentKind, optional, required},
    argument_types::{COMMAND, LINE, McpDurationArgument, McpLockNameArgument, command},
    call::McpCallHandle,
    command_line::LoktCommandLine,
    guarded::{OUTPUT_AT_MOST, OUTPUT_BYTES, output, outputs},
    plain_text,
    server::{McpOperation, McpOperationEffect},
};
use serde::Deserialize;

/// Arguments of `run_once`, which runs `lokt once`.
///
/// The command's own code is a result, also if it failed. An error is what lokt could not do; it is
/// told apart by the last line on stderr.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpRunOnceArguments {
    name: McpLockNameArgument,
    command: Option<Vec<String>>,
    line: Option<String>,
    inputs: Option<Vec<String>>,
    ttl: Option<McpDurationArgument>,
    max_output_bytes: Option<usize>,
}

impl McpOperation for McpRunOnceArguments {
    const NAME: &'static str = "run_once";
    const TITLE: &'static str = "Run once, share the result";
    const ABOUT: &'static str = "Run a slow command, like a build or the tests, unless a run on the same \
        files exists already: then you get its result, at once or when that run ends. Runs again if the files have \
        changed. Result: exit_code, stdout, stderr.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Runs;
    const ARGUMENTS: &'static [McpArgument] = &[
        required("name", McpArgumentKind::ResultName, "The result"),
        optional("command", McpArgumentKind::Command, COMMAND),
        optional("line", McpArgumentKind::Text, LINE),
        optional(
            "inputs",
            McpArgumentKind::Globs,
            "Globs of the files that it depends on; default: all files that git sees",
        ),
        optional(
            "ttl",
            McpArgumentKind::Duration,
            "Keep the result for this long, like 90s, 5m, 1h30m",
        ),
        optional("max_output_bytes", McpArgumentKind::Count(0, OUTPUT_AT_MOST), OUTPUT_BYTES),
    ];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        let command = match command(self.command.as_deref(), self.line.as_deref()) {
            Ok(command) => command,
            Err(error) => return unfit(error),
        };
        let order = LoktCommandLine::new(["once", self.name.as_str()])
            .flag("--ttl", self.ttl.as_ref())
            .words(self.inputs.iter().flatten().map(|glob| format!("--input={glob}")))
            .words(["--".to_owned()])
            .words(command)
            .keeping(output(self.max_output_bytes))
            .lasting([]);
        match order.run(call).await {
            Ok(ended) => {
                let mut fields = outputs(&ended);
                // What lokt cannot do it says so in the end, and what the command says is the command's.
                let text = ended.err.text();
                let last = text.lines().rfind(|line| !line.starts_with("hint: "));
                let refused = last.is_some_and(|line| line.starts_with("error: "));
                if ended.stopped.is_some() || (refused && ended.code != Some(0)) {
                    return failed(&ended, fields);
                }
                fields.insert("status".to_owned(), "completed".into());
                fields.insert("exit_code".to_owned(), ended.code.into());
                Ok(done(fields, plain_text::run))
            }
            Err(error) => broken(&error),
        }
    }
}
