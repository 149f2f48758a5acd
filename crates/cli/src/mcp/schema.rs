//! What arguments and results look like, for those who have to make or to check them.

use rmcp::{
    model::JsonObject,
    schemars::{JsonSchema, generate::SchemaSettings},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// A field of a result: its name, its type, and what it means.
pub(super) type OutputField = (&'static str, McpFieldType, &'static str);

/// The type of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum McpFieldType {
    Text,
    Whole,
    Yes,
    Texts,
    Wholes,
    Objects,
    Object,
    Anything,
}

impl McpFieldType {
    fn schema(self) -> Value {
        match self {
            Self::Text => json!({"type": ["string", "null"]}),
            Self::Whole => json!({"type": ["integer", "null"]}),
            Self::Yes => json!({"type": ["boolean", "null"]}),
            Self::Texts => {
                json!({"type": ["array", "null"], "items": {"type": ["string", "null"]}})
            }
            Self::Wholes => {
                json!({"type": ["array", "null"], "items": {"type": ["integer", "null"]}})
            }
            Self::Objects => json!({"type": ["array", "null"], "items": {"type": "object"}}),
            Self::Object => json!({"type": ["object", "null"]}),
            Self::Anything => json!({}),
        }
    }
}

/// The schema of arguments, in words that all models understand: without references, and without `null`
/// beside the type of an argument that may be left out.
pub(super) fn input<T: JsonSchema>() -> Arc<JsonObject> {
    let settings = SchemaSettings::draft2020_12().with(|it| {
        it.inline_subschemas = true;
        it.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = schema.as_object().cloned().unwrap_or_default();
    schema.remove("title");
    if let Some(Value::Object(arguments)) = schema.get_mut("properties") {
        arguments.values_mut().filter_map(Value::as_object_mut).for_each(simplify);
    }
    Arc::new(schema)
}

/// Takes `null` out of the types of an argument, and sizes that only a compiler knows.
fn simplify(schema: &mut JsonObject) {
    schema.remove("format");
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|it| it != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    let null = json!({"type": "null"});
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|it| *it != null);
        if let [Value::Object(one)] = choices.as_slice() {
            let one = one.clone();
            schema.remove("anyOf");
            // What the argument says of itself is more than what its type says.
            let own = std::mem::replace(schema, one);
            schema.extend(own);
        }
    }
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

/// What a result that is an error has, whatever the operation.
const ERROR: [OutputField; 5] = [
    ("status", McpFieldType::Text, "Outcome"),
    (
        "exit_code",
        McpFieldType::Whole,
        "Of an error: its kind, as the command line's exit code; of a command: its own",
    ),
    ("error", McpFieldType::Text, "Of an error: what failed, on what, and why"),
    ("hints", McpFieldType::Texts, "Of an error: what you can do, as commands"),
    ("next", McpFieldType::Text, "What to do next"),
];

/// The schema of a result with these fields. None is required and more may come, so that a result is valid
/// also where it is an error, and where a newer version has more to say.
pub(super) fn output(fields: &[OutputField]) -> Arc<JsonObject> {
    let described = ERROR.iter().chain(fields).map(|(name, of, meaning)| {
        let mut schema = of.schema();
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), (*meaning).into());
        }
        ((*name).to_owned(), schema)
    });
    let properties: JsonObject = described.collect();
    let mut object = JsonObject::new();
    object.insert("type".to_owned(), "object".into());
    object.insert("properties".to_owned(), properties.into());
    Arc::new(object)
}

/// The fields of a refusal.
pub(super) const BLOCKED: [OutputField; 16] = [
    ("name", McpFieldType::Text, "The lock"),
    ("reason", McpFieldType::Text, "If blocked: held, frozen, queued or corrupted"),
    ("holder_owner", McpFieldType::Text, "If blocked: owner of the current holder"),
    ("holder_mine", McpFieldType::Yes, "If blocked: whether you hold it yourself"),
    ("holder_host", McpFieldType::Text, "If blocked: hostname of the current holder"),
    ("holder_pid", McpFieldType::Whole, "If blocked: process ID of the current holder"),
    ("holder_agent_id", McpFieldType::Text, "If blocked: agent ID of the current holder"),
    ("holder_age_sec", McpFieldType::Whole, "If blocked: seconds since it was taken"),
    ("holder_ttl_sec", McpFieldType::Whole, "If blocked: the announced lifetime in seconds"),
    ("holder_remaining_sec", McpFieldType::Whole, "If blocked: remaining seconds of that lifetime"),
    ("holder_expired", McpFieldType::Yes, "If blocked: whether that lifetime has passed"),
    ("holder_pid_status", McpFieldType::Text, "If blocked: alive, dead or unknown"),
    (
        "holder_acquired_ts",
        McpFieldType::Text,
        "If blocked: when it was taken or last renewed, RFC 3339",
    ),
    ("holder_held_since", McpFieldType::Text, "If blocked: when the hold began, RFC 3339"),
    ("holder_expires_at", McpFieldType::Text, "If blocked: when its lifetime ends, RFC 3339"),
    ("holder_command", McpFieldType::Texts, "If blocked: command of the current holder"),
];
