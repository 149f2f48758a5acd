//! Where the members of a JSON object and the elements of a list stand in their text.
//!
//! The parser lends out pieces of the text that it was given; where they are follows from that.

use super::AgentSettingsError;
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
    what: &'static str,
) -> Result<(JsonContainerRange, Vec<JsonMember>), AgentSettingsError> {
    let piece = text.get(place.clone()).unwrap_or_default();
    if serde_json::from_str::<Value>(piece)?.as_object().is_none() {
        return Err(AgentSettingsError::Type(what, "an object"));
    }
    let ObjectMembers(pairs) = serde_json::from_str(piece)?;
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
    what: &'static str,
) -> Result<(JsonContainerRange, Vec<JsonMember>), AgentSettingsError> {
    let piece = text.get(place.clone()).unwrap_or_default();
    if serde_json::from_str::<Value>(piece)?.as_array().is_none() {
        return Err(AgentSettingsError::Type(what, "a list"));
    }
    let raws: Vec<&RawValue> = serde_json::from_str(piece)?;
    let members = raws.into_iter().map(|raw| member(text, String::new(), raw));
    Ok((whole(text, place), members.collect::<Result<_, _>>()?))
}

/// The text without a member: with the comma before it, or where it is the first, behind it.
pub(super) fn without(text: &str, all: &[JsonMember], member: &JsonMember) -> String {
    let place = all.iter().position(|it| it.whole == member.whole).unwrap_or(0);
    let before = place.checked_sub(1).and_then(|it| all.get(it));
    let begins = before.map_or_else(|| begin(text, member), |it| it.whole.end);
    let rest = text.get(member.whole.end..).unwrap_or_default();
    let next = rest.trim_start().strip_prefix(',').filter(|_| before.is_none());
    let after = next.map_or(rest, str::trim_start);
    text.get(..begins).unwrap_or_default().to_owned() + after
}

/// Behind the bracket before a first member.
fn begin(text: &str, member: &JsonMember) -> usize {
    let before = text.get(..member.whole.start).unwrap_or_default();
    let bracket = if member.key.is_empty() { '[' } else { '{' };
    before.rfind(bracket).map_or(member.whole.start, |it| it + 1)
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
struct ObjectMembers<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for ObjectMembers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectMembersVisitor).map(ObjectMembers)
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
