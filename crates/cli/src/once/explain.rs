//! The answer to `lokt once --explain`: what the result depends on, and what has changed since the
//! last one.
//!
//! Nothing is run and no lock is requested. The comparison is with the latest result of the same
//! name, which may have had another command.

use super::request::OnceRequest;
use crate::{exit::ExitCode, failure::CliFailure, output};
use lokt_once::manifest::{ResultInput, ResultInputChange, ResultInputs, compare};
use serde_json::{Value, json};

/// How many changes are shown, unless the caller asks for all as JSON.
const MOST: usize = 20;

/// Shows what a result depends on, and what has changed since the last one.
///
/// The exit code is always [`ExitCode::Done`].
pub(super) fn explain(question: &OnceRequest, as_json: bool) -> Result<ExitCode, CliFailure> {
    let last = question.results.last_manifest(&question.name);
    let changes = last.as_ref().map(|(_, manifest)| compare(manifest, &question.manifest));
    let kept = question.find(&question.now())?.is_some();
    let written = if as_json {
        let last = last.as_ref().map(|(key, _)| key.to_string());
        let last = last.as_deref();
        output::json(&to_json(question, kept, last, changes.as_deref()))
    } else {
        output::lines(to_lines(question, kept, changes.as_deref()))
    };
    output::even_if_unread(written)?;
    Ok(ExitCode::Done)
}

/// The JSON object. `changes` is `null` if there is no result to compare with, and a list of all
/// changes otherwise; `last_digest` is the key of that result.
fn to_json(
    question: &OnceRequest,
    kept: bool,
    last: Option<&str>,
    changes: Option<&[ResultInputChange]>,
) -> Value {
    let one = |change: &ResultInputChange| {
        let (what, which) = parts_of(change);
        json!({"what": what, "which": which})
    };
    json!({
        "name": question.name.as_str(),
        "digest": question.key.to_string(),
        "kept": kept,
        "depends_on": depends_on(&question.manifest),
        "last_digest": last,
        "changes": changes.map(|it| it.iter().map(one).collect::<Vec<_>>()),
    })
}

/// What the key consists of. Values of variables are not shown; they may be secrets.
///
/// The files are only counted: their names and digests are in the key, but there may be thousands.
fn depends_on(manifest: &ResultInputs) -> Value {
    let mut words = Vec::new();
    let (mut texts, mut variables, mut inputs, mut folder) =
        (vec![], vec![], vec![], String::new());
    let mut artifacts = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for part in &manifest.parts {
        match part {
            ResultInput::Word(word) => words.push(text(word)),
            ResultInput::Text(it) => texts.push(it.clone()),
            ResultInput::Variable(name, value) => {
                variables.push(json!({"name": name, "set": value.is_some()}));
            }
            ResultInput::Input(pattern) => inputs.push(text(pattern)),
            ResultInput::Folder(it) => folder = text(it),
            ResultInput::Artifact(path) => artifacts.push(text(path)),
            ResultInput::Name(_) | ResultInput::File { .. } => {}
        }
    }
    json!({
        "command": words, "folder": folder, "key": texts, "env": variables, "input": inputs,
        "artifact": artifacts,
        "files": manifest.files(),
    })
}

/// The same as lines for people, with at most [`MOST`] changes.
fn to_lines(
    question: &OnceRequest,
    kept: bool,
    changes: Option<&[ResultInputChange]>,
) -> Vec<String> {
    let depends_on = depends_on(&question.manifest);
    let list = |key: &str| {
        let items = depends_on.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let named = |it: &Value| it.get("name").and_then(Value::as_str).map(str::to_owned);
        let text = |it: &Value| it.as_str().map(str::to_owned).or_else(|| named(it));
        items.iter().filter_map(text).collect::<Vec<_>>()
    };
    let folder = depends_on.get("folder").and_then(Value::as_str).unwrap_or_default();
    let mut lines = vec![
        format!("result:   {} ({})", question.key.short(), if kept { "kept" } else { "not kept" }),
        format!("command:  {}", crate::view::command_line(&list("command"))),
        format!("folder:   {}", if folder.is_empty() { "." } else { folder }),
    ];
    let mut more = |what: &str, items: Vec<String>| {
        lines.extend((!items.is_empty()).then(|| format!("{what} {}", items.join(", "))));
    };
    more("key:     ", list("key"));
    more("env:     ", list("env"));
    more("input:   ", list("input"));
    more("artifact:", list("artifact"));
    lines.push(format!("files:    {}", question.manifest.files()));
    match changes {
        None => lines.push("no result of this name is kept to compare with".to_owned()),
        Some([]) => lines.push("nothing has changed since the last result of this name".to_owned()),
        Some(changes) => {
            lines.push("since the last result of this name:".to_owned());
            lines.extend(changes.iter().take(MOST).map(|change| format!("  {}", told(change))));
            let more = changes.len().saturating_sub(MOST);
            lines.extend((more > 0).then(|| format!("  and {more} more (--json lists all)")));
        }
    }
    lines
}

/// A change as the rest of a sentence.
///
/// Also the reason why a result is not kept after a run: `src/a.rs changed`.
pub(super) fn told(change: &ResultInputChange) -> String {
    let (what, which) = parts_of(change);
    match (change, which) {
        (ResultInputChange::Variable(_), Some(name)) => format!("variable {name} changed"),
        (_, Some(path)) => format!(
            "{path} {}",
            match change {
                ResultInputChange::Added(_) => "was added",
                ResultInputChange::Removed(_) => "was removed",
                ResultInputChange::Kind(_) => "changed its mode or kind",
                _ => "changed",
            }
        ),
        (_, None) => format!("the {what} changed"),
    }
}

/// A change as what changed, and which of them.
///
/// The first part is the `what` of the JSON: one of a fixed list of words.
fn parts_of(change: &ResultInputChange) -> (&'static str, Option<String>) {
    let path = |bytes: &Vec<u8>| Some(String::from_utf8_lossy(bytes).into_owned());
    match change {
        ResultInputChange::Name => ("name", None),
        ResultInputChange::Command => ("command", None),
        ResultInputChange::Folder => ("folder", None),
        ResultInputChange::Texts => ("key", None),
        ResultInputChange::Inputs => ("input", None),
        ResultInputChange::Artifacts => ("artifact", None),
        ResultInputChange::Variable(name) => ("env", Some(name.clone())),
        ResultInputChange::Added(it) => ("file-added", path(it)),
        ResultInputChange::Removed(it) => ("file-removed", path(it)),
        ResultInputChange::Content(it) => ("file-content", path(it)),
        ResultInputChange::Kind(it) => ("file-kind", path(it)),
    }
}
