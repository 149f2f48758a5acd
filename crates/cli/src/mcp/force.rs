//! Breaking locks and freezes of others: offered only if the server was started with `--allow-force`.

use super::{
    answer::{ToolAnswer, broken},
    argument_types::LockNameArgument,
    call::ToolCall,
    command_line::LoktCommandLine,
    release::{RELEASED, plain, released},
    schema::{FieldType, OutputField},
    server::{McpOperation, OperationEffect},
};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct ForceUnlockArguments {
    name: LockNameArgument,
    /// Unlock only the holder with this fence, as status shows it
    fence: Option<u64>,
}

impl McpOperation for ForceUnlockArguments {
    const NAME: &'static str = "force_unlock";
    const TITLE: &'static str = "Take a lock away";
    const ABOUT: &'static str = "Take a lock away from all its holders. A guard that holds it stops its \
        command, whose work may be lost. Only if a person has asked for it. Give the fence that the person saw, so \
        that a newer holder is not stopped (exit code 4).";
    const NATURE: OperationEffect = OperationEffect::Forces;

    fn fields() -> Vec<OutputField> {
        RELEASED.to_vec()
    }

    async fn call(self, call: &ToolCall) -> ToolAnswer {
        let fence = self.fence.map(|fence| fence.to_string());
        let order = LoktCommandLine::new(["unlock", "--force", "--json"]).flag("--fence", fence);
        let words = ["--".to_owned(), self.name.as_str().to_owned()];
        match order.words(words).run(call).await {
            // Of several holders only one is gone, which need not be the client.
            Ok(ended) if self.fence.is_some() => plain(&ended),
            Ok(ended) => released(call, &self.name, &ended),
            Err(error) => broken(&error),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct UnfreezeArguments {
    name: LockNameArgument,
}

impl McpOperation for UnfreezeArguments {
    const NAME: &'static str = "unfreeze";
    const TITLE: &'static str = "Lift a freeze";
    const ABOUT: &'static str =
        "Lift the freeze of a lock, of any owner. Only if a person has asked for it.";
    const NATURE: OperationEffect = OperationEffect::Forces;

    fn fields() -> Vec<OutputField> {
        vec![("name", FieldType::Text, "The lock")]
    }

    async fn call(self, call: &ToolCall) -> ToolAnswer {
        let words = ["unfreeze", "--force", "--json", "--", self.name.as_str()];
        match LoktCommandLine::new(words).run(call).await {
            Ok(ended) => plain(&ended),
            Err(error) => broken(&error),
        }
    }
}
