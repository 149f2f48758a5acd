//! What takes a lock away takes only what was looked at, where it is told that.

use crate::{line::Line, sandbox};
use serde_json::json;

#[test]
fn a_fence_keeps_a_newcomer_from_being_broken() {
    let it = sandbox();
    it.lokt(["lock", "x"]).owner("old").run().ok();
    let seen = it.record("x")["fence"].clone();
    it.lokt(["unlock", "x"]).owner("old").run().ok();
    it.lokt(["lock", "x"]).owner("new").run().ok();
    let now = it.record("x")["fence"].clone();
    let mut line = Line::with(it.lokt(["mcp", "--allow-force"]).start());
    line.shake_hands();
    let refused = line.call("force_unlock", &json!({"name": "x", "fence": seen}));
    assert_eq!(refused["exit_code"], 4, "{refused}");
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("new (pid") && error.contains(&now.to_string()), "{error}");
    let done = line.call("force_unlock", &json!({"name": "x", "fence": now}));
    assert_eq!(done["released"], json!(["x"]), "{done}");
    line.server.release().ok();
}
