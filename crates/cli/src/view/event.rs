//! A line of the audit log, as text.
//!
//! Fields that are missing are shown as `-`.

use super::{agent_label, command_line, holder};
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
    let agent = agent_label::other_than_terminal(event.text("agent_id"));
    let who = holder::named(text("owner"), [Some(format!("pid {pid}")), agent]);
    let extra = fields.get("extra").and_then(Value::as_object).into_iter().flatten();
    let extra: Vec<String> = extra.map(detail).collect();
    let column = |key: &str, width: usize| padded(&printable::line(text(key)), width);
    format!(
        "{} {} {}  {who}{}",
        column("ts", 27),
        column("event", 14),
        subject(event),
        extra.concat()
    )
}

/// What an event is about: a lock's name, or the patterns of a reservation.
pub(crate) fn subject(event: &AuditLogLine) -> String {
    let patterns: Vec<String> = event.patterns().iter().map(ToString::to_string).collect();
    match (event.text("name"), patterns.as_slice()) {
        (Some(name), _) => name.to_owned(),
        (None, []) => "-".to_owned(),
        (None, _) => command_line(&patterns),
    }
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
        // They stand in the place of the name.
        ("patterns", _) => String::new(),
        ("holders", Value::Array(owners)) => {
            let owners: Vec<String> = owners.iter().map(shown).collect();
            format!(" holders={}", owners.join(","))
        }
        ("reason", Value::String(reason)) => format!(" reason={reason:?}"),
        _ => format!(" {key}={}", shown(value)),
    }
}

/// A JSON value without the quotes of a text.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
