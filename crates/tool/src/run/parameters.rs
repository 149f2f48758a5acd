use serde_json::{Map, Value};

/// What a caller gives to a tool: a JSON object, and its compact text.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolParameterValues {
    object: Map<String, Value>,
    text: String,
}

/// Says why something cannot be a tool's parameters.
#[derive(Debug, thiserror::Error)]
pub enum ToolParametersParseError {
    /// The text is no JSON.
    #[error("the parameters are no JSON: {0}")]
    Syntax(#[source] serde_json::Error),
    /// It is JSON, but no object.
    #[error("the parameters must be a JSON object, not {0}")]
    Type(&'static str),
}

impl ToolParameterValues {
    /// Takes the members of an object.
    pub fn new(object: Map<String, Value>) -> Self {
        // How serde_json shows a value is its compact text.
        let text = Value::Object(object.clone()).to_string();
        Self { object, text }
    }

    /// Reads parameters from a text.
    ///
    /// # Errors
    /// [`ToolParametersParseError`] where it is no JSON object.
    pub fn parse(text: &str) -> Result<Self, ToolParametersParseError> {
        match serde_json::from_str(text).map_err(ToolParametersParseError::Syntax)? {
            Value::Object(object) => Ok(Self::new(object)),
            other => Err(ToolParametersParseError::Type(kind_of(&other))),
        }
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.object.get(name)
    }

    /// All of them as one value.
    pub fn to_json(&self) -> Value {
        Value::Object(self.object.clone())
    }

    /// Their compact JSON text.
    pub fn as_text(&self) -> &str {
        &self.text
    }
}

impl Default for ToolParameterValues {
    fn default() -> Self {
        Self::new(Map::new())
    }
}

/// The type of a value, as a person would call it.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_is_parameters() {
        assert_eq!(ToolParameterValues::parse(" {\"a\": 1.0} ").unwrap().as_text(), "{\"a\":1.0}");
        for bad in ["[1]", "null", "\"x\"", "", "{"] {
            assert!(ToolParameterValues::parse(bad).is_err(), "{bad:?} is no object");
        }
    }
}
