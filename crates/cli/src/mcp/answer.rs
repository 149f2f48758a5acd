//! Results and errors as a client gets them. What an error means is the exit code's word; what is said is
//! the command's.

use super::{call::McpCallStopReason, command_line::McpCommandResult};
use crate::printable;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde_json::Value;
use std::io;

/// The outcome of an operation, as its client gets it.
pub(super) type ToolAnswer = CallToolResult;

/// A result, as JSON and as the same JSON in a text, for clients that read only that.
pub(super) fn done(fields: JsonObject) -> ToolAnswer {
    let fields = Value::Object(fields);
    // What an agent reads as a text must not have anything in it that people do not see.
    let text = printable::json(&fields.to_string()).into_owned();
    let mut answer = CallToolResult::structured(fields);
    answer.content = vec![ContentBlock::text(text)];
    answer
}

/// An error of a command, with its other output as JSON.
pub(super) fn failed(ended: &McpCommandResult, fields: JsonObject) -> ToolAnswer {
    let code = ended.code.filter(|code| *code != 0).unwrap_or(1);
    let text = ended.err.text();
    let told = last_words(&text);
    let error = match ended.stopped {
        Some(McpCallStopReason::Cancelled) => "the call was cancelled".to_owned(),
        Some(McpCallStopReason::Ended) => "the connection has ended".to_owned(),
        None if ended.code == Some(0) => "the answer is too long to be given".to_owned(),
        None => fields.get("error").and_then(Value::as_str).map_or_else(
            || lines(told, "error: ").pop().unwrap_or_else(|| text.trim().to_owned()),
            str::to_owned,
        ),
    };
    let hints = lines(told, "hint: ");
    let drift = lines(told, "drift: ");
    refusal(McpErrorAnswer { code, error, drift, hints, fields })
}

/// An error that does not come from a command.
pub(super) fn broken(error: &io::Error) -> ToolAnswer {
    match error.kind() {
        io::ErrorKind::ArgumentListTooLong => {
            return unfit("the arguments are too long: the system limit is 128 KiB for each");
        }
        io::ErrorKind::InvalidInput => return unfit("the arguments contain a NUL byte"),
        _ => {}
    }
    let error = format!("cannot run lokt: {error}");
    refusal(McpErrorAnswer { code: 1, error, ..McpErrorAnswer::default() })
}

/// Arguments that do not fit.
pub(super) fn unfit(error: &str) -> ToolAnswer {
    let error = error.to_owned();
    refusal(McpErrorAnswer { code: 64, error, ..McpErrorAnswer::default() })
}

/// The answer for an error.
#[derive(Default)]
struct McpErrorAnswer {
    code: i32,
    error: String,
    drift: Vec<String>,
    hints: Vec<String>,
    fields: JsonObject,
}

fn refusal(refusal: McpErrorAnswer) -> ToolAnswer {
    let McpErrorAnswer { code, error, drift, hints, mut fields } = refusal;
    let told = |label: &str, text: &str| format!("{label}: {}", printable::line(text));
    let mut text = vec![told("error", &error)];
    text.extend(drift.iter().map(|row| told("drift", row)));
    text.extend(hints.iter().map(|hint| told("hint", hint)));
    fields.entry("status").or_insert_with(|| "error".into());
    fields.insert("exit_code".to_owned(), code.into());
    fields.insert("error".to_owned(), error.into());
    fields.insert("hints".to_owned(), hints.into());
    let is_frozen = fields.get("reason").is_some_and(|it| it == "frozen");
    let is_own = !is_frozen && fields.get("holder_mine") == Some(&Value::Bool(true));
    let next = if is_own { Some(OWN) } else { next(code, has_waited(&fields)) };
    if let Some(next) = next {
        text.push(told("next", next));
        fields.insert("next".to_owned(), next.into());
    }
    let mut answer = CallToolResult::error(vec![ContentBlock::text(text.join("\n"))]);
    answer.structured_content = Some(Value::Object(fields));
    answer
}

/// What an agent should do where it holds the lock itself.
const OWN: &str = "you hold it yourself: go on with your work. release unlocks a lease, and run_guarded runs a command under it; a \
    guard ends with its command";

/// Whether a refusal came after a wait.
fn has_waited(fields: &JsonObject) -> bool {
    let is = |key: &str, value: &str| fields.get(key).is_some_and(|it| it == value);
    is("outcome", "timed_out") || (is("status", "blocked") && fields.contains_key("waited_ms"))
}

/// What an agent should do after an error of this kind.
fn next(code: i32, has_waited: bool) -> Option<&'static str> {
    Some(match code {
        2 if has_waited => {
            "do other work and come back, or call it again with a longer timeout; each call gives up its queue position. Do not force it"
        }
        2 => {
            "do other work and come back, or call it again with \"wait\": true to wait in the queue; why shows more. Do not force it"
        }
        3 => "nothing has this name; nothing was done",
        4 => {
            "it is not yours: leave it, and do other work. why shows who holds it and for how long"
        }
        5 => {
            "nothing ran. What differs is for a person to look at: do not sign, trust or pin it yourself"
        }
        6 => {
            "the lock was taken away and the command stopped: look at what it left half done before you run it again"
        }
        7 => "release what you hold, then ask for all names in one call",
        64 => "fix the arguments and retry",
        124 => "it was stopped because its time was up: give it more time, or run less",
        126 | 127 => "nothing ran: fix the command",
        _ => return None,
    })
}

/// The text on stderr from the last error on: earlier text may be from a command that prints in the same
/// format.
fn last_words(text: &str) -> &str {
    let at = text.rfind("\nerror: ").map_or(0, |at| at + 1);
    text.get(at..).unwrap_or_default()
}

/// The texts of the lines of one kind.
fn lines(text: &str, label: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix(label)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_says_in_the_same_way_is_not_taken_for_an_error_of_lokt() {
        let text = "error: of gcc\nhint: of git\nerror: the command ran for longer\nhint: less\n";
        let told = last_words(text);
        assert_eq!(lines(told, "error: "), ["the command ran for longer"]);
        assert_eq!(lines(told, "hint: "), ["less"]);
        assert_eq!(last_words("error: one\nhint: two"), "error: one\nhint: two");
        assert_eq!(lines(last_words("said otherwise"), "error: "), [""; 0]);
    }

    #[test]
    fn a_refusal_says_what_to_do_next_also_after_a_wait() {
        let fields = |text| serde_json::from_str::<JsonObject>(text).unwrap();
        assert!(has_waited(&fields(r#"{"status": "blocked", "waited_ms": 7}"#)));
        assert!(has_waited(&fields(r#"{"outcome": "timed_out"}"#)));
        // A guard says how long it waited also where it did not.
        assert!(!has_waited(&fields(r#"{"outcome": "denied", "waited_ms": 0}"#)));
        assert_ne!(next(2, true), next(2, false));
    }
}
