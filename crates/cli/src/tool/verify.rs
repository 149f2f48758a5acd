//! The command `tool verify`: checks for CI, without running anything.

use super::{ToolChainLocations, scope::LockfileSpace};
use crate::{
    exit::ExitCode,
    failure::{CliFailure, chain},
    output, refusal, view,
};
use clap::Args;
use lokt_lock::sys::in_portions_of;
use lokt_tool::{
    check::{ChainCheckError, CheckedChain},
    lockfile::LockfileError,
    words::{Space, ToolItemId, ToolVersion},
};
use serde_json::{Value, json};

/// Check tools against their lockfiles, and every signature
///
/// With --all, checks every lockfile of the project, for example in CI. The exit code is 5 if anything differs, 3 if
/// a tool has no lockfile.
#[derive(Args, Debug)]
#[command(
    override_usage = "lokt tool verify [OPTIONS] <ID>...\n       lokt tool verify --all [--scope <SCOPE>]"
)]
pub(super) struct ToolVerifyCommand {
    /// The tools
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,
    /// Check every lockfile of the project
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// With --all: of which space
    #[arg(long, value_name = "SCOPE", requires = "all", default_value = "project")]
    scope: LockfileSpace,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How many lockfiles justify another thread: each takes most of a millisecond.
const PORTION: usize = 16;

/// The outcome of one check.
struct ToolVerifyItemOutcome {
    /// The tool with its version, or the name of the lockfile with `--all`.
    name: String,
    /// The checked chain, or why it would not run.
    result: Result<CheckedChain, CliFailure>,
    /// The same for `--json`.
    json: Value,
}

impl ToolVerifyCommand {
    /// Checks all tools, or all lockfiles, prints each outcome, and returns the worst code.
    pub(super) fn run(&self, place: &ToolChainLocations) -> Result<ExitCode, CliFailure> {
        let verdicts: Vec<ToolVerifyItemOutcome> = if self.all {
            let scope = Space::from(self.scope);
            // What cannot be listed could hold a pin that a run would heed.
            let names = place.checker.lockfiles.names(scope).map_err(ChainCheckError::from)?;
            let judge = |name: &String| of_pin(place, scope, name.clone());
            in_portions_of(PORTION, &names, |part| part.iter().map(judge).collect())
        } else {
            self.ids.iter().map(|id| of_tool(place, id)).collect()
        };
        output::even_if_unread(self.report(&verdicts))?;
        let checked = verdicts.iter().filter_map(|it| it.result.as_ref().ok());
        let notes = checked.filter_map(|it| view::chain::schema_note(it.chain.root()?));
        notes.for_each(|note| output::note(&note));
        if self.all && verdicts.is_empty() && !self.json {
            output::note(&format!(
                "there are no lockfiles in the {} scope",
                Space::from(self.scope)
            ));
        }
        // Drift weighs more than a pin that is missing.
        let codes = verdicts.iter().filter_map(|it| it.result.as_ref().err()).map(|it| it.code);
        let worst = codes.max_by_key(|code| (*code == ExitCode::NotVerified, code.number()));
        Ok(worst.unwrap_or(ExitCode::Done))
    }

    /// Prints the outcomes in their order. Failures go to stderr with their hints.
    fn report(&self, verdicts: &[ToolVerifyItemOutcome]) -> Result<(), CliFailure> {
        if self.json {
            let views: Vec<&Value> = verdicts.iter().map(|it| &it.json).collect();
            return output::json(&views);
        }
        for verdict in verdicts {
            match &verdict.result {
                Ok(_) => output::text(&format!("ok    {}", verdict.name))?,
                Err(failure) => {
                    output::text(&format!("FAIL  {}", verdict.name))?;
                    output::fail(failure);
                }
            }
        }
        Ok(())
    }
}

/// Checks a tool against one lockfile: that one is compared, not the one that a run would heed.
fn of_pin(place: &ToolChainLocations, scope: Space, name: String) -> ToolVerifyItemOutcome {
    let pin = place.checker.lockfiles.read(scope, &name);
    match pin {
        Ok(Some(pin)) => {
            let id = pin.lockfile.tool_id.to_string();
            let (tool, version) = (pin.lockfile.tool_id.clone(), pin.lockfile.version.clone());
            let mut verdict = judged(&id, name, place.checker.check_pin(pin));
            if let Err(failure) = &mut verdict.result
                && is_of_another_version(place, &tool, &version)
            {
                // The usual advice would pin the version that there is now, and leave this one.
                failure.hints = vec![format!(
                    "the tool has another version by now; lokt tool prune --scope {scope}   removes such lockfiles"
                )];
            }
            verdict
        }
        // It is gone since it was listed.
        Ok(None) => {
            let failure = CliFailure::new(ExitCode::NotFound, format!("{name} is gone"));
            let json = json!({"status": "not-pinned", "lockfile": name});
            ToolVerifyItemOutcome { name, result: Err(failure), json }
        }
        Err(error) => broken(name, error),
    }
}

/// Whether the existing tool provably has another version than the pinned one.
fn is_of_another_version(
    place: &ToolChainLocations,
    tool: &ToolItemId,
    pinned: &ToolVersion,
) -> bool {
    match place.spaces().item_from(Space::Project, tool) {
        Ok(Some(item)) => item.metadata.version.as_ref() != Some(pinned),
        _ => false,
    }
}

/// The outcome for a lockfile that cannot be read.
fn broken(name: String, error: LockfileError) -> ToolVerifyItemOutcome {
    let refusal = ChainCheckError::from(error);
    let json = refusal::to_json(name.trim_end_matches(".lock.json"), &refusal);
    ToolVerifyItemOutcome { name, result: Err(refusal.into()), json }
}

/// Checks a tool as a run would. A tool without a lockfile fails too.
fn of_tool(place: &ToolChainLocations, id: &str) -> ToolVerifyItemOutcome {
    match place.checker.check(id) {
        Ok(CheckedChain { pin: None, .. }) => ToolVerifyItemOutcome {
            name: id.to_owned(),
            result: Err(super::lock::not_pinned(id)),
            json: json!({"status": "not-pinned", "item_id": id}),
        },
        result => {
            let name = match &result {
                Ok(checked) => format!("{id}@{}", checked.version),
                Err(_) => id.to_owned(),
            };
            judged(id, name, result)
        }
    }
}

/// The outcome of a check under a name.
fn judged(
    id: &str,
    name: String,
    result: Result<CheckedChain, ChainCheckError>,
) -> ToolVerifyItemOutcome {
    match result {
        Ok(checked) => {
            let json = json!({
                "status": "verified",
                "item_id": id,
                "version": checked.version.to_json(),
                "digest": checked.chain.digest().to_string(),
                "lockfile_path": checked.pin.as_ref().map(|pin| &pin.path),
            });
            ToolVerifyItemOutcome { name, result: Ok(checked), json }
        }
        Err(refusal) => {
            let json = refusal::to_json(id, &refusal);
            let message = chain(&refusal);
            ToolVerifyItemOutcome {
                name,
                result: Err(CliFailure { message, ..refusal.into() }),
                json,
            }
        }
    }
}
