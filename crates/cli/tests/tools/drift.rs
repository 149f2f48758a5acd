//! Every difference from the pin is listed in a table, and nothing runs.

use crate::tool_project::{RUNTIME, ToolProject, tool};
use serde_json::json;
use std::fs;

fn pinned() -> ToolProject {
    let project = ToolProject::new();
    project.run().ok();
    project
}

#[test]
fn a_changed_tool_is_refused_although_it_is_signed() {
    let project = pinned();
    project.put("demo/trace.sh", tool("demo/sh") + "echo more\n");
    project.sign(&["demo/trace"]);
    let done = project.refuses("drift: demo/trace  content changed");
    assert!(!done.err.contains("drift: demo/sh"), "only what drifted has a row: {done:#?}");
    assert!(done.err.contains("--scope project"), "others may share that lockfile: {done:#?}");
    assert!(done.err.contains("lokt tool lock demo/trace --update"), "what to do: {done:#?}");
}

#[test]
fn a_changed_runtime_is_refused_although_it_is_signed() {
    let project = pinned();
    project.put_user("demo/sh.yaml", RUNTIME.to_owned() + "category: x\n");
    project.sign(&["demo/sh"]);
    project.refuses("drift: demo/sh  content changed");
}

#[test]
fn a_signed_project_item_that_shadows_the_runtime_is_refused() {
    let project = pinned();
    project.put("demo/sh.yaml", RUNTIME);
    project.sign(&["demo/sh"]);
    let done = project.refuses("drift: demo/sh  shadowed by the project space");
    assert!(!done.err.contains("content changed"), "its bytes are the same: {done:#?}");
}

/// Pins a primitive in a system space, then changes it there.
#[test]
fn a_changed_primitive_and_a_shadowed_system_runtime_are_refused() {
    let project = ToolProject::new();
    let primitive =
        "version: \"9\"\ntool_type: primitive\nexecutor_id: null\nconfig: {timeout: 60}\n";
    let system = project.sandbox.folder().join("system");
    // It is signed in the project, then moved to the system space.
    let place = |content: &str| {
        let signed = project.put("rye/core/primitives/subprocess.yaml", content);
        project.sign(&["rye/core/primitives/subprocess"]);
        let target = system.join("tools/rye/core/primitives/subprocess.yaml");
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::rename(signed, target).unwrap();
    };
    place(primitive);
    let run =
        || project.lokt(["tool", "run", "demo/trace"]).env("LOKT_SYSTEM_SPACE", &system).run();
    run().ok();
    place(&primitive.replace("60", "61"));
    run().fails_with_drift("drift: rye/core/primitives/subprocess  content changed");
    place(primitive);
    run().ok();
    project.put("rye/core/primitives/subprocess.yaml", primitive);
    project.sign(&["rye/core/primitives/subprocess"]);
    // The user's runtime only searches the spaces behind its own: no project item can replace its parts.
    run().ok();
    project.put_user("rye/core/primitives/subprocess.yaml", primitive);
    fs::remove_file(project.folder().join(".ai/tools/rye/core/primitives/subprocess.yaml"))
        .unwrap();
    project.sign(&["rye/core/primitives/subprocess"]);
    run().fails_with_drift("shadowed by the user space");
    assert_eq!(project.runs(), 3);
}

trait FailsWithDrift {
    fn fails_with_drift(self, row: &str);
}

impl FailsWithDrift for lokt_testkit::Done {
    #[track_caller]
    fn fails_with_drift(self, row: &str) {
        let done = self.expect(5);
        assert!(done.err.contains(row), "{row}: {done:#?}");
    }
}

#[test]
fn the_built_in_python_runtime_cannot_be_shadowed() {
    let project = ToolProject::new();
    let python = "__version__ = \"1.0.0\"\n__tool_type__ = \"python\"\n__executor_id__ = \"rye/core/runtimes/python_runtime\"\n";
    project.put("demo/py.py", python);
    project.sign(&["demo/py"]);
    project.tool(["run", "demo/py"]).ok();
    project.put("rye/core/runtimes/python_runtime.yaml", RUNTIME);
    project.sign(&["rye/core/runtimes/python_runtime"]);
    project.tool(["run", "demo/py"]).fails_with_drift("shadowed by the project space");
}

#[test]
fn missing_moved_rewired_added_or_retyped_items_are_refused_by_name() {
    let project = pinned();
    let runtime = project.user().join("tools/demo/sh.yaml");
    let signed = fs::read(&runtime).unwrap();
    fs::remove_file(&runtime).unwrap();
    project.refuses("drift: demo/sh  missing");
    let system = project.sandbox.folder().join("system/tools/demo/sh.yaml");
    fs::create_dir_all(system.parent().unwrap()).unwrap();
    fs::write(&system, &signed).unwrap();
    let spaces = project.sandbox.folder().join("system");
    let run = project.lokt(["tool", "run", "demo/trace"]).env("LOKT_SYSTEM_SPACE", spaces).run();
    run.fails_with_drift("moved from the user to the system space");
    fs::write(&runtime, &signed).unwrap();
    project.run().ok();

    project.put("demo/trace.sh", tool("rye/core/runtimes/bash/bash"));
    project.sign(&["demo/trace"]);
    let done = project.refuses("executor rewired: pinned demo/sh, now rye/core/runtimes/bash/bash");
    assert!(done.err.contains("drift: rye/core/runtimes/bash/bash  added"), "{done:#?}");
    assert!(done.err.contains("drift: demo/sh") && done.err.contains("removed"), "{done:#?}");

    project.put("demo/trace.sh", tool("demo/sh").replace("\"shell\"", "\"python\""));
    project.sign(&["demo/trace"]);
    project.refuses("tool type changed: pinned shell, now python");
    fs::remove_file(project.folder().join(".ai/tools/demo/trace.sh")).unwrap();
    project.refuses("drift: demo/trace  missing");
}

#[test]
fn an_altered_lockfile_is_refused() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(&str, Change); 12] = [
        ("version 999 not supported", |it| it["lockfile_version"] = json!(999)),
        ("resolved_chain is empty", |it| it["resolved_chain"] = json!([])),
        ("[1].integrity is null", |it| it["resolved_chain"][1]["integrity"] = json!(null)),
        ("root.integrity is null", |it| it["root"]["integrity"] = json!(null)),
        ("root is not the first element", |it| {
            it["resolved_chain"].as_array_mut().unwrap().reverse();
        }),
        ("it pins demo/other@1.0.0", |it| {
            it["root"]["tool_id"] = json!("demo/other");
            it["resolved_chain"][0]["item_id"] = json!("demo/other");
        }),
        ("it pins demo/trace@2", |it| it["root"]["version"] = json!("2")),
        ("demo/sh  executor rewired", |it| it["resolved_chain"][1]["executor_id"] = json!("x/y")),
        ("demo/sh  tool type changed", |it| it["resolved_chain"][1]["tool_type"] = json!("tool")),
        ("demo/sh  moved from the project", |it| {
            it["resolved_chain"][1]["space"] = json!("project");
        }),
        ("drift: demo/sh  content changed", |it| {
            it["resolved_chain"][1]["integrity"] = json!("0".repeat(64));
        }),
        ("added: not part of the pinned chain", |it| {
            it["resolved_chain"].as_array_mut().unwrap().pop();
        }),
    ];
    for (message, change) in cases {
        let project = pinned();
        project.change_lockfile(change);
        project.refuses(message);
    }
}

#[test]
fn fields_of_other_programs_in_a_lockfile_are_no_drift() {
    let project = pinned();
    project.change_lockfile(|it| {
        it["resolved_chain"][2]["space"] = json!("system:some-bundle");
        it["resolved_chain"][1]["provider_id"] = json!("stranger");
        it["verified_deps"] = json!({"a": "b"});
        it.as_object_mut().unwrap().shift_remove("registry");
    });
    project.run().ok();
}

#[test]
fn a_diff_shows_the_whole_chain_and_an_update_pins_it_again() {
    let project = pinned();
    project.tool(["diff", "demo/trace"]).ok();
    project.put("demo/trace.sh", tool("demo/sh") + "echo more\n");
    project.sign(&["demo/trace"]);
    let diff = project.tool(["diff", "demo/trace"]).expect(5);
    assert!(diff.out.contains("content changed") && diff.out.contains("same"), "{diff:#?}");
    let json = project.tool(["diff", "demo/trace", "--json"]).expect(5).json();
    assert_eq!(json["drift"][0]["changes"][0]["kind"], "changed");
    project.tool(["lock", "demo/trace"]).expect(5).says("pins another chain already");
    project.tool(["lock", "demo/trace", "--update"]).ok();
    project.tool(["diff", "demo/trace"]).ok();
    project.run().ok();
}

#[test]
fn the_log_names_the_lockfile_of_a_refusal() {
    let project = ToolProject::new();
    project.run().ok();
    project.put("demo/trace.sh", tool("demo/sh") + "echo more\n");
    project.sign(&["demo/trace"]);
    project.refuses("is not what was pinned");
    let event = project.sandbox.events().pop().unwrap();
    assert_eq!(event["extra"]["lockfile"], serde_json::json!(project.lockfile()));
    assert_eq!(event["extra"]["version"], "1.0.0");
    std::fs::write(project.lockfile(), "{").unwrap();
    project.refuses("is not valid");
    let event = project.sandbox.events().pop().unwrap();
    assert_eq!(event["extra"]["lockfile"], serde_json::json!(project.lockfile()));
    let told = project.tool(["run", "demo/trace", "--json"]).expect(5).json();
    assert_eq!(told["lockfile_path"], serde_json::json!(project.lockfile()));
}
