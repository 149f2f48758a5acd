//! Metadata in JSON: the keys of the object that a file is.

use super::{
    TextPosition, ToolMetadataField, ToolMetadataFlaw,
    literal_error::{MAX_DEPTH, NO_NUMBER, TOO_DEEP, syntax},
    names::key_of_text,
    number,
};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Reads a document, which must be an object.
pub(super) fn read(text: &str) -> Result<Vec<ToolMetadataField>, ToolMetadataFlaw> {
    let begin = text.strip_prefix('\u{feff}').map_or(0, |_| '\u{feff}'.len_utf8());
    let json = text.get(begin..).unwrap_or_default();
    let flaw =
        |error: &serde_json::Error| syntax(text, begin + offset_of(json, error), what(error));
    let mut reader = serde_json::Deserializer::from_str(json);
    let read = JsonDepthSeed::root().deserialize(&mut reader);
    let document =
        read.and_then(|value| reader.end().map(|()| value)).map_err(|error| flaw(&error))?;
    let Value::Object(document) = document else {
        return Err(syntax(text, begin, "a tool's file must be an object"));
    };
    let places = values_at(json);
    let fields = document.into_iter().zip(places).filter_map(|((key, value), at)| {
        let place = TextPosition::of_byte(text, begin + at);
        Some(ToolMetadataField { key: key_of_text(&key)?, value: Some(value), place })
    });
    Ok(fields.collect())
}

/// Reads a JSON document in which no key comes twice: of two readers, each may take another one.
pub(crate) fn strict(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = JsonDepthSeed::root().deserialize(&mut reader)?;
    reader.end().map(|()| value)
}

/// The byte that an error speaks of: it counts lines and, in bytes, columns, both from 1.
fn offset_of(json: &str, error: &serde_json::Error) -> usize {
    let before = json.split_inclusive('\n').take(error.line().saturating_sub(1));
    let offset = before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    offset.min(json.len())
}

fn what(error: &serde_json::Error) -> String {
    let what = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    what.strip_suffix(&place).map(str::to_owned).unwrap_or(what)
}

/// Where the values of an object begin. The text is known to be one.
fn values_at(json: &str) -> Vec<usize> {
    let (mut depth, mut in_string, mut escaped, mut expected) = (0_usize, false, false, false);
    let mut values = Vec::new();
    for (at, byte) in json.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        if expected && !byte.is_ascii_whitespace() {
            values.push(at);
            expected = false;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 1 => expected = true,
            _ => {}
        }
    }
    values
}

/// A value that may have so many levels of lists and objects; none for a value that is too deep itself.
#[derive(Clone, Copy)]
struct JsonDepthSeed {
    left: Option<usize>,
}

impl JsonDepthSeed {
    /// The document: the depth of what it says is counted from its values on.
    const fn root() -> Self {
        Self { left: Some(MAX_DEPTH + 1) }
    }

    fn below(self) -> Self {
        Self { left: self.left.and_then(|left| left.checked_sub(1)) }
    }
}

impl<'de> DeserializeSeed<'de> for JsonDepthSeed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.left {
            Some(_) => deserializer.deserialize_any(self),
            None => Err(D::Error::custom(TOO_DEEP)),
        }
    }
}

impl<'de> Visitor<'de> for JsonDepthSeed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self.below())? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key_seed(JsonKeyOrNumberSeed)? {
            let JsonKeyOrNumber::Text(key) = key else {
                let text: String = entries.next_value()?;
                let number = number::of_json(&text).ok_or_else(|| A::Error::custom(NO_NUMBER))?;
                return Ok(Value::Number(number));
            };
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("key {key:?} stands twice")));
            }
            let value = entries.next_value_seed(self.below())?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// What stands where an object has a key.
enum JsonKeyOrNumber {
    Text(String),
    /// A number, which keeps its digits, is handed over as an object with one key.
    OfNumber,
}

/// Tells a key of the text from the one that hands over a number, whatever the key of the text is: only
/// the former can be asked for as something optional.
struct JsonKeyOrNumberSeed;

impl<'de> DeserializeSeed<'de> for JsonKeyOrNumberSeed {
    type Value = JsonKeyOrNumber;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<JsonKeyOrNumber, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for JsonKeyOrNumberSeed {
    type Value = JsonKeyOrNumber;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_some<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<JsonKeyOrNumber, D::Error> {
        String::deserialize(deserializer).map(JsonKeyOrNumber::Text)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<JsonKeyOrNumber, E> {
        Ok(JsonKeyOrNumber::OfNumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_types_and_places() {
        let text = "\u{feff}{\"a\": [\"}:\\\"\"],\r\n \"version\" : 1.00, \"config\":\n{\"b\": [-0, 1E16], \
            \"$serde_json::private::Number\": \"1\", \"c\": 123456789012345678901}}";
        let fields = read(text).unwrap();
        let read: Vec<_> =
            fields.iter().map(|it| (it.key, it.value.as_ref().unwrap().to_string())).collect();
        let config =
            r#"{"b":[0,1e+16],"$serde_json::private::Number":"1","c":123456789012345678901}"#;
        let expected = [("version", "1.0".to_owned()), ("config", config.to_owned())];
        assert_eq!(read, expected, "values are read as they are");
        let places: Vec<_> = fields.iter().map(|it| (it.place.line, it.place.column)).collect();
        assert_eq!(places, [(2, 14), (3, 1)], "a value has its place");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        for (text, line) in [
            ("{\n\"a\": 1,\n\"a\": 2}", 3),
            ("{\"config\": {\"a\": 1,\n\"\\u0061\": 2}}", 2),
            ("{\n\"a\": 1e999}", 2),
            ("{\"a\": 1}\n{}", 2),
            ("[\n]", 1),
            ("", 1),
            ("{\n\n", 3),
        ] {
            let error = read(text).unwrap_err().to_string();
            let expected = format!("line {line}, column ");
            assert!(error.starts_with(&expected), "{text:?} is refused where it is: {error}");
        }
    }
}
