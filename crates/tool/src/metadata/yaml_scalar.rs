//! What a scalar of YAML means: the core schema of YAML 1.2 (chapter 10.3 of its specification), with all
//! the digits of whole numbers.

use super::{
    literal_error::NO_NUMBER,
    number::{self, NumberSign},
};
use serde_json::Value;

/// The tags of the core schema.
pub(super) const TAGS: [&str; 7] = ["str", "int", "float", "bool", "null", "map", "seq"];

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum YamlScalarStyle {
    /// Bare, so that its text decides what it is.
    Plain,
    /// In quotes or as a block: a string, if no tag says otherwise.
    Quoted,
}

/// The value of a scalar.
pub(super) fn resolve(
    text: &str,
    flavor: YamlScalarStyle,
    tag: Option<&str>,
) -> Result<Value, String> {
    let value = match (tag, flavor) {
        (Some("str"), _) | (None, YamlScalarStyle::Quoted) => Some(Value::String(text.to_owned())),
        (Some("null"), _) => null(text),
        (Some("bool"), _) => boolean(text),
        (Some("int"), _) => whole(text)?,
        (Some("float"), _) => match float(text)? {
            None if is_digits(NumberSign::split(text).1) => as_float(text).map(Some)?,
            value => value,
        },
        (Some(_), _) => None,
        (None, YamlScalarStyle::Plain) => Some(plain(text)?),
    };
    value.ok_or_else(|| format!("{text:?} is no !!{}", tag.unwrap_or("str")))
}

fn plain(text: &str) -> Result<Value, String> {
    if let Some(value) = null(text).or_else(|| boolean(text)) {
        return Ok(value);
    }
    let number = whole(text)?.map_or_else(|| float(text), |whole| Ok(Some(whole)))?;
    Ok(number.unwrap_or_else(|| Value::String(text.to_owned())))
}

fn null(text: &str) -> Option<Value> {
    matches!(text, "" | "~" | "null" | "Null" | "NULL").then_some(Value::Null)
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// A whole number, if it is one and can be read.
fn whole(text: &str) -> Result<Option<Value>, String> {
    let (sign, digits) = NumberSign::split(text);
    let number = if is_digits(digits) {
        number::whole(sign, digits, 10)
    } else if let Some(digits) = text.strip_prefix("0x")
        && has_only(digits, |byte| byte.is_ascii_hexdigit())
    {
        number::whole(NumberSign::Plus, digits, 16)
    } else if let Some(digits) = text.strip_prefix("0o")
        && has_only(digits, |byte| (b'0'..=b'7').contains(&byte))
    {
        number::whole(NumberSign::Plus, digits, 8)
    } else {
        return Ok(None);
    };
    number.map(Value::Number).map(Some).ok_or_else(|| NO_NUMBER.to_owned())
}

/// A number with a fraction or an exponent, if it is one and finite.
fn float(text: &str) -> Result<Option<Value>, String> {
    let unsigned = NumberSign::split(text).1;
    let special = [".inf", ".Inf", ".INF"].contains(&unsigned);
    if special || [".nan", ".NaN", ".NAN"].contains(&text) {
        return Err(NO_NUMBER.to_owned());
    }
    let lower = unsigned.to_ascii_lowercase();
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = is_digits(&format!("{before}{after}"));
    let has_exponent = is_digits(NumberSign::split(exponent).1);
    let is_more = lower.contains(['.', 'e']);
    if !(is_more && has_digits && has_exponent) || (before.is_empty() && after.is_empty()) {
        return Ok(None);
    }
    as_float(text).map(Some)
}

fn as_float(text: &str) -> Result<Value, String> {
    let value = text.parse().ok().and_then(|value| number::float(NumberSign::Plus, value));
    value.map(Value::Number).ok_or_else(|| NO_NUMBER.to_owned())
}

fn is_digits(text: &str) -> bool {
    has_only(text, |byte| byte.is_ascii_digit())
}

fn has_only(text: &str, is_fit: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is_fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_scalar_is_what_the_core_schema_says() {
        for (text, expected) in [
            ("1.0", "1.0"),
            ("1", "1"),
            ("-0017", "-17"),
            ("+1", "1"),
            ("0xfF", "255"),
            ("0o17", "15"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("1e3", "1000.0"),
            ("1.", "1.0"),
            (".5", "0.5"),
            ("-1.5E-7", "-1.5e-07"),
            ("", "null"),
            ("~", "null"),
            ("Null", "null"),
            ("TRUE", "true"),
            ("yes", "\"yes\""),
            ("0x", "\"0x\""),
            ("0x-1", "\"0x-1\""),
            ("0b1", "\"0b1\""),
            ("1_000", "\"1_000\""),
            ("1.0.0", "\"1.0.0\""),
            (".", "\".\""),
            (".e1", "\".e1\""),
            ("1e", "\"1e\""),
            ("+-1", "\"+-1\""),
            ("1e+-1", "\"1e+-1\""),
            ("inf", "\"inf\""),
            ("2024-01-02", "\"2024-01-02\""),
        ] {
            let value = resolve(text, YamlScalarStyle::Plain, None).unwrap();
            assert_eq!(value.to_string(), expected, "{text:?} is what the schema says");
        }
        for text in [".inf", "-.INF", ".nan", "1e999", &"9".repeat(4301)] {
            assert!(
                resolve(text, YamlScalarStyle::Plain, None).is_err(),
                "{text} is no number of JSON"
            );
        }
    }

    #[test]
    fn a_tag_decides_or_is_refused() {
        for (text, tag, expected) in [
            ("1", "str", Some("\"1\"")),
            ("1", "float", Some("1.0")),
            ("1", "int", Some("1")),
            ("x", "int", None),
            ("1.5", "int", None),
            ("x", "bool", None),
            ("null", "null", Some("null")),
            ("x", "map", None),
        ] {
            let value =
                resolve(text, YamlScalarStyle::Quoted, Some(tag)).ok().map(|it| it.to_string());
            assert_eq!(value.as_deref(), expected, "!!{tag} {text:?} is what its tag says");
        }
    }
}
