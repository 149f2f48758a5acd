//! Breaking locks and freezes of others: offered only if the server was started with `--allow-force`.

use super::{
    answer::{ToolAnswer, broken},
    argument_types::McpLockNameArgument,
    call::McpOperationCall,
    command_line::LoktSubprocess,
    release::{RELEASED, plain, released},
    schema::{McpFieldType, OutputField},
    server::{McpOperation, McpOperationEffect},
};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpForceUnlockArguments {
    name: McpLockNameArgument,
    /// Unlock only the holder with this fence, as status shows it
    fence: Option<u64>,
}

impl McpOperation for McpForceUnlockArguments {
    const NAME: &'static str = "force_unlock";
    const TITLE: &'static str = "Take a lock away";
    const ABOUT: &'static str = "Take a lock away from all its holders. A guard that holds it stops its \
        command, whose work may be lost. Only if a person has asked for it. Give the fence that the person saw, so \
        that a newer holder is not stopped (exit code 4).";
    const NATURE: McpOperationEffect = McpOperationEffect::Forces;

    fn fields() -> Vec<OutputField> {
        RELEASED.to_vec()
    }

    async fn call(self, call: &McpOperationCall) -> ToolAnswer {
        let fence = self.fence.map(|fence| fence.to_string());
        let order = LoktSubprocess::new(["unlock", "--force", "--json"]).flag("--fence", fence);
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
pub(super) struct McpUnfreezeArguments {
    name: McpLockNameArgument,
}

impl McpOperation for McpUnfreezeArguments {
    const NAME: &'static str = "unfreeze";
    const TITLE: &'static str = "Lift a freeze";
    const ABOUT: &'static str =
        "Lift the freeze of a lock, of any owner. Only if a person has asked for it.";
    const NATURE: McpOperationEffect = McpOperationEffect::Forces;

    fn fields() -> Vec<OutputField> {
        vec![("name", McpFieldType::Text, "The lock")]
    }

    async fn call(self, call: &McpOperationCall) -> ToolAnswer {
        let words = ["unfreeze", "--force", "--json", "--", self.name.as_str()];
        match LoktSubprocess::new(words).run(call).await {
            Ok(ended) => plain(&ended),
            Err(error) => broken(&error),
        }
    }
}
