//! A parameter is a value: whatever its text, it arrives as it is.

use crate::workshop::Workshop;
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

fn arrive(source: &str) {
    let workshop = Workshop::in_project("a project (with {braces} and ${HOME})");
    workshop.lokt(["key", "generate"]).run().ok();
    workshop.put("demo/echo.py", source);
    workshop.sign(&["demo/echo"]);
    for text in texts() {
        let file = workshop.sandbox.folder().join("params.json");
        let params =
            json!({"text": text, "tool_path": "/mine", "n": 10_000_000_000_000_000_000_u64});
        fs::write(&file, params.to_string()).unwrap();
        let given = format!("@{}", file.display());
        let done = workshop.tool(["run", "demo/echo", "--json", "--params", &given]).ok().json();
        let expected = json!({"params": params, "project": workshop.project()});
        let shown: String = text.chars().take(40).collect();
        assert!(done["data"] == expected, "{shown:?} arrives: {done:#}");
    }
}

#[test]
fn any_text_arrives_unchanged_at_a_script() {
    arrive(ECHO);
}

#[test]
fn any_text_arrives_unchanged_at_a_function() {
    arrive(FUNCTION);
}

#[test]
fn parameters_come_from_an_argument_a_file_or_the_standard_input() {
    let workshop = Workshop::empty();
    workshop.lokt(["key", "generate"]).run().ok();
    workshop.put("demo/echo.py", ECHO);
    workshop.sign(&["demo/echo"]);
    let line = "echo '{\"text\": \"x\"}' | lokt tool run demo/echo --json --params -";
    let piped = workshop.sandbox.shell(line).folder(workshop.project()).run().ok().json();
    assert_eq!(piped["data"]["params"], json!({"text": "x"}));
    for (params, message) in [
        ("{", "--params"),
        ("[]", "--params"),
        ("@/nowhere", "/nowhere"),
        ("{}", "text"),
        (r#"{"text": 1}"#, "/text"),
    ] {
        let done = workshop.tool(["run", "demo/echo", "--params", params]);
        assert!(matches!(done.code, Some(1 | 64)), "{params} is refused: {done:#?}");
        assert!(done.err.contains(message), "{params}: {done:#?}");
        assert_eq!(done.out, "", "nothing ran");
    }
}

#[test]
fn an_interpreter_that_is_missing_is_told_with_where_it_was_looked_for() {
    let workshop = Workshop::empty();
    workshop.lokt(["key", "generate"]).run().ok();
    workshop.put("demo/echo.py", ECHO);
    workshop.sign(&["demo/echo"]);
    let run = ["tool", "run", "demo/echo", "--params", r#"{"text": "x"}"#];
    let program = workshop.sandbox.program().to_str().unwrap().to_owned();
    let line = format!(
        "PATH=/nowhere; exec {program} {}",
        "tool run demo/echo --params '{\"text\": \"x\"}'"
    );
    let done = workshop.sandbox.shell(&line).folder(workshop.project()).run();
    let done = done.fails_with(127, "no interpreter");
    assert!(done.err.contains(".venv/bin/python") && done.err.contains("/nowhere"), "{done:#?}");
    workshop.lokt(run).env("RYE_PYTHON", "/not/there").run().fails_with(127, "RYE_PYTHON");
    workshop.lokt(run).run().ok();
}

#[test]
fn what_stands_beside_a_tool_is_not_imported() {
    let workshop = Workshop::empty();
    workshop.lokt(["key", "generate"]).run().ok();
    for (id, source) in [("demo/echo", ECHO), ("demo/call", FUNCTION)] {
        workshop.put(
            &format!("{id}.py"),
            format!("{source}\nimport json, this_is_not_there_either\n")
                .replace(", this_is_not_there_either", ""),
        );
        workshop.sign(&[id]);
    }
    let planted = "raise SystemExit('planted code ran')\n";
    for name in ["json", "argparse", "importlib", "sys", "asyncio", "sitecustomize"] {
        workshop.put(&format!("demo/{name}.py"), planted);
        fs::write(workshop.project().join(format!("{name}.py")), planted).unwrap();
    }
    for id in ["demo/echo", "demo/call"] {
        let done = workshop.tool(["run", id, "--json", "--params", r#"{"text": "x"}"#]).ok().json();
        assert_eq!(done["data"]["params"], json!({"text": "x"}), "{done:#}");
    }
}

#[test]
fn the_result_says_what_the_tool_printed_where_that_is_no_object() {
    let workshop = Workshop::new();
    let done = workshop.tool(["run", "demo/trace", "--json"]).ok().json();
    assert_eq!(done["data"]["return_code"], 0);
    assert_eq!(done["data"]["stdout"], "");
    assert_eq!(done["result"], done["data"]);
    assert!(done["metadata"]["duration_ms"].is_u64(), "{done:#}");
    let chain = done["chain"].as_array().map(Vec::len);
    assert_eq!((chain, &done["item_id"]), (Some(3), &Value::from("demo/trace")));
}
