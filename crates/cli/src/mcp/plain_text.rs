//! Results as a few lines of text, for clients that give a model only the text of a result. The structured result
//! has all fields; the text has what a reader needs of them.

use crate::{printable, view};
use lokt_lock::audit::AuditLogLine;
use rmcp::model::JsonObject;
use serde_json::Value;

/// A lease that was taken or renewed.
///
/// All that ends it is named; for a renewed lease, also its end before.
pub(super) fn lease(fields: &JsonObject) -> String {
    let renewed = fields.contains_key("renewed");
    let mut ends = vec!["unlock"];
    ends.extend(text_of(fields, "expires_at"));
    if text_of(fields, "until") == Some("connection") {
        ends.push("the end of this connection");
    }
    let verb = if renewed { "renewed" } else { "acquired" };
    let mut lines = vec![format!("{verb} lock {}, until {}", name(fields), ends.join(" or "))];
    if renewed {
        let before = text_of(fields, "previous_expires_at").unwrap_or("no end");
        lines.push(format!("before: {before}"));
    }
    for key in ["note", "next"] {
        lines.extend(text_of(fields, key).map(|text| format!("{key}: {text}")));
    }
    joined(&lines)
}

/// Paths that were reserved, or whose reservation was extended.
pub(super) fn reserved(fields: &JsonObject) -> String {
    let is_extended = fields.get("extended") == Some(&true.into());
    let verb = if is_extended { "extended the reservation of" } else { "reserved" };
    let mut ends = vec!["unreserve"];
    ends.extend(text_of(fields, "expires_at"));
    ends.push("the end of this connection");
    joined(&[format!("{verb} {}, until {}", patterns(fields), ends.join(" or "))])
}

/// Paths that were given back, a line for each reservation.
pub(super) fn given_back(fields: &JsonObject) -> String {
    let parts = fields.get("released").and_then(Value::as_array).into_iter().flatten();
    let told = |part: &Value| {
        let list = |key: &str| texts(part.get(key));
        let rest = list("rest");
        let rest = if rest.is_empty() { rest } else { format!("; {rest} stays reserved") };
        format!("gave back {}{rest}", list("given_back"))
    };
    joined(&parts.map(told).collect::<Vec<_>>())
}

/// Reservations, one in a line.
pub(super) fn reservations(fields: &JsonObject) -> String {
    let all = fields.get("reservations").and_then(Value::as_array).into_iter().flatten();
    let told = |record: &JsonObject| {
        let is_mine = record.get("mine") == Some(&true.into());
        let who = if is_mine { "you".to_owned() } else { reserving(record) };
        let end = text_of(record, "expires_at").map(|it| format!(" until {it}"));
        let reason = text_of(record, "reason").map(|it| format!(": {it}"));
        let more = [end, reason].into_iter().flatten().collect::<String>();
        format!("{} is reserved by {who}{more}", patterns(record))
    };
    let lines: Vec<String> = all.filter_map(Value::as_object).map(told).collect();
    if lines.is_empty() {
        return "nothing is reserved".to_owned();
    }
    joined(&lines)
}

/// The owner of a reservation, and its agent: `ada (agent-1)`.
fn reserving(record: &JsonObject) -> String {
    let owner = text_of(record, "owner").unwrap_or_default();
    text_of(record, "agent_id").map_or_else(|| owner.to_owned(), |it| format!("{owner} ({it})"))
}

fn patterns(fields: &JsonObject) -> String {
    texts(fields.get("patterns"))
}

/// Texts in quotes, with commas between them.
fn texts(list: Option<&Value>) -> String {
    let all = list.and_then(Value::as_array).into_iter().flatten();
    all.map(Value::to_string).collect::<Vec<_>>().join(", ")
}

/// Names that are free now.
pub(super) fn freed(fields: &JsonObject) -> String {
    let Some(names) = fields.get("released") else {
        return joined(&[format!("unfroze {}", name(fields))]);
    };
    let guards = fields.get("guards").and_then(Value::as_array).into_iter().flatten();
    let guard = |guard: &JsonObject| {
        let pid = guard.get("pid").map(Value::to_string).unwrap_or_default();
        let runs = guard.get("command").map(words).unwrap_or_default();
        match text_of(guard, "pid_status") {
            Some("dead") => {
                format!("its guard (pid {pid}) is gone, and nothing stops what is left of: {runs}")
            }
            _ => format!(
                "its guard (pid {pid}) notices that and stops, unless it only warns: {runs}"
            ),
        }
    };
    let mut lines = vec![format!("unlocked {}", words(names))];
    lines.extend(guards.filter_map(Value::as_object).map(guard));
    joined(&lines)
}

/// Locks, one in a line.
pub(super) fn status(locks: &[Value]) -> String {
    let lines: Vec<String> = locks.iter().filter_map(Value::as_object).map(entry).collect();
    if lines.is_empty() {
        return "nothing is held, waited for or frozen".to_owned();
    }
    joined(&lines)
}

/// One lock: its state, its holders, what runs, how many wait.
fn entry(lock: &JsonObject) -> String {
    let mut line = format!("{} is {}", name(lock), text_of(lock, "state").unwrap_or("unknown"));
    let others = lock.get("co_holders").and_then(Value::as_array).into_iter().flatten();
    let holders: Vec<String> = std::iter::once(lock)
        .chain(others.filter_map(Value::as_object))
        .filter_map(holder)
        .collect();
    if !holders.is_empty() {
        line = format!("{line} by {}", holders.join(" and "));
    }
    let frozen = lock.get("frozen").and_then(Value::as_object);
    for (label, value) in [
        (", running: ", lock.get("command").map(words)),
        (", metadata: ", lock.get("metadata").map(Value::to_string)),
        (", waiters: ", lock.get("waiters").filter(|it| **it != 0).map(Value::to_string)),
        (", frozen until ", frozen.and_then(|it| text_of(it, "expires_at")).map(str::to_owned)),
        (", error: ", text_of(lock, "error").map(str::to_owned)),
    ] {
        line.extend(value.into_iter().flat_map(|value| [label.to_owned(), value]));
    }
    line
}

/// A holder: `ada (agent-1, pid 7) until 2026-02-01T10:00:00Z`.
fn holder(record: &JsonObject) -> Option<String> {
    let owner = text_of(record, "owner")?;
    let agent = text_of(record, "agent_id").map(|it| format!("{it}, ")).unwrap_or_default();
    let pid = record.get("pid").map_or_else(|| "unknown".to_owned(), Value::to_string);
    let end = text_of(record, "expires_at").map(|end| format!(" until {end}")).unwrap_or_default();
    Some(format!("{owner} ({agent}pid {pid}){end}"))
}

/// Why a lock can or cannot be taken.
pub(super) fn explanation(fields: &JsonObject) -> String {
    let status = text_of(fields, "status").unwrap_or_default();
    let mut lines = vec![format!("{} is {status}", name(fields))];
    let reasons = fields.get("reasons").and_then(Value::as_array).into_iter().flatten();
    let told = |reason: &Value| {
        let part =
            |key: &str| reason.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        format!("{}: {}", part("type"), part("message"))
    };
    lines.extend(reasons.map(told));
    lines.extend(text_of(fields, "next").map(|next| format!("next: {next}")));
    joined(&lines)
}

/// Events, one in a line.
pub(super) fn events(fields: &JsonObject) -> String {
    let events = fields.get("events").and_then(Value::as_array).into_iter().flatten();
    let told = |it: &JsonObject| view::event::text(&AuditLogLine::Event(it.clone()));
    let mut lines: Vec<String> = events.filter_map(Value::as_object).map(told).collect();
    if lines.is_empty() {
        lines.push("no event matches".to_owned());
    }
    if fields.get("truncated") == Some(&true.into()) {
        lines.insert(0, "(there are earlier events)".to_owned());
    }
    joined(&lines)
}

/// What a command wrote, after its exit code.
pub(super) fn run(fields: &JsonObject) -> String {
    let code = fields.get("exit_code").map(Value::to_string).unwrap_or_default();
    let mut lines = vec![format!("exit code {code}")];
    lines.extend(output(fields));
    lines.join("\n")
}

/// The lines of a command's outputs that are not empty, each output after a line with its name.
pub(super) fn output(fields: &JsonObject) -> Vec<String> {
    let outputs = ["stdout", "stderr"].map(|key| (key, text_of(fields, key).unwrap_or_default()));
    let written = outputs.into_iter().filter(|(_, text)| !text.is_empty());
    written.flat_map(|(key, text)| [format!("{key}:"), tabulated(text)]).collect()
}

/// The result of a tool: its data, or what it wrote.
pub(super) fn tool(fields: &JsonObject) -> String {
    let result = fields.get("result").and_then(Value::as_object);
    let data = fields.get("data").filter(|it| !it.is_null());
    match (data, result) {
        (Some(Value::String(text)), _) => tabulated(text),
        (Some(data), _) => printable::json(&data.to_string()).into_owned(),
        (None, Some(result)) => output(result).join("\n"),
        (None, None) => text_of(fields, "status").unwrap_or_default().to_owned(),
    }
}

/// A text of several lines in which every character is seen. Tabs stay: programs align their output by them.
fn tabulated(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(printable::line).collect::<Vec<_>>().join("\t");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Lines as one text in which every character is seen.
fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| printable::line(line)).collect::<Vec<_>>().join("\n")
}

fn text_of<'a>(fields: &'a JsonObject, key: &str) -> Option<&'a str> {
    fields.get(key)?.as_str()
}

/// The lock's name in quotes.
fn name(fields: &JsonObject) -> String {
    format!("{:?}", text_of(fields, "name").unwrap_or_default())
}

/// Texts in a list, as a person would type them.
fn words(list: &Value) -> String {
    let words = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    view::command_line(&words.map(str::to_owned).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: &Value) -> JsonObject {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_lease_says_all_its_ends_and_those_before() {
        let taken = fields(&json!({"name": "x", "until": "connection"}));
        assert_eq!(
            lease(&taken),
            "acquired lock \"x\", until unlock or the end of this connection"
        );
        let renewed = json!({"name": "x", "until": "unlock", "renewed": true, "expires_at": "T2",
            "previous_expires_at": "T1", "note": "N"});
        let expected = "renewed lock \"x\", until unlock or T2\nbefore: T1\nnote: N";
        assert_eq!(lease(&fields(&renewed)), expected);
    }

    #[test]
    fn a_status_has_a_line_for_each_lock() {
        let lock = json!({"name": "x", "state": "held", "owner": "ada\n", "agent_id": "a1", "pid": 7,
            "expires_at": "T", "command": ["make", "a b"], "metadata": {"k": 1}, "waiters": 2,
            "co_holders": [{"owner": "bob", "pid": 8}]});
        let expected = "\"x\" is held by ada\\n (a1, pid 7) until T and bob (pid 8), \
            running: make 'a b', metadata: {\"k\":1}, waiters: 2";
        assert_eq!(status(&[lock]), expected);
        assert_eq!(
            status(&[json!({"name": "x", "state": "waiting", "waiters": 0})]),
            "\"x\" is waiting"
        );
        assert_eq!(status(&[]), "nothing is held, waited for or frozen");
    }

    #[test]
    fn a_command_shows_its_exit_code_before_what_it_wrote() {
        let done = json!({"exit_code": 7, "stdout": "a\tb\u{1b}[1m\nexit code 0\n", "stderr": ""});
        assert_eq!(run(&fields(&done)), "exit code 7\nstdout:\na\tb\\u{1b}[1m\nexit code 0");
        assert_eq!(
            run(&fields(&json!({"exit_code": 0, "stdout": "", "stderr": ""}))),
            "exit code 0"
        );
    }

    #[test]
    fn a_tool_shows_its_data_or_what_it_wrote() {
        assert_eq!(tool(&fields(&json!({"data": {"a": "\u{202e}"}}))), r#"{"a":"\u202e"}"#);
        assert_eq!(tool(&fields(&json!({"data": "a\nb"}))), "a\nb");
        assert_eq!(tool(&fields(&json!({"result": {"stdout": "out\n"}}))), "stdout:\nout");
    }
}
