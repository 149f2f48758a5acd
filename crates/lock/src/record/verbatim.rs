use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// A JSON value as it stands in a file.
///
/// To keep the digits of a number that is not a small integer, `serde_json` hands them out as an object
/// with a key of its own. When it reads a [`Value`] by itself, it therefore takes an object of the file
/// that has this key for a number, or for an error. Here the two are told apart: digits come as a text to keep, texts of a file as texts
/// to copy.
pub(super) struct Verbatim(pub(super) Value);

impl<'de> Deserialize<'de> for Verbatim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Part::deserialize(deserializer)? {
            Part::Value(value) => Ok(Self(value)),
            Part::Digits(_) => Err(D::Error::custom("digits outside a number")),
        }
    }
}

/// A value, or the digits inside a number.
enum Part {
    Value(Value),
    Digits(String),
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Part, E> {
        Ok(Part::Value(Value::Null))
    }

    fn visit_bool<E: Error>(self, word: bool) -> Result<Part, E> {
        Ok(Part::Value(Value::Bool(word)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Part, E> {
        Ok(Part::Value(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Part, E> {
        Ok(Part::Value(number.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Part, E> {
        Ok(Part::Value(Value::String(text.to_owned())))
    }

    fn visit_string<E: Error>(self, digits: String) -> Result<Part, E> {
        Ok(Part::Digits(digits))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Part, A::Error> {
        let mut values = Vec::new();
        while let Some(Verbatim(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Part::Value(Value::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        let mut fields = Map::new();
        while let Some((key, part)) = map.next_entry()? {
            match part {
                Part::Value(value) => fields.insert(key, value),
                Part::Digits(digits) => {
                    let number = digits.parse().map_err(A::Error::custom)?;
                    return Ok(Part::Value(Value::Number(number)));
                }
            };
        }
        Ok(Part::Value(Value::Object(fields)))
    }
}
