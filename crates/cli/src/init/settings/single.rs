//! One hook in a JSON text: put in and cut out, with every other byte as it was.

use super::{
    AgentSettingsError, HOOKS,
    json_text::JsonText,
    layout::JsonWhitespace,
    members,
    positions::{HookPositions, JsonContainer},
};
use serde_json::{Value, json};
use std::ops::Range;

/// The text with a hook as the last one of an event.
pub(super) fn put(text: &str, event: &str, hook: &Value) -> Result<String, AgentSettingsError> {
    let json = JsonText::of(text);
    let places = HookPositions::of(&json.plain, event)?;
    let layout = JsonWhitespace::of(&json.plain);
    let in_event = format!("\"{event}\": [{hook}]");
    let in_hooks = format!("\"{HOOKS}\":{{\"{event}\":[{hook}]}}");
    let hooks = places.hooks.as_ref().map(|it| &it.range);
    let top = &places.top.range;
    let (at, chunk) = match (hooks, places.event.as_ref().map(|it| &it.range)) {
        (_, Some(list)) if list.is_empty() => (list.first, format!(" {hook} ")),
        (_, Some(list)) => (list.last, layout.behind(list, 2, hook)),
        (Some(hooks), None) if hooks.is_empty() => (hooks.first, in_event),
        (Some(hooks), None) if hooks.in_lines => {
            (hooks.last, layout.member_behind(1, event, &json!([hook])))
        }
        (Some(hooks), None) => (hooks.last, format!(", {in_event}")),
        (None, None) if top.is_empty() => (top.first, in_hooks),
        (None, None) if top.in_lines => {
            (top.last, layout.member_behind(0, HOOKS, &json!({event: [hook]})))
        }
        (None, None) => (top.last, format!(", {in_hooks}")),
    };
    Ok(inserted(&json, at, &chunk))
}

/// The text with a chunk at a place. A comma comes right behind what is before it, the rest behind the comments of that
/// line.
fn inserted(json: &JsonText<'_>, at: usize, chunk: &str) -> String {
    let (comma, rest) =
        chunk.split_at_checked(usize::from(chunk.starts_with(','))).unwrap_or_default();
    let then = if comma.is_empty() { at } else { json.behind_comments(at) };
    let part = |range: Range<usize>| json.text.get(range).unwrap_or_default();
    let behind = part(then..json.text.len());
    format!("{}{comma}{}{rest}{behind}", part(0..at), part(at..then))
}

/// The text without the first such hook of an event; none where it is not there, or cannot be cut out for certain.
pub(super) fn cut(
    text: &str,
    event: &str,
    hook: &Value,
) -> Result<Option<String>, AgentSettingsError> {
    let json = JsonText::of(text);
    let places = HookPositions::of(&json.plain, event)?;
    let (Some(hooks), Some(list)) = (&places.hooks, &places.event) else { return Ok(None) };
    let Some(mine) = list.members.iter().find(|it| it.value == *hook) else { return Ok(None) };
    let group = members::without(&json, list, mine);
    let without_event = without_key(&json, hooks, event);
    let without_hooks = without_key(&json, &places.top, HOOKS);
    let padded = unpadded(text, &mine.whole);
    let candidates = [without_hooks.clone(), without_event.clone(), padded, Some(group.clone())];
    let was = |it: &String| put(it, event, hook).is_ok_and(|again| again == text);
    if let Some(before) = candidates.into_iter().flatten().find(was) {
        return Ok(Some(before));
    }
    // The file was changed: containers that become empty count as inserted by `init` too.
    let is_last = list.members.len() == 1;
    let rest = match (is_last, hooks.members.len()) {
        (true, 1) => without_hooks,
        (true, _) => without_event,
        _ => None,
    };
    let rest = rest.unwrap_or(group);
    let is_whole = HookPositions::of(&JsonText::of(&rest).plain, event).is_ok();
    Ok(is_whole.then_some(rest))
}

fn without_key(json: &JsonText<'_>, container: &JsonContainer, key: &str) -> Option<String> {
    let member = container.members.iter().find(|it| it.key == key)?;
    Some(members::without(json, container, member))
}

/// The text without a place and the two spaces around it.
fn unpadded(text: &str, place: &Range<usize>) -> Option<String> {
    let before = text.get(..place.start)?.strip_suffix(' ')?;
    Some(before.to_owned() + text.get(place.end..)?.strip_prefix(' ')?)
}
