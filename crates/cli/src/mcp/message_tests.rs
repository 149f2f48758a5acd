use super::*;
use proptest::prelude::*;
use serde_json::json;

/// A line's kind, with the id and the code of what is refused.
fn told(line: &str) -> String {
    match McpClientMessage::read(line.as_bytes()) {
        McpClientMessage::Nothing => "nothing".to_owned(),
        McpClientMessage::Request(id, request) => {
            format!("request {} {}", id.as_json(), request.method())
        }
        McpClientMessage::Cancellation(id, reason) => {
            format!("cancellation {} {reason:?}", id.as_json())
        }
        McpClientMessage::Notification(_) => "notification".to_owned(),
        McpClientMessage::Batch(members) => format!("batch of {}", members.len()),
        McpClientMessage::Refused(McpMessageRefusal { id, error }) => {
            format!("{} for {}", error.code.0, id.as_ref().map_or("null", McpRequestId::as_json))
        }
        McpClientMessage::Ignored(_) => "ignored".to_owned(),
    }
}

#[test]
fn a_line_is_what_the_protocol_says() {
    for (line, kind) in [
        ("", "nothing"),
        ("\u{feff} \t\r", "nothing"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "request 1 ping"),
        (r#"{"jsonrpc":"2.0","id":"1","method":"ping","params":null}"#, "request \"1\" ping"),
        (r#"{"jsonrpc":"2.0","id":1e3,"method":"tools/list","x":5}"#, "request 1e+3 tools/list"),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, "request 2 ping"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#,
            "request 1 tools/call",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":[]}}"#,
            "-32602 for 1",
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, "-32602 for 1"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, "-32602 for 1"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":5}}"#,
            "-32602 for 1",
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{}}"#, "-32601 for 1"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[]}"#, "-32602 for 1"),
        (r#"{"jsonrpc":2.0,"id":1,"method":"x"}"#, "-32600 for 1"),
        (r#"{"jsonrpc":"2.0","id":true,"method":"x"}"#, "-32600 for null"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","error":1}"#, "-32600 for 1"),
        (r#"{"jsonrpc":"2.0","id":1,"method":["x"]}"#, "-32600 for 1"),
        (r#"{"jsonrpc":"2.0","method":1}"#, "-32600 for null"),
        (r#"{"jsonrpc":"2.0","id":1}"#, "-32600 for 1"),
        (r#"{"jsonrpc":"2.0","id":1,"result":5}"#, "ignored"),
        (r#"{"id":[],"error":5}"#, "ignored"),
        (r#"{"jsonrpc":"2.0","method":"ping"}"#, "ignored"),
        (r#"{"method":"notifications/initialized"}"#, "ignored"),
        (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, "notification"),
        (r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":[]}"#, "ignored"),
        (r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#, "ignored"),
        (r#"{"jsonrpc":"2.0","method":"notifications/x"}"#, "nothing"),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a","reason":"b"}}"#,
            r#"cancellation "a" Some("b")"#,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}"#,
            "ignored",
        ),
        (r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#, "ignored"),
        (r#"[{"id":1},5,[[]]]"#, "batch of 3"),
        ("[]", "-32600 for null"),
        ("0", "-32600 for null"),
        ("{\"id\":1,\u{0}", "-32700 for 1"),
        (r#"{"x":"\ud83d","id":1}"#, "-32700 for 1"),
    ] {
        assert_eq!(told(line), kind, "{line}");
    }
}

#[test]
fn a_batch_has_an_end() {
    assert_eq!(told(&json!(vec![0; 100]).to_string()), "batch of 100");
    assert_eq!(told(&json!(vec![0; 101]).to_string()), "-32600 for null");
}

#[test]
fn what_an_error_repeats_is_short_and_harmless() {
    let method = format!("\u{202e}\u{1b}[2J{}", "x".repeat(1000));
    let line = json!({"jsonrpc": "2.0", "id": 1, "method": method}).to_string();
    let McpClientMessage::Refused(refusal) = McpClientMessage::read(line.as_bytes()) else {
        panic!("it is unknown")
    };
    let text = refusal.error.message;
    assert!(text.len() < 150 && text.starts_with("unknown method \"\\u{202e}\\u{1b}[2J"), "{text}");
}

/// Members of a message, fitting or not.
fn members() -> impl Strategy<Value = Value> {
    let values = || {
        prop::sample::select(vec![
            json!("2.0"),
            json!("ping"),
            json!("tools/call"),
            json!("notifications/cancelled"),
            json!(7),
            json!("a"),
            json!(null),
            json!({}),
            json!([]),
            json!({"name": "x"}),
            json!({"requestId": 1}),
        ])
    };
    let names =
        prop::sample::select(vec!["jsonrpc", "id", "method", "params", "result", "error", "x"]);
    proptest::collection::vec((names, values()), 0..7)
        .prop_map(|members| members.into_iter().map(|(name, it)| (name.to_owned(), it)).collect())
}

proptest! {
    /// A request is answered with its id, a notification and an answer are not answered, all else is refused.
    #[test]
    fn of_a_message_it_is_certain_whether_and_with_which_id_it_is_answered(value in members()) {
        let id = value.get("id").and_then(McpRequestId::new);
        let is_method = value.get("method").is_some_and(Value::is_string);
        let is_answer = value.get("result").or(value.get("error")).is_some();
        match McpClientMessage::read(value.to_string().as_bytes()) {
            McpClientMessage::Request(given, _) => prop_assert_eq!(Some(given), id, "{}", value),
            McpClientMessage::Refused(refusal) => {
                prop_assert_eq!(refusal.id, id, "{}", value);
                let is_notification = is_method && value.get("id").is_none();
                let is_bare_answer = value.get("method").is_none() && is_answer;
                prop_assert!(!is_notification && !is_bare_answer, "not to be answered: {}", value);
            }
            McpClientMessage::Batch(_) => prop_assert!(false, "no list: {}", value),
            _ => prop_assert!(
                (is_method && value.get("id").is_none()) || (value.get("method").is_none() && is_answer),
                "to be answered: {}", value
            ),
        }
    }

    /// What cannot be parsed is refused, and nothing makes the reader fail.
    #[test]
    fn any_bytes_are_a_message_or_refused(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        let is_json = serde_json::from_slice::<Value>(line.trim_ascii()).is_ok();
        if let McpClientMessage::Request(..) | McpClientMessage::Notification(_) | McpClientMessage::Batch(_) = McpClientMessage::read(&line) {
            prop_assert!(is_json);
        }
    }

    /// One byte of a request is replaced: it is answered with an error or served, never dropped; unless it
    /// became a notification, as its id has another name now.
    #[test]
    fn a_request_with_a_wrong_byte_is_not_dropped(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let whole = r#"{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"x"}}"#;
        let mut line = whole.as_bytes().to_vec();
        *at.get_mut(&mut line[..]) = byte;
        let is_intact = line.windows(7).any(|it| it == br#","id":7"#);
        match McpClientMessage::read(&line) {
            McpClientMessage::Request(..) | McpClientMessage::Refused(_) => {}
            other => prop_assert!(!is_intact, "{} is {:?}", String::from_utf8_lossy(&line), other),
        }
    }
}
