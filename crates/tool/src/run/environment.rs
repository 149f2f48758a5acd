use super::{
    BuiltInTemplateVariables, ConfigTemplateError, TemplateValueSources,
    interpreter::{InterpreterError, InterpreterLookupConfig},
    parameters::kind_of,
    search_paths,
};
use crate::words::ToolItemId;
use serde_json::{Map, Value};
use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

/// The variables that a tool is to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolEnvironment(Vec<(OsString, OsString)>);

/// Says why a tool's environment cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ToolEnvironmentError {
    /// An `env_config` or something in it has the wrong type.
    #[error("{place} of {item} must be {expected}, not {found}")]
    Type {
        /// The item that says it.
        item: ToolItemId,
        /// The key.
        place: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A variable's name cannot be one.
    #[error("env_config.env of {item} has a variable {name:?}, which cannot be a variable's name")]
    Name {
        /// The item.
        item: ToolItemId,
        /// The name.
        name: String,
    },
    /// A template cannot be filled in.
    #[error("in {item}, {source}")]
    Template {
        /// The item.
        item: ToolItemId,
        /// Why.
        source: ConfigTemplateError,
    },
    /// There is no interpreter.
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
}

impl ToolEnvironment {
    /// Takes variables; of two with one name the first counts, as in getenv(3).
    pub fn new(variables: Vec<(OsString, OsString)>) -> Self {
        Self(variables)
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// Sets a variable, in place of every older value.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.remove(name);
        self.0.push((name.into(), value.into()));
    }

    /// Unsets a variable.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// Changes or unsets each variable, those with the name of another too.
    pub(super) fn retain_map(&mut self, change: impl Fn(&OsStr, &OsStr) -> Option<OsString>) {
        let variables = std::mem::take(&mut self.0).into_iter();
        self.0 = variables
            .filter_map(|(name, value)| change(&name, &value).map(|value| (name, value)))
            .collect();
    }

    /// All variables, to be looked at.
    pub(super) fn variables(&self) -> &[(OsString, OsString)] {
        &self.0
    }

    /// All variables.
    pub fn into_variables(self) -> Vec<(OsString, OsString)> {
        self.0
    }

    /// Adds what the `env_config` of one item asks for: first the interpreter, then `env` in its order,
    /// where each value may use the variables before it.
    ///
    /// # Errors
    /// [`ToolEnvironmentError`] names the item and what is wrong with it.
    pub fn add(
        &mut self,
        item: &ToolItemId,
        config: &Map<String, Value>,
        reserved: &BuiltInTemplateVariables,
        project: &Path,
    ) -> Result<(), ToolEnvironmentError> {
        if let Some(interpreter) = object(item, config, "interpreter")? {
            let fields = self.filled(item, interpreter, ("env_config.interpreter", reserved))?;
            let interpreter = InterpreterLookupConfig::new(item, &fields)?;
            let program = interpreter.find(self, project)?;
            self.set(&interpreter.variable, program);
        }
        for (name, value) in object(item, config, "env")?.into_iter().flatten() {
            let one = Map::from_iter([(name.clone(), value.clone())]);
            let one = self.filled(item, &one, ("env_config.env", reserved))?;
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(ToolEnvironmentError::Name { item: item.clone(), name: name.clone() });
            }
            for value in one.values() {
                let text = scalar_text(value).ok_or_else(|| ToolEnvironmentError::Type {
                    item: item.clone(),
                    place: format!("env_config.env.{name}"),
                    expected: "a text, a number or a boolean",
                    found: kind_of(value),
                })?;
                self.set(name, text);
            }
        }
        // What is started next may be a command that says where the next interpreter is.
        search_paths::clean(self);
        Ok(())
    }

    fn filled(
        &self,
        item: &ToolItemId,
        object: &Map<String, Value>,
        (place, reserved): (&str, &BuiltInTemplateVariables),
    ) -> Result<Map<String, Value>, ToolEnvironmentError> {
        let template = TemplateValueSources { environment: self, reserved, parameters: None };
        let filled = template.object(object, place);
        filled.map_err(|source| ToolEnvironmentError::Template { item: item.clone(), source })
    }
}

fn object<'a>(
    item: &ToolItemId,
    config: &'a Map<String, Value>,
    key: &str,
) -> Result<Option<&'a Map<String, Value>>, ToolEnvironmentError> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => Err(ToolEnvironmentError::Type {
            item: item.clone(),
            place: format!("env_config.{key}"),
            expected: "an object",
            found: kind_of(other),
        }),
    }
}

/// A text as it is; a number or a boolean as JSON writes it.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::ToolParameterValues;
    use serde_json::json;

    fn added(config: &Value) -> Result<ToolEnvironment, ToolEnvironmentError> {
        let mut environment = ToolEnvironment::new(vec![
            ("A".into(), "first".into()),
            ("A".into(), "second".into()),
            ("P".into(), "{project_path}".into()),
        ]);
        let parameters = ToolParameterValues::parse(r#"{"x": "y"}"#).unwrap();
        let reserved =
            BuiltInTemplateVariables::new("/p".as_ref(), "/u".as_ref(), "/s", &parameters).unwrap();
        let item = ToolItemId::new("web/x").unwrap();
        environment.add(&item, config.as_object().unwrap(), &reserved, Path::new("/p"))?;
        Ok(environment)
    }

    #[test]
    fn each_variable_may_use_those_before_it_and_is_not_filled_in_twice() {
        let environment = added(&json!({"env": {
            "B": "${A}:${P}", "C": "[${B}] {project_path} {x}", "A": 1.5, "D": "${A}", "E": true,
        }}))
        .unwrap();
        for (name, expected) in [
            ("B", "first:{project_path}"),
            ("C", "[first:{project_path}] /p {x}"),
            ("A", "1.5"),
            ("D", "1.5"),
            ("E", "true"),
        ] {
            assert_eq!(environment.get(name), Some(OsStr::new(expected)), "{name}");
        }
        let count = environment.0.iter().filter(|(name, _)| name == "A").count();
        assert_eq!(count, 1, "a variable that is set has one value");
    }

    #[test]
    fn what_cannot_be_a_variable_is_an_error_that_names_the_item() {
        for (config, expected) in [
            (json!({"env": {"A=B": "x"}}), "cannot be a variable's name"),
            (json!({"env": {"A": ["x"]}}), "env_config.env.A of web/x must be a text"),
            (json!({"env": ["x"]}), "env_config.env of web/x must be an object, not an array"),
            (json!({"env": {"A": "${NO}"}}), "in web/x, env_config.env.A needs"),
            (json!({"interpreter": "python"}), "env_config.interpreter of web/x must be"),
        ] {
            let error = added(&config).unwrap_err().to_string();
            assert!(error.contains(expected), "{config}: {error}");
        }
    }
}
