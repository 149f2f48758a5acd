//! Where the members of a JSON object and the elements of a list stand in their text.
//!
//! The parser lends out pieces of the text that it was given; where they are follows from that.

use super::{AgentSettingsError, json_text::JsonText, positions::JsonContainer};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use std::{fmt, ops::Range};

/// An object or a list: where its content begins and ends.
#[derive(Clone, Debug)]
pub(super) struct JsonContainerRange {
    /// Behind the opening bracket.
    pub(super) first: usize,
    /// Behind the last thing in it.
    pub(super) last: usize,
    /// Whether it has more than one line.
    pub(super) in_lines: bool,
}

impl JsonContainerRange {
    /// Whether it is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.first == self.last
    }
}

/// Something in an object or a list.
#[derive(Clone, Debug)]
pub(super) struct JsonMember {
    /// The key; empty in a list.
    pub(super) key: String,
    /// The position of the value.
    pub(super) whole: Range<usize>,
    /// The value.
    pub(super) value: Value,
}

/// The members of the object at a position.
pub(super) fn of_object(
    text: &str,
    place: Range<usize>,
    what: &str,
) -> Result<(JsonContainerRange, Vec<JsonMember>), AgentSettingsError> {
    let piece = text.get(place.clone()).unwrap_or_default();
    if serde_json::from_str::<Value>(piece)?.as_object().is_none() {
        return Err(AgentSettingsError::Type(what.to_owned(), "an object"));
    }
    let RawObjectMembers(pairs) = serde_json::from_str(piece)?;
    let members = pairs.into_iter().map(|(key, raw)| member(text, key, raw));
    let members: Vec<JsonMember> = members.collect::<Result<_, _>>()?;
    for (number, member) in members.iter().enumerate() {
        if members.iter().take(number).any(|it| it.key == member.key) {
            return Err(AgentSettingsError::Twice(member.key.clone()));
        }
    }
    Ok((whole(text, place), members))
}

/// The elements of the list at a position.
pub(super) fn of_list(
    text: &str,
    place: Range<usize>,
    what: &str,
) -> Result<(JsonContainerRange, Vec<JsonMember>), AgentSettingsError> {
    let piece = text.get(place.clone()).unwrap_or_default();
    if serde_json::from_str::<Value>(piece)?.as_array().is_none() {
        return Err(AgentSettingsError::Type(what.to_owned(), "a list"));
    }
    let raws: Vec<&RawValue> = serde_json::from_str(piece)?;
    let members = raws.into_iter().map(|raw| member(text, String::new(), raw));
    Ok((whole(text, place), members.collect::<Result<_, _>>()?))
}

/// The text without a member and one comma beside it. Comments before the member stay.
pub(super) fn without(
    json: &JsonText<'_>,
    container: &JsonContainer,
    member: &JsonMember,
) -> String {
    let plain = json.plain.as_str();
    let comma_from = |at: usize| Some(at + plain.get(at..)?.find(',')?);
    let before =
        container.members.iter().take_while(|it| it.whole.end <= member.whole.start).last();
    let from = before.map_or(container.range.first, |it| it.whole.end);
    let comma = before.and_then(|_| comma_from(from));
    let begins = member_begin(plain, from, member);
    let kept = json.last_comment(from..begins).unwrap_or(from).max(comma.map_or(from, |it| it + 1));
    let rest = plain.get(member.whole.end..).unwrap_or_default();
    let is_followed = rest.trim_start().starts_with(',');
    let next_comma = if is_followed { comma_from(member.whole.end) } else { None };
    let start = kept + line_end(json, kept, next_comma.map_or(member.whole.end, |it| it + 1));
    let part = |range: Range<usize>| json.text.get(range).unwrap_or_default();
    let end = json.text.len();
    match (next_comma, comma) {
        (Some(next), _) => {
            let behind = [part(member.whole.end..next), part(next + 1..end)].concat();
            format!("{}{behind}", part(0..start))
        }
        (None, Some(comma)) => {
            let behind = part(member.whole.end..end);
            format!("{}{}{behind}", part(0..comma), part(comma + 1..start))
        }
        (None, None) => format!("{}{}", part(0..start), part(member.whole.end..end)),
    }
}

/// How long the line's end behind a comment is that has to stay, so that what follows is no part of the comment.
fn line_end(json: &JsonText<'_>, comment_end: usize, follows: usize) -> usize {
    let rest = json.text.get(follows..).unwrap_or_default().trim_start_matches([' ', '\t']);
    if !json.ends_line_comment(comment_end) || rest.starts_with(['\n', '\r']) {
        return 0;
    }
    let behind = json.text.get(comment_end..).unwrap_or_default();
    if behind.starts_with("\r\n") { 2 } else { 1 }
}

/// Where a member begins: in an object, with its key.
fn member_begin(plain: &str, from: usize, member: &JsonMember) -> usize {
    let quote = plain.get(from..member.whole.start).and_then(|it| it.find('"'));
    let key = quote.filter(|_| !member.key.is_empty()).map(|it| from + it);
    key.unwrap_or(member.whole.start)
}

fn member(text: &str, key: String, raw: &RawValue) -> Result<JsonMember, AgentSettingsError> {
    let piece = raw.get();
    let start = piece.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let value = serde_json::from_str(piece)?;
    Ok(JsonMember { key, whole: start..start + piece.len(), value })
}

fn whole(text: &str, place: Range<usize>) -> JsonContainerRange {
    let piece = text.get(place.clone()).unwrap_or_default();
    let start = place.start + (piece.len() - piece.trim_start().len()) + 1;
    let piece = piece.trim();
    let inner = piece.get(1..piece.len().saturating_sub(1)).unwrap_or_default();
    let last = start + inner.trim_end().len();
    JsonContainerRange { first: start, last, in_lines: inner.contains('\n') }
}

/// The members of an object in their order, also those of one key.
struct RawObjectMembers<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for RawObjectMembers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectMembersVisitor).map(RawObjectMembers)
    }
}

struct ObjectMembersVisitor;

impl<'de> Visitor<'de> for ObjectMembersVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}
