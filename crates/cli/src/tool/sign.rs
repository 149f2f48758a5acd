//! The command `tool sign`: a signature line in the tool's file.
//!
//! The signature vouches for exactly the bytes that were read. Nothing is executed.

use super::ToolChainLocations;
use crate::{exit::ExitCode, failure::CliFailure, output};
use clap::Args;
use lokt_lock::{sys, words::Timestamp};
use lokt_tool::{
    check::ChainCheckError,
    item::{ItemOrigin, ToolItem},
    signature::{SecretKey, SignatureLine, SigningKeyFiles, signed},
    words::{Space, ToolItemId},
};
use serde_json::{Value, json};
use std::{fs, io::Write, path::Path};

/// Sign tools with your key, to confirm that you trust what they do
///
/// Looks for each tool in the project, then in the user's space. The file must be a valid item. The signature is
/// one comment line at the beginning; nothing else in the file changes.
#[derive(Args, Debug)]
pub(super) struct ToolSignCommand {
    /// The tools, runtimes or primitives
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ToolSignCommand {
    /// Signs all tools, or none if one of them is no valid item.
    ///
    /// A failure to write one file leaves those before it signed; with `--json` the failure lists
    /// them as `signed`. Warns if the user's own key is not trusted, because what it signs would
    /// then not run.
    pub(super) fn run(&self, place: &ToolChainLocations) -> Result<ExitCode, CliFailure> {
        let key = SigningKeyFiles::of(&place.spaces().user).secret()?;
        // First all are made out, then any is written.
        let drafts: Vec<SignedToolFileDraft> = self
            .ids
            .iter()
            .map(|id| SignedToolFileDraft::of(place, id, &key))
            .collect::<Result<_, _>>()?;
        let mut views: Vec<Value> = Vec::new();
        let fingerprint = key.public().fingerprint();
        for draft in &drafts {
            let status = if draft.content == draft.item.bytes { "unchanged" } else { "signed" };
            if status == "signed" {
                draft.write().map_err(|failure| failure.fact("signed", views.clone()))?;
            }
            if !self.json {
                output::text(&format!("signed {} ({})", draft.item.id, draft.path.display()))?;
            }
            views.push(json!({
                "status": status,
                "item_id": draft.item.id.as_str(),
                "path": draft.path,
                "integrity": draft.item.integrity.to_string(),
                "fingerprint": fingerprint.as_str(),
            }));
        }
        if self.json {
            output::json(&views)?;
        }
        let trusted = place.checker.trust.find(&fingerprint)?;
        if trusted.is_none() {
            output::warn(&format!(
                "your own key {fingerprint} is not trusted here: what you signed will not run"
            ));
        }
        Ok(ExitCode::Done)
    }
}

/// An item with its new content.
struct SignedToolFileDraft {
    /// The item as it was read.
    item: ToolItem,
    /// The file to write, behind a symbolic link.
    path: std::path::PathBuf,
    /// Its new content; the same as the old one if the key has signed it already.
    content: Vec<u8>,
}

impl SignedToolFileDraft {
    /// Reads an item and signs it in memory.
    fn of(place: &ToolChainLocations, id: &str, key: &SecretKey) -> Result<Self, CliFailure> {
        let id = ToolItemId::new(id).map_err(ChainCheckError::from)?;
        let item = writable(place, &id)?;
        let ItemOrigin::File(path) = item.origin.clone() else {
            return Err(not_writable(&id));
        };
        let same = is_signed_by(&item, key);
        let content = if same {
            item.bytes.clone()
        } else {
            signed(&item.bytes, item.extension, key, Timestamp::now()).map_err(|error| {
                let failure = CliFailure::from(error);
                CliFailure {
                    message: format!("cannot sign {}: {}", path.display(), failure.message),
                    ..failure
                }
            })?
        };
        // Through a symbolic link (inside its space: others are no items) to the file itself.
        let path = fs::canonicalize(&path).unwrap_or(path);
        Ok(Self { item, path, content })
    }

    /// Puts the new content in the file's place, whole or not at all.
    ///
    /// The draft gets the permissions of the file and is synced before rename(2). An edit between
    /// the last comparison and the rename is lost; no lock excludes an editor.
    fn write(&self) -> Result<(), CliFailure> {
        let fails = |error: std::io::Error| {
            CliFailure::new(
                ExitCode::Error,
                format!("cannot write {}: {error}", self.path.display()),
            )
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(fails)?;
        let mode = fs::metadata(&self.path).map_err(fails)?.permissions();
        draft.as_file().set_permissions(mode).map_err(fails)?;
        draft.write_all(&self.content).map_err(fails)?;
        draft.as_file().sync_all().map_err(fails)?;
        // What was signed is what was read. An edit since then, as far as it can be seen, is not undone.
        if sys::read_regular(&self.path).map_err(fails)? != self.item.bytes {
            let text =
                format!("{} was changed at this moment, and is not signed", self.path.display());
            return Err(CliFailure::new(ExitCode::Error, text).hint("sign it again"));
        }
        draft.persist(&self.path).map_err(|error| fails(error.error))?;
        Ok(())
    }
}

/// The nearest item of that id that this user may write.
fn writable(place: &ToolChainLocations, id: &ToolItemId) -> Result<ToolItem, CliFailure> {
    for space in [Space::Project, Space::User] {
        if let Some(item) = place.spaces().item_in(space, id)? {
            return Ok(item);
        }
    }
    if place.spaces().item_in(Space::System, id)?.is_some() {
        return Err(not_writable(id));
    }
    let places = place.spaces().places(Space::Project);
    Err(ChainCheckError::NoTool { id: id.clone(), places }.into())
}

/// The failure for an item of the system space, which includes built-in items.
fn not_writable(id: &ToolItemId) -> CliFailure {
    CliFailure::new(
        ExitCode::NotYours,
        format!("{id} is of the system space, which is never written to"),
    )
}

/// Whether signing would change nothing but the time: then the file stays as it is.
fn is_signed_by(item: &ToolItem, key: &SecretKey) -> bool {
    let line = item.text.signature_line().and_then(|line| SignatureLine::parse(line).ok());
    line.is_some_and(|line| {
        let message = item.integrity.to_string();
        line.hash == item.integrity
            && line.fingerprint == key.public().fingerprint()
            && key.public().verifies(message.as_bytes(), &line.signature)
    })
}
