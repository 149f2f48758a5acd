use super::json_text::{RawJsonText, depth};
use serde::{
    Serialize, Serializer,
    de::{Deserialize, Deserializer, Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// How deep metadata may be nested: one level less than a record, in which it stands.
const DEEPEST: usize = super::parse::DEEPEST - 1;

/// What a holder wants others to read: a JSON object, kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockMetadata(RawJsonText);

impl Default for LockMetadata {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl LockMetadata {
    /// Reads the text of a JSON object.
    ///
    /// # Errors
    /// If the text is no JSON object, or nested too deep for a record.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        if depth(text.as_bytes()) > DEEPEST {
            return Err(serde_json::Error::custom(format!("nested deeper than {DEEPEST} levels")));
        }
        let raw: &RawValue = serde_json::from_str(text)?;
        Self::checked(raw)
    }

    /// Takes an object as it stands in a record.
    pub(super) fn checked(raw: &RawValue) -> Result<Self, serde_json::Error> {
        let json = RawJsonText::checked(raw)?;
        serde_json::from_str::<LockMetadataEntries<'_>>(raw.get())?;
        Ok(Self(json))
    }

    /// The object with these entries, laid out as it stands in a record.
    fn of(entries: &[(String, RawJsonText)]) -> Self {
        let line = |(key, value): &(String, RawJsonText)| {
            format!("\n    {}: {}", RawJsonText::of_text(key).as_str(), value.as_str())
        };
        let lines: Vec<String> = entries.iter().map(line).collect();
        let end = if lines.is_empty() { "" } else { "\n  " };
        let object = RawValue::from_string(format!("{{{}{end}}}", lines.join(",")));
        // What is made of keys and JSON values is an object.
        Self(RawJsonText::of_raw(object.unwrap_or_else(|_| RawValue::NULL.to_owned())))
    }

    /// The JSON, to the byte.
    pub fn as_json(&self) -> &RawJsonText {
        &self.0
    }

    /// All entries in their order, also those with equal keys.
    pub fn entries(&self) -> Vec<(String, RawJsonText)> {
        let entries = serde_json::from_str::<LockMetadataEntries<'_>>(self.0.as_str());
        let owned = |(key, raw): (String, &RawValue)| (key, RawJsonText::of_raw(raw.to_owned()));
        entries.map_or_else(
            |_| Vec::new(),
            |LockMetadataEntries(all)| all.into_iter().map(owned).collect(),
        )
    }

    /// The value of a key: of equal ones, the last.
    pub fn get(&self, key: &str) -> Option<RawJsonText> {
        let entries = self.entries().into_iter().rev();
        entries.filter(|(each, _)| each == key).map(|(_, value)| value).next()
    }

    /// The value of a key, where it is a text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.text()
    }

    /// The keys in their order, each once.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for (key, _) in self.entries() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Sets a key to a text: in the place that the key has, or at the end.
    pub fn set(&mut self, key: &str, text: &str) {
        let mut entries = self.entries();
        let value = RawJsonText::of_text(text);
        let place = entries.iter().position(|(each, _)| each == key);
        entries.retain(|(each, _)| each != key);
        entries.insert(place.unwrap_or(entries.len()), (key.to_owned(), value));
        *self = Self::of(&entries);
    }

    /// Takes a key out.
    pub(super) fn remove(&mut self, key: &str) {
        let mut entries = self.entries();
        entries.retain(|(each, _)| each != key);
        *self = Self::of(&entries);
    }
}

/// In one line, with every digit and escape.
impl Serialize for LockMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The entries of an object, each value as it stands there.
struct LockMetadataEntries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for LockMetadataEntries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MetadataEntriesVisitor)
    }
}

struct MetadataEntriesVisitor;

impl<'de> Visitor<'de> for MetadataEntriesVisitor {
    type Value = LockMetadataEntries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> Result<LockMetadataEntries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(LockMetadataEntries(entries))
    }
}
