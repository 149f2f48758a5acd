//! Running a signed tool.

use super::{
    answer::{ToolAnswer, broken},
    argument_types::{LockNameArgument, ToolIdArgument, WaitLimitArgument, waiting},
    call::ToolCall,
    command_line::LoktCommandLine,
    release::plain,
    schema::{FieldType, OutputField},
    server::{McpOperation, OperationEffect},
};
use rmcp::{model::JsonObject, schemars::JsonSchema};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct RunToolArguments {
    id: ToolIdArgument,
    /// The tool's parameters. Default: none
    #[serde(default)]
    params: JsonObject,
    /// Run it only if its version is pinned already. Default: false, the first success pins it
    frozen: Option<bool>,
    /// Run it under this lock
    guard: Option<LockNameArgument>,
    /// With guard: wait in the queue, first come, first served. Default: false
    wait: Option<bool>,
    /// With wait: the time limit. Default: 50s, at most 1h
    timeout: Option<WaitLimitArgument>,
}

impl McpOperation for RunToolArguments {
    const NAME: &'static str = "run_tool";
    const TITLE: &'static str = "Run a signed tool";
    const ABOUT: &'static str = "Run a tool of the project, exactly as it was signed and pinned, with \
        everything that runs it. If any part of it changed, it does not run.";
    const NATURE: OperationEffect = OperationEffect::Runs;

    fn fields() -> Vec<OutputField> {
        vec![
            ("item_id", FieldType::Text, "The tool"),
            ("data", FieldType::Anything, "Its result data"),
            (
                "result",
                FieldType::Object,
                "Of a program: success, stdout, stderr, return_code, duration_ms",
            ),
            ("chain", FieldType::Objects, "What ran it: item_id, space, integrity, ..."),
            (
                "metadata",
                FieldType::Object,
                "duration_ms, lockfile_used, lockfile_created, lockfile_path",
            ),
            ("reason", FieldType::Text, "If refused: drift, signature, not-found, ..."),
            ("lockfile_path", FieldType::Text, "If refused: the lockfile"),
            ("drift", FieldType::Objects, "If refused: what differs from it"),
        ]
    }

    async fn call(self, call: &ToolCall) -> ToolAnswer {
        let guard = self.guard.as_ref().map(LockNameArgument::as_str);
        let order = LoktCommandLine::new(["tool", "run", "--json", "--params=-"])
            .flag("--guard", guard)
            .words(self.frozen.unwrap_or(false).then(|| "--frozen".to_owned()))
            .words(waiting(self.wait, self.timeout.as_ref()))
            .words([self.id.as_str().to_owned()])
            .input(Value::Object(self.params.clone()).to_string())
            .lasting(guard.map(str::to_owned));
        match order.run(call).await {
            Ok(ended) => plain(&ended),
            Err(error) => broken(&error),
        }
    }
}
