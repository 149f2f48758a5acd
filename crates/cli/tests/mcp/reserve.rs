//! Reserving paths by tool calls.

use crate::{client::Client, sandbox};
use lokt_testkit::Sandbox;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// The text of the answer to a call.
fn text(client: &mut Client, tool: &str, arguments: &Value) -> String {
    let answer = client.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
    answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

fn reserved(it: &Sandbox) -> Vec<Value> {
    let list = it.lokt(["reservations", "--json"]).in_time().ok().json();
    list.as_array().unwrap().iter().map(|it| it["patterns"].clone()).collect()
}

#[test]
fn paths_are_reserved_extended_listed_and_given_back() {
    let it = sandbox();
    let mut client = Client::connected(&it);
    let taken = client.call("reserve", &json!({"paths": ["src/a", "docs"], "reason": "login"}));
    assert_eq!((&taken["status"], &taken["extended"]), (&json!("reserved"), &json!(false)));
    assert_eq!((&taken["origin"], &taken["reason"]), (&json!("mcp"), &json!("login")));
    let more = client.call("reserve", &json!({"paths": ["src/a", "src/b"], "ttl": "1h"}));
    assert_eq!((&more["extended"], &more["id"]), (&json!(true), &taken["id"]));
    let list = client.call("reservations", &json!({"paths": ["src/b"], "mine": true}));
    assert_eq!(list["reservations"][0]["mine"], true);
    let none = text(&mut client, "reservations", &json!({"paths": ["other"]}));
    assert_eq!(none, "nothing is reserved");
    let told = text(&mut client, "unreserve", &json!({"paths": ["src/a", "src/b"]}));
    assert_eq!(told, "gave back \"src/a\", \"src/b\"; \"docs\" stays reserved");
    client.server.release().ok();
    assert!(reserved(&it).is_empty(), "the rest ends with the connection");
}

#[test]
fn a_refusal_has_all_conflicts_and_what_is_free() {
    let it = sandbox();
    it.lokt(["reserve", "docs", "src/b", "--reason", "login"]).owner("ada").in_time().ok();
    let mut client = Client::connected(&it);
    let arguments = json!({"paths": ["docs/x", "src/a", "src/b"]});
    let told = text(&mut client, "reserve", &arguments);
    let error = told.lines().next().unwrap();
    for part in [
        "cannot reserve \"docs/x\"",
        "\"src/b\" is reserved by ada (",
        ": login",
        "free now: \"src/a\"",
    ] {
        assert!(error.contains(part), "no {part} in {error}");
    }
    assert!(told.ends_with("ask the agent that has reserved it"), "{told}");
    assert!(told.contains("\"wait\": true"), "it has not waited: {told}");
    let arguments = json!({"paths": ["docs/x"], "wait": true, "timeout": "10ms"});
    let told = text(&mut client, "reserve", &arguments);
    assert!(told.contains("longer \"timeout\""), "{told}");
    let told = text(&mut client, "unreserve", &json!({"paths": ["docs"]}));
    assert!(told.starts_with("error: ") && told.contains("next: leave it"), "{told}");
    let told = text(&mut client, "unreserve", &json!({"paths": ["none"]}));
    assert!(told.contains("next: there is nothing to give back"), "{told}");
    client.server.release().ok();
}

#[test]
fn a_call_waits_for_paths_and_a_killed_server_keeps_none() {
    let it = sandbox();
    it.lokt(["reserve", "docs"]).owner("ada").in_time().ok();
    let mut client = Client::connected(&it);
    let id = client.start("reserve", &json!({"paths": ["docs"], "wait": true}));
    while it.lokt(["why", "./docs"]).owner("eve").in_time().out.matches("awaited").count() == 0 {}
    it.lokt(["unreserve", "docs"]).owner("ada").in_time().ok();
    let answer = client.answer_to(&json!(id));
    assert_eq!(answer["result"]["structuredContent"]["status"], "reserved", "{answer}");
    assert_eq!(reserved(&it), [json!(["docs"])]);
    client.server.signal(Signal::SIGKILL);
    client.server.ends();
    assert!(reserved(&it).is_empty(), "it was tied to the server's process");
}

#[test]
fn a_lock_is_explained_by_its_name_alone() {
    let it = sandbox();
    it.lokt(["reserve", "docs"]).owner("ada").in_time().ok();
    let mut client = Client::connected(&it);
    let told = client.call("why", &json!({"name": "docs"}));
    assert_eq!((&told["status"], &told["reasons"]), (&json!("free"), &json!([])));
    client.server.release().ok();
}
