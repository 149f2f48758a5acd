//! A line that is no request gets an error, and changes nothing.

use crate::{client::Client, sandbox};
use serde_json::{Value, json};
use std::fs;

/// Lines that are no requests, with the id and the code of the error for each.
const NONSENSE: [(&str, &str, i64); 24] = [
    ("nonsense", "null", -32700),
    ("{", "null", -32700),
    ("\u{feff}\u{0}", "null", -32700),
    (r#"{"jsonrpc":"2.0","id":70,"method":"ping","params":{"x":"\ud83d"}}"#, "70", -32700),
    (
        r#"{"params":{"x":["\udc00\ud83d"]},"method":"ping","jsonrpc":"2.0","id":"a"}"#,
        r#""a""#,
        -32700,
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":71,\"method\":\"ping\",\"params\":{\"x\":\"\u{0}\"}}",
        "71",
        -32700,
    ),
    (r#"{"jsonrpc":"2.0","id":72,"method":"pi"#, "72", -32700),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}"#,
        "null",
        -32700,
    ),
    ("[]", "null", -32600),
    (r#"[{"jsonrpc":"2.0","id":73,"method":"ping"}]"#, "null", -32600),
    ("null", "null", -32600),
    ("5", "null", -32600),
    (r#""ping""#, "null", -32600),
    ("{}", "null", -32600),
    (r#"{"id":7}"#, "7", -32600),
    (r#"{"id":7,"method":"ping"}"#, "7", -32600),
    (r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#, "7", -32600),
    (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, "null", -32600),
    (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "null", -32600),
    (r#"{"jsonrpc":"2.0","id":7,"method":5}"#, "7", -32600),
    (r#"{"jsonrpc":"2.0","id":7,"method":"ping","result":{}}"#, "7", -32600),
    (r#"{"jsonrpc":"2.0","id":7.50,"method":"no/such/method"}"#, "7.50", -32601),
    (
        r#"{"jsonrpc":"2.0","id":18446744073709551617,"method":"ping","params":[]}"#,
        "18446744073709551617",
        -32602,
    ),
    (r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":"x"}"#, "7", -32602),
];

/// Lines that get no answer.
const UNANSWERED: [&str; 10] = [
    "",
    " \t\r",
    r#"{"jsonrpc":"2.0","id":900,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":900,"error":{"code":1,"message":"no"}}"#,
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"an echo"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":900}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":5}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#,
    r#"{"jsonrpc":"2.0","method":"no/such/notification"}"#,
    r#"{"jsonrpc":"2.0","method":"ping"}"#,
];

/// Writes all of them, and asserts the answers.
#[track_caller]
fn write_nonsense(client: &mut Client) {
    for (text, id, code) in NONSENSE {
        client.write(text);
        let answer = client.server.prints(&format!(r#""id":{id},"#));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["error"]["code"], code, "{text}: {answer}");
    }
    for text in UNANSWERED {
        client.write(text);
    }
}

#[test]
fn lines_that_are_no_requests_are_answered_and_end_nothing() {
    let it = sandbox();
    let mut client = Client::open(&it);
    write_nonsense(&mut client);
    client.shake_hands();
    write_nonsense(&mut client);
    assert_eq!(client.call("lock", &json!({"name": "x"}))["status"], "acquired");
    let done = client.server.release().ok();
    let answers = done.out.lines().count();
    assert_eq!(answers, NONSENSE.len() * 2 + 2, "nothing else is answered: {done:#?}");
    for text in
        ["an answer to a request", "are no object", "\"params\" do not fit", "without an \"id\""]
    {
        assert!(done.err.contains(text), "ignored lines are reported: {done:#?}");
    }
    assert_eq!(it.event_kinds("x"), ["acquire", "release"]);
}

#[test]
fn ignored_lines_do_not_fill_stderr() {
    let it = sandbox();
    let mut client = Client::connected(&it);
    for _ in 0..1000 {
        client.write(UNANSWERED[2]);
    }
    client.ask("ping", &json!({}));
    assert!(client.server.release().ok().err.lines().count() < 30);
}

#[test]
fn lines_may_have_crlf_and_a_byte_order_mark() {
    let it = sandbox();
    let mut client = Client::open(&it);
    client.write("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\r");
    assert_eq!(client.answer_to(&json!("a"))["result"], json!({}));
    client.write(" {\"jsonrpc\":\"2.0\",\"id\":\"b\",\"method\":\"ping\",\"params\":null} ");
    assert_eq!(client.answer_to(&json!("b"))["result"], json!({}));
}

#[test]
fn a_line_that_is_too_long_or_too_deep_is_answered_and_not_kept() {
    let it = sandbox();
    let mut client = Client::connected(&it);
    let peak = |client: &Client| {
        let status = fs::read_to_string(format!("/proc/{}/status", client.server.pid())).unwrap();
        let row = status.lines().find(|row| row.starts_with("VmHWM:")).unwrap();
        row.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = peak(&client);
    client.server.types(r#"{"method":"ping","params":{"x":""#);
    let megabyte = "x".repeat(1 << 20);
    for _ in 0..64 {
        client.server.types(&megabyte);
    }
    client.write(r#""},"jsonrpc":"2.0","id":"long"}"#);
    let answer = client.answer_to(&json!("long"));
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    assert!(peak(&client) < before + (32 << 10), "KiB, of a line of 64 MiB");
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    client.write(&format!(r#"{{"params":{{"x":{open}{close}}},"jsonrpc":"2.0","id":"deep"}}"#));
    let answer = client.answer_to(&json!("deep"));
    assert_eq!(answer["error"]["code"], -32700, "{answer}");
    assert_eq!(client.call("lock", &json!({"name": "x"}))["status"], "acquired");
    client.server.release().ok();
}

#[test]
fn a_second_handshake_is_refused_and_changes_nothing() {
    let it = sandbox();
    let mut client = Client::connected(&it);
    let answer = {
        client.write(&Client::handshake(90, "2026-07-28").to_string());
        client.answer_to(&json!(90))
    };
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    // The refused revision has no such request.
    assert_eq!(client.ask("ping", &json!({}))["result"], json!({}));
    client.server.release().ok();
}

#[test]
fn an_id_in_use_is_refused_and_free_again_after_its_answer_or_a_cancellation() {
    let it = sandbox();
    it.shell("mkfifo held running").run().ok();
    let mut client = Client::connected(&it);
    let command = "echo > running; exec cat held";
    let run = Client::request(50, "run_guarded", &json!({"names": ["x"], "line": command}));
    client.write(&run.to_string());
    it.shell("read line < running").in_time().ok();
    client.write(r#"{"jsonrpc":"2.0","id":50,"method":"ping"}"#);
    let answer = client.answer_to(&json!(50));
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    client
        .write(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":50}}"#);
    client.write(r#"{"jsonrpc":"2.0","id":50,"method":"ping"}"#);
    assert_eq!(client.answer_to(&json!(50))["result"], json!({}), "not that of the cancelled call");
    client.write(r#"{"jsonrpc":"2.0","id":50,"method":"ping"}"#);
    assert_eq!(client.answer_to(&json!(50))["result"], json!({}));
    let done = client.server.release().ok();
    assert_eq!(done.out.matches(r#""id":50,"#).count(), 3, "no answer to what was cancelled");
}

#[test]
fn a_batch_is_answered_in_one_line_in_the_revision_that_has_batches() {
    let it = sandbox();
    let mut client = Client::open(&it);
    client.write(&Client::handshake(1, "2025-03-26").to_string());
    client.answer_to(&json!(1));
    let why = Client::request(3, "why", &json!({"name": "x"}));
    let batch = json!([
        {"jsonrpc": "2.0", "id": 2, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        why,
        5,
        {"jsonrpc": "2.0", "id": 4, "method": "no/such/method"},
        {"jsonrpc": "2.0", "id": 2, "method": "ping"},
        Client::handshake(6, "2025-11-25"),
    ]);
    client.write(&batch.to_string());
    let answers: Value = serde_json::from_str(&client.server.prints("[")).unwrap();
    let mut answers: Vec<_> = answers.as_array().unwrap().iter().collect();
    answers.sort_by_key(|answer| (answer["id"].as_i64(), answer["error"]["code"].as_i64()));
    let told = |it: &&Value| (it["id"].clone(), it["error"]["code"].clone());
    let expected = [
        (Value::Null, json!(-32600)),
        (json!(2), Value::Null),
        (json!(2), json!(-32600)),
        (json!(3), Value::Null),
        (json!(4), json!(-32601)),
        (json!(6), json!(-32600)),
    ];
    assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), expected);
    client.write(r#"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#);
    let done = client.server.release().ok();
    assert_eq!(done.out.lines().count(), 2, "notifications get no answer: {done:#?}");
}

#[test]
fn unknown_requests_are_refused_with_their_id() {
    let it = sandbox();
    let mut client = Client::open(&it);
    for (method, parameters, code) in [
        ("tools/list", json!({}), -32602),
        ("initialize", json!({}), -32602),
        ("initialize", json!([]), -32602),
        ("no/such/method", json!({}), -32601),
    ] {
        let early = client.ask(method, &parameters);
        assert_eq!(early["error"]["code"], code, "nothing before a handshake: {early}");
    }
    client.shake_hands();
    for (method, parameters, code) in [
        ("no/such/method", json!({}), -32601),
        ("no/such/method", json!(5), -32602),
        ("tools/call", json!({"name": 5}), -32602),
        ("tools/call", json!({"name": "why", "arguments": 5}), -32602),
        ("tools/call", json!({}), -32602),
        ("tools/call", json!([]), -32602),
        ("tools/list", json!({"cursor": 5}), -32602),
        ("tools/list", json!({"cursor": "5"}), -32602),
        ("ping", json!({"_meta": 5}), -32602),
        ("tools/call", json!({"name": "no_such_tool"}), -32602),
        ("tools/call", json!({"name": "force_unlock", "arguments": {"name": "x"}}), -32602),
        ("prompts/get", json!({"name": "x"}), -32601),
        ("resources/read", json!({"uri": "file:///etc/passwd"}), -32601),
    ] {
        let answer = client.ask(method, &parameters);
        assert_eq!(answer["error"]["code"], code, "{method} {parameters}: {answer}");
    }
    client.server.release().ok();
}

/// Calls tools with arguments that do not fit, and requires that the error names them.
#[track_caller]
fn are_named(calls: &[(&str, Value, [&str; 2])]) {
    let it = sandbox();
    let mut client = Client::connected(&it);
    for (tool, arguments, reasons) in calls {
        let answer = client.call(tool, arguments);
        let error = answer["error"].as_str().unwrap();
        assert_eq!(answer["exit_code"], 64, "{tool} {arguments:.80}: {answer}");
        assert!(error.len() < 1000, "values are shortened: {error}");
        for reason in reasons {
            assert!(error.contains(reason), "{tool} {arguments:.80}: {error}");
        }
        assert!(!error.contains("--") || error.contains("not \"--"), "no flags: {error}");
        assert!(answer["next"].as_str().unwrap().starts_with("fix what the error names"));
    }
    client.server.release().ok();
    assert!(!it.root().join("locks").exists(), "nothing was done");
}

#[test]
fn arguments_of_locks_that_do_not_fit_are_named_with_what_is_allowed() {
    let long = "v".repeat(200_000);
    are_named(&[
        ("lock", json!({}), ["\"name\" is missing", "1 to 200"]),
        ("lock", json!({"name": 5}), ["\"name\" must be", "not 5"]),
        ("lock", json!({"name": "a/b"}), ["\"name\" must be a lock name", "not \"a/b\""]),
        ("lock", json!({"name": "--all"}), ["\"name\"", "not beginning with -"]),
        ("lock", json!({"name": "x", "ttl": "soon"}), ["\"ttl\" must be", "not \"soon\""]),
        ("lock", json!({"name": "x", "ttl": "5M"}), ["\"ttl\"", "ms, s, m, h, d, w"]),
        ("lock", json!({"name": "x", "ttl": "0s"}), ["\"ttl\"", "more than 0"]),
        ("lock", json!({"name": "x", "slots": -1}), ["\"slots\"", "from 1 to"]),
        ("lock", json!({"name": "x", "until": "doomsday"}), ["\"until\"", "connection or unlock"]),
        ("lock", json!({"name": "x", "until": "unlock"}), ["\"ttl\" is missing", "\"until\""]),
        ("lock", json!({"name": "x", "shared": true, "slots": 2}), ["\"shared\"", "\"slots\""]),
        ("lock", json!({"name": "x", "wait": "yes"}), ["\"wait\"", "true or false"]),
        ("lock", json!({"name": "x", "timeout": "5s"}), ["\"timeout\"", "\"wait\": true"]),
        (
            "lock",
            json!({"name": "x", "wait": true, "timeout": "2h"}),
            ["\"timeout\"", "at most 1h"],
        ),
        ("lock", json!({"name": "x", "meta": {"k": long}}), ["\"meta\"", "128 KiB"]),
        ("lock", json!({"name": "x", "meta": []}), ["\"meta\"", "a JSON object"]),
        ("lock", json!({"name": "a b", "ttl": 1}), ["\"name\" must be", "\"ttl\" must be"]),
        ("unlock", json!({"name": "x", "force": true}), ["\"force\" is not", "unlock takes name"]),
        ("status", json!({"nam": "x"}), ["\"nam\" is not an argument", "status takes name"]),
        ("why", json!({"name": ["x"]}), ["\"name\"", "not [\"x\"]"]),
    ]);
}

#[test]
fn arguments_of_commands_that_do_not_fit_are_named_with_what_is_allowed() {
    are_named(&[
        ("run_guarded", json!({"names": ["x"], "line": "a\u{0}b"}), ["\"line\"", "without NUL"]),
        ("run_guarded", json!({"names": "x", "line": "true"}), ["\"names\"", "a list"]),
        ("run_guarded", json!({"names": ["x", 1], "line": "true"}), ["\"names\"", "not 1"]),
        (
            "run_guarded",
            json!({"names": ["x"], "command": ["a"], "line": "b"}),
            ["\"command\"", "\"line\""],
        ),
        ("run_guarded", json!({"names": ["x"], "command": []}), ["\"command\"", "the program"]),
        (
            "run_guarded",
            json!({"name": "x", "line": "true"}),
            ["\"name\" is not", "\"names\" is missing"],
        ),
        (
            "run_guarded",
            json!({"names": ["x"], "line": "true", "max_output_bytes": 1 << 20}),
            ["\"max_output_bytes\"", "to 524288"],
        ),
        ("run_once", json!({"name": "x", "command": []}), ["\"command\"", "not []"]),
        ("run_once", json!({"name": "x"}), ["\"command\" or \"line\"", "missing"]),
        (
            "run_once",
            json!({"name": "x", "line": "true", "inputs": [""]}),
            ["\"inputs\"", "not \"\""],
        ),
        ("run_once", json!({"name": "x".repeat(190), "line": "true"}), ["\"name\"", "183"]),
        ("run_tool", json!({"id": "--help"}), ["\"id\"", "web/scraper"]),
        ("run_tool", json!({"id": "a", "params": 5}), ["\"params\"", "a JSON object"]),
        ("run_tool", json!({"id": "a", "wait": true}), ["\"wait\"", "\"guard\""]),
        ("audit", json!({"since": "--tail"}), ["\"since\"", "2026-02-01T10:00:00Z"]),
        ("audit", json!({"event": "explosion"}), ["\"event\"", "acquire, deny"]),
        ("audit", json!({"since": "1h", "until": "2h"}), ["\"until\"", "before \"since\""]),
        ("audit", json!({"owner": ""}), ["\"owner\"", "not \"\""]),
        ("audit", json!({"limit": 0}), ["\"limit\"", "from 1 to 1000"]),
    ]);
}
