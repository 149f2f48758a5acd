//! Running a signed tool.

use super::{
    answer::{ToolAnswer, broken},
    argument_types::{McpLockNameArgument, McpToolIdArgument, McpWaitLimitArgument, waiting},
    call::McpOperationCall,
    command_line::LoktSubprocess,
    release::plain,
    schema::{McpFieldType, OutputField},
    server::{McpOperation, McpOperationEffect},
};
use rmcp::{model::JsonObject, schemars::JsonSchema};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpRunToolArguments {
    id: McpToolIdArgument,
    /// The tool's parameters. Default: none
    #[serde(default)]
    params: JsonObject,
    /// Run it only if its version is pinned already. Default: false, the first success pins it
    frozen: Option<bool>,
    /// Run it under this lock
    guard: Option<McpLockNameArgument>,
    /// With guard: wait in the queue, first come, first served. Default: false
    wait: Option<bool>,
    /// With wait: the time limit. Default: 50s, at most 1h
    timeout: Option<McpWaitLimitArgument>,
}

impl McpOperation for McpRunToolArguments {
    const NAME: &'static str = "run_tool";
    const TITLE: &'static str = "Run a signed tool";
    const ABOUT: &'static str = "Run a tool of the project, exactly as it was signed and pinned, with \
        everything that runs it. If any part of it changed, it does not run.";
    const NATURE: McpOperationEffect = McpOperationEffect::Runs;

    fn fields() -> Vec<OutputField> {
        vec![
            ("item_id", McpFieldType::Text, "The tool"),
            ("data", McpFieldType::Anything, "Its result data"),
            (
                "result",
                McpFieldType::Object,
                "Of a program: success, stdout, stderr, return_code, duration_ms",
            ),
            ("chain", McpFieldType::Objects, "What ran it: item_id, space, integrity, ..."),
            (
                "metadata",
                McpFieldType::Object,
                "duration_ms, lockfile_used, lockfile_created, lockfile_path",
            ),
            ("reason", McpFieldType::Text, "If refused: drift, signature, not-found, ..."),
            ("lockfile_path", McpFieldType::Text, "If refused: the lockfile"),
            ("drift", McpFieldType::Objects, "If refused: what differs from it"),
        ]
    }

    async fn call(self, call: &McpOperationCall) -> ToolAnswer {
        let guard = self.guard.as_ref().map(McpLockNameArgument::as_str);
        let order = LoktSubprocess::new(["tool", "run", "--json", "--params=-"])
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
