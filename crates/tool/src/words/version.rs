use serde_json::{Number, Value};
use std::fmt;

/// A tool's version: a text, or a number, which stays one.
///
/// It is part of a lockfile's name, so it cannot be everything that a text can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolVersion(ToolVersionValue);

#[derive(Clone, Debug, PartialEq, Eq)]
enum ToolVersionValue {
    Text(String),
    Number(Number),
}

/// Says why a value is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToolVersion {
    /// It is neither a text nor a number.
    #[error("a version must be a text or a number, not {0}")]
    Type(Value),
    /// It is empty, too long, or has a character that a file name cannot have.
    #[error("version {0:?} cannot be part of a file name")]
    Name(String),
}

impl ToolVersion {
    /// The longest version, in bytes: a file name takes 255.
    pub const MAX_BYTES: usize = 100;

    /// Checks a value and makes it a version.
    ///
    /// # Errors
    /// [`InvalidToolVersion`] says what is wrong with the value.
    pub fn new(value: &Value) -> Result<Self, InvalidToolVersion> {
        let version = match value {
            Value::String(text) => Self(ToolVersionValue::Text(text.clone())),
            Value::Number(number) => Self(ToolVersionValue::Number(number.clone())),
            other => return Err(InvalidToolVersion::Type(other.clone())),
        };
        let text = version.to_string();
        let fits = |text: &str| {
            let allowed = |c: char| !matches!(c, '/' | '\\') && !c.is_control();
            !text.is_empty() && text.len() <= Self::MAX_BYTES && text.chars().all(allowed)
        };
        if fits(&text) { Ok(version) } else { Err(InvalidToolVersion::Name(text)) }
    }

    /// The version with its own type.
    pub fn to_json(&self) -> Value {
        match &self.0 {
            ToolVersionValue::Text(text) => Value::String(text.clone()),
            ToolVersionValue::Number(number) => Value::Number(number.clone()),
        }
    }
}

impl fmt::Display for ToolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ToolVersionValue::Text(text) => f.write_str(text),
            ToolVersionValue::Number(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_stays_a_number_and_a_text_a_text() {
        let number: Value = serde_json::from_str("1.0").unwrap();
        assert_eq!(ToolVersion::new(&number).unwrap().to_string(), "1.0");
        assert_eq!(ToolVersion::new(&number).unwrap().to_json(), number);
        assert_ne!(
            ToolVersion::new(&number),
            ToolVersion::new(&json!("1.0")),
            "their types differ"
        );
    }

    #[test]
    fn what_cannot_be_in_a_file_name_is_no_version() {
        for bad in [json!(""), json!("1/2"), json!("a\\b"), json!("1\n"), json!("9".repeat(101))] {
            assert!(
                matches!(ToolVersion::new(&bad), Err(InvalidToolVersion::Name(_))),
                "{bad} is no version"
            );
        }
        for bad in [json!(null), json!(true), json!([1]), json!({})] {
            assert!(
                matches!(ToolVersion::new(&bad), Err(InvalidToolVersion::Type(_))),
                "{bad} is no version"
            );
        }
    }
}
