//! A new machine up to a pinned tool, and which files are written when.

use crate::tool_project::{NONE, RUNTIME, ToolProject, tool};
use serde_json::{Value, json};
use std::fs;

const GREET: &str = r#"__version__ = "1.0.0"
__tool_type__ = "python"
__executor_id__ = "rye/core/runtimes/python_runtime"

import argparse, json
arguments = argparse.ArgumentParser()
arguments.add_argument("--params", type=json.loads)
arguments.add_argument("--project-path")
given = arguments.parse_args()
print(json.dumps({"hello": given.params["name"]}))
"#;

#[test]
fn on_a_fresh_machine_a_python_tool_is_signed_run_and_pinned() {
    let project = ToolProject::empty();
    project.put("demo/greet.py", GREET);
    let run = ["run", "demo/greet", "--params", r#"{"name":"Ada"}"#];
    project.tool(run).fails_with(5, "unsigned");
    project.lokt(["key", "generate"]).run().ok();
    project.tool(["sign", "demo/greet"]).ok();
    let first = project.tool(run).ok().says("pinned demo/greet@1.0.0");
    assert_eq!(first.out, "{\"hello\": \"Ada\"}\n", "what the tool prints is all that is printed");
    let second = project.tool(run.into_iter().chain(["--json"])).ok().json();
    assert_eq!(second["status"], "success");
    assert_eq!(second["data"], json!({"hello": "Ada"}));
    assert_eq!(second["metadata"]["lockfile_used"], true);
    let ids = |chain: &Value| -> Vec<Value> {
        chain.as_array().unwrap().iter().map(|it| it["item_id"].clone()).collect()
    };
    let expected =
        ["demo/greet", "rye/core/runtimes/python_runtime", "rye/core/primitives/subprocess"];
    assert_eq!(ids(&second["chain"]), expected);
}

#[test]
fn the_first_success_pins_and_later_ones_change_nothing() {
    let project = ToolProject::new();
    let first = project.tool(["run", "demo/trace", "--json"]).ok().json();
    assert_eq!(first["metadata"]["lockfile_created"], true);
    assert_eq!(first["metadata"]["lockfile_path"], json!(project.lockfile()));
    let before = fs::metadata(project.lockfile()).unwrap();
    let content = fs::read(project.lockfile()).unwrap();
    let second = project.tool(["run", "demo/trace", "--json"]).ok().json();
    assert_eq!(second["metadata"]["lockfile_created"], false);
    assert_eq!(second["metadata"]["lockfile_used"], true);
    let after = fs::metadata(project.lockfile()).unwrap();
    assert_eq!(after.modified().unwrap(), before.modified().unwrap(), "it is left untouched");
    assert_eq!(fs::read(project.lockfile()).unwrap(), content);
    assert_eq!(project.runs(), 2, "both ran");
    assert_eq!(ToolProject::lockfiles(project.folder()), NONE, "the project has none");
}

#[test]
fn a_lockfile_has_the_bytes_of_the_format() {
    let project = ToolProject::new();
    project.run().ok();
    let text = fs::read_to_string(project.lockfile()).unwrap();
    let pinned: Value = serde_json::from_str(&text).unwrap();
    let at = |pointer: &str| pinned.pointer(pointer).and_then(Value::as_str).unwrap();
    let (time, [tool, runtime, primitive]) =
        (at("/generated_at"), [0, 1, 2].map(|n| at(&format!("/resolved_chain/{n}/integrity"))));
    let expected = format!(
        r#"{{
  "lockfile_version": 1,
  "generated_at": "{time}",
  "root": {{
    "tool_id": "demo/trace",
    "version": "1.0.0",
    "integrity": "{tool}"
  }},
  "resolved_chain": [
    {{
      "item_id": "demo/trace",
      "space": "project",
      "tool_type": "shell",
      "executor_id": "demo/sh",
      "integrity": "{tool}"
    }},
    {{
      "item_id": "demo/sh",
      "space": "user",
      "tool_type": "runtime",
      "executor_id": "rye/core/primitives/subprocess",
      "integrity": "{runtime}"
    }},
    {{
      "item_id": "rye/core/primitives/subprocess",
      "space": "system",
      "tool_type": "primitive",
      "executor_id": null,
      "integrity": "{primitive}"
    }}
  ],
  "registry": null
}}"#
    );
    assert_eq!(text, expected);
    assert!(time.ends_with("+00:00"), "UTC is written as an offset: {time}");
}

#[test]
fn the_place_of_the_pin_can_be_chosen() {
    let project = ToolProject::new();
    project.tool(["run", "demo/trace", "--scope", "project"]).ok();
    assert_eq!(ToolProject::lockfiles(project.folder()).len(), 1, "in the project, on request");
    assert_eq!(ToolProject::lockfiles(&project.user()), NONE, "and nowhere else");
    project.tool(["run", "demo/trace", "--scope", "system"]).expect(64);

    let project = ToolProject::new();
    fs::write(project.folder().join(".ai/lokt.toml"), "lockfile_scope = \"project\"\n").unwrap();
    project.run().ok();
    assert_eq!(ToolProject::lockfiles(project.folder()).len(), 1, "as the project's file says");
    fs::write(project.folder().join(".ai/lokt.toml"), "lockfile_scope = \"system\"\n").unwrap();
    project.run().fails_with(1, "lockfile_scope");
}

#[test]
fn a_run_that_fails_pins_nothing() {
    let project = ToolProject::new();
    for (line, code) in [("exit 3", 1), ("kill -9 $$", 137), ("echo out; exec sleep 1000", 124)] {
        let runtime = RUNTIME.replace("config: {", "config: {timeout: 0.2, ");
        project.put_user("demo/sh.yaml", runtime);
        project.put("demo/trace.sh", tool("demo/sh").replace("echo ran >> ran", line));
        project.sign(&["demo/sh", "demo/trace"]);
        let done = project.run().expect(code);
        assert!(done.err.contains("error: tool demo/trace"), "{done:#?}");
        assert_eq!(ToolProject::lockfiles(&project.user()), NONE, "{line} pins nothing");
    }
}

#[test]
fn a_tool_that_hangs_is_stopped_with_its_children_and_its_output_shown() {
    let project = ToolProject::new();
    project.put_user("demo/sh.yaml", RUNTIME.replace("config: {", "config: {timeout: 0.3, "));
    // One child stays in the tool's process group, one leaves it for a new session.
    let hangs = "echo before; sleep 1000 & echo $! > child; \
                 setsid sh -c 'echo $$ > away; exec sleep 1000' & wait";
    project.put("demo/trace.sh", tool("demo/sh").replace("echo ran >> ran", hangs));
    project.sign(&["demo/sh", "demo/trace"]);
    let shown = project.run().expect(124).says("did not end in its time");
    assert_eq!(shown.out, "before\n");
    let kept = project.tool(["run", "demo/trace", "--json"]).expect(124).json();
    assert_eq!(kept["status"], "timeout");
    assert_eq!(kept["result"]["stdout"], "before\n");
    for child in ["child", "away"] {
        let pid = fs::read_to_string(project.folder().join(child)).unwrap();
        let status = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        assert!(status.is_empty() || status.contains(") Z "), "the child is gone: {status}");
    }
}

#[test]
fn the_nearest_lockfile_decides_even_if_it_is_broken() {
    let project = ToolProject::new();
    project.run().ok();
    let near = project.folder().join("lockfiles/demo/trace@1.0.0.lock.json");
    fs::create_dir_all(near.parent().unwrap()).unwrap();
    fs::copy(project.lockfile(), &near).unwrap();
    fs::write(project.lockfile(), "garbage").unwrap();
    project.run().ok();
    fs::write(&near, "").unwrap();
    project.refuses("not JSON");
    fs::remove_file(&near).unwrap();
    fs::create_dir(&near).unwrap();
    project.refuses("not a regular file");
    fs::remove_dir(&near).unwrap();
    project.refuses("not JSON");
}

#[test]
fn frozen_runs_only_pinned_tools() {
    let project = ToolProject::new();
    let frozen = ["run", "demo/trace", "--frozen"];
    project.tool(frozen).fails_with(5, "is not pinned");
    assert_eq!(project.runs(), 0, "nothing ran");
    project.tool(["lock", "demo/trace"]).ok();
    project.tool(frozen).ok();
    assert_eq!(project.runs(), 1);
}

#[test]
fn a_pin_verifies_at_another_place_and_for_another_user() {
    let project = ToolProject::new();
    project.tool(["run", "demo/trace", "--scope", "project"]).ok();
    let key = project.user().join("keys/public_key.pem");
    let other = ToolProject::in_project("a moved (project)");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    };
    copy(
        &project.folder().join(".ai/tools/demo/trace.sh"),
        &other.folder().join(".ai/tools/demo/trace.sh"),
    );
    copy(&project.user().join("tools/demo/sh.yaml"), &other.user().join("tools/demo/sh.yaml"));
    let lockfile = "lockfiles/demo/trace@1.0.0.lock.json";
    copy(&project.folder().join(lockfile), &other.folder().join(lockfile));
    other.tool(["verify", "--all"]).expect(5).says("is not trusted");
    other.lokt(["key", "trust", key.to_str().unwrap()]).run().ok();
    other.tool(["verify", "--all"]).ok();
    other.tool(["run", "demo/trace", "--frozen"]).ok();
    assert_eq!(other.runs(), 1);
}

#[test]
fn every_run_is_one_event_with_the_chain_s_digest() {
    let project = ToolProject::new();
    project.run().ok();
    project.run().ok();
    let events = project.sandbox.events();
    assert_eq!(events.len(), 2, "an event for each run: {events:#?}");
    let digest = project.tool(["resolve", "demo/trace", "--json"]).ok().json()["digest"].clone();
    for event in &events {
        assert_eq!((&event["event"], &event["name"]), (&json!("tool-run"), &Value::Null));
        assert_eq!(event["extra"]["chain"], digest);
        assert_eq!(event["extra"]["tool"], "demo/trace");
        assert_eq!(event["extra"]["outcome"], "success");
        assert_eq!(event["extra"]["lockfile"], json!(project.lockfile()));
    }
    let told = project.lokt(["audit", "--event", "tool-run"]).run().ok();
    assert_eq!(told.out.lines().count(), 2, "{told:#?}");
}

#[test]
fn a_tool_that_computes_its_schema_runs_and_is_reported_once() {
    let project = ToolProject::new();
    let python = "__version__ = \"1\"\n__executor_id__ = \"rye/core/runtimes/python_runtime\"\nACTIONS = [\"a\"]\n\
        CONFIG_SCHEMA = {\"enum\": ACTIONS}\nprint(\"ran\")\n";
    let shell = "# __version__ = \"1\"\n# __executor_id__ = \"demo/sh\"\n# CONFIG_SCHEMA = schema(1)\necho ran\n";
    project.put("demo/python.py", python);
    project.put("demo/shell.sh", shell);
    project.sign(&["demo/python", "demo/shell"]);
    for (id, place) in [("demo/python", "line 5"), ("demo/shell", "line 4")] {
        let note = format!("note: {id} computes its schema ({place}");
        let run = project.tool(["run", id, "--params", "{\"any\": 1}"]).ok();
        assert_eq!(run.out, "ran\n");
        let shown = project.tool(["show", id]).ok();
        let verified = project.tool(["verify", id]).ok();
        for done in [run, shown, verified] {
            assert_eq!(done.err.matches(&note).count(), 1, "{done:#?}");
        }
        let json = project.tool(["show", id, "--json"]).ok().json();
        assert_eq!(json["schema_computed"], true);
        assert_eq!(json["metadata"]["config_schema"], serde_json::Value::Null);
    }
    project.put("demo/other.py", python.replace("__version__ = \"1\"", "__version__ = f()"));
    project.tool(["sign", "demo/other"]);
    project.tool(["run", "demo/other"]).fails_with(5, "__version__ is not a literal");
}
