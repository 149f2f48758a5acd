//! Running a signed tool.

use super::{
    answer::{Answer, broken},
    call::Call,
    order::Order,
    release::plain,
    schema::{Field, Of},
    server::{Nature, Operation},
    words::{Id, Name, Patience, waiting},
};
use rmcp::{model::JsonObject, schemars::JsonSchema};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct RunTool {
    id: Id,
    /// The tool's parameters. Default: none
    #[serde(default)]
    params: JsonObject,
    /// Run it only if its version is pinned already. Default: false, the first success pins it
    frozen: Option<bool>,
    /// Run it under this lock
    guard: Option<Name>,
    /// With guard: wait in line, first come, first served. Default: false
    wait: Option<bool>,
    /// With wait: how long at most. Default: 50s, at most 1h
    timeout: Option<Patience>,
}

impl Operation for RunTool {
    const NAME: &'static str = "run_tool";
    const TITLE: &'static str = "Run a signed tool";
    const ABOUT: &'static str = "Run a tool of the project, exactly as it was signed and pinned, with \
        everything that runs it. What is not what was signed or pinned does not run.";
    const NATURE: Nature = Nature::Runs;

    fn fields() -> Vec<Field> {
        vec![
            ("item_id", Of::Text, "The tool"),
            ("data", Of::Anything, "What it gave"),
            (
                "result",
                Of::Object,
                "Of a program: success, stdout, stderr, return_code, duration_ms",
            ),
            ("chain", Of::Objects, "What ran it: item_id, space, integrity, ..."),
            ("metadata", Of::Object, "duration_ms, lockfile_used, lockfile_created, lockfile_path"),
            ("reason", Of::Text, "Where refused: drift, signature, not-found, ..."),
            ("lockfile_path", Of::Text, "Where refused: the lockfile"),
            ("drift", Of::Objects, "Where refused: what differs from it"),
        ]
    }

    async fn call(self, call: &Call) -> Answer {
        let guard = self.guard.as_ref().map(Name::as_str);
        let order = Order::new(["tool", "run", "--json", "--params=-"])
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
