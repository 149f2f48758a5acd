//! Results and errors as a client gets them: the fields as structured content, and beside them a few lines of
//! text, not the same JSON once more. What an error means is the exit code's word; what is said is the command's.
//!
//! No tool has an output schema. Most clients give a model one of the two forms, so each has what a model acts on
//! (`docs/decisions/0042-a-text-beside-the-fields.md`).

use super::{call::McpCallStopReason, command_line::McpCommandResult, next_step, plain_text};
use crate::printable;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde_json::Value;
use std::io;

/// The outcome of an operation.
pub(super) type ToolAnswer = Result<ToolResult, Box<ToolError>>;

/// The result of an operation.
#[derive(Debug)]
pub(super) struct ToolResult {
    fields: JsonObject,
    /// The same for a reader: a few lines.
    text: String,
}

/// An error of an operation.
#[derive(Debug, Default)]
pub(super) struct ToolError {
    /// The exit code of the command, or the one that it would have had.
    code: i32,
    /// What failed, in one line.
    error: String,
    /// The waits of a deadlock, one line each.
    cycle: Vec<String>,
    /// The differences from a pin, one line each.
    drift: Vec<String>,
    /// What else is known.
    fields: JsonObject,
    /// The next step, if it does not follow from the code.
    next: Option<&'static str>,
}

/// The result of a tool, as its client gets it.
pub(super) fn result_of(tool: &str, answer: ToolAnswer) -> CallToolResult {
    match answer {
        Ok(ToolResult { fields, text }) => {
            let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
            result.structured_content = Some(Value::Object(fields));
            result
        }
        Err(error) => error_of(tool, *error),
    }
}

/// The result for an error. What failed comes first and the next step last, whatever is between them.
fn error_of(tool: &str, error: ToolError) -> CallToolResult {
    let ToolError { code, error, cycle, drift, fields, next } = error;
    let next = next.unwrap_or_else(|| next_step::after(tool, code, &fields));
    let told = |label: &str, text: &str| format!("{label}: {}", printable::line(text));
    let mut text = vec![told("error", &error)];
    text.extend(drift.iter().map(|row| told("drift", row)));
    text.extend(cycle.iter().map(|row| told("cycle", row)));
    text.extend(plain_text::output(&fields));
    text.push(told("next", next));
    let mut all = JsonObject::from_iter([
        ("status".to_owned(), fields.get("status").cloned().unwrap_or_else(|| "error".into())),
        ("exit_code".to_owned(), code.into()),
        ("error".to_owned(), error.into()),
    ]);
    if !cycle.is_empty() {
        all.insert("cycle".to_owned(), cycle.into());
    }
    // Hints are for people at a command line; the next step is for an agent.
    for (name, value) in fields.into_iter().filter(|(name, _)| name != "hints") {
        all.entry(name).or_insert(value);
    }
    all.shift_remove("next");
    all.insert("next".to_owned(), next.into());
    let mut result = CallToolResult::error(vec![ContentBlock::text(text.join("\n"))]);
    result.structured_content = Some(Value::Object(all));
    result
}

/// A result, with its lines of text.
pub(super) fn done(fields: JsonObject, text: impl FnOnce(&JsonObject) -> String) -> ToolResult {
    let text = text(&fields);
    ToolResult { fields, text }
}

/// An error of a command, with its other output as JSON. The command's hints are for people at a command line; an
/// agent gets a next step instead.
///
/// The error is taken from the command's JSON, else from the last `error:` line on stderr. What the
/// guarded command itself wrote to stderr stays in the field `stderr`, without lokt's own last
/// lines. Exit code 0 is an error here too: the output was too long to be read as JSON.
pub(super) fn failed<T>(
    ended: &McpCommandResult,
    mut fields: JsonObject,
) -> Result<T, Box<ToolError>> {
    let code = ended.code.filter(|code| *code != 0).unwrap_or(1);
    let text = ended.err.text();
    let told = last_words(&text);
    let (error, next) = match ended.stopped {
        Some(McpCallStopReason::Cancelled) => ("the call was cancelled".to_owned(), None),
        Some(McpCallStopReason::Ended) => {
            ("the connection has ended".to_owned(), Some(next_step::ENDED))
        }
        None if ended.code == Some(0) => {
            ("the answer is too long to be given".to_owned(), Some(next_step::TOO_LONG))
        }
        None => {
            let given = fields.get("error").and_then(Value::as_str).map(str::to_owned);
            let said = || lines(told, "error: ").pop().unwrap_or_else(|| text.trim().to_owned());
            (in_arguments(code, given.unwrap_or_else(said)), None)
        }
    };
    if ended.stopped.is_none()
        && let Some(Value::String(stderr)) = fields.get_mut("stderr")
    {
        stderr.truncate(end_of_command(stderr));
    }
    let cycle = if code == DEADLOCK { waits(told) } else { Vec::new() };
    let drift = lines(told, "drift: ");
    Err(Box::new(ToolError { code, error, cycle, drift, fields, next }))
}

/// Flags that an error of a command may name, and the arguments of tools that they come from.
const FLAGS: [(&str, &str); 4] = [
    ("--max-hold", "max_hold"),
    ("--input", "inputs"),
    ("--params", "params"),
    ("--timeout", "timeout"),
];

/// An error of wrong usage, or of a time limit, with the argument in place of the flag. Other errors quote the commands
/// of others, which stay as they are.
fn in_arguments(code: i32, error: String) -> String {
    if !matches!(code, USAGE | TIME_LIMIT) {
        return error;
    }
    let named = |error: String, (flag, argument): (&str, &str)| {
        error.replace(flag, &format!("{argument:?}"))
    };
    FLAGS.into_iter().fold(error, named)
}

/// The exit code of wrong usage.
const USAGE: i32 = 64;
/// The exit code of a time limit that has passed.
const TIME_LIMIT: i32 = 124;

/// The waits that form a circle: the hints of a deadlock, without the remedy for people.
fn waits(told: &str) -> Vec<String> {
    lines(told, "hint: ").into_iter().filter(|it| it.contains(" waits for ")).collect()
}

/// The exit code of a deadlock. Its hints are the waits that form the circle, and a remedy.
const DEADLOCK: i32 = 7;

impl ToolError {
    /// The same error with another next step.
    pub(super) fn with_next(self, next: &'static str) -> Self {
        Self { next: Some(next), ..self }
    }
}

/// An error that does not come from a command.
pub(super) fn broken<T>(error: &io::Error) -> Result<T, Box<ToolError>> {
    if error.kind() == io::ErrorKind::ArgumentListTooLong {
        return unfit("the arguments are too long together: the system limits a command line");
    }
    let error = format!("cannot run lokt: {error}");
    Err(Box::new(ToolError { code: 1, error, ..ToolError::default() }))
}

/// Arguments that do not fit.
///
/// The exit code is that of wrong usage; nothing was started.
pub(super) fn unfit<T>(error: &str) -> Result<T, Box<ToolError>> {
    let error = error.to_owned();
    Err(Box::new(ToolError { code: 64, error, ..ToolError::default() }))
}

/// The text on stderr from the last error on: earlier text may be from a command that prints in the same
/// format.
fn last_words(text: &str) -> &str {
    let at = text.rfind("\nerror: ").map_or(0, |at| at + 1);
    text.get(at..).unwrap_or_default()
}

/// How long the part of stderr is before Lokt's own last words: its error, and then nothing but what belongs to it.
fn end_of_command(stderr: &str) -> usize {
    let told = last_words(stderr);
    let belongs = |line: &str| line.starts_with("hint: ") || line.starts_with("drift: ");
    let is_of_lokt = told.starts_with("error: ") && told.lines().skip(1).all(belongs);
    if is_of_lokt { stderr.len() - told.len() } else { stderr.len() }
}

/// The texts of the lines of one kind.
fn lines(text: &str, label: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix(label)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_command_says_in_the_same_way_is_not_taken_for_an_error_of_lokt() {
        let text = "error: of gcc\nhint: of git\nerror: the command ran for longer\nhint: less\n";
        let told = last_words(text);
        assert_eq!(lines(told, "error: "), ["the command ran for longer"]);
        assert_eq!(lines(told, "hint: "), ["less"]);
        assert_eq!(last_words("error: one\nhint: two"), "error: one\nhint: two");
        assert_eq!(lines(last_words("said otherwise"), "error: "), [""; 0]);
        assert_eq!(end_of_command(text), text.find("error: the").unwrap());
        assert_eq!(end_of_command("error: held\nhint: wait\n"), 0, "there was no command");
        assert_eq!(end_of_command("error: of gcc\nmore"), 18, "lokt ends with its own lines");
    }

    #[test]
    fn an_argument_is_named_by_its_own_name_and_a_command_of_another_stays_as_it_is() {
        let told = |code, text: &str| in_arguments(code, text.to_owned());
        assert_eq!(told(64, "--input x* matches no file"), "\"inputs\" x* matches no file");
        assert_eq!(
            told(124, "it ran for longer than --max-hold"),
            "it ran for longer than \"max_hold\""
        );
        assert_eq!(told(2, "held, running: x --timeout 5"), "held, running: x --timeout 5");
    }

    #[test]
    fn an_error_begins_with_what_failed_and_ends_with_one_next_step() {
        let fields = json!({"next": "of another", "status": "blocked", "error": "x", "name": "n",
            "stdout": "next: unlock it\n"});
        let fields = fields.as_object().cloned().unwrap();
        let error = ToolError { code: 2, error: "held".to_owned(), fields, ..ToolError::default() };
        let result = result_of("lock", Err(Box::new(error)));
        assert_eq!(result.is_error, Some(true));
        let told = result.structured_content.unwrap();
        let keys: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["status", "exit_code", "error", "name", "stdout", "next"]);
        assert_eq!((&told["status"], &told["error"]), (&json!("blocked"), &json!("held")));
        assert_ne!(told["next"], "of another");
        let [content] = result.content.as_slice() else { unreachable!("one text") };
        let text: Vec<&str> = content.as_text().unwrap().text.lines().collect();
        assert_eq!(text.first(), Some(&"error: held"));
        let next = format!("next: {}", told["next"].as_str().unwrap());
        assert_eq!(text.last(), Some(&next.as_str()), "whatever a command wrote is before it");
    }
}
