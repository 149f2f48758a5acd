//! The command `tool resolve`: a chain as it resolves now.

use super::ToolChainLocations;
use crate::{exit::ExitCode, failure::CliFailure, output, view};
use clap::Args;
use serde_json::json;

/// Show a tool's current chain, pinned or not, signed or not
#[derive(Args, Debug)]
pub(super) struct ToolResolveCommand {
    /// The tool
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ToolResolveCommand {
    /// Prints the chain. Neither signatures nor the lockfile are checked; the table shows who
    /// signed each element.
    pub(super) fn run(&self, place: &ToolChainLocations) -> Result<ExitCode, CliFailure> {
        let chain = place.checker.resolve(&self.id)?;
        if self.json {
            output::json(&json!({
                "item_id": self.id,
                "digest": chain.digest().to_string(),
                "chain": view::chain::to_json(&chain),
            }))?;
        } else {
            output::lines(view::chain::table(&chain, &place.checker.trust).lines())?;
        }
        Ok(ExitCode::Done)
    }
}
