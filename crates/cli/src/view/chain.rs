//! Chains and items of tools, as JSON and as tables.

use crate::view::table::TextTable;
use lokt_tool::{
    chain::ToolChain,
    item::{ItemOrigin, ToolItem},
    metadata::ToolItemExecutorDeclaration,
    signature::{TrustStore, verify},
    words::{ToolItemId, ToolVersion},
};
use serde_json::{Value, json};

/// A chain as JSON, element by element.
pub(crate) fn to_json(chain: &ToolChain) -> Value {
    chain.elements().iter().map(element).collect()
}

/// An element as JSON, with the field names of a lockfile.
///
/// `executor_id` is `null` for a primitive, `path` for a built-in item.
pub(crate) fn element(item: &ToolItem) -> Value {
    json!({
        "item_id": item.id.as_str(),
        "space": item.space.as_str(),
        "tool_type": item.metadata.tool_type,
        "executor_id": executor(item).map(ToolItemId::as_str),
        "integrity": item.integrity.to_string(),
        "version": item.metadata.version.as_ref().map(ToolVersion::to_json),
        "path": item.origin.path(),
    })
}

/// What there is to say of an item that computes its schema.
///
/// `None` if its schema is a plain value. A schema that code computes could only be had by running
/// that code.
pub(crate) fn schema_note(item: &ToolItem) -> Option<String> {
    let place = item.metadata.computed_schema?;
    Some(format!(
        "{} computes its schema ({place}), which is not run, so parameters are not checked",
        item.id
    ))
}

/// A chain as a table.
pub(crate) fn table(chain: &ToolChain, trust: &TrustStore) -> TextTable {
    let mut table = TextTable::new(&["ELEMENT", "SPACE", "TYPE", "INTEGRITY", "SIGNED BY", "FILE"]);
    for item in chain.elements() {
        let kind = item.metadata.tool_type.clone().unwrap_or_else(|| "-".to_owned());
        table.row(vec![
            item.id.to_string(),
            item.space.to_string(),
            kind,
            item.integrity.short(),
            signed_by(item, trust),
            item.origin.to_string(),
        ]);
    }
    table
}

/// Whose key vouches for an item, or why none does.
pub(crate) fn signed_by(item: &ToolItem, trust: &TrustStore) -> String {
    if item.origin == ItemOrigin::BuiltIn {
        return "lokt".to_owned();
    }
    match verify(&item.text, trust) {
        Ok(line) => line.fingerprint.to_string(),
        Err(error) => format!("no: {}", error.kind()),
    }
}

/// What runs an item.
///
/// `None` if it is a primitive, or does not say.
pub(crate) fn executor(item: &ToolItem) -> Option<&ToolItemId> {
    match &item.metadata.executor {
        ToolItemExecutorDeclaration::Item(id) => Some(id),
        ToolItemExecutorDeclaration::Nothing | ToolItemExecutorDeclaration::Unsaid => None,
    }
}
