//! Search paths in the environment: interpreters load nothing from the working folder, which is the project.

use crate::tool_project::ToolProject;
use lokt_testkit::Done;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

const PYTHON: &str = r#"__version__ = "1"
__executor_id__ = "rye/core/runtimes/python_runtime"
import json, colorsys
try:
    import planted
except ImportError:
    pass
print("signed")
"#;

const FUNCTION: &str = r#"__version__ = "1"
__executor_id__ = "rye/core/runtimes/python/function"
import colorsys
def execute(params, project_path):
    try:
        import planted
    except ImportError:
        pass
    return "signed"
"#;

const NODE: &str = r#"export const __version__ = "1"
export const __executor_id__ = "rye/core/runtimes/node/node"
import { createRequire } from "node:module"
try { createRequire(import.meta.url)("planted") } catch {}
console.log("signed")
"#;

const BASH: &str = r#"# __version__ = "1"
# __executor_id__ = "rye/core/runtimes/bash/bash"
planted-program 2>/dev/null
cd empty && : >here
cd "$OLDPWD" 2>/dev/null
echo signed
"#;

const PERL: &str = r#"# __version__ = "1"
# __executor_id__ = "perl"
eval { require planted };
print "signed\n";
"#;

/// A runtime whose config adds to a reserved variable, and names a folder of the project.
const OWN: &str = r#"version: "1"
tool_type: runtime
executor_id: rye/core/primitives/subprocess
env_config:
  interpreter: {type: command, resolve_cmd: [sh, -c, "planted-program; command -v python3"], var: PYTHON}
  env: {PYTHONPATH: "${PYTHONPATH:-}:/nonexistent"}
config:
  command: "${PYTHON}"
  args: ["{tool_path}"]
  env: {PATH: ":${PATH}", PYTHONUSERBASE: "lib", NODE_OPTIONS: "--require ./planted.js"}
"#;

/// Tools of all runtimes, in a project with files in every language, which leave a trace if they are loaded.
fn planted() -> ToolProject {
    let project = ToolProject::empty();
    project.lokt(["key", "generate"]).run().ok();
    project.put_user("own.yaml", OWN);
    let perl = OWN.split("env_config").next().unwrap();
    project.put_user(
        "perl.yaml",
        format!("{perl}config: {{command: perl, args: ['{{tool_path}}']}}\n"),
    );
    for (file, text) in [
        ("python.py", PYTHON),
        ("function.py", FUNCTION),
        ("node.mjs", NODE),
        ("bash.sh", BASH),
        ("perl-tool.sh", PERL),
        ("own-tool.py", &PYTHON.replace("rye/core/runtimes/python_runtime", "own")),
    ] {
        project.put(file, text);
    }
    project.sign(&["own", "perl", "python", "function", "node", "bash", "perl-tool", "own-tool"]);
    for folder in ["", "lib/", "lib/python3/site-packages/", "lib/empty/"] {
        let path = |name: &str| project.folder().join(format!("{folder}{name}"));
        fs::create_dir_all(path("")).unwrap();
        let python = "open('trace', 'a').write('python')\n";
        for name in ["json", "colorsys", "planted", "sitecustomize", "usercustomize"] {
            fs::write(path(&format!("{name}.py")), python).unwrap();
        }
        fs::write(path("planted.js"), "require('fs').writeFileSync('trace', 'node')\n").unwrap();
        fs::write(path("planted.mjs"), "import 'fs'; process.exit(7)\n").unwrap();
        let perl = "open(F, '>>trace'); print F 'perl'; close F; 1;\n";
        fs::write(path("planted.pm"), perl).unwrap();
        fs::write(path("planted.pl"), perl).unwrap();
        program(&path("planted-program"), "#!/bin/sh\necho shell >>trace\n");
        fs::write(path("env.sh"), "echo shell >>trace\n").unwrap();
    }
    fs::create_dir(project.folder().join("empty")).unwrap();
    project
}

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn run(project: &ToolProject, tool: &str, variable: &str, value: &str) -> Done {
    project.lokt(["tool", "run", tool]).env(variable, value).run()
}

#[track_caller]
fn assert_runs_as_signed(project: &ToolProject, tool: &str, (variable, value): (&str, &str)) {
    let done = run(project, tool, variable, value).ok();
    assert!(done.out.contains("signed"), "{tool} with {variable}={value}: {done:#?}");
    let trace = fs::read_to_string(project.folder().join("trace")).unwrap_or_default();
    assert_eq!(trace, "", "{tool} with {variable}={value} ran unsigned code");
}

#[test]
fn no_search_path_leads_into_the_working_folder() {
    let project = planted();
    let path = std::env::var("PATH").unwrap();
    let around = |entry: &str| format!("{entry}:{path}:{entry}");
    for (variable, tools) in [
        ("PYTHONPATH", ["python", "function", "own-tool"].as_slice()),
        ("NODE_PATH", &["node"]),
        ("PERL5LIB", &["perl-tool"]),
        ("PERLLIB", &["perl-tool"]),
        ("LD_LIBRARY_PATH", &["bash"]),
        ("CDPATH", &["bash"]),
        ("PATH", &["bash", "own-tool"]),
    ] {
        for entry in ["", ".", "lib"] {
            let value =
                if variable == "PATH" { around(entry) } else { format!("/nonexistent:{entry}") };
            for tool in tools {
                assert_runs_as_signed(&project, tool, (variable, &value));
            }
        }
    }
    assert!(project.folder().join("empty/here").exists(), "cd went where it says");
}

#[test]
fn no_variable_names_a_file_of_the_working_folder() {
    let project = planted();
    for (tool, variable, value) in [
        ("bash", "BASH_ENV", "env.sh"),
        ("bash", "BASH_ENV", "./env.sh"),
        ("bash", "ENV", "env.sh"),
        ("python", "PYTHONUSERBASE", "lib"),
        ("python", "PYTHONHOME", "lib"),
        ("python", "PYTHONSTARTUP", "json.py"),
        ("python", "HOME", "."),
        ("node", "HOME", "."),
        ("node", "NODE_OPTIONS", "--require ./planted.js"),
        ("node", "NODE_OPTIONS", "-r ./planted"),
        ("node", "NODE_OPTIONS", "--no-warnings --require=\"./planted.js\""),
        ("node", "NODE_OPTIONS", "--import ./planted.mjs"),
        ("node", "NODE_OPTIONS", "--import=./planted.mjs"),
        ("node", "NODE_OPTIONS", "--experimental_loader ./planted.mjs"),
        ("perl-tool", "PERL5OPT", "-Mlib=. -Mplanted"),
        ("perl-tool", "PERL5OPT", "-wI./lib"),
        ("perl-tool", "PERL_UNSAFE_INC", "1"),
    ] {
        if value.ends_with("-Mplanted") {
            // Perl reports that it does not find that.
            assert_eq!(run(&project, tool, variable, value).code, Some(1));
            assert!(!project.folder().join("trace").exists(), "{variable}={value}");
        } else {
            assert_runs_as_signed(&project, tool, (variable, value));
        }
    }
}

#[test]
fn absolute_paths_are_the_callers_choice() {
    let project = planted();
    let trace = project.folder().join("trace");
    let lib = project.folder().join("lib");
    let lib = lib.to_str().unwrap();
    for (tool, variable, value) in [
        ("python", "PYTHONPATH", format!("{lib}:")),
        ("bash", "PATH", format!("{}:{lib}", std::env::var("PATH").unwrap())),
        ("bash", "BASH_ENV", format!("{lib}/env.sh")),
        ("node", "NODE_PATH", lib.to_owned()),
        ("node", "NODE_OPTIONS", format!("--require {lib}/planted.js")),
        ("perl-tool", "PERL5LIB", lib.to_owned()),
    ] {
        run(&project, tool, variable, &value).ok();
        assert!(trace.exists(), "{tool} with {variable}={value} has what it is to have");
        fs::remove_file(&trace).unwrap();
    }
}

#[test]
fn a_tool_that_cannot_be_executed_has_the_code_that_a_guard_has() {
    let project = ToolProject::empty();
    project.lokt(["key", "generate"]).run().ok();
    let folder = project.folder().to_owned();
    let at = |name: &str| -> PathBuf { folder.join(name) };
    fs::create_dir(at("folder")).unwrap();
    fs::create_dir(at("bin")).unwrap();
    fs::write(at("plain"), "text\n").unwrap();
    fs::write(at("bin/blocked"), "text\n").unwrap();
    program(&at("no-interpreter"), "#!/nonexistent/interpreter\n");
    program(&at("garbage"), "\u{7f}ELF garbage");
    std::os::unix::fs::symlink("nothing", at("dangling")).unwrap();
    std::os::unix::fs::symlink("loop", at("loop")).unwrap();
    let path = format!("{}:{}", at("bin").display(), std::env::var("PATH").unwrap());
    for (command, code) in [
        ("./plain", 126),
        ("./folder", 126),
        ("blocked", 126),
        ("./loop", 126),
        ("./missing", 127),
        ("./plain/x", 127),
        ("./dangling", 127),
        ("no-such-program", 127),
        ("./no-interpreter", 127),
    ] {
        let guarded = project.lokt(["guard", "x", "--", command]).env("PATH", &path).run();
        assert_eq!(guarded.code, Some(code), "guard, {command}: {guarded:#?}");
        let config = format!(
            "version: \"1\"\nexecutor_id: rye/core/primitives/subprocess\nconfig: {{command: {command:?}}}\n"
        );
        project.put("start.yaml", config);
        project.sign(&["start"]);
        let call = project.lokt(["tool", "run", "start"]).env("PATH", &path);
        let done = call.run().expect(code);
        assert!(done.err.starts_with("error: "), "{command}: {done:#?}");
    }
}

#[test]
fn an_interpreter_that_cannot_be_executed_is_not_reported_as_missing() {
    let project = ToolProject::empty();
    project.lokt(["key", "generate"]).run().ok();
    project.put("python.py", PYTHON);
    project.sign(&["python"]);
    fs::create_dir(project.folder().join("bin")).unwrap();
    let blocked = project.folder().join("bin/python3");
    fs::write(&blocked, "text\n").unwrap();
    let run = |variable: &str, value: &Path| {
        project.lokt(["tool", "run", "python"]).env(variable, value.to_str().unwrap()).run()
    };
    run("RYE_PYTHON", &blocked).fails_with(126, "no executable file");
    run("RYE_PYTHON", Path::new("/not/there")).fails_with(127, "no executable file");
    run("PATH", blocked.parent().unwrap()).fails_with(126, "(not executable)");
    run("PATH", Path::new("/not/there")).fails_with(127, "no interpreter");
}
