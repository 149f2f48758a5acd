//! Running a command unless its result exists already.

use super::{
    answer::{ToolAnswer, broken, done, failed, unfit},
    argument_types::{McpDurationArgument, McpLockNameArgument},
    call::McpOperationCall,
    command_line::LoktSubprocess,
    guarded::{OUTPUTS, output, outputs},
    schema::OutputField,
    server::{McpOperation, McpOperationEffect},
};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpRunOnceArguments {
    name: McpLockNameArgument,
    /// The program and its arguments, without a shell
    command: Vec<String>,
    /// Globs of the files that the result depends on. Default: the whole work tree without what a .gitignore ignores
    #[serde(default)]
    inputs: Vec<String>,
    /// Keep the result for this long, like 90s, 5m, 1h30m
    ttl: Option<McpDurationArgument>,
    /// Return at most this many bytes of stdout and of stderr, from both ends. Default: 65536, at most 524288
    max_output_bytes: Option<usize>,
}

impl McpOperation for McpRunOnceArguments {
    const NAME: &'static str = "run_once";
    const TITLE: &'static str = "Run once, share the result";
    const ABOUT: &'static str = "Run a slow command, like a build or the tests, unless a run on the same \
        files exists already: then you get its output and exit code, at once or when that run ends. The command \
        runs again if the files have changed. It gets no input and no terminal.";
    const NATURE: McpOperationEffect = McpOperationEffect::Runs;

    fn fields() -> Vec<OutputField> {
        OUTPUTS.to_vec()
    }

    async fn call(self, call: &McpOperationCall) -> ToolAnswer {
        if self.command.is_empty() {
            return unfit("command must have at least the program");
        }
        let order = LoktSubprocess::new(["once", self.name.as_str()])
            .flag("--ttl", self.ttl.as_ref())
            .words(self.inputs.iter().map(|glob| format!("--input={glob}")))
            .words(["--".to_owned()])
            .words(self.command)
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
                done(fields)
            }
            Err(error) => broken(&error),
        }
    }
}
