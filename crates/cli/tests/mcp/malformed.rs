//! What is no request, or none that means anything, harms nobody.

use crate::{line::Line, sandbox};
use serde_json::json;

/// Lines that are no messages, or none that this server knows.
const NONSENSE: [&str; 14] = [
    "",
    "nonsense",
    "{",
    "[]",
    "null",
    "5",
    r#"{"id":7}"#,
    r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":900,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":900,"error":{"code":1,"message":"no"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":900}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":5}"#,
    r#"{"jsonrpc":"2.0","method":"no/such/notification"}"#,
];

#[test]
fn lines_that_are_no_messages_end_nothing() {
    let it = sandbox();
    let mut line = Line::open(&it);
    for text in NONSENSE {
        line.write(text);
    }
    line.server.types("\u{feff}\u{0}\n");
    line.shake_hands();
    for text in NONSENSE {
        line.write(text);
    }
    line.write(&"x".repeat(1 << 20));
    assert_eq!(line.call("acquire", &json!({"name": "x"}))["status"], "acquired");
    line.server.release().ok();
    assert_eq!(it.event_kinds("x"), ["acquire", "release"]);
}

#[test]
fn requests_that_mean_nothing_are_refused_with_their_id() {
    let it = sandbox();
    let mut line = Line::open(&it);
    let early = line.ask("tools/list", &json!({}));
    assert!(early["error"]["code"].is_number(), "nothing before a handshake: {early}");
    let early = line.ask("no/such/method", &json!({}));
    assert!(early["error"]["code"].is_number(), "nothing before a handshake: {early}");
    line.shake_hands();
    for (method, parameters, code) in [
        ("no/such/method", json!({}), -32601),
        ("tools/call", json!({"name": 5}), -32601),
        ("tools/call", json!({}), -32601),
        ("tools/call", json!({"name": "no_such_tool"}), -32602),
        ("tools/call", json!({"name": "force_unlock", "arguments": {"name": "x"}}), -32602),
        ("prompts/get", json!({"name": "x"}), -32601),
        ("resources/read", json!({"uri": "file:///etc/passwd"}), -32601),
    ] {
        let answer = line.ask(method, &parameters);
        assert_eq!(answer["error"]["code"], code, "{method} {parameters}: {answer}");
    }
    line.server.release().ok();
}

#[test]
fn arguments_that_do_not_fit_are_told_to_the_agent() {
    let it = sandbox();
    let mut line = Line::connected(&it);
    for (tool, arguments, reason) in [
        ("acquire", json!({}), "missing field `name`"),
        ("acquire", json!({"name": 5}), "invalid type"),
        ("acquire", json!({"name": "a/b"}), "invalid lock name"),
        ("acquire", json!({"name": "--all"}), "must not begin with"),
        ("acquire", json!({"name": "x", "ttl": "soon"}), "not a duration"),
        ("acquire", json!({"name": "x", "slots": -1}), "invalid number"),
        ("acquire", json!({"name": "x", "until": "doomsday"}), "unknown variant"),
        ("acquire", json!({"name": "x", "shared": true, "slots": 2}), "--slots"),
        ("acquire", json!({"name": "x", "meta": {"k": "v".repeat(200_000)}}), "too long"),
        ("run_guarded", json!({"names": ["x"], "line": "a\u{0}b"}), "NUL byte"),
        ("release", json!({"name": "x", "force": true}), "unknown field `force`"),
        ("audit", json!({"since": "--tail"}), "neither a duration"),
        ("audit", json!({"event": "explosion"}), "unknown event"),
        ("run_tool", json!({"id": "--help"}), "must not begin with"),
        ("run_once", json!({"name": "x", "command": []}), "command"),
    ] {
        let answer = line.call(tool, &arguments);
        let error = answer["error"].as_str().unwrap();
        assert_eq!(answer["exit_code"], 64, "{tool} {arguments}: {answer}");
        assert!(error.contains(reason), "{tool} {arguments}: {error}");
        assert_eq!(answer["next"], "mend the arguments and call it again");
    }
    line.server.release().ok();
    assert!(!it.root().join("locks").exists(), "nothing was done");
}
