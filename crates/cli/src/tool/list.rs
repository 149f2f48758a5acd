//! The command `tool list`: all tools of the three spaces, each once, from the nearest space that
//! has it.

use super::ToolChainLocations;
use crate::{exit::ExitCode, failure::CliFailure, output, view, view::table::TextTable};
use clap::Args;
use lokt_tool::{
    bounded, builtin,
    item::ToolItem,
    words::{Space, ToolFileExtension, ToolItemId, ToolVersion},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, io, path::Path};

/// List the tools of all spaces
///
/// Leaves out runtimes and primitives, unless you give --all.
#[derive(Args, Debug)]
pub(super) struct ToolListCommand {
    /// Also list what only runs tools: runtimes and primitives
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One item, or the error of the file in its place.
struct ToolRow {
    /// The id, which the path of the file gives.
    id: ToolItemId,
    /// The spaces that have a file of this id, the nearest first. All but the first are shadowed.
    spaces: Vec<Space>,
    /// The item in the nearest space, or why its file cannot be read.
    item: Result<ToolItem, String>,
}

impl ToolListCommand {
    /// Prints a row for each id, sorted by id. A file that is no valid item is a row with its
    /// error, and no failure.
    pub(super) fn run(&self, place: &ToolChainLocations) -> Result<ExitCode, CliFailure> {
        let mut ids: BTreeMap<ToolItemId, Vec<Space>> = BTreeMap::new();
        for (id, space) in Space::ALL.into_iter().flat_map(|space| ids_in(place, space)) {
            ids.entry(id).or_default().push(space);
        }
        ids.values_mut().for_each(Vec::dedup);
        let rows = ids.into_iter().map(|(id, spaces)| ToolRow::of(place, id, spaces));
        let rows: Vec<ToolRow> = rows.filter(|row| self.all || !row.only_runs_others()).collect();
        if self.json {
            let views: Vec<Value> = rows.iter().map(|row| row.to_json(place)).collect();
            output::json(&views)?;
        } else if rows.is_empty() {
            let folder = place.spaces().project.join(".ai/tools");
            output::note(&format!("no tools; put one into {}", folder.display()));
        } else {
            let mut table =
                TextTable::new(&["TOOL", "VERSION", "SPACE", "TYPE", "SIGNED", "PINNED", "WHAT"]);
            for row in &rows {
                table.row(row.cells(place));
            }
            output::lines(table.lines())?;
        }
        Ok(ExitCode::Done)
    }
}

impl ToolRow {
    /// Reads the item of an id as a run would.
    fn of(place: &ToolChainLocations, id: ToolItemId, spaces: Vec<Space>) -> Self {
        let item = match place.spaces().item_from(Space::Project, &id) {
            Ok(Some(item)) => Ok(item),
            Ok(None) => Err("gone".to_owned()),
            Err(error) => Err(crate::failure::chain(&error)),
        };
        Self { id, spaces, item }
    }

    /// Whether it is a runtime or a primitive. An item that cannot be read is listed, because it
    /// may be a tool.
    fn only_runs_others(&self) -> bool {
        let kind = self.item.as_ref().ok().and_then(|item| item.metadata.tool_type.as_deref());
        matches!(kind, Some("runtime" | "primitive"))
    }

    /// Whether it is pinned: `yes`, `no`, or `broken`, where its lockfile decides and says nothing.
    fn pinned(&self, place: &ToolChainLocations) -> &'static str {
        let version = self.item.as_ref().ok().and_then(|item| item.metadata.version.as_ref());
        let pin = version.map(|version| place.checker.lockfiles.find(&self.id, version));
        match pin {
            Some(Ok(Some(_))) => "yes",
            Some(Err(_)) => "broken",
            _ => "no",
        }
    }

    /// The fingerprint of the key that vouches for it, `lokt` for a built-in item, `no: …`, or `-`
    /// if it cannot be read.
    fn signed(&self, place: &ToolChainLocations) -> String {
        let signer = |item| view::chain::signed_by(item, &place.checker.trust);
        self.item.as_ref().map_or_else(|_| "-".to_owned(), signer)
    }

    /// The row as JSON. `pinned` is also true where the lockfile is broken, because that lockfile
    /// decides.
    fn to_json(&self, place: &ToolChainLocations) -> Value {
        let item = self.item.as_ref().ok();
        let shadows: Vec<&str> = self.spaces.iter().skip(1).map(|space| space.as_str()).collect();
        json!({
            "item_id": self.id.as_str(),
            "space": item.map(|it| it.space.as_str()),
            "version": item.and_then(|it| it.metadata.version.as_ref()).map(ToolVersion::to_json),
            "tool_type": item.and_then(|it| it.metadata.tool_type.clone()),
            "description": item.and_then(|it| it.metadata.tool_description.clone()),
            "path": item.and_then(|it| it.origin.path()),
            "shadows": shadows,
            "signed": self.signed(place),
            "pinned": self.pinned(place) != "no",
            "error": self.item.as_ref().err(),
        })
    }

    /// The row for the table. An item that cannot be read has its error in the last column.
    fn cells(&self, place: &ToolChainLocations) -> Vec<String> {
        let dash = || "-".to_owned();
        let item = match &self.item {
            Ok(item) => item,
            Err(error) => {
                return vec![
                    self.id.to_string(),
                    dash(),
                    dash(),
                    dash(),
                    dash(),
                    dash(),
                    error.clone(),
                ];
            }
        };
        let hides = if self.spaces.len() > 1 { " (shadows another)" } else { "" };
        let metadata = &item.metadata;
        vec![
            self.id.to_string(),
            metadata.version.as_ref().map_or_else(dash, ToolVersion::to_string),
            format!("{}{hides}", item.space),
            metadata.tool_type.clone().unwrap_or_else(dash),
            self.signed(place),
            self.pinned(place).to_owned(),
            metadata.tool_description.clone().unwrap_or_default(),
        ]
    }
}

/// The ids of all files of a space that could be items.
fn ids_in(place: &ToolChainLocations, space: Space) -> Vec<(ToolItemId, Space)> {
    let mut ids = Vec::new();
    for folder in place.spaces().folders(space) {
        collect(folder.path(), "", &mut ids);
    }
    if space == Space::System {
        ids.extend(builtin::all().filter_map(|(id, _)| ToolItemId::new(id).ok()));
    }
    ids.into_iter().map(|id| (id, space)).collect()
}

/// Symbolic links to folders are not followed: they could form a cycle. A warning names them, and folders that
/// cannot be listed: they may have tools.
///
/// `below` is the path from the space's folder, with slashes; an id is that path without the
/// extension.
fn collect(folder: &Path, below: &str, ids: &mut Vec<ToolItemId>) {
    let here = if below.is_empty() { folder.to_owned() } else { folder.join(below) };
    let entries = match fs::read_dir(&here) {
        Ok(entries) => entries,
        Err(error) => return not_listed(&here, error),
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if let Some(extension) = ToolFileExtension::of_file_name(&name) {
            ids.extend(
                path.strip_suffix(extension.as_str()).and_then(|id| ToolItemId::new(id).ok()),
            );
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(folder, &path, ids),
            Ok(kind) if kind.is_symlink() && entry.path().is_dir() => output::warn(&format!(
                "{} is a symbolic link; what is behind it is not listed, but runs",
                entry.path().display()
            )),
            _ => {}
        }
    }
}

/// Warns that a folder cannot be listed. A folder that does not exist is no problem.
fn not_listed(folder: &Path, error: io::Error) {
    let told = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            bounded::require_absent(folder, error)
        }
        _ => Err(error),
    };
    if let Err(error) = told {
        output::warn(&format!("cannot list {}: {error}", folder.display()));
    }
}
