//! With a fence, forced calls only break the lock that the caller has seen.

use crate::{client::Client, sandbox};
use serde_json::json;

#[test]
fn a_fence_keeps_a_newcomer_from_being_broken() {
    let it = sandbox();
    it.lokt(["lock", "x"]).owner("old").run().ok();
    let seen = it.record("x")["fence"].clone();
    it.lokt(["unlock", "x"]).owner("old").run().ok();
    it.lokt(["lock", "x"]).owner("new").run().ok();
    let now = it.record("x")["fence"].clone();
    let mut client = Client::with(it.lokt(["mcp", "--allow-force"]).start());
    client.shake_hands();
    let refused = client.call("force_unlock", &json!({"name": "x", "fence": seen}));
    assert_eq!(refused["exit_code"], 4, "{refused}");
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("new (pid") && error.contains(&now.to_string()), "{error}");
    let done = client.call("force_unlock", &json!({"name": "x", "fence": now}));
    assert_eq!(done["released"], json!(["x"]), "{done}");
    client.server.release().ok();
}
