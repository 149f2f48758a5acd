//! Tools under locks.

use crate::tool_project::{ToolProject, tool};

#[test]
fn under_a_lock_a_tool_runs_alone() {
    let project = ToolProject::new();
    let counted = "[ ! -e inside ] && touch inside && echo ran >> ran && rm inside";
    project.put("demo/trace.sh", tool("demo/sh").replace("echo ran >> ran", counted));
    project.sign(&["demo/trace"]);
    let run = ["run", "demo/trace", "--guard", "deploy", "--wait"];
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| project.tool(run).ok());
        }
    });
    assert_eq!(project.runs(), 20, "never were two inside");
    let events = project.sandbox.events();
    let runs: Vec<_> = events.iter().filter(|event| event["event"] == "tool-run").collect();
    assert_eq!(runs.len(), 20, "one event for each run");
    assert!(runs.iter().all(|event| event["extra"]["lock"] == "deploy"), "{runs:#?}");
    assert_eq!(project.sandbox.event_kinds("deploy").len(), 40, "each took and gave back the lock");
}

#[test]
fn a_lock_of_another_holder_blocks_a_tool() {
    let project = ToolProject::new();
    project
        .sandbox
        .lokt(["lock", "deploy", "--ttl", "1h", "--owner", "another"])
        .without("LOKT_OWNER")
        .run()
        .ok();
    project.tool(["run", "demo/trace", "--guard", "deploy"]).expect(2);
    assert_eq!(project.runs(), 0, "nothing ran");
    project.tool(["run", "demo/trace", "--wait"]).fails_with(64, "--guard");
}

#[test]
fn a_refusal_comes_before_a_wait_for_a_lock() {
    let project = ToolProject::new();
    project.put("demo/trace.sh", tool("demo/sh"));
    project.tool(["run", "demo/trace", "--guard", "deploy"]).fails_with(5, "unsigned");
    assert_eq!(project.sandbox.event_kinds("deploy"), [""; 0], "the lock was not touched");
}

#[test]
fn parameters_and_output_go_through_a_lock() {
    let project = ToolProject::new();
    let yaml = "version: \"1\"\ntool_type: t\nexecutor_id: rye/core/primitives/subprocess\nconfig: {command: printf, args: [\"%s\", \"{text}\"]}\n";
    project.put("demo/print.yaml", yaml);
    project.sign(&["demo/print"]);
    let run = ["run", "demo/print", "--guard", "x", "--params", r#"{"text":"a \"b\" ${HOME}"}"#];
    assert_eq!(project.tool(run).ok().out, "a \"b\" ${HOME}");
    let long = "long ".repeat(100_000);
    let file = project.sandbox.folder().join("params.json");
    std::fs::write(&file, serde_json::json!({"text": "short", "more": long}).to_string()).unwrap();
    let given = format!("@{}", file.display());
    let large = ["run", "demo/print", "--guard", "x", "--params", &given];
    assert_eq!(project.tool(large).ok().out, "short", "too long for an argument of the guard's");
    let json = project.tool(run.into_iter().chain(["--json"])).ok().json();
    assert_eq!(json["result"]["stdout"], "a \"b\" ${HOME}");
}
