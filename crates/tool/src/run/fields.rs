use super::parameters::kind_of;
use serde_json::{Map, Value};
use std::time::Duration;

/// A key of a config that a primitive cannot use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolConfigError {
    /// It is missing.
    #[error("the config has no {0}")]
    Missing(&'static str),
    /// It has the wrong type or value.
    #[error("{place} must be {expected}, not {found}")]
    Value {
        /// The key, with its place in a list or object.
        place: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
}

/// Reads the keys of a config; null counts as absent.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToolConfigFieldReader<'a> {
    /// What the object is called in errors, with a full stop behind it; empty for the config itself.
    pub(super) place: &'static str,
    pub(super) object: &'a Map<String, Value>,
}

impl<'a> ToolConfigFieldReader<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &'static str) -> Result<Option<&'a str>, ToolConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, "a text", other)),
        }
    }

    pub(super) fn object(
        &self,
        key: &str,
    ) -> Result<Option<&'a Map<String, Value>>, ToolConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(other) => Err(self.wrong(key, "an object", other)),
        }
    }

    /// A number of seconds above 0.
    pub(super) fn seconds(&self, key: &str) -> Result<Option<Duration>, ToolConfigError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let seconds = value.as_f64().and_then(|it| Duration::try_from_secs_f64(it).ok());
        match seconds.filter(|it| !it.is_zero()) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(ToolConfigError::Value {
                place: format!("{}{key}", self.place),
                expected: "a number of seconds above 0",
                found: value.to_string(),
            }),
        }
    }

    pub(super) fn wrong(
        &self,
        key: &str,
        expected: &'static str,
        found: &Value,
    ) -> ToolConfigError {
        let place = format!("{}{key}", self.place);
        ToolConfigError::Value { place, expected, found: kind_of(found).to_owned() }
    }
}

/// The bytes of an input or a body: a text as it is, anything else as compact JSON.
pub(super) fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}
