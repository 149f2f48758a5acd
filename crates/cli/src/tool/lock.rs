//! The command `tool lock`: writing a lockfile.

use super::{ToolChainLocations, scope::LockfileSpace};
use crate::{exit::ExitCode, failure::CliFailure, output, view::command_line};
use clap::Args;
use lokt_lock::words::Timestamp;
use lokt_tool::{
    chain::ToolChain,
    check::ChainCheckError,
    lockfile::{Lockfile, LockfileError, LockfileReplacePolicy, StoredLockfile, compare},
    words::{Space, ToolItemId, ToolVersion},
};
use serde_json::json;
use std::path::Path;

/// Pin a tool's chain as it is now
///
/// Every element must be signed with a trusted key. An existing lockfile is replaced only with --update; if it
/// pins the same chain, it stays untouched.
#[derive(Args, Debug)]
pub(super) struct ToolLockCommand {
    /// The tool
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// Write the lockfile to this space [default: where the tool is pinned, else `lockfile_scope` in the project's
    /// .ai/lokt.toml, else user]
    #[arg(long, value_name = "SCOPE")]
    scope: Option<LockfileSpace>,
    /// Replace an existing lockfile
    #[arg(long)]
    update: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ToolLockCommand {
    /// The status is `locked` if a lockfile was written, `unchanged` if one pins the same chain
    /// already. A lockfile that pins another chain is a failure with the differences, unless
    /// `--update` is given.
    pub(super) fn run(&self, place: &ToolChainLocations) -> Result<ExitCode, CliFailure> {
        let (chain, lockfile) = vouched_for(place, &self.id)?;
        let lockfiles = &place.checker.lockfiles;
        let found = lockfiles.find(&lockfile.tool_id, &lockfile.version);
        let scope = self.scope(place, found, &lockfile.tool_id)?;
        let name = Lockfile::path_of(&lockfile.tool_id, &lockfile.version);
        let replace =
            if self.update { LockfileReplacePolicy::Asked } else { LockfileReplacePolicy::Never };
        let there = match (lockfiles.read(scope, &name), self.update) {
            (there, false) => there?,
            // --update also replaces a broken lockfile.
            (there, true) => there.ok().flatten(),
        };
        let (path, status) = match there {
            Some(there) if compare(&there.lockfile, chain.elements(), None).is_empty() => {
                (there.path, "unchanged")
            }
            Some(there) if replace == LockfileReplacePolicy::Never => {
                return Err(differs(there, &chain));
            }
            _ => (lockfiles.write(scope, &lockfile, replace, Timestamp::now())?, "locked"),
        };
        hidden(place, scope, &lockfile, &path);
        self.report(&lockfile, scope, &path, status)?;
        Ok(ExitCode::Done)
    }

    /// The space to write to: the space of the effective pin, or of the project's pin of another version.
    ///
    /// `found` is the pin that a run would heed. A broken pin is replaced where it is, because it
    /// decides there.
    fn scope(
        &self,
        place: &ToolChainLocations,
        found: Result<Option<StoredLockfile>, LockfileError>,
        id: &ToolItemId,
    ) -> Result<Space, CliFailure> {
        if self.scope.is_some() {
            return LockfileSpace::chosen(self.scope, place).map(Space::from);
        }
        match found {
            Ok(Some(pin)) if pin.scope != Space::System => Ok(pin.scope),
            Err(LockfileError::Flawed { path, .. }) => {
                let near = path.starts_with(place.spaces().project.join("lockfiles"));
                Ok(if near { Space::Project } else { Space::User })
            }
            // It decides all the same, so a pin elsewhere would count for nothing.
            Err(error) => Err(error.into()),
            Ok(_) => {
                let pins = place.checker.lockfiles.of_tool(id).unwrap_or_default();
                let in_project = pins.iter().any(|(scope, _)| *scope == Space::Project);
                let chosen = || LockfileSpace::chosen(None, place).map(Space::from);
                if in_project { Ok(Space::Project) } else { chosen() }
            }
        }
    }

    /// Prints what was pinned and where.
    fn report(
        &self,
        lockfile: &Lockfile,
        scope: Space,
        path: &Path,
        status: &str,
    ) -> Result<(), CliFailure> {
        let (id, version) = (&lockfile.tool_id, &lockfile.version);
        if self.json {
            return output::json(&json!({
                "status": status,
                "item_id": id.as_str(),
                "version": version.to_json(),
                "scope": scope.as_str(),
                "lockfile_path": path,
            }));
        }
        let verb = if status == "locked" { "pinned" } else { "pinned already:" };
        output::text(&format!("{verb} {id}@{version} in {}", path.display()))
    }
}

/// A chain as it is now, if it is vouched for, and the lockfile that pins it.
///
/// # Errors
/// [`ChainCheckError`] if the chain does not resolve, if a signature is missing or wrong, or if the
/// tool has no version: the lockfile's name has the version in it.
fn vouched_for(
    place: &ToolChainLocations,
    id: &str,
) -> Result<(ToolChain, Lockfile), ChainCheckError> {
    let chain = place.checker.vouched_for(id)?;
    let id = ToolItemId::new(id)?;
    let origin = chain.root().map(|root| root.origin.to_string()).unwrap_or_default();
    let lockfile = Lockfile::of(&chain).ok_or(ChainCheckError::NoVersion { id, place: origin })?;
    Ok((chain, lockfile))
}

/// The failure for a lockfile that pins another chain, with the differences.
fn differs(there: StoredLockfile, chain: &ToolChain) -> CliFailure {
    let rows = compare(&there.lockfile, chain.elements(), None);
    let path = there.path.clone();
    let failure = CliFailure::from(ChainCheckError::Drift(Box::new(there), rows));
    let message = format!("{} pins another chain already", path.display());
    CliFailure { message, ..failure }
}

/// Warns of a pin that another, nearer one hides.
///
/// The lockfile was written all the same. A nearer one decides, so this one has no effect in this
/// project.
fn hidden(place: &ToolChainLocations, scope: Space, lockfile: &Lockfile, path: &Path) {
    match place.checker.lockfiles.find(&lockfile.tool_id, &lockfile.version) {
        Ok(Some(nearer)) if nearer.scope < scope => output::warn(&format!(
            "{} counts for nothing here: {} is nearer",
            path.display(),
            nearer.path.display()
        )),
        _ => {}
    }
}

/// The failure for a tool without a lockfile.
pub(super) fn not_pinned(id: &str) -> CliFailure {
    CliFailure::new(ExitCode::NotFound, format!("{id} is not pinned: it has no lockfile"))
        .hint(format!("lokt tool lock {}   pins it as it is now", command_line(&[id.to_owned()])))
}

/// The pins of other versions of a tool, as text.
///
/// Empty if they cannot be listed: callers only show them as a note.
pub(super) fn other_versions(
    place: &ToolChainLocations,
    id: &ToolItemId,
    version: &ToolVersion,
) -> Vec<String> {
    let name = Lockfile::path_of(id, version);
    let pins = place.checker.lockfiles.of_tool(id).unwrap_or_default();
    let others = pins.into_iter().map(|(_, path)| path.display().to_string());
    others.filter(|path| *path != name).collect()
}
