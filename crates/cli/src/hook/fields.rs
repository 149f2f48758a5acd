//! The fields of a JSON object that another program wrote: read without a copy, and without trust. What is missing or
//! has another type is not there.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, time::Duration};

/// The fields of an object, in their order.
#[derive(Debug)]
pub(super) struct PayloadFields<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'a> PayloadFields<'a> {
    /// Reads an object. Its values are only skipped: long ones cost little, and deep ones no stack.
    pub(super) fn read(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The value of the first of these keys that has one; of equal keys, the last counts.
    fn raw(&self, keys: &[&str]) -> Option<&'a str> {
        let of = |key: &&str| {
            let found =
                self.0.iter().rfind(|(name, _)| text_of(name.get()).as_deref() == Some(*key));
            found.map(|(_, value)| value.get()).filter(|it| *it != "null")
        };
        keys.iter().find_map(of)
    }

    /// A text.
    pub(super) fn text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| text_of(self.raw(&[key])?))
    }

    /// A text with something in it.
    pub(super) fn name(&self, keys: &[&str]) -> Option<String> {
        self.text(keys).filter(|it| !it.is_empty())
    }

    /// An object, or a text that has one in it.
    pub(super) fn object(&self, keys: &[&str]) -> Option<Cow<'a, str>> {
        let raw = self.raw(keys)?;
        if raw.starts_with('{') {
            return Some(Cow::Borrowed(raw));
        }
        text_of(raw).filter(|it| it.trim_start().starts_with('{')).map(Cow::Owned)
    }

    /// The texts of a list. Objects in it count by their own path.
    pub(super) fn list(&self, keys: &[&str], within: &[&str]) -> Vec<String> {
        let items =
            self.raw(keys).and_then(|raw| serde_json::from_str::<Vec<&'a RawValue>>(raw).ok());
        let path = |it: &'a RawValue| match Self::read(it.get()) {
            Ok(object) => object.name(within),
            Err(_) => text_of(it.get()),
        };
        items.into_iter().flatten().filter_map(path).collect()
    }

    /// A number of milliseconds.
    pub(super) fn milliseconds(&self, keys: &[&str]) -> Option<Duration> {
        let number: f64 = serde_json::from_str(self.raw(keys)?).ok()?;
        Duration::try_from_secs_f64(number / 1000.0).ok()
    }

    /// Whether a key has a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.raw(&[key]).is_some()
    }

    /// The object again, with another text for a key that it has.
    pub(super) fn with_text(&self, key: &str, text: &str) -> String {
        let field = |(name, value): &(&RawValue, &RawValue)| {
            if text_of(name.get()).as_deref() == Some(key) {
                format!("{}:{}", name.get(), serde_json::Value::from(text))
            } else {
                format!("{}:{}", name.get(), value.get())
            }
        };
        let fields: Vec<String> = self.0.iter().map(field).collect();
        format!("{{{}}}", fields.join(","))
    }
}

/// A JSON string as text. A surrogate without its other half, which no UTF-8 text can have, becomes U+FFFD: so do the
/// programs that write such a text to a file's name.
fn text_of(json: &str) -> Option<String> {
    if !json.starts_with('"') {
        return None;
    }
    if let Ok(text) = serde_json::from_str(json) {
        return Some(text);
    }
    let WtfBytes(bytes) = serde_json::from_str(json).ok()?;
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some((first, more)) = rest.split_first() {
        match more {
            [0xa0..=0xbf, _, more @ ..] if *first == 0xed => {
                text.extend_from_slice("\u{fffd}".as_bytes());
                rest = more;
            }
            _ => {
                text.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8(text).ok()
}

/// The bytes of a JSON string, in which a lone surrogate is three bytes.
struct WtfBytes(Vec<u8>);

impl<'de> Deserialize<'de> for WtfBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = WtfBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<WtfBytes, E> {
                Ok(WtfBytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for PayloadFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PayloadFieldsVisitor)
    }
}

struct PayloadFieldsVisitor;

impl<'de> Visitor<'de> for PayloadFieldsVisitor {
    type Value = PayloadFields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry::<&RawValue, &RawValue>()? {
            fields.push(field);
        }
        Ok(PayloadFields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> PayloadFields<'_> {
        PayloadFields::read(json).unwrap()
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_not_there() {
        let it = fields(
            r#"{"a": "x", "a": "y", "n": 1500, "o": {"p": "q"}, "t": "{\"p\": \"r\"}", "z": null, "e": ""}"#,
        );
        assert_eq!(it.text(&["a"]).as_deref(), Some("y"), "the last of equal keys counts");
        assert_eq!(it.text(&["z", "a"]).as_deref(), Some("y"), "null is nothing");
        assert_eq!(it.text(&["n"]), None);
        assert_eq!(it.name(&["e"]), None);
        assert_eq!(it.milliseconds(&["n"]), Some(Duration::from_millis(1500)));
        assert_eq!(it.object(&["o"]).as_deref(), Some(r#"{"p": "q"}"#));
        assert_eq!(it.object(&["t"]).as_deref(), Some(r#"{"p": "r"}"#), "an object in a text");
        assert_eq!(it.object(&["a"]), None);
        assert!(!it.has("z") && it.has("n"));
        for number in ["-1", "1e300", "\"5\"", "[]"] {
            let json = format!("{{\"n\": {number}}}");
            assert_eq!(fields(&json).milliseconds(&["n"]), None, "{number}");
        }
        for broken in ["", "[]", "3", "{", "{\"a\"}", "{\"a\": 1} x"] {
            assert!(PayloadFields::read(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_surrogate_without_its_half_is_one_replacement_character() {
        let it = fields(r#"{"p": "a\ud800b\udc00", "\ud800": 1, "q": "\ud83d\ude00"}"#);
        assert_eq!(it.text(&["p"]).as_deref(), Some("a\u{fffd}b\u{fffd}"));
        assert_eq!(it.text(&["q"]).as_deref(), Some("\u{1f600}"));
        assert!(it.has("\u{fffd}"));
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep =
            format!("{{\"x\": {}{}, \"a\": \"y\"}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        assert_eq!(fields(&deep).text(&["a"]).as_deref(), Some("y"));
    }

    #[test]
    fn an_object_keeps_all_but_one_text() {
        let it = fields(r#"{"command": "a", "timeout": 1.50, "x": {"y": []}}"#);
        assert_eq!(
            it.with_text("command", "b\n"),
            r#"{"command":"b\n","timeout":1.50,"x":{"y": []}}"#
        );
    }

    #[test]
    fn lists_have_texts_and_objects_with_a_path() {
        let it = fields(r#"{"files": ["a", {"filePath": "b"}, 3, {"x": 1}]}"#);
        assert_eq!(it.list(&["files"], &["filePath"]), ["a", "b"]);
    }
}
