//! Whatever differs from the pin is named in a table, and nothing runs.

use crate::workshop::{RUNTIME, Workshop, tool};
use serde_json::json;
use std::fs;

fn pinned() -> Workshop {
    let workshop = Workshop::new();
    workshop.run().ok();
    workshop
}

#[test]
fn a_changed_tool_is_refused_although_it_is_signed() {
    let workshop = pinned();
    workshop.put("demo/trace.sh", tool("demo/sh") + "echo more\n");
    workshop.sign(&["demo/trace"]);
    let done = workshop.refuses("drift: demo/trace  content changed");
    assert!(!done.err.contains("drift: demo/sh"), "only what drifted has a row: {done:#?}");
    assert!(done.err.contains("--scope project"), "others may share that lockfile: {done:#?}");
    assert!(done.err.contains("lokt tool lock demo/trace --update"), "what to do: {done:#?}");
}

#[test]
fn a_changed_runtime_is_refused_although_it_is_signed() {
    let workshop = pinned();
    workshop.put_user("demo/sh.yaml", RUNTIME.to_owned() + "category: x\n");
    workshop.sign(&["demo/sh"]);
    workshop.refuses("drift: demo/sh  content changed");
}

#[test]
fn a_signed_project_item_that_shadows_the_runtime_is_refused() {
    let workshop = pinned();
    workshop.put("demo/sh.yaml", RUNTIME);
    workshop.sign(&["demo/sh"]);
    let done = workshop.refuses("drift: demo/sh  shadowed by the project space");
    assert!(!done.err.contains("content changed"), "its bytes are the same: {done:#?}");
}

/// Puts a pinned primitive into a system space, then changes it there.
#[test]
fn a_changed_primitive_and_a_shadowed_system_runtime_are_refused() {
    let workshop = Workshop::new();
    let primitive =
        "version: \"9\"\ntool_type: primitive\nexecutor_id: null\nconfig: {timeout: 60}\n";
    let system = workshop.sandbox.folder().join("system");
    // Signed in the project, then given to the system.
    let place = |content: &str| {
        let signed = workshop.put("rye/core/primitives/subprocess.yaml", content);
        workshop.sign(&["rye/core/primitives/subprocess"]);
        let target = system.join("tools/rye/core/primitives/subprocess.yaml");
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::rename(signed, target).unwrap();
    };
    place(primitive);
    let run =
        || workshop.lokt(["tool", "run", "demo/trace"]).env("LOKT_SYSTEM_SPACE", &system).run();
    run().ok();
    place(&primitive.replace("60", "61"));
    run().fails_with_drift("drift: rye/core/primitives/subprocess  content changed");
    place(primitive);
    run().ok();
    workshop.put("rye/core/primitives/subprocess.yaml", primitive);
    workshop.sign(&["rye/core/primitives/subprocess"]);
    // The user's runtime looks behind itself only: nothing in the project can get in its way.
    run().ok();
    workshop.put_user("rye/core/primitives/subprocess.yaml", primitive);
    fs::remove_file(workshop.project().join(".ai/tools/rye/core/primitives/subprocess.yaml"))
        .unwrap();
    workshop.sign(&["rye/core/primitives/subprocess"]);
    run().fails_with_drift("shadowed by the user space");
    assert_eq!(workshop.runs(), 3);
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
    let workshop = Workshop::new();
    let python = "__version__ = \"1.0.0\"\n__tool_type__ = \"python\"\n__executor_id__ = \"rye/core/runtimes/python_runtime\"\n";
    workshop.put("demo/py.py", python);
    workshop.sign(&["demo/py"]);
    workshop.tool(["run", "demo/py"]).ok();
    workshop.put("rye/core/runtimes/python_runtime.yaml", RUNTIME);
    workshop.sign(&["rye/core/runtimes/python_runtime"]);
    workshop.tool(["run", "demo/py"]).fails_with_drift("shadowed by the project space");
}

#[test]
fn what_is_missing_moved_rewired_added_or_retyped_is_refused_by_name() {
    let workshop = pinned();
    let runtime = workshop.user().join("tools/demo/sh.yaml");
    let signed = fs::read(&runtime).unwrap();
    fs::remove_file(&runtime).unwrap();
    workshop.refuses("drift: demo/sh  missing");
    let system = workshop.sandbox.folder().join("system/tools/demo/sh.yaml");
    fs::create_dir_all(system.parent().unwrap()).unwrap();
    fs::write(&system, &signed).unwrap();
    let spaces = workshop.sandbox.folder().join("system");
    let run = workshop.lokt(["tool", "run", "demo/trace"]).env("LOKT_SYSTEM_SPACE", spaces).run();
    run.fails_with_drift("moved from the user to the system space");
    fs::write(&runtime, &signed).unwrap();
    workshop.run().ok();

    workshop.put("demo/trace.sh", tool("rye/core/runtimes/bash/bash"));
    workshop.sign(&["demo/trace"]);
    let done =
        workshop.refuses("executor rewired: pinned demo/sh, now rye/core/runtimes/bash/bash");
    assert!(done.err.contains("drift: rye/core/runtimes/bash/bash  added"), "{done:#?}");
    assert!(done.err.contains("drift: demo/sh") && done.err.contains("removed"), "{done:#?}");

    workshop.put("demo/trace.sh", tool("demo/sh").replace("\"shell\"", "\"python\""));
    workshop.sign(&["demo/trace"]);
    workshop.refuses("tool type changed: pinned shell, now python");
    fs::remove_file(workshop.project().join(".ai/tools/demo/trace.sh")).unwrap();
    workshop.refuses("drift: demo/trace  missing");
}

#[test]
fn what_the_lockfile_says_otherwise_is_refused() {
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
        let workshop = pinned();
        workshop.change_lockfile(change);
        workshop.refuses(message);
    }
}

#[test]
fn what_other_programs_add_to_a_lockfile_is_no_drift() {
    let workshop = pinned();
    workshop.change_lockfile(|it| {
        it["resolved_chain"][2]["space"] = json!("system:some-bundle");
        it["resolved_chain"][1]["provider_id"] = json!("somebody");
        it["verified_deps"] = json!({"a": "b"});
        it.as_object_mut().unwrap().shift_remove("registry");
    });
    workshop.run().ok();
}

#[test]
fn a_diff_shows_the_whole_chain_and_an_update_pins_it_anew() {
    let workshop = pinned();
    workshop.tool(["diff", "demo/trace"]).ok();
    workshop.put("demo/trace.sh", tool("demo/sh") + "echo more\n");
    workshop.sign(&["demo/trace"]);
    let diff = workshop.tool(["diff", "demo/trace"]).expect(5);
    assert!(diff.out.contains("content changed") && diff.out.contains("same"), "{diff:#?}");
    let json = workshop.tool(["diff", "demo/trace", "--json"]).expect(5).json();
    assert_eq!(json["drift"][0]["changes"][0]["kind"], "changed");
    workshop.tool(["lock", "demo/trace"]).expect(5).says("pins another chain already");
    workshop.tool(["lock", "demo/trace", "--update"]).ok();
    workshop.tool(["diff", "demo/trace"]).ok();
    workshop.run().ok();
}

#[test]
fn the_log_tells_which_lockfile_a_refusal_was_about() {
    let workshop = Workshop::new();
    workshop.run().ok();
    workshop.put("demo/trace.sh", tool("demo/sh") + "echo more\n");
    workshop.sign(&["demo/trace"]);
    workshop.refuses("is not what was pinned");
    let event = workshop.sandbox.events().pop().unwrap();
    assert_eq!(event["extra"]["lockfile"], serde_json::json!(workshop.lockfile()));
    assert_eq!(event["extra"]["version"], "1.0.0");
    std::fs::write(workshop.lockfile(), "{").unwrap();
    workshop.refuses("is not valid");
    let event = workshop.sandbox.events().pop().unwrap();
    assert_eq!(event["extra"]["lockfile"], serde_json::json!(workshop.lockfile()));
    let told = workshop.tool(["run", "demo/trace", "--json"]).expect(5).json();
    assert_eq!(told["lockfile_path"], serde_json::json!(workshop.lockfile()));
}
