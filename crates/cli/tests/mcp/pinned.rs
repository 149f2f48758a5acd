//! Signed tools, called through the server.

use crate::{client::Client, sandbox};
use lokt_testkit::{HOLD, Sandbox, eventually};
use serde_json::json;
use std::fs;

/// A tool that returns its input.
const ECHO: &str = r#"# __version__ = "1.0.0"
# __tool_type__ = "shell"
# __executor_id__ = "rye/core/runtimes/bash/bash"
printf '%s\n' "$2"
"#;

/// A tool that never ends by itself.
const ENDLESS: &str = r#"# __version__ = "1.0.0"
# __tool_type__ = "shell"
# __executor_id__ = "rye/core/runtimes/bash/bash"
mkfifo held; exec cat held
"#;

/// A project with a tool, signed.
fn signed_project(content: &str) -> Sandbox {
    let it = sandbox();
    fs::create_dir_all(it.folder().join(".ai/tools/demo")).unwrap();
    fs::write(it.folder().join(".ai/tools/demo/tool.sh"), content).unwrap();
    it.lokt(["key", "generate"]).run().ok();
    it.lokt(["tool", "sign", "demo/tool"]).run().ok();
    it
}

#[test]
fn a_signed_tool_runs_with_its_parameters_and_is_pinned() {
    let it = signed_project(ECHO);
    let mut client = Client::connected(&it);
    let parameters = json!({"name": "--help", "list": [1, null, "é"]});
    let first = client.call("run_tool", &json!({"id": "demo/tool", "params": parameters}));
    assert_eq!((&first["status"], &first["data"]), (&json!("success"), &parameters), "{first}");
    assert_eq!(first["metadata"]["lockfile_created"], true, "{first}");
    let again = client.call("run_tool", &json!({"id": "demo/tool", "frozen": true, "guard": "x"}));
    assert_eq!((&again["status"], &again["data"]), (&json!("success"), &json!({})), "{again}");
    assert_eq!(it.event_kinds("x"), ["acquire", "release"], "it ran under the lock");
    client.server.release().ok();
}

#[test]
fn a_changed_tool_is_refused_and_the_agent_is_told_not_to_sign_it() {
    let it = signed_project(ECHO);
    let mut client = Client::connected(&it);
    let path = it.folder().join(".ai/tools/demo/tool.sh");
    let signed = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{signed}touch ran\n")).unwrap();
    let answer = client.call("run_tool", &json!({"id": "demo/tool"}));
    assert_eq!((&answer["status"], &answer["reason"]), (&json!("refused"), &json!("signature")));
    assert_eq!(answer["exit_code"], 5, "{answer}");
    assert!(answer["next"].as_str().unwrap().contains("Do not sign"), "{answer}");
    assert!(!it.folder().join("ran").exists(), "nothing ran");
    client.server.release().ok();
}

#[test]
fn a_tool_waits_for_its_lock_until_its_timeout() {
    let it = signed_project(ECHO);
    let holder = it.lokt(["guard", "x", "--"]).arguments(HOLD).start().is_in();
    let mut client = Client::connected(&it);
    let call =
        json!({"id": "demo/tool", "params": {}, "guard": "x", "wait": true, "timeout": "100ms"});
    let answer = client.call("run_tool", &call);
    assert_eq!(answer["exit_code"], 2, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("held by tester"), "{answer}");
    holder.release().ok();
    client.server.release().ok();
}

#[test]
fn a_cancelled_tool_ends_and_its_lock_is_free() {
    let it = signed_project(ENDLESS);
    let mut client = Client::connected(&it);
    let id = client.start("run_tool", &json!({"id": "demo/tool", "guard": "x"}));
    eventually("the command holds the lock", || it.folder().join("held").exists());
    let parameters = json!({"requestId": id, "reason": "not wanted"});
    let cancelled =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": parameters});
    client.write(&cancelled.to_string());
    it.lokt(["guard", "x", "--wait", "--timeout", "30s", "--", "true"]).owner("next").run().ok();
    let done = client.server.release().ok();
    assert!(!done.out.contains(&format!(r#""id":{id},"#)), "it is not answered: {done:#?}");
}
