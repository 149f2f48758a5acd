//! The command `version`: the versions of the program and of the records that it writes.

use crate::{exit::ExitCode, failure::CliFailure, output};
use clap::Args;
use lokt_lock::record::FORMAT_VERSION;

/// Print the version
#[derive(Args, Debug)]
pub(crate) struct VersionCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl VersionCommand {
    pub(crate) fn run(&self) -> Result<ExitCode, CliFailure> {
        let version = env!("CARGO_PKG_VERSION");
        if self.json {
            let view = serde_json::json!({"version": version, "protocol_version": FORMAT_VERSION});
            output::json(&view)?;
        } else {
            output::text(&format!("lokt {version} (lock records: version {FORMAT_VERSION})"))?;
        }
        Ok(ExitCode::Done)
    }
}
