//! Metadata in TOML: the keys at the top level.

use super::{
    TextPosition, ToolMetadataField, ToolMetadataFlaw,
    literal_error::{LiteralError, MAX_DEPTH, NO_NUMBER, TOO_DEEP, syntax},
    names::key_of_text,
    number::{self, NumberSign},
};
use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Reads the table of a document.
pub(super) fn read(text: &str) -> Result<Vec<ToolMetadataField>, ToolMetadataFlaw> {
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        syntax(text, offset, error.message())
    })?;
    let mut fields = Vec::new();
    for (key, entry) in table.get_ref() {
        let Some(key) = key_of_text(key.get_ref()) else { continue };
        let value = value(entry, 0).map_err(|fault| fault.in_text(text, 0, key))?;
        fields.push(ToolMetadataField {
            key,
            value: Some(value),
            place: TextPosition::of_byte(text, entry.span().start),
        });
    }
    Ok(fields)
}

fn value(entry: &Spanned<DeValue<'_>>, depth: usize) -> Result<Value, LiteralError> {
    let offset = entry.span().start;
    if depth > MAX_DEPTH {
        return Err(LiteralError::refused(offset, TOO_DEEP));
    }
    let is_number = |number: Option<_>| {
        number.map(Value::Number).ok_or_else(|| LiteralError::refused(offset, NO_NUMBER))
    };
    match entry.get_ref() {
        DeValue::String(text) => Ok(Value::String(text.to_string())),
        DeValue::Boolean(boolean) => Ok(Value::Bool(*boolean)),
        DeValue::Integer(whole) => {
            let (sign, digits) = NumberSign::split(whole.as_str());
            is_number(number::whole(sign, digits, whole.radix()))
        }
        DeValue::Float(float) => {
            let value = float.as_str().parse().ok();
            is_number(value.and_then(|value| number::float(NumberSign::Plus, value)))
        }
        DeValue::Datetime(time) => Ok(Value::String(time.to_string())),
        DeValue::Array(array) => {
            let values = array.iter().map(|entry| value(entry, depth + 1));
            values.collect::<Result<_, _>>().map(Value::Array)
        }
        DeValue::Table(table) => {
            let entry = |(key, entry): (&Spanned<_>, &_)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                Ok((key.to_string(), value(entry, depth + 1)?))
            };
            table.iter().map(entry).collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_keep_their_types() {
        let text = "\u{feff}version = 1.0\r\nother = 1\r\n[config]\r\na = [0xff, -1_0, 1e16, true]\r\n\
            b.c = 2024-01-02\r\nd = 123456789012345678901\r\n";
        let fields = read(text).unwrap();
        let read: Vec<_> =
            fields.iter().map(|it| (it.key, it.value.as_ref().unwrap().to_string())).collect();
        let config =
            r#"{"a":[255,-10,1e+16,true],"b":{"c":"2024-01-02"},"d":123456789012345678901}"#;
        let expected = [("config", config.to_owned()), ("version", "1.0".to_owned())];
        assert!(expected.iter().all(|it| read.contains(it)), "all are read: {read:?}");
        assert_eq!(read.len(), 2, "other keys are ignored");
        assert_eq!(json!(1).to_string(), "1", "a number is a number");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        for (text, place) in [
            ("version = 1\nversion = 2\n", (2, 1)),
            ("a = 1\nversion = nan\n", (2, 11)),
            ("version = \n", (1, 11)),
        ] {
            let error = read(text).unwrap_err().to_string();
            let expected = format!("line {}, column {}: ", place.0, place.1);
            assert!(error.starts_with(&expected), "{text:?} is refused where it is: {error}");
        }
    }
}
