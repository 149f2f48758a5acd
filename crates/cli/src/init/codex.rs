//! The folder of the locks in Codex's own configuration: among the folders that its sandbox may write.
//!
//! `workspace-write` keeps `.git` in the work tree read-only. A folder below it that `writable_roots` names is mounted
//! after that, and can be written (openai/codex, `linux-sandbox/src/bwrap.rs`: the roots with the shortest paths
//! first). The entry is in the configuration of the user. In that of the project, it would replace the user's list,
//! name no folder in a linked worktree, and stop older versions of Codex where the folder is missing.
//!
//! The text is not generated again from its values. The path is put in at one place, whose form shows what was there:
//!
//! | what was there | what is put in |
//! | --- | --- |
//! | no file, or an empty one | the table; behind it an empty line in place of an empty file |
//! | no such table | an empty line and the table |
//! | the table without the list | the list, with a mark, below the name of the table |
//! | a list | the path at its beginning |

use super::section::{newline_of, unmarked};
use std::ops::Range;
use toml::{Spanned, Table, Value};

const TABLE: &str = "sandbox_workspace_write";
const LIST: &str = "writable_roots";
/// Behind what `init` has added.
const MARK: &str = "# added by lokt init";

/// Says why a configuration cannot be changed for certain.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodexError {
    /// It is not TOML.
    #[error("it is not TOML: {0}")]
    NotToml(String),
    /// The list is in a form that is not changed here.
    #[error("its {TABLE}.{LIST} is not a list of paths in a table")]
    Form,
}

/// What is left without the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WritableRootRemovalOutcome {
    /// The path is not in it.
    Same,
    /// The file as it was before.
    Text(String),
    /// There was no file before.
    Nothing,
}

/// The configuration with a path among the folders that can be written.
pub(super) fn put(text: Option<&str>, path: &str) -> Result<String, CodexError> {
    let Some(text) = text else { return Ok(format!("{}\n", block(path))) };
    let (mark, text) = unmarked(text);
    if writable(text)?.iter().any(|it| it == path) {
        return Ok(format!("{mark}{text}"));
    }
    let after = inserted(text, path)?;
    let is_right = writable(&after).is_ok_and(|roots| roots.iter().any(|it| it == path))
        && rest(&after, path) == rest(text, path);
    if is_right { Ok(format!("{mark}{after}")) } else { Err(CodexError::Form) }
}

/// The configuration without a path.
pub(super) fn cut(text: &str, path: &str) -> Result<WritableRootRemovalOutcome, CodexError> {
    let (mark, text) = unmarked(text);
    if !writable(text)?.iter().any(|it| it == path) {
        return Ok(WritableRootRemovalOutcome::Same);
    }
    if text == format!("{}\n", block(path)) {
        return Ok(WritableRootRemovalOutcome::Nothing);
    }
    let is_right = |it: &String| {
        writable(it).is_ok_and(|roots| !roots.iter().any(|it| it == path))
            && rest(it, path) == rest(text, path)
    };
    let was = |it: &&String| put(Some(it), path).is_ok_and(|again| again == text);
    // What has the mark is of `init`, whatever stands behind it now.
    let choices = [without_marked(text, path), without_element(text, path)].map(|all| {
        let all: Vec<String> = all.into_iter().filter(is_right).collect();
        all.iter().find(was).or(all.first()).cloned()
    });
    let before = choices.into_iter().flatten().next().ok_or(CodexError::Form)?;
    Ok(WritableRootRemovalOutcome::Text(format!("{mark}{before}")))
}

fn parsed(text: &str) -> Result<Table, CodexError> {
    toml::from_str(text).map_err(|error| CodexError::NotToml(error.message().to_owned()))
}

/// The paths of the list.
fn writable(text: &str) -> Result<Vec<String>, CodexError> {
    let config = parsed(text)?;
    let Some(table) = config.get(TABLE) else { return Ok(Vec::new()) };
    let Some(list) = table.as_table().ok_or(CodexError::Form)?.get(LIST) else {
        return Ok(Vec::new());
    };
    let list = list.as_array().ok_or(CodexError::Form)?;
    list.iter().map(|it| it.as_str().map(str::to_owned).ok_or(CodexError::Form)).collect()
}

/// All values without a path, and without the list and the table where nothing else is in them.
fn rest(text: &str, path: &str) -> Option<Table> {
    let mut config = parsed(text).ok()?;
    let is_empty = match config.get_mut(TABLE).and_then(Value::as_table_mut) {
        None => false,
        Some(table) => {
            let list = table.get_mut(LIST).and_then(Value::as_array_mut);
            if list.is_some_and(|list| {
                list.retain(|it| it.as_str() != Some(path));
                list.is_empty()
            }) {
                table.remove(LIST);
            }
            table.is_empty()
        }
    };
    if is_empty {
        config.remove(TABLE);
    }
    Some(config)
}

/// A path as a string of TOML, which a string of JSON is too.
fn quoted(path: &str) -> String {
    serde_json::Value::from(path).to_string()
}

fn list_line(path: &str) -> String {
    format!("{LIST} = [{}]", quoted(path))
}

fn block(path: &str) -> String {
    format!("[{TABLE}] {MARK}\n{}", list_line(path))
}

fn inserted(text: &str, path: &str) -> Result<String, CodexError> {
    let newline = newline_of(text);
    let block = block(path).replace('\n', newline);
    if let Some(list) = list_of(text) {
        let inside = text.get(list.start + 1..list.end).unwrap_or_default();
        let first = inside.trim_start();
        let space = inside.strip_suffix(first).unwrap_or_default();
        let item = quoted(path);
        let chunk = match (first.starts_with(']'), space.contains('\n')) {
            (true, false) => item,
            (false, false) => format!("{item}, "),
            (_, true) => format!("{newline}{}{item},", indent(space)),
        };
        return Ok(spliced(text, list.start + 1..list.start + 1, &chunk));
    }
    if let Some(line) = header(text) {
        let chunk = format!("{} {MARK}{newline}", list_line(path));
        return Ok(if text.get(..line.end).is_some_and(|it| it.ends_with('\n')) {
            spliced(text, line.end..line.end, &chunk)
        } else {
            format!("{text}{newline}{} {MARK}", list_line(path))
        });
    }
    if parsed(text)?.contains_key(TABLE) {
        return Err(CodexError::Form);
    }
    Ok(match (text.is_empty(), text.ends_with('\n')) {
        (true, _) => format!("{block}\n\n"),
        (false, true) => format!("{text}{newline}{block}{newline}"),
        (false, false) => format!("{text}{newline}{newline}{block}"),
    })
}

/// The white space before an element in a line below the bracket: that of the first one.
fn indent(space: &str) -> &str {
    let line = space.rsplit('\n').next().unwrap_or_default();
    if line.is_empty() { "  " } else { line }
}

/// The texts that are left where all that `init` added is taken out.
fn without_marked(text: &str, path: &str) -> Vec<String> {
    let newline = newline_of(text);
    let block = block(path).replace('\n', newline);
    let line = format!("{} {MARK}", list_line(path));
    let mut all = Vec::new();
    if text == format!("{block}\n\n") {
        all.push(String::new());
    }
    for chunk in [
        format!("{newline}{block}{newline}"),
        format!("{newline}{newline}{block}"),
        format!("{line}{newline}"),
        format!("{newline}{line}"),
    ] {
        all.extend(text.find(&chunk).map(|at| spliced(text, at..at + chunk.len(), "")));
    }
    all
}

/// The texts that are left where only the element of the list is taken out, the most likely one first.
fn without_element(text: &str, path: &str) -> Vec<String> {
    let (item, mut all) = (quoted(path), Vec::new());
    let Some(list) = list_of(text) else { return all };
    let inside = text.get(list.clone()).unwrap_or_default();
    for (at, _) in inside.match_indices(&item) {
        let place = list.start + at..list.start + at + item.len();
        all.extend(around(text, place));
    }
    all
}

/// The texts without an element, and what separates it from others.
fn around(text: &str, place: Range<usize>) -> Vec<String> {
    let before = text.get(..place.start).unwrap_or_default();
    let after = text.get(place.end..).unwrap_or_default();
    let space = before.len() - before.trim_end().len();
    let mut all = Vec::new();
    if let Some(rest) = after.strip_prefix(',') {
        all.push(format!("{}{rest}", before.trim_end()));
        all.push(format!("{before}{}", rest.strip_prefix(' ').unwrap_or(rest)));
    }
    if let Some(start) = before.get(..before.len() - space).and_then(|it| it.strip_suffix(',')) {
        all.push(format!("{start}{after}"));
    }
    all.push(format!("{before}{after}"));
    all
}

fn spliced(text: &str, place: Range<usize>, chunk: &str) -> String {
    let before = text.get(..place.start).unwrap_or_default();
    format!("{before}{chunk}{}", text.get(place.end..).unwrap_or_default())
}

/// Where the list is, with its brackets.
fn list_of(text: &str) -> Option<Range<usize>> {
    #[derive(serde::Deserialize)]
    struct CodexSandboxConfig {
        sandbox_workspace_write: Option<SandboxTable>,
    }
    #[derive(serde::Deserialize)]
    struct SandboxTable {
        writable_roots: Option<Spanned<Vec<Value>>>,
    }
    let config: CodexSandboxConfig = toml::from_str(text).ok()?;
    let place = config.sandbox_workspace_write?.writable_roots?.span();
    text.get(place.clone())?.starts_with('[').then_some(place)
}

/// The line that names the table, with its end. That it is one, and no part of a text, shows in what is read back.
fn header(text: &str) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let name = line.split('#').next().unwrap_or_default().trim();
        let name = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        if name.is_some_and(|it| it.trim() == TABLE) {
            return Some(at..at + line.len());
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
#[path = "codex_tests.rs"]
mod tests;
