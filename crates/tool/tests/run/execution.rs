//! Real tools under real interpreters: their input, their output, and how they are stopped.

use crate::fixture::{Tool, ToolFixture, run_in_process, runs};
use lokt_tool::run::{ToolOutputMode, ToolRunError};
use serde_json::{Value, json};
use std::{fs, time::Duration};

const PYTHON: &str = "rye/core/runtimes/python_runtime";
const FUNCTION: &str = "rye/core/runtimes/python/function";
const BASH: &str = "rye/core/runtimes/bash/bash";
const NODE: &str = "rye/core/runtimes/node/node";
const SUBPROCESS: &str = "rye/core/primitives/subprocess";

/// Texts that a careless program would expand, run, or break in two.
fn hostile() -> Value {
    json!({
        "text": "a \"b\" 'c' \\ \n\r\t; $(reboot) `reboot` ${HOME} $HOME {project_path} {text} %s * ~ ü \u{1f512}",
        "params_json": "{tool_path}", "tool_path": "/etc/passwd", "command": "reboot", "args": ["reboot"],
        "list": [1, 2.50, null, true, {"a": "${HOME}"}], "empty": "", "dash": "-",
    })
}

const ECHO: &str = "\
import json, os, sys
params = sys.argv[2]
text = sys.stdin.read() if params == '-' else params
print(json.dumps({
    'params': json.loads(text), 'argv': sys.argv[1:2] + sys.argv[3:], 'cwd': os.getcwd(),
    'by_stdin': params == '-', 'id': os.environ['LOKT_TOOL_ID'], 'path': os.environ['LOKT_TOOL_PATH'],
    'beside': os.listdir(os.path.dirname(os.path.abspath(sys.argv[0]))), 'sys_path': sys.path[0],
    'file': sys.argv[0],
}))
";

#[test]
fn parameters_arrive_unchanged_whatever_their_text() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        let tool = Tool::new("x.py", PYTHON, ECHO);
        let mut big = hostile();
        big["big"] = json!("x".repeat(1024 * 1024));
        for (parameters, by_stdin) in [(hostile(), false), (json!({}), false), (big, true)] {
            let result = fixture.process(&tool, &parameters);
            let data = result.data().unwrap_or_else(|| panic!("{}", result.to_json()));
            assert!(data["params"] == parameters, "what is given arrives unchanged");
            assert_eq!(data["by_stdin"], json!(by_stdin), "only long parameters go by the input");
            let project = fixture.project();
            let project = project.to_str().unwrap();
            assert_eq!(data["argv"], json!(["--params", "--project-path", project]));
            assert_eq!(data["cwd"], json!(project), "a tool runs in its project");
            assert_eq!(data["id"], json!("web/x"));
            assert_eq!(data["path"], json!(format!("{project}/.ai/tools/x.py")));
            assert_eq!(data["beside"], json!(["x.py"]), "nothing lies beside the tool");
            assert!(!fs::exists(data["sys_path"].as_str().unwrap()).unwrap(), "the copy is gone");
        }
    });
}

#[test]
fn a_module_planted_beside_the_tool_or_in_the_project_is_not_imported() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        for planted in ["json.py", ".ai/tools/json.py", "importlib.py", "asyncio.py", "inspect.py"]
        {
            fixture.write(planted, "raise SystemExit('planted')\n");
        }
        let result = fixture.process(&Tool::new("x.py", PYTHON, ECHO), &json!({}));
        assert!(result.success(), "{}", result.to_json());
        let tool = Tool::new("x.py", FUNCTION, "import json\ndef execute(p, path): return p\n");
        let result = fixture.process(&tool, &json!({"a": 1}));
        assert_eq!(result.data(), json!({"a": 1}).as_object().cloned(), "{}", result.to_json());
    });
}

#[test]
fn the_result_is_the_return_value_and_not_the_output() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        for (text, expected) in [
            (
                "def execute(params, project_path):\n    return {'p': params, 'at': project_path}\n",
                None,
            ),
            (
                "import os, subprocess\nasync def execute(params, project_path):\n    print('noise')\n    \
                 subprocess.run(['echo', 'more noise'])\n    os.write(1, b'raw noise')\n    \
                 return {'p': params, 'at': project_path}\n",
                Some("more noise"),
            ),
        ] {
            let mut big = hostile();
            big["big"] = json!("x".repeat(1024 * 1024));
            for parameters in [hostile(), big] {
                let result = fixture.process(&Tool::new("x.py", FUNCTION, text), &parameters);
                let data = result.data().unwrap_or_else(|| panic!("{}", result.to_json()));
                assert!(data["p"] == parameters, "what is given arrives unchanged");
                assert_eq!(data["at"], json!(fixture.project()));
                let errors = String::from_utf8_lossy(&result.stderr.bytes).into_owned();
                assert!(errors.contains(expected.unwrap_or_default()), "{errors}");
            }
        }
    });
}

#[test]
fn a_function_that_fails_says_where() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        for (text, told) in [
            ("def execute(p, path): raise KeyError('here')\n", "KeyError: 'here'"),
            ("def execute(p, path): return object()\n", "not JSON serializable"),
            ("x = 1\n", "has no attribute 'execute'"),
            ("def execute(:\n", "SyntaxError"),
        ] {
            let result = fixture.process(&Tool::new("x.py", FUNCTION, text), &json!({}));
            let errors = String::from_utf8_lossy(&result.stderr.bytes).into_owned();
            assert_eq!(result.return_code(), 1, "{text}: {errors}");
            assert!(errors.contains(told) && result.stdout.bytes.is_empty(), "{text}: {errors}");
        }
    });
}

#[test]
fn a_shell_script_gets_its_parameters_as_words() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        let text = "printf '%s' \"$2\"; printf '%s' \"$1 $3 $4\" >&2; exit 3\n";
        let result = fixture.process(&Tool::new("x.sh", BASH, text), &hostile());
        let given: Value = serde_json::from_slice(&result.stdout.bytes).unwrap();
        assert_eq!(given, hostile());
        let words = format!("--params --project-path {}", fixture.project().display());
        assert_eq!(String::from_utf8_lossy(&result.stderr.bytes), words);
        assert_eq!((result.return_code(), result.success()), (3, false));
    });
}

#[test]
fn a_script_for_node_finds_the_modules_of_its_project() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        fixture.write("node_modules/thing/index.js", "module.exports = 'thing of the project'\n");
        fixture.write(
            "node_modules/thing/package.json",
            "{\"name\": \"thing\", \"main\": \"index.js\"}",
        );
        let required = "console.log(JSON.stringify({thing: require('thing'), p: JSON.parse(process.argv[3])}))";
        let imported = "import thing from 'thing'; console.log(JSON.stringify({thing, p: JSON.parse(process.argv[3])}))";
        for (file, text) in [("x.js", required), ("x.mjs", imported)] {
            let result = fixture.process(&Tool::new(file, NODE, text), &hostile());
            let data = result.data().unwrap_or_else(|| panic!("{}", result.to_json()));
            assert_eq!(data["thing"], json!("thing of the project"), "{file}");
            assert_eq!(data["p"], hostile(), "{file}");
        }
    });
}

#[test]
fn a_tool_that_hangs_is_stopped_with_all_its_processes_and_its_output_is_kept() {
    // A closure: its name tells which test is to run.
    run_in_process(|| assert_all_stopped(ToolFixture::new()));
}

fn assert_all_stopped(mut fixture: ToolFixture) {
    fixture.grace = Duration::from_millis(200);
    // One child ignores signals, as its parent does; the parent of the other has ended.
    let text = "trap '' TERM; sleep 1000 & echo $$ $!; (sleep 1001 & echo $!); echo so far >&2\n\
                while :; do wait; done\n";
    let mut tool = Tool::new("x.sh", BASH, text);
    tool.config = json!({"timeout": 2});
    let result = fixture.process(&tool, &json!({}));
    assert!(result.timed_out() && !result.success(), "{}", result.to_json());
    assert_eq!(result.stderr.bytes, b"so far\n", "what it said is kept");
    let pids = String::from_utf8(result.stdout.bytes.clone()).unwrap();
    assert_eq!(pids.split_whitespace().count(), 3, "{pids:?}");
    for pid in pids.split_whitespace() {
        assert!(!runs(pid), "process {pid} of the tool is gone");
    }
    assert_eq!(result.to_json()["timed_out"], json!(true));
}

#[test]
fn left_behind_processes_of_a_tool_are_not_waited_for() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        let tool = Tool::new("x.sh", BASH, "sleep 1000 & echo $!; exit 0\n");
        let result = fixture.process(&tool, &json!({}));
        let pid = String::from_utf8(result.stdout.bytes.clone()).unwrap();
        let pid = nix::unistd::Pid::from_raw(pid.trim().parse().unwrap());
        let signal = nix::sys::signal::Signal::SIGKILL;
        assert_eq!(nix::sys::signal::kill(pid, signal), Ok(()), "it still runs");
        assert!(result.success(), "{}", result.to_json());
    });
}

#[test]
fn a_missing_interpreter_is_reported_before_the_start() {
    run_in_process(|| {
        let mut fixture = ToolFixture::new();
        let nowhere = fixture.temporary();
        fixture.environment.retain(|(name, _)| name != "PATH");
        fixture.environment.push(("PATH".into(), nowhere.clone().into()));
        let error = fixture.run(&Tool::new("x.py", PYTHON, ECHO), &json!({})).unwrap_err();
        let venv = fixture.project().join(".venv/bin");
        let told = format!(
            "no interpreter for RYE_PYTHON of {PYTHON}: looked for {0}/python, {0}/python3, \
             $RYE_PYTHON (not set), python3 on PATH ({1})",
            venv.display(),
            nowhere.display()
        );
        assert_eq!(error.to_string(), told);
        let left = fixture.temporary().read_dir().unwrap().count();
        assert_eq!(left, 0, "a refused run leaves nothing behind");
    });
}

#[test]
fn the_projects_virtual_environment_is_used_first() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        let python =
            fixture.write(".venv/bin/python", "#!/bin/sh\necho \"{\\\"i\\\": \\\"$0\\\"}\"\n");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&python, executable).unwrap();
        let result = fixture.process(&Tool::new("x.py", PYTHON, ECHO), &json!({}));
        assert_eq!(result.data().unwrap()["i"], json!(python), "{}", result.to_json());
    });
}

#[test]
fn leftovers_of_killed_runs_are_removed_after_a_run() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        let left = fixture.temporary().join("lokt-run-left");
        fs::create_dir(&left).unwrap();
        let text = "[ -d \"$TMPDIR/lokt-run-left\" ] && echo there\n";
        let result = fixture.process(&Tool::new("x.sh", BASH, text), &json!({}));
        assert_eq!(result.stdout.bytes, b"there\n", "no process waits for a sweep");
        assert_eq!(fixture.temporary().read_dir().unwrap().count(), 0, "all of it is gone");
    });
}

#[test]
fn a_plain_process_gets_its_words_folder_variables_and_input() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        fixture.write("sub/here", "");
        let mut tool = Tool::new("x.yaml", SUBPROCESS, "");
        tool.config = json!({
            "command": "sh", "args": ["-c", "ls; cat; printf ' %s %s' \"$A\" \"$1\"", "sh", "{word}"],
            "cwd": "sub", "env": {"A": "{word}"}, "input_data": {"a": "{word}"},
        });
        let result = fixture.process(&tool, &json!({"word": "a  $(reboot)"}));
        let told = String::from_utf8_lossy(&result.stdout.bytes).into_owned();
        assert_eq!(told, "here\n{\"a\":\"a  $(reboot)\"} a  $(reboot) a  $(reboot)");
        tool.config = json!({"command": "sh", "args": ["-c", "cat; kill -9 $$"]});
        let result = fixture.process(&tool, &json!({}));
        assert_eq!(result.return_code(), 137, "the input is empty, and a signal is told");
    });
}

#[test]
fn output_that_is_shown_goes_to_the_callers_own_streams() {
    let shown = run_in_process(|| {
        let mut fixture = ToolFixture::new();
        fixture.output = ToolOutputMode::Show;
        let tool = Tool::new("x.sh", BASH, "echo to the output; echo to the errors >&2\n");
        let result = fixture.process(&tool, &json!({}));
        assert!(result.success() && result.stdout.bytes.is_empty(), "{}", result.to_json());
    });
    if let Some(shown) = shown {
        let [out, err] = [shown.stdout, shown.stderr].map(|it| String::from_utf8(it).unwrap());
        assert!(out.contains("to the output\n"), "{out}");
        assert!(err.contains("to the errors\n"), "{err}");
    }
}

#[test]
fn invalid_tools_are_refused_before_the_start() {
    run_in_process(|| {
        let fixture = ToolFixture::new();
        let mut tool = Tool::new("x.yaml", SUBPROCESS, "");
        tool.config = json!({"command": "touch", "args": ["started", "${NO_SUCH_VARIABLE}"]});
        let error = fixture.run(&tool, &json!({})).unwrap_err();
        assert!(matches!(error, ToolRunError::Template(_)), "{error}");
        tool.config = json!({"command": "touch", "args": ["started"], "timeout": "soon"});
        let error = fixture.run(&tool, &json!({})).unwrap_err();
        assert!(matches!(error, ToolRunError::Subprocess(_)), "{error}");
        assert!(!fixture.project().join("started").exists(), "nothing was started");
    });
}
