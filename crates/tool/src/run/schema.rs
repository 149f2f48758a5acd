use super::ToolParameterValues;
use serde_json::Value;

/// How many violations are shown: those that follow are mostly of the same cause.
const MAX_SHOWN: usize = 5;

/// Says why parameters do not fit a tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterValidationError {
    /// The tool's own schema is no JSON Schema, or it points outside itself.
    #[error("the tool's config_schema is invalid: {0}")]
    Schema(String),
    /// The parameters break it.
    #[error("the parameters do not fit the tool: {}", .0.join("; "))]
    Parameters(Vec<String>),
}

/// Checks a caller's parameters against a tool's `config_schema`. Nothing is fetched: a schema stands alone.
///
/// # Errors
/// [`ParameterValidationError`] lists the first violations, each with its place.
pub fn check(
    schema: &Value,
    parameters: &ToolParameterValues,
) -> Result<(), ParameterValidationError> {
    let validator = jsonschema::validator_for(schema)
        .map_err(|error| ParameterValidationError::Schema(shown(&error.to_string())))?;
    let instance = parameters.to_json();
    let mut violations = validator.iter_errors(&instance).map(|error| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "/".to_owned() } else { place };
        format!("{place}: {}", shown(&error.to_string()))
    });
    let mut shown: Vec<String> = violations.by_ref().take(MAX_SHOWN).collect();
    match violations.count() {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    if shown.is_empty() { Ok(()) } else { Err(ParameterValidationError::Parameters(shown)) }
}

/// As much of a message as is shown: it may quote a long value.
fn shown(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_text(schema: &Value, parameters: &str) -> Result<(), ParameterValidationError> {
        check(schema, &ToolParameterValues::parse(parameters).unwrap())
    }

    #[test]
    fn violations_are_listed_with_their_places() {
        let schema = json!({
            "type": "object", "required": ["url"],
            "properties": {"depth": {"type": "integer", "maximum": 3}},
        });
        assert_eq!(check_text(&schema, r#"{"url": "x", "depth": 3}"#), Ok(()));
        let Err(ParameterValidationError::Parameters(shown)) =
            check_text(&schema, r#"{"depth": "x"}"#)
        else {
            panic!("a missing and a wrong parameter are refused");
        };
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(shown.iter().any(|it| it.starts_with("/depth: ")), "{shown:?}");
    }

    #[test]
    fn at_most_five_violations_are_told_in_full() {
        let schema = json!({"additionalProperties": {"type": "null"}});
        let Err(ParameterValidationError::Parameters(shown)) =
            check_text(&schema, r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}"#)
        else {
            panic!("wrong types are refused");
        };
        assert_eq!(shown.len(), 6);
        assert_eq!(shown.last().map(String::as_str), Some("and 2 more"));
    }

    #[test]
    fn a_schema_that_is_wrong_or_lies_elsewhere_is_an_error_of_its_own() {
        for schema in [
            json!({"type": 7}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"$ref": "http://127.0.0.1:1/schema.json"}),
        ] {
            let result = check_text(&schema, "{}");
            assert!(
                matches!(result, Err(ParameterValidationError::Schema(_))),
                "{schema}: {result:?}"
            );
        }
    }
}
