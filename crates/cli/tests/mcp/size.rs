//! The list of tools is part of what every model reads, so it stays short.

use crate::{client::Client, sandbox};
use serde_json::{Value, json};

/// How long the answer to `tools/list` may be, in bytes: about 2,500 tokens.
const LONGEST: usize = 10_000;

#[test]
fn the_list_of_tools_is_short_and_says_what_each_argument_is() {
    for flags in [&["mcp"][..], &["mcp", "--allow-force"]] {
        let it = sandbox();
        let mut client = Client::with(it.lokt(flags.iter().copied()).start());
        client.shake_hands();
        let answer = client.ask("tools/list", &json!({}));
        let length = answer.to_string().len();
        assert!(length <= LONGEST, "{flags:?}: {length} bytes, at most {LONGEST}");
        for tool in answer["result"]["tools"].as_array().unwrap() {
            assert!(tool["description"].is_string() && tool["title"].is_string(), "{tool}");
            assert_eq!(tool["outputSchema"], Value::Null, "it costs more than it says: {tool}");
            let schema = &tool["inputSchema"];
            assert_eq!(schema["additionalProperties"], false, "others are refused: {tool}");
            for (name, argument) in schema["properties"].as_object().unwrap() {
                assert!(argument["type"].is_string(), "{name}: {tool}");
                assert!(!argument["description"].as_str().unwrap().is_empty(), "{name}: {tool}");
            }
        }
        client.server.release().ok();
    }
}

#[test]
fn a_result_has_its_fields_once_and_a_few_lines_of_text() {
    let it = sandbox();
    let mut client = Client::connected(&it);
    let take = json!({"name": "x", "meta": {"for": "parser"}});
    for (tool, arguments, expected) in [
        ("lock", take, "acquired lock \"x\", until unlock or the end of this connection"),
        ("status", json!({}), "\"x\" is held by tester ("),
        ("why", json!({"name": "x"}), "self_held: your lease"),
        ("audit", json!({}), "acquire"),
        ("unlock", json!({"name": "x"}), "unlocked x"),
        (
            "run_guarded",
            json!({"names": ["x"], "line": "echo a; exit 3"}),
            "exit code 3\nstdout:\na",
        ),
    ] {
        let answer = client.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(expected), "{tool}: {text}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "not the same JSON again: {text}");
        assert!(answer["result"]["structuredContent"].is_object(), "{answer}");
    }
    client.server.release().ok();
}

#[test]
fn the_earlier_names_of_tools_are_accepted_and_not_listed() {
    let it = sandbox();
    let mut client = Client::connected(&it);
    assert_eq!(client.call("acquire", &json!({"name": "x"}))["status"], "acquired");
    assert_eq!(client.call("release", &json!({"name": "x"}))["released"], json!(["x"]));
    let tools = client.ask("tools/list", &json!({}))["result"]["tools"].clone();
    let names: Vec<&str> =
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(&names[..2], ["lock", "unlock"], "one vocabulary with the command line");
    assert!(!names.contains(&"acquire") && !names.contains(&"release"), "{names:?}");
    client.server.release().ok();
}
