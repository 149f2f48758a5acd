//! A line of the audit log, as text.
//!
//! Fields that are missing are shown as `-`.

use super::command_line;
use crate::printable::{self, padded};
use lokt_lock::audit::AuditLogLine;
use serde_json::Value;

/// An event as one line.
///
/// Empty for a line of the log that is no event.
pub(crate) fn text(event: &AuditLogLine) -> String {
    let AuditLogLine::Event(fields) = event else {
        return String::new();
    };
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or("-");
    let pid = fields.get("pid").map_or_else(|| "-".to_owned(), Value::to_string);
    let extra = fields.get("extra").and_then(Value::as_object).into_iter().flatten();
    let extra: Vec<String> = extra.map(detail).collect();
    let column = |key: &str, width: usize| padded(&printable::line(text(key)), width);
    format!(
        "{} {} {}  {} (pid {pid}){}",
        column("ts", 27),
        column("event", 14),
        text("name"),
        text("owner"),
        extra.concat()
    )
}

/// A detail; a command is shown as a person would type it.
///
/// `extra` of the event becomes ` key=value` for each field.
fn detail((key, value): (&String, &Value)) -> String {
    match (key.as_str(), value) {
        ("command", Value::Array(words)) => {
            let words: Vec<String> = words.iter().map(shown).collect();
            format!(", running: {}", command_line(&words))
        }
        _ => format!(" {key}={}", shown(value)),
    }
}

/// A JSON value without the quotes of a text.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
