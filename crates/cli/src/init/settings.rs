//! A session-start hook in a JSON file: put in and cut out, with every other byte as it was.
//!
//! The file's text is not generated again from its values: that would lose its layout and the form of its numbers.
//! The hook is inserted into the text at one place. Each possible place has its own form:
//!
//! | what was there | what is put in |
//! | --- | --- |
//! | no file | the whole file, in lines |
//! | an empty file, or white space | the same behind it, and an empty line |
//! | an object without `hooks` | `"hooks":{"SessionStart":[…]}` without a space, or in lines behind other members in lines |
//! | `hooks` without `SessionStart` | `"SessionStart": […]` with a space, or in lines |
//! | an empty `SessionStart` | the hook between two spaces |
//! | other session-start hooks | a comma and the hook |
//!
//! A byte order mark at the beginning stays there.
//!
//! So the form of the hook shows what was there before, and a removal is checked by inserting the hook again. If
//! the file was reformatted since, the removal takes out the hook and the containers that it leaves empty.

mod layout;
mod members;

use super::section::{newline_of, unmarked};
use layout::JsonWhitespace;
use members::{JsonContainerRange, JsonMember};
use serde_json::{Value, json};
use std::ops::Range;

/// What the hook's command runs.
const COMMAND: &str = "lokt prime";
/// The hook's command, which says nothing to those who do not have Lokt.
const SILENT_COMMAND: &str = "! command -v lokt >/dev/null 2>&1 || lokt prime";
/// White space as JSON has it (RFC 8259, section 2).
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
const HOOKS: &str = "hooks";
const EVENT: &str = "SessionStart";

/// Says why a file cannot be changed for certain.
#[derive(Debug, thiserror::Error)]
pub(super) enum AgentSettingsError {
    /// It is not JSON.
    #[error("it is not plain JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// It would be JSON without its comments.
    #[error("line {0} has a comment, which plain JSON does not have")]
    Comment(usize),
    /// Something has another type than it has to have.
    #[error("{0} is not {1}")]
    Type(&'static str, &'static str),
    /// A key occurs twice.
    #[error("the key {0:?} occurs twice")]
    Twice(String),
}

/// What is left without the hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HookRemoval {
    /// There is no hook of Lokt's.
    Same,
    /// The file without it.
    Text(String),
    /// There was no file before.
    Nothing,
}

/// The file with the hook.
pub(super) fn put(text: Option<&str>) -> Result<String, AgentSettingsError> {
    let Some(text) = text else { return Ok(created()) };
    let (mark, text) = unmarked(text);
    put_into(&renewed(text)).map(|text| format!("{mark}{text}"))
}

fn put_into(text: &str) -> Result<String, AgentSettingsError> {
    if text.trim_matches(WHITE_SPACE).is_empty() {
        return Ok(filled(text));
    }
    let places = match HookPositions::of(text) {
        // A user has inserted it by hand into a file that this code cannot change, because it has a comment.
        Err(AgentSettingsError::NotJson(_) | AgentSettingsError::Comment(_))
            if text.contains(COMMAND) =>
        {
            return Ok(text.to_owned());
        }
        places => places?,
    };
    if places.groups.iter().flatten().any(|group| runs_prime(&group.value)) {
        return Ok(text.to_owned());
    }
    let layout = JsonWhitespace::of(text);
    let in_event = format!("\"{EVENT}\": [{}]", hook());
    let in_hooks = format!("\"{HOOKS}\":{{\"{EVENT}\":[{}]}}", hook());
    let (at, chunk) = match (&places.hooks, &places.event) {
        (_, Some(event)) if event.is_empty() => (event.first, format!(" {} ", hook())),
        (_, Some(event)) => (event.last, layout.behind(event, 2, &hook())),
        (Some(hooks), None) if hooks.is_empty() => (hooks.first, in_event),
        (Some(hooks), None) if hooks.in_lines => {
            (hooks.last, layout.member_behind(1, EVENT, &json!([hook()])))
        }
        (Some(hooks), None) => (hooks.last, format!(", {in_event}")),
        (None, None) if places.top.is_empty() => (places.top.first, in_hooks),
        (None, None) if places.top.in_lines => {
            (places.top.last, layout.member_behind(0, HOOKS, &json!({EVENT: [hook()]})))
        }
        (None, None) => (places.top.last, format!(", {in_hooks}")),
    };
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    Ok(format!("{before}{chunk}{after}"))
}

/// The file without the hook.
pub(super) fn cut(text: &str) -> Result<HookRemoval, AgentSettingsError> {
    let (mark, bare) = unmarked(text);
    Ok(match cut_from(&renewed(bare))? {
        HookRemoval::Text(rest) => HookRemoval::Text(format!("{mark}{rest}")),
        rest => rest,
    })
}

fn cut_from(text: &str) -> Result<HookRemoval, AgentSettingsError> {
    if text == created() {
        return Ok(HookRemoval::Nothing);
    }
    let blank = text.split_at(text.len() - text.trim_start_matches(WHITE_SPACE).len()).0;
    if text == filled(blank) {
        return Ok(HookRemoval::Text(blank.to_owned()));
    }
    if !text.contains(COMMAND) {
        return Ok(HookRemoval::Same);
    }
    let places = HookPositions::of(text)?;
    let groups = places.groups.as_deref().unwrap_or_default();
    let Some(mine) = groups.iter().find(|group| group.value == hook()) else {
        return Ok(HookRemoval::Same);
    };
    let group = members::without(text, groups, mine);
    let event = places.member(EVENT).map(|(all, it)| members::without(text, all, it));
    let hooks = places.member(HOOKS).map(|(all, it)| members::without(text, all, it));
    let padded = unpadded(text, &mine.whole);
    let candidates = [hooks.clone(), event.clone(), padded, Some(group.clone())];
    let was = |it: &String| put_into(it).is_ok_and(|again| again == text);
    if let Some(before) = candidates.into_iter().flatten().find(was) {
        return Ok(HookRemoval::Text(before));
    }
    // The file was reformatted: containers that become empty count as inserted by `init` too.
    let is_last = groups.len() == 1;
    let is_last_event = is_last && places.hook_members.as_ref().is_some_and(|it| it.len() == 1);
    let rest = if is_last_event {
        hooks
    } else if is_last {
        event
    } else {
        None
    };
    Ok(HookRemoval::Text(rest.unwrap_or(group)))
}

/// The text without a place and the two spaces around it.
fn unpadded(text: &str, place: &Range<usize>) -> Option<String> {
    let before = text.get(..place.start)?.strip_suffix(' ')?;
    Some(before.to_owned() + text.get(place.end..)?.strip_prefix(' ')?)
}

fn hook() -> Value {
    hook_that_runs(SILENT_COMMAND)
}

fn hook_that_runs(command: &str) -> Value {
    json!({"hooks": [{"type": "command", "command": command}]})
}

/// The text with today's command in place of that of earlier versions, which failed for those who do not have Lokt.
fn renewed(text: &str) -> String {
    let old = hook_that_runs(COMMAND);
    let groups = HookPositions::of(text).ok().and_then(|it| it.groups).unwrap_or_default();
    let Some(place) = groups.into_iter().find(|it| it.value == old).map(|it| it.whole) else {
        return text.to_owned();
    };
    let quoted = |command: &str| Value::from(command).to_string();
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    let group = part(place.clone()).replacen(&quoted(COMMAND), &quoted(SILENT_COMMAND), 1);
    format!("{}{group}{}", part(0..place.start), part(place.end..text.len()))
}

fn created() -> String {
    let all = json!({HOOKS: {EVENT: [hook()]}});
    format!("{}\n", serde_json::to_string_pretty(&all).unwrap_or_default())
}

/// What an empty file becomes. The line at its end tells it from a file that was made.
fn filled(blank: &str) -> String {
    let newline = newline_of(blank);
    format!("{blank}{}{newline}", created().replace('\n', newline))
}

/// Whether a hook for the start of a session runs the command.
pub(super) fn runs(text: &str) -> bool {
    let Ok(places) = HookPositions::of(unmarked(text).1) else { return false };
    places.groups.iter().flatten().any(|group| runs_prime(&group.value))
}

/// Whether a group of hooks runs the command already, in any form.
fn runs_prime(group: &Value) -> bool {
    let commands = group.get("hooks").and_then(Value::as_array).into_iter().flatten();
    let mut commands = commands.filter_map(|it| it.get("command").and_then(Value::as_str));
    commands.any(|it| it.contains(COMMAND))
}

/// Where everything is that matters.
struct HookPositions {
    top: JsonContainerRange,
    top_members: Vec<JsonMember>,
    hooks: Option<JsonContainerRange>,
    hook_members: Option<Vec<JsonMember>>,
    event: Option<JsonContainerRange>,
    groups: Option<Vec<JsonMember>>,
}

/// What is wrong with a text that is not JSON: a comment, where the parser stopped at one.
fn commented(text: &str, flaw: AgentSettingsError) -> AgentSettingsError {
    let AgentSettingsError::NotJson(error) = &flaw else { return flaw };
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let rest = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
    let is_comment = rest.starts_with("//") || rest.starts_with("/*");
    if is_comment { AgentSettingsError::Comment(error.line()) } else { flaw }
}

impl HookPositions {
    fn of(text: &str) -> Result<Self, AgentSettingsError> {
        let whole = members::of_object(text, 0..text.len(), "the file");
        let (top, top_members) = whole.map_err(|flaw| commented(text, flaw))?;
        let found = |all: &[JsonMember], key: &str| {
            all.iter().find(|it| it.key == key).map(|it| it.whole.clone())
        };
        let mut places =
            Self { top, top_members, hooks: None, hook_members: None, event: None, groups: None };
        let Some(place) = found(&places.top_members, HOOKS) else { return Ok(places) };
        let (hooks, hook_members) = members::of_object(text, place, "\"hooks\"")?;
        let place = found(&hook_members, EVENT);
        places.hooks = Some(hooks);
        places.hook_members = Some(hook_members);
        let Some(place) = place else { return Ok(places) };
        let (event, groups) = members::of_list(text, place, "\"SessionStart\"")?;
        places.event = Some(event);
        places.groups = Some(groups);
        Ok(places)
    }

    /// A member by its key, with those beside it.
    fn member(&self, key: &str) -> Option<(&[JsonMember], &JsonMember)> {
        let inner = self.hook_members.as_ref();
        let all = if key == HOOKS { &self.top_members } else { inner? };
        all.iter().find(|it| it.key == key).map(|it| (all.as_slice(), it))
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
