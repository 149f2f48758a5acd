//! Hooks in a JSON file: put in and cut out, with every other byte as it was.
//!
//! The file's text is not generated again from its values: that would lose its layout, its comments and the form of its
//! numbers. Each hook is inserted into the text at one place. Each possible place has its own form:
//!
//! | what was there | what is put in |
//! | --- | --- |
//! | no file | the whole file, in lines |
//! | an empty file, or white space | the same behind it, and an empty line |
//! | an object without `hooks` | `"hooks":{"EVENT":[…]}` without a space, or in lines behind other members in lines |
//! | `hooks` without the event | `"EVENT": […]` with a space, or in lines |
//! | an empty list of the event | the hook between two spaces |
//! | other hooks of the event | a comma and the hook |
//!
//! A byte order mark at the beginning stays there, and so does a comment at the end of a line.
//!
//! So the form of a hook shows what was there before, and a removal, the last hook first, is checked by inserting the
//! hook again. If the file was changed since, the removal takes out the hooks and the containers that they leave empty.

mod json_text;
mod layout;
mod members;
mod positions;
mod single;

use super::{
    hooks_file::{HookEntry, HookStrictness, HooksFile},
    section::{newline_of, unmarked},
};
use json_text::JsonText;
use positions::HookPositions;
use serde_json::{Map, Value, json};
use std::ops::Range;

/// White space as JSON has it (RFC 8259, section 2).
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
const HOOKS: &str = "hooks";

/// Says why a file cannot be changed for certain.
#[derive(Debug, thiserror::Error)]
pub(super) enum AgentSettingsError {
    /// It is not JSON, with or without comments.
    #[error("it is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// Something has another type than it has to have.
    #[error("{0} is not {1}")]
    Type(String, &'static str),
    /// A key occurs twice.
    #[error("the key {0:?} occurs twice")]
    Twice(String),
}

/// What is left without the hooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HookRemoval {
    /// There is no hook of Lokt's.
    Same,
    /// The file without them.
    Text(String),
    /// There was no file before.
    Nothing,
}

/// The file with the hooks; without a given strictness, with the one that it has.
pub(super) fn put(
    text: Option<&str>,
    file: &HooksFile,
    strictness: Option<HookStrictness>,
) -> Result<String, AgentSettingsError> {
    let strictness = strictness.unwrap_or_else(|| strictness_of(text.unwrap_or_default(), file));
    let all: Vec<&HookEntry> = file.entries.iter().collect();
    let Some(text) = text else { return Ok(created(file, &all, strictness)) };
    let (mark, text) = unmarked(text);
    if text.trim_matches(WHITE_SPACE).is_empty() {
        return Ok(format!("{mark}{}", filled(text, &created(file, &all, strictness))));
    }
    let mut text = renewed(text, file, strictness);
    for entry in all {
        let places = HookPositions::of(&JsonText::of(&text).plain, entry.event)?;
        let hook = file.hook(entry, strictness);
        let is_there = |it: &Value| *it == hook || is_other(it, entry, file);
        if !places.groups().iter().any(|it| is_there(&it.value)) {
            text = single::put(&text, entry.event, &hook)?;
        }
    }
    Ok(format!("{mark}{text}"))
}

/// The file without the hooks.
pub(super) fn cut(text: &str, file: &HooksFile) -> Result<HookRemoval, AgentSettingsError> {
    let (mark, bare) = unmarked(text);
    if !file.entries.iter().any(|it| bare.contains(it.purpose.program())) {
        return Ok(HookRemoval::Same);
    }
    let mut text = renewed(bare, file, HookStrictness::Lenient);
    let mut left = present(&text, file)?;
    if left.is_empty() {
        return Ok(HookRemoval::Same);
    }
    while let Some(last) = left.last() {
        let made = created(file, &left, HookStrictness::Lenient);
        if text == made {
            return Ok(HookRemoval::Nothing);
        }
        let blank = text.split_at(text.len() - text.trim_start_matches(WHITE_SPACE).len()).0;
        if text == filled(blank, &made) {
            return Ok(HookRemoval::Text(format!("{mark}{blank}")));
        }
        let hook = file.hook(last, HookStrictness::Lenient);
        if let Some(rest) = single::cut(&text, last.event, &hook)? {
            text = rest;
        }
        left.pop();
    }
    Ok(HookRemoval::Text(format!("{mark}{text}")))
}

/// The events whose hooks run Lokt in a form that is not that of `init`, with what they run.
pub(super) fn others(text: &str, file: &HooksFile) -> Vec<(&'static str, &'static str)> {
    let plain = JsonText::of(unmarked(text).1).plain;
    let is_there = |it: &&HookEntry| {
        let places = HookPositions::of(&plain, it.event);
        places.is_ok_and(|all| all.groups().iter().any(|hook| is_other(&hook.value, it, file)))
    };
    let found = file.entries.iter().filter(is_there).map(|it| (it.event, it.purpose.program()));
    let mut found: Vec<_> = found.collect();
    found.dedup();
    found
}

/// How strict the hooks of a file are: as strict as one of them.
pub(super) fn strictness_of(text: &str, file: &HooksFile) -> HookStrictness {
    let plain = JsonText::of(unmarked(text).1).plain;
    let is_strict = |entry: &HookEntry| {
        let [lenient, strict] =
            [HookStrictness::Lenient, HookStrictness::Strict].map(|it| file.hook(entry, it));
        let places = HookPositions::of(&plain, entry.event);
        let has = |all: HookPositions| all.groups().iter().any(|it| it.value == strict);
        lenient != strict && places.is_ok_and(has)
    };
    if file.entries.iter().any(is_strict) {
        HookStrictness::Strict
    } else {
        HookStrictness::Lenient
    }
}

/// The entries that a text has in today's form.
fn present<'a>(text: &str, file: &'a HooksFile) -> Result<Vec<&'a HookEntry>, AgentSettingsError> {
    let plain = JsonText::of(text).plain;
    let mut found = Vec::new();
    for entry in file.entries {
        let places = HookPositions::of(&plain, entry.event)?;
        let hook = file.hook(entry, HookStrictness::Lenient);
        if places.groups().iter().any(|it| it.value == hook) {
            found.push(entry);
        }
    }
    Ok(found)
}

/// The text with the commands of one strictness in place of those of the other, and of earlier versions.
fn renewed(text: &str, file: &HooksFile, strictness: HookStrictness) -> String {
    let mut text = text.to_owned();
    for entry in file.entries {
        let wanted = file.command(entry, strictness);
        let others = file.commands(entry).into_iter().filter(|it| *it != wanted);
        text = others.fold(text, |text, old| exchanged(&text, (file, entry), &old, &wanted));
    }
    text
}

fn exchanged(text: &str, (file, entry): (&HooksFile, &HookEntry), old: &str, new: &str) -> String {
    let hook = file.hook_that_runs(entry, old);
    let places = HookPositions::of(&JsonText::of(text).plain, entry.event);
    let place = places
        .ok()
        .and_then(|it| it.groups().iter().find(|it| it.value == hook).map(|it| it.whole.clone()));
    let Some(place) = place else { return text.to_owned() };
    let quoted = |command: &str| Value::from(command).to_string();
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    let hook = part(place.clone()).replacen(&quoted(old), &quoted(new), 1);
    format!("{}{hook}{}", part(0..place.start), part(place.end..text.len()))
}

/// A file that has nothing but hooks of Lokt.
fn created(file: &HooksFile, entries: &[&HookEntry], strictness: HookStrictness) -> String {
    let mut events = Map::new();
    for entry in entries {
        let hook = file.hook(entry, strictness);
        if let Some(list) = events.entry(entry.event).or_insert_with(|| json!([])).as_array_mut() {
            list.push(hook);
        }
    }
    let mut all = Map::new();
    all.extend(file.version.map(|it| ("version".to_owned(), json!(it))));
    all.insert(HOOKS.to_owned(), Value::Object(events));
    format!("{}\n", serde_json::to_string_pretty(&all).unwrap_or_default())
}

/// What an empty file becomes. The line at its end tells it from a file that was made.
fn filled(blank: &str, made: &str) -> String {
    let newline = newline_of(blank);
    format!("{blank}{}{newline}", made.replace('\n', newline))
}

/// Whether a hook runs what an entry runs, in another form than `init` writes.
fn is_other(hook: &Value, entry: &HookEntry, file: &HooksFile) -> bool {
    let is_ours = |it: &HookEntry| {
        it.event == entry.event
            && file.commands(it).iter().any(|command| file.hook_that_runs(it, command) == *hook)
    };
    says(hook, entry.purpose.program()) && !file.entries.iter().any(is_ours)
}

/// Whether a text occurs anywhere in a value.
fn says(value: &Value, text: &str) -> bool {
    match value {
        Value::String(it) => it.contains(text),
        Value::Array(all) => all.iter().any(|it| says(it, text)),
        Value::Object(all) => all.values().any(|it| says(it, text)),
        _ => false,
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
