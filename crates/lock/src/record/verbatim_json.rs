use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// A JSON value as it stands in a file.
///
/// To keep the digits of a number that is not a small integer, `serde_json` hands them out as an object with a
/// special key. When it reads a [`Value`] by itself, it therefore takes an object of the file that has this key
/// for a number, or for an error. Here the two are distinguished: digits come as a text to keep, texts of a
/// file as texts to copy.
pub(super) struct VerbatimJson(pub(super) Value);

impl<'de> Deserialize<'de> for VerbatimJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match VerbatimJsonPart::deserialize(deserializer)? {
            VerbatimJsonPart::Value(value) => Ok(Self(value)),
            VerbatimJsonPart::Digits(_) => Err(D::Error::custom("digits outside a number")),
        }
    }
}

/// A value, or the digits inside a number.
enum VerbatimJsonPart {
    Value(Value),
    Digits(String),
}

impl<'de> Deserialize<'de> for VerbatimJsonPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VerbatimJsonVisitor)
    }
}

struct VerbatimJsonVisitor;

impl<'de> Visitor<'de> for VerbatimJsonVisitor {
    type Value = VerbatimJsonPart;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<VerbatimJsonPart, E> {
        Ok(VerbatimJsonPart::Value(Value::Null))
    }

    fn visit_bool<E: Error>(self, word: bool) -> Result<VerbatimJsonPart, E> {
        Ok(VerbatimJsonPart::Value(Value::Bool(word)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<VerbatimJsonPart, E> {
        Ok(VerbatimJsonPart::Value(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<VerbatimJsonPart, E> {
        Ok(VerbatimJsonPart::Value(number.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<VerbatimJsonPart, E> {
        Ok(VerbatimJsonPart::Value(Value::String(text.to_owned())))
    }

    fn visit_string<E: Error>(self, digits: String) -> Result<VerbatimJsonPart, E> {
        Ok(VerbatimJsonPart::Digits(digits))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<VerbatimJsonPart, A::Error> {
        let mut values = Vec::new();
        while let Some(VerbatimJson(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(VerbatimJsonPart::Value(Value::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<VerbatimJsonPart, A::Error> {
        let mut fields = Map::new();
        while let Some((key, part)) = map.next_entry()? {
            match part {
                VerbatimJsonPart::Value(value) => fields.insert(key, value),
                VerbatimJsonPart::Digits(digits) => {
                    let number = digits.parse().map_err(A::Error::custom)?;
                    return Ok(VerbatimJsonPart::Value(Value::Number(number)));
                }
            };
        }
        Ok(VerbatimJsonPart::Value(Value::Object(fields)))
    }
}
