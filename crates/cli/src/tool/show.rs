//! The command `tool show`: all that is known of one tool, also of one that does not run.

use super::ToolChainLocations;
use crate::{
    exit::ExitCode,
    failure::{CliFailure, chain},
    output, refusal, view,
};
use clap::Args;
use lokt_tool::{
    check::{ChainCheckError, ChainChecker, CheckedChain},
    item::ToolItem,
    words::{Space, ToolItemId},
};
use serde_json::{Value, json};

/// Show one tool: where it is from, what it shadows, who signed it, whether it is pinned, what runs
#[derive(Args, Debug)]
pub(super) struct ToolShowCommand {
    /// The tool
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ToolShowCommand {
    /// A tool that would be refused is shown with the reason, and the exit code is
    /// [`ExitCode::Done`]. Only a tool that does not exist, or whose file cannot be read, is a
    /// failure.
    pub(super) fn run(&self, place: &ToolChainLocations) -> Result<ExitCode, CliFailure> {
        let id = ToolItemId::new(&*self.id).map_err(ChainCheckError::from)?;
        let item = place.spaces().item_from(Space::Project, &id)?;
        let checked = place.checker.check(&self.id);
        let Some(item) = item else {
            return Err(checked
                .err()
                .map_or_else(|| super::lock::not_pinned(&self.id), CliFailure::from));
        };
        let shadows: Vec<ToolItem> = Space::ALL
            .into_iter()
            .filter(|space| *space > item.space)
            .filter_map(|space| place.spaces().item_in(space, &id).ok().flatten())
            .collect();
        if self.json {
            output::json(&to_json(&item, &shadows, &checked))?;
        } else {
            output::lines(told(&item, &shadows, &checked, place))?;
        }
        if let Some(note) = view::chain::schema_note(&item) {
            output::note(&note);
        }
        Ok(ExitCode::Done)
    }
}

/// The item's fields, then what it shadows, and the outcome of the check. `status` is `pinned`,
/// `not-pinned` or `refused`.
fn to_json(
    item: &ToolItem,
    shadows: &[ToolItem],
    checked: &Result<CheckedChain, ChainCheckError>,
) -> Value {
    let mut shown = view::chain::element(item);
    let Value::Object(fields) = &mut shown else { return shown };
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    put("metadata", item.metadata.to_json().into());
    put("schema_computed", item.metadata.computed_schema.is_some().into());
    put(
        "shadows",
        shadows
            .iter()
            .map(|it| json!({"space": it.space.as_str(), "path": it.origin.path()}))
            .collect(),
    );
    match checked {
        Ok(checked) => {
            let signers = checked.signatures.iter().flatten().next();
            put("status", if checked.pin.is_some() { "pinned" } else { "not-pinned" }.into());
            put("signed_by", signers.map(|line| line.fingerprint.to_string()).into());
            put(
                "lockfile_path",
                checked.pin.as_ref().map(|pin| pin.path.display().to_string()).into(),
            );
            put("digest", checked.chain.digest().to_string().into());
            put("chain", view::chain::to_json(&checked.chain));
        }
        Err(refusal) => {
            put("status", "refused".into());
            put("refusal", refusal::to_json(item.id.as_str(), refusal));
        }
    }
    shown
}

/// The same as lines for people.
fn told(
    item: &ToolItem,
    shadows: &[ToolItem],
    checked: &Result<CheckedChain, ChainCheckError>,
    place: &ToolChainLocations,
) -> Vec<String> {
    let trust = &place.checker.trust;
    let metadata = &item.metadata;
    let version = metadata.version.as_ref().map_or_else(String::new, |it| format!("@{it}"));
    let mut lines = vec![format!("{}{version}", item.id)];
    let mut line = |key: &str, value: String| lines.push(format!("  {key:<10} {value}"));
    if let Some(what) = &metadata.tool_description {
        line("what", what.clone());
    }
    line("from", format!("{} space, {}", item.space, item.origin));
    for hidden in shadows {
        line("shadows", format!("{} space, {}", hidden.space, hidden.origin));
    }
    line("integrity", item.integrity.to_string());
    match checked {
        Ok(checked) => {
            let signature = checked.signatures.first().and_then(Option::as_ref);
            line(
                "signed by",
                signature.map_or("lokt (built in)".to_owned(), |it| {
                    format!("{} (says: {})", it.fingerprint, it.timestamp)
                }),
            );
            let pin = checked.pin.as_ref().map(|pin| format!("yes, {}", pin.path.display()));
            line("pinned", pin.unwrap_or_else(|| "no; the first run pins it".to_owned()));
            line("runs", "this chain:".to_owned());
            let table = view::chain::table(&checked.chain, trust);
            lines.extend(table.lines().iter().map(|row| format!("    {row}")));
        }
        Err(refusal) => {
            line("signed by", view::chain::signed_by(item, trust));
            line("pinned", pinned(item, &place.checker));
            line("runs", format!("no: {}", chain(refusal)));
            lines.extend(drift_of(refusal).into_iter().map(|row| format!("    {row}")));
        }
    }
    lines
}

/// The pin of a tool that does not run.
///
/// Unlike a run, this only looks for the lockfile and does not compare.
fn pinned(item: &ToolItem, checker: &ChainChecker) -> String {
    let Some(version) = &item.metadata.version else { return "no; it has no version".to_owned() };
    match checker.lockfiles.find(&item.id, version) {
        Ok(Some(pin)) => format!("yes, {}", pin.path.display()),
        Ok(None) => "no".to_owned(),
        Err(error) => format!("broken: {}", chain(&error)),
    }
}

/// What drifted, a line each.
fn drift_of(refusal: &ChainCheckError) -> Vec<String> {
    let ChainCheckError::Drift(_, rows) = refusal else { return Vec::new() };
    let told = |changes: &[lokt_tool::lockfile::ChainDriftKind]| {
        changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    rows.iter().map(|row| format!("{}  {}", row.item_id, told(&row.changes))).collect()
}
