//! Parameters are data: every text arrives unchanged.

use crate::tool_project::ToolProject;
use serde_json::{Value, json};
use std::fs;

const ECHO: &str = r#"__version__ = "1.0.0"
__tool_type__ = "python"
__executor_id__ = "rye/core/runtimes/python_runtime"
CONFIG_SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}

import json, sys
given = sys.argv[sys.argv.index("--params") + 1]
text = sys.stdin.read() if given == "-" else given
print(json.dumps({"params": json.loads(text), "project": sys.argv[sys.argv.index("--project-path") + 1]}))
"#;

const FUNCTION: &str = r#"__version__ = "1.0.0"
__tool_type__ = "python"
__executor_id__ = "rye/core/runtimes/python/function"

def execute(params, project_path):
    return {"params": params, "project": project_path}
"#;

fn texts() -> Vec<String> {
    let hostile = [
        "${HOME}",
        "{project_path}",
        "{params_json}",
        "{text}",
        "\"quoted\" 'too'",
        "two\nlines\r\n",
        "$(reboot)",
        "`reboot`",
        "; rm -rf /",
        "--project-path=/",
        "-",
        "@/etc/passwd",
        "",
        "\u{0}",
        "ü😀",
        "${UNSET:-x}",
        "\\",
        "%s",
        "&&",
    ];
    hostile.iter().map(|&text| text.to_owned()).chain(["long ".repeat(200_000)]).collect()
}

fn assert_arrives(source: &str) {
    let project = ToolProject::in_project("a project (with {braces} and ${HOME})");
    project.lokt(["key", "generate"]).run().ok();
    project.put("demo/echo.py", source);
    project.sign(&["demo/echo"]);
    for text in texts() {
        let file = project.sandbox.folder().join("params.json");
        let params =
            json!({"text": text, "tool_path": "/mine", "n": 10_000_000_000_000_000_000_u64});
        fs::write(&file, params.to_string()).unwrap();
        let given = format!("@{}", file.display());
        let done = project.tool(["run", "demo/echo", "--json", "--params", &given]).ok().json();
        let expected = json!({"params": params, "project": project.folder()});
        let shown: String = text.chars().take(40).collect();
        assert!(done["data"] == expected, "{shown:?} arrives: {done:#}");
    }
}

#[test]
fn any_text_arrives_unchanged_at_a_script() {
    assert_arrives(ECHO);
}

#[test]
fn any_text_arrives_unchanged_at_a_function() {
    assert_arrives(FUNCTION);
}

#[test]
fn parameters_come_from_an_argument_a_file_or_the_standard_input() {
    let project = ToolProject::empty();
    project.lokt(["key", "generate"]).run().ok();
    project.put("demo/echo.py", ECHO);
    project.sign(&["demo/echo"]);
    let line = "echo '{\"text\": \"x\"}' | lokt tool run demo/echo --json --params -";
    let piped = project.sandbox.shell(line).folder(project.folder()).run().ok().json();
    assert_eq!(piped["data"]["params"], json!({"text": "x"}));
    for (params, message) in [
        ("{", "--params"),
        ("[]", "--params"),
        ("@/nowhere", "/nowhere"),
        ("{}", "text"),
        (r#"{"text": 1}"#, "/text"),
    ] {
        let done = project.tool(["run", "demo/echo", "--params", params]);
        assert!(matches!(done.code, Some(1 | 64)), "{params} is refused: {done:#?}");
        assert!(done.err.contains(message), "{params}: {done:#?}");
        assert_eq!(done.out, "", "nothing ran");
    }
}

#[test]
fn a_missing_interpreter_is_reported_with_the_search_path() {
    let project = ToolProject::empty();
    project.lokt(["key", "generate"]).run().ok();
    project.put("demo/echo.py", ECHO);
    project.sign(&["demo/echo"]);
    let run = ["tool", "run", "demo/echo", "--params", r#"{"text": "x"}"#];
    let program = project.sandbox.program().to_str().unwrap().to_owned();
    let line = format!(
        "PATH=/nowhere; exec {program} {}",
        "tool run demo/echo --params '{\"text\": \"x\"}'"
    );
    let done = project.sandbox.shell(&line).folder(project.folder()).run();
    let done = done.fails_with(127, "no interpreter");
    assert!(done.err.contains(".venv/bin/python") && done.err.contains("/nowhere"), "{done:#?}");
    project.lokt(run).env("RYE_PYTHON", "/not/there").run().fails_with(127, "RYE_PYTHON");
    project.lokt(run).run().ok();
}

#[test]
fn files_beside_a_tool_are_not_imported() {
    let project = ToolProject::empty();
    project.lokt(["key", "generate"]).run().ok();
    for (id, source) in [("demo/echo", ECHO), ("demo/call", FUNCTION)] {
        project.put(
            &format!("{id}.py"),
            format!("{source}\nimport json, this_is_not_there_either\n")
                .replace(", this_is_not_there_either", ""),
        );
        project.sign(&[id]);
    }
    let planted = "raise SystemExit('planted code ran')\n";
    for name in ["json", "argparse", "importlib", "sys", "asyncio", "sitecustomize"] {
        project.put(&format!("demo/{name}.py"), planted);
        fs::write(project.folder().join(format!("{name}.py")), planted).unwrap();
    }
    for id in ["demo/echo", "demo/call"] {
        let done = project.tool(["run", id, "--json", "--params", r#"{"text": "x"}"#]).ok().json();
        assert_eq!(done["data"]["params"], json!({"text": "x"}), "{done:#}");
    }
}

#[test]
fn the_result_has_the_output_of_a_tool_that_returns_no_object() {
    let project = ToolProject::new();
    let done = project.tool(["run", "demo/trace", "--json"]).ok().json();
    assert_eq!(done["data"]["return_code"], 0);
    assert_eq!(done["data"]["stdout"], "");
    assert_eq!(done["result"], done["data"]);
    assert!(done["metadata"]["duration_ms"].is_u64(), "{done:#}");
    let chain = done["chain"].as_array().map(Vec::len);
    assert_eq!((chain, &done["item_id"]), (Some(3), &Value::from("demo/trace")));
}
