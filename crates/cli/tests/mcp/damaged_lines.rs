//! Hundreds of damaged lines: after each, the next request is answered, and no request is answered twice.

use crate::{client::Client, sandbox};
use proptest::{
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use std::collections::HashMap;

const LINES: usize = 400;

/// The lines that are damaged.
fn whole() -> impl Strategy<Value = String> {
    let method =
        select(vec!["ping", "tools/list", "tools/call", "initialize", "no/such", "", "\u{202e}"]);
    let params = select(vec![
        json!({}),
        json!({"name": "why", "arguments": {"name": "x"}}),
        json!({"name": "why", "arguments": {"name": "\u{1f600}", "a": [1e300, -0.0, 1]}}),
        json!({"name": "why"}),
        json!({"requestId": 3}),
        json!([1, [2, {"id": 3}]]),
        Value::Null,
    ]);
    let id = prop_oneof![(0..1000u32).prop_map(Value::from), "[a-c]".prop_map(Value::from)];
    (method, params, id).prop_map(|(method, params, id)| {
        json!({"jsonrpc": "2.0", "method": method, "params": params, "id": id}).to_string()
    })
}

/// The bytes that are inserted.
fn damage() -> impl Strategy<Value = String> {
    let nested = "[".repeat(300);
    let texts = [
        "\"", "\\", "{", "}", "[", "]", ",", ":", "\u{0}", "\\ud83d", "\u{feff}", "\r", "1e999",
        "null",
    ];
    let texts: Vec<_> =
        texts.into_iter().map(str::to_owned).chain([nested, "x".repeat(9000)]).collect();
    select(texts)
}

/// A line with damage at some places: bytes are inserted or removed.
fn damaged() -> impl Strategy<Value = String> {
    let changes = proptest::collection::vec((any::<Index>(), 0..3usize, damage()), 0..3);
    (whole(), changes).prop_map(|(line, changes)| {
        let mut line: Vec<char> = line.chars().collect();
        for (place, cut, text) in changes {
            let from = place.index(line.len() + 1);
            let to = (from + cut).min(line.len());
            line.splice(from..to, text.chars());
        }
        line.into_iter().collect()
    })
}

/// The id of a line that is certainly a request.
fn id_of_request(line: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line.trim_start_matches('\u{feff}').trim()).ok()?;
    let is_request =
        value["method"].is_string() && (value["id"].is_string() || value["id"].is_number());
    is_request.then(|| value["id"].to_string())
}

/// The number of answers with each id among some lines.
fn counted(lines: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for line in lines.lines() {
        let answer: Value = serde_json::from_str(line).expect("every line is JSON");
        *counts.entry(answer["id"].to_string()).or_default() += 1;
    }
    counts
}

#[test]
fn after_each_of_many_damaged_lines_a_request_is_answered_and_none_twice() {
    let it = sandbox();
    let mut client = Client::connected(&it);
    let mut runner = TestRunner::default();
    let mut requests: HashMap<String, usize> = HashMap::new();
    for count in 0..LINES {
        let text = damaged().new_tree(&mut runner).unwrap().current();
        if let Some(id) = id_of_request(&text) {
            *requests.entry(id).or_default() += 1;
        }
        client.write(&text);
        let ping = format!("ping {count}");
        client.write(&json!({"jsonrpc": "2.0", "id": ping, "method": "ping"}).to_string());
        let answer = client.answer_to(&json!(ping));
        assert_eq!(answer["result"], json!({}), "after {text:?}");
    }
    assert_eq!(client.call("lock", &json!({"name": "x"}))["status"], "acquired");
    let done = client.server.release().ok();
    let answers = counted(&done.out);
    for (id, count) in requests.iter().filter(|(id, _)| !["1", "2"].contains(&id.as_str())) {
        let answered = answers.get(id).copied().unwrap_or_default();
        assert!(answered >= *count, "{id} was asked {count} times, answered {answered} times");
    }
    let total: usize = answers.values().sum();
    assert!(total <= 2 * LINES + 2, "at most one answer for each line");
}
