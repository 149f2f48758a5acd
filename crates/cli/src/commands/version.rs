//! The command `version`: the versions of the program and of the records that it writes, and what it was built from.

use crate::{exit::ExitCode, failure::CliFailure, output};
use clap::Args;
use lokt_lock::record::FORMAT_VERSION;

/// The version, the commit and the optional features, as `lokt --version` prints them behind the name.
pub(crate) const LINE: &str = env!("LOKT_VERSION_LINE");

/// Print the version, the commit that it was built from, and its optional features
#[derive(Args, Debug)]
pub(crate) struct VersionCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl VersionCommand {
    pub(crate) fn run(&self) -> Result<ExitCode, CliFailure> {
        if self.json {
            let view = serde_json::json!({
                "version": env!("CARGO_PKG_VERSION"),
                "protocol_version": FORMAT_VERSION,
                "commit": commit(),
                "features": features(),
            });
            output::json(&view)?;
        } else {
            output::text(&format!("lokt {LINE}"))?;
            output::text(&format!("lock records: version {FORMAT_VERSION}"))?;
        }
        Ok(ExitCode::Done)
    }
}

/// The commit that the program was built from, if it is known; `+changes` follows if the files differed from it.
fn commit() -> Option<&'static str> {
    Some(env!("LOKT_BUILT_FROM")).filter(|it| !it.is_empty())
}

/// The optional features of this build, sorted.
fn features() -> Vec<&'static str> {
    env!("LOKT_BUILT_WITH").split(',').filter(|it| !it.is_empty()).collect()
}
