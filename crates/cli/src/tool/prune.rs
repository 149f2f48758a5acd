//! The command `tool prune`: removing lockfiles that pin nothing any more.

use super::{ToolChainLocations, scope::LockfileSpace};
use crate::{exit::ExitCode, failure::CliFailure, output};
use clap::Args;
use lokt_tool::{lockfile::LockfileError, words::Space};
use serde_json::json;

/// Remove lockfiles of tools, or of versions of tools, that no longer exist
///
/// Removes only the project's lockfiles, unless you give --scope: lockfiles in the user's space may belong to tools
/// of other projects. A broken lockfile is not removed.
#[derive(Args, Debug)]
pub(super) struct ToolPruneCommand {
    /// Remove lockfiles of this space
    #[arg(long, value_name = "SCOPE", default_value = "project")]
    scope: LockfileSpace,
    /// Show what would be removed, without removing it
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ToolPruneCommand {
    /// Removes stale lockfiles, or lists them with `--dry-run`. Prints the paths.
    pub(super) fn run(&self, place: &ToolChainLocations) -> Result<ExitCode, CliFailure> {
        let (lockfiles, scope) = (&place.checker.lockfiles, Space::from(self.scope));
        let mut removed = Vec::new();
        for name in lockfiles.names(scope)? {
            if !is_stale(place, scope, &name) {
                continue;
            }
            if !self.dry_run {
                lockfiles.remove(scope, &name)?;
            }
            removed.extend(lockfiles.path(scope, &name));
        }
        if self.json {
            output::json(
                &json!({"removed": removed, "count": removed.len(), "dry_run": self.dry_run}),
            )?;
            return Ok(ExitCode::Done);
        }
        if removed.is_empty() {
            output::note("every lockfile belongs to an existing tool");
        }
        let verb = if self.dry_run { "would remove" } else { "removed" };
        for path in removed {
            output::text(&format!("{verb} {}", path.display()))?;
        }
        Ok(ExitCode::Done)
    }
}

/// Whether a lockfile's tool is provably not there, or provably has another version.
///
/// A broken lockfile is a warning and stays: without it, the next run would pin whatever is there.
fn is_stale(place: &ToolChainLocations, scope: Space, name: &str) -> bool {
    let pin = match place.checker.lockfiles.read(scope, name) {
        Ok(Some(pin)) => pin,
        Err(error @ LockfileError::Flawed { .. }) => {
            output::warn(&crate::failure::chain(&error));
            return false;
        }
        Ok(None) | Err(_) => return false,
    };
    match place.spaces().item_from(Space::Project, &pin.lockfile.tool_id) {
        Ok(Some(item)) => item.metadata.version.as_ref() != Some(&pin.lockfile.version),
        Ok(None) => true,
        // What cannot be read may well be there.
        Err(_) => false,
    }
}
