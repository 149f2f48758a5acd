//! Running a signed tool.

use super::{
    answer::{ToolAnswer, broken, unfit},
    argument_table::{McpArgument, McpArgumentKind, optional, required},
    argument_types::{
        McpLockNameArgument, McpToolIdArgument, McpWaitLimitArgument, TIMEOUT, waiting,
    },
    call::McpCallHandle,
    command_line::LoktCommandLine,
    plain_text,
    server::{McpOperation, McpOperationEffect},
    unlock::plain,
};
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::Value;

/// Arguments of `run_tool`, which runs `lokt tool run --json`. Parameters go through stdin, because
/// they may be longer than a word of a command line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpRunToolArguments {
    id: McpToolIdArgument,
    params: Option<JsonObject>,
    frozen: Option<bool>,
    guard: Option<McpLockNameArgument>,
    wait: Option<bool>,
    timeout: Option<McpWaitLimitArgument>,
}

impl McpOperation for McpRunToolArguments {
    const NAME: &'static str = "run_tool";
    const TITLE: &'static str = "Run a signed tool";
    const ABOUT: &'static str = "Run a tool of the project, exactly as it was signed and pinned, with \
        everything that runs it. If any part of it changed, it does not run. Result: data; of a program, result \
        with stdout, stderr and return_code.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Runs;
    const ARGUMENTS: &'static [McpArgument] = &[
        required(
            "id",
            McpArgumentKind::ToolId,
            "The tool: its path below tools/, like web/scraper",
        ),
        optional("params", McpArgumentKind::Object, "Its parameters"),
        optional(
            "frozen",
            McpArgumentKind::Flag,
            "Run it only if its version is pinned; else the first success pins it",
        ),
        optional("guard", McpArgumentKind::Name, "Run it under this lock"),
        optional("wait", McpArgumentKind::Flag, "With guard: wait in the queue"),
        optional("timeout", McpArgumentKind::WaitLimit, TIMEOUT),
    ];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        let waiting = match waiting(self.wait, self.timeout.as_ref()) {
            Ok(words) if self.guard.is_none() && !words.is_empty() => {
                return unfit("\"wait\" needs \"guard\": there is no other lock to wait for");
            }
            Ok(words) => words,
            Err(error) => return unfit(error),
        };
        let guard = self.guard.as_ref().map(McpLockNameArgument::as_str);
        let order = LoktCommandLine::new(["tool", "run", "--json", "--params=-"])
            .flag("--guard", guard)
            .words(self.frozen.unwrap_or(false).then(|| "--frozen".to_owned()))
            .words(waiting)
            .words([self.id.as_str().to_owned()])
            .input(Value::Object(self.params.clone().unwrap_or_default()).to_string())
            .lasting(guard.map(str::to_owned));
        match order.run(call).await {
            Ok(ended) => plain(&ended, plain_text::tool),
            Err(error) => broken(&error),
        }
    }
}
