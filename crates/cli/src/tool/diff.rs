//! The command `tool diff`.

use super::ToolChainLocations;
use crate::{exit::ExitCode, failure::CliFailure, output, refusal, view::table::TextTable};
use clap::Args;
use lokt_tool::lockfile::{ChainDriftKind, ChainElementDrift, StoredLockfile};
use serde_json::json;

/// Compare a tool's chain with its lockfile, element by element
///
/// The exit code is 0 if they match, 5 if they differ, 3 if there is no lockfile.
#[derive(Args, Debug)]
pub(super) struct ToolDiffCommand {
    /// The tool
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ToolDiffCommand {
    /// Signatures are not checked, so this also works for a tool that is not signed yet. A tool
    /// without a lockfile is [`ExitCode::NotFound`].
    pub(super) fn run(&self, place: &ToolChainLocations) -> Result<ExitCode, CliFailure> {
        let Some((pin, rows)) = place.checker.drift(&self.id)? else {
            return Err(super::lock::not_pinned(&self.id));
        };
        let code = if rows.is_empty() { ExitCode::Done } else { ExitCode::NotVerified };
        output::even_if_unread(self.report(&pin, &rows))?;
        Ok(code)
    }

    /// Prints the comparison. Elements that were not pinned come after the pinned ones. Behind an
    /// element that is missing or broken, the chain cannot be followed, so the rest is "not known".
    fn report(&self, pin: &StoredLockfile, rows: &[ChainElementDrift]) -> Result<(), CliFailure> {
        if self.json {
            return output::json(&json!({
                "item_id": self.id,
                "status": if rows.is_empty() { "same" } else { "drift" },
                "lockfile_path": pin.path,
                "drift": refusal::drift_to_json(rows),
            }));
        }
        let mut table = TextTable::new(&["ELEMENT", "WHAT"]);
        let mut otherwise = "same";
        for pinned in &pin.lockfile.chain {
            let drift = rows.iter().find(|row| row.item_id == pinned.item_id);
            table.row(vec![pinned.item_id.to_string(), drift.map_or(otherwise.to_owned(), told)]);
            if drift.is_some_and(is_the_end) {
                otherwise = "not known: nothing leads there now";
            }
        }
        let is_pinned = |row: &&ChainElementDrift| {
            pin.lockfile.chain.iter().any(|it| it.item_id == row.item_id)
        };
        for row in rows.iter().filter(|row| !is_pinned(row)) {
            table.row(vec![row.item_id.to_string(), told(row)]);
        }
        output::text(&format!("lockfile: {}", pin.path.display()))?;
        output::lines(table.lines())
    }
}

/// Whether a chain cannot be followed behind an element.
fn is_the_end(row: &ChainElementDrift) -> bool {
    row.changes
        .iter()
        .any(|it| matches!(it, ChainDriftKind::Missing(_) | ChainDriftKind::Broken(_)))
}

/// The differences of one element in one line.
fn told(row: &ChainElementDrift) -> String {
    row.changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
