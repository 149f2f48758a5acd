use super::{TextPosition, ToolMetadataFlaw, literal_error::LiteralError};
use crate::words::{ToolItemId, ToolVersion};
use serde_json::{Map, Value};

/// One key of the metadata as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolMetadataField {
    /// The key: one of [`ToolMetadata::KEYS`].
    pub key: &'static str,
    /// Its value; none where it is computed, which only a schema may be.
    pub value: Option<Value>,
    /// Where the value begins.
    pub place: TextPosition,
}

impl ToolMetadataField {
    /// A field as it came of reading its literal. A schema that is no literal keeps nothing from running: it says
    /// nothing about what runs, and many tools compute its lists.
    pub(super) fn of_literal(
        key: &'static str,
        place: TextPosition,
        literal: Result<Value, LiteralError>,
    ) -> Result<Self, LiteralError> {
        let value = match literal {
            Ok(value) => Some(value),
            Err(LiteralError::NotLiteral { .. }) if key == SCHEMA => None,
            Err(fault) => return Err(fault),
        };
        Ok(Self { key, value, place })
    }
}

/// The one key that may be computed.
const SCHEMA: &str = "config_schema";

/// What runs an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolItemExecutorDeclaration {
    /// The file does not say.
    #[default]
    Unsaid,
    /// Nothing: the item is a primitive.
    Nothing,
    /// Another item.
    Item(ToolItemId),
}

/// What an item's file says about the item. What it does not say is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolMetadata {
    /// The version.
    pub version: Option<ToolVersion>,
    /// What kind of item it is: `python`, `runtime`, `primitive`, …
    pub tool_type: Option<String>,
    /// What runs it.
    pub executor: ToolItemExecutorDeclaration,
    /// Where it belongs, for people.
    pub category: Option<String>,
    /// What it does, for people.
    pub tool_description: Option<String>,
    /// How it is run, merged with what its executors say.
    pub config: Option<Map<String, Value>>,
    /// The JSON Schema of its parameters: an object or a boolean.
    pub config_schema: Option<Value>,
    /// Where the file computes a schema, which counts as absent.
    pub computed_schema: Option<TextPosition>,
    /// Interpreter and environment.
    pub env_config: Option<Map<String, Value>>,
}

impl ToolMetadata {
    /// The keys, as YAML, TOML and JSON write them.
    pub const KEYS: [&'static str; 8] = [
        "version",
        "tool_type",
        "executor_id",
        "category",
        "tool_description",
        "config",
        "config_schema",
        "env_config",
    ];

    /// Checks what was read; the last of equal keys counts.
    ///
    /// # Errors
    /// [`ToolMetadataFlaw::Type`] where a value has the wrong type.
    pub fn of_fields(fields: Vec<ToolMetadataField>) -> Result<Self, ToolMetadataFlaw> {
        let mut metadata = Self::default();
        for ToolMetadataField { key, value, place } in fields {
            if key == SCHEMA {
                metadata.computed_schema = value.is_none().then_some(place);
            }
            let value = value.unwrap_or_default();
            metadata.put(key, value).map_err(|expected| ToolMetadataFlaw::Type {
                place,
                key,
                expected,
            })?;
        }
        Ok(metadata)
    }

    fn put(&mut self, key: &'static str, value: Value) -> Result<(), String> {
        match key {
            "version" => {
                self.version = match value {
                    Value::Null => None,
                    value => Some(
                        ToolVersion::new(&value).map_err(|error| format!("a version: {error}"))?,
                    ),
                }
            }
            "executor_id" => self.executor = executor(value)?,
            "tool_type" => self.tool_type = text(value)?,
            "category" => self.category = text(value)?,
            "tool_description" => self.tool_description = text(value)?,
            "config" => self.config = object(value)?,
            "env_config" => self.env_config = object(value)?,
            "config_schema" => {
                self.config_schema = match value {
                    Value::Null => None,
                    Value::Object(_) | Value::Bool(_) => Some(value),
                    _ => return Err("a JSON Schema: an object or a boolean".to_owned()),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What was said, under the keys of [`Self::KEYS`].
    pub fn to_json(&self) -> Map<String, Value> {
        let executor = match &self.executor {
            ToolItemExecutorDeclaration::Unsaid => None,
            ToolItemExecutorDeclaration::Nothing => Some(Value::Null),
            ToolItemExecutorDeclaration::Item(id) => Some(id.as_str().into()),
        };
        let text = |text: &Option<String>| text.clone().map(Value::String);
        let object = |object: &Option<Map<String, Value>>| object.clone().map(Value::Object);
        let values = [
            self.version.as_ref().map(ToolVersion::to_json),
            text(&self.tool_type),
            executor,
            text(&self.category),
            text(&self.tool_description),
            object(&self.config),
            self.config_schema.clone(),
            object(&self.env_config),
        ];
        let said = Self::KEYS.into_iter().zip(values);
        said.filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

fn executor(value: Value) -> Result<ToolItemExecutorDeclaration, String> {
    match value {
        Value::Null => Ok(ToolItemExecutorDeclaration::Nothing),
        Value::String(id) => ToolItemId::new(id)
            .map(ToolItemExecutorDeclaration::Item)
            .map_err(|error| format!("an item id or nothing: {error}")),
        _ => Err("an item id or nothing".to_owned()),
    }
}

fn text(value: Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err("a text".to_owned()),
    }
}

fn object(value: Value) -> Result<Option<Map<String, Value>>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Object(object) => Ok(Some(object)),
        _ => Err("an object".to_owned()),
    }
}
