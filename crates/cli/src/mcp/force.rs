//! Breaking locks and freezes of others: offered only if the server was started with `--allow-force`.

use super::{
    answer::{ToolAnswer, broken},
    argument_table::{McpArgument, McpArgumentKind, optional, required},
    argument_types::McpLockNameArgument,
    call::McpCallHandle,
    command_line::LoktCommandLine,
    plain_text,
    server::{McpOperation, McpOperationEffect},
    unlock::{plain, unlocked},
};
use serde::Deserialize;

/// Arguments of `force_unlock`, which runs `lokt unlock --force`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpForceUnlockArguments {
    name: McpLockNameArgument,
    fence: Option<u64>,
}

impl McpOperation for McpForceUnlockArguments {
    const NAME: &'static str = "force_unlock";
    const TITLE: &'static str = "Take a lock away";
    const ABOUT: &'static str = "Take a lock away from all its holders. A guard that holds it stops its \
        command, whose work may be lost. Only if a person has asked for it. Give the fence that the person saw, so \
        that a newer holder is not stopped (exit code 4).";
    const EFFECT: McpOperationEffect = McpOperationEffect::Forces;
    const ARGUMENTS: &'static [McpArgument] = &[
        required("name", McpArgumentKind::Name, "The lock"),
        optional(
            "fence",
            McpArgumentKind::Count(0, u64::MAX),
            "Unlock only the holder with this fence, as status shows it",
        ),
    ];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        let fence = self.fence.map(|fence| fence.to_string());
        let order = LoktCommandLine::new(["unlock", "--force", "--json"]).flag("--fence", fence);
        let words = ["--".to_owned(), self.name.as_str().to_owned()];
        match order.words(words).run(call).await {
            // Of several holders only one is gone, which need not be the client.
            Ok(ended) if self.fence.is_some() => plain(&ended, plain_text::freed),
            Ok(ended) => unlocked(call, &self.name, &ended),
            Err(error) => broken(&error),
        }
    }
}

/// Arguments of `unfreeze`, which runs `lokt unfreeze --force`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpUnfreezeArguments {
    name: McpLockNameArgument,
}

impl McpOperation for McpUnfreezeArguments {
    const NAME: &'static str = "unfreeze";
    const TITLE: &'static str = "Lift a freeze";
    const ABOUT: &'static str =
        "Lift the freeze of a lock, of any owner. Only if a person has asked for it.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Forces;
    const ARGUMENTS: &'static [McpArgument] =
        &[required("name", McpArgumentKind::Name, "The lock")];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        let words = ["unfreeze", "--force", "--json", "--", self.name.as_str()];
        match LoktCommandLine::new(words).run(call).await {
            Ok(ended) => plain(&ended, plain_text::freed),
            Err(error) => broken(&error),
        }
    }
}
