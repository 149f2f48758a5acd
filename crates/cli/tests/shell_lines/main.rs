//! Lines of shell before they run: real hooks, real shells, the real program.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

mod refusals;
mod rules;
mod same;

use lokt_testkit::{Done, Lokt, Sandbox};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

/// The rules of all tests.
const RULES: &str = "
[[guard]]
command = 'task *'
name = 'build'
wait = true

[[guard]]
command = 'tests'
name = 'tests'
once = true
";

/// A program that says what it gets.
const TASK: &str = r#"#!/bin/sh
echo "${0##*/}:$#:$*:${A-}:${PWD##*/}:${E-}"
case "$1" in
    in) cat ;;
    fail) exit 3 ;;
    both) echo out; echo err >&2 ;;
    kill) kill -9 $$ ;;
    hang) exec sleep 60 ;;
    tell) echo "$LOKT_NAME" ;;
esac
"#;

/// A repository with rules.
struct Project {
    sandbox: Sandbox,
}

impl Project {
    fn new() -> Self {
        let project = Self { sandbox: Sandbox::new(env!("CARGO_BIN_EXE_lokt")) };
        for program in ["task", "tests"] {
            let path = project.sandbox.folder().join(program);
            fs::write(&path, TASK).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        project.shell(
            "git init -q p; cd p; mkdir -p src sub/deep; echo 1 > src/a.rs; echo 1 > src/b.rs; git add .; \
             git commit -q -m first; git branch other",
        );
        fs::write(project.folder().join("lokt.toml"), RULES).unwrap();
        project
    }

    /// Runs lines of shell in the sandbox's folder.
    #[track_caller]
    fn shell(&self, lines: &str) -> Done {
        let lines = format!("set -e\n{lines}");
        self.call(self.sandbox.shell(&lines)).run().ok()
    }

    fn folder(&self) -> PathBuf {
        self.sandbox.folder().canonicalize().unwrap().join("p")
    }

    /// A call of the program in the repository.
    fn lokt(&self, line: &str) -> Lokt {
        self.call(self.sandbox.lokt(line.split(' '))).folder(self.folder())
    }

    /// A call with the repository's own root, the programs above, and no configuration of a user.
    fn call(&self, call: Lokt) -> Lokt {
        let folder = self.sandbox.folder().display();
        let program = self.sandbox.program().parent().unwrap().display();
        let path = format!("{folder}:{program}:{}", std::env::var("PATH").unwrap());
        let config = self.sandbox.folder().join("gitconfig");
        if !config.exists() {
            fs::write(&config, "[user]\nname = a\nemail = a@b\n").unwrap();
        }
        call.without("LOKT_ROOT").owner("ada").env("PATH", path).env("GIT_CONFIG_GLOBAL", config)
    }

    /// What a harness's hook answers to an event.
    #[track_caller]
    fn hook(&self, harness: &str, event: &Value) -> Done {
        let path = self.sandbox.folder().join("event");
        fs::write(&path, event.to_string()).unwrap();
        let input = fs::File::open(&path).unwrap();
        self.lokt(&format!("hook {harness}")).start_with(input).ends()
    }

    /// An event before a line of shell.
    fn event(&self, session: &str, line: &str) -> Value {
        json!({"session_id": session, "cwd": self.folder(), "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_use_id": "toolu_1",
            "tool_input": {"command": line, "timeout": 60_000, "description": "d"}})
    }

    /// What is done with a line, by Claude Code's hook.
    #[track_caller]
    fn before(&self, session: &str, line: &str) -> LineAnswer {
        let done = self.hook("claude-code", &self.event(session, line)).ok();
        if done.out.is_empty() {
            return LineAnswer::Unchanged(done.err);
        }
        let output = &done.json()["hookSpecificOutput"];
        let decision = output["permissionDecision"].as_str();
        if let Some(line) = output["updatedInput"]["command"].as_str() {
            assert_eq!(decision, None, "a rewrite approves nothing");
            assert_eq!(output["updatedInput"]["description"], "d", "the rest of the input stays");
            return LineAnswer::Runs(line.to_owned());
        }
        assert_eq!(decision, Some("deny"), "{done:#?}");
        LineAnswer::Denied(output["permissionDecisionReason"].as_str().unwrap().to_owned())
    }

    /// Reserves a file by an edit of a session, and edits it.
    #[track_caller]
    fn edit(&self, session: &str, file: &str) {
        let path = self.folder().join(file);
        for event in ["PreToolUse", "PostToolUse"] {
            let event = json!({"session_id": session, "cwd": self.folder(), "hook_event_name": event,
                "tool_name": "Edit", "tool_use_id": "toolu_2", "tool_input": {"file_path": &path}});
            let done = self.hook("claude-code", &event).ok();
            assert_eq!(done.out, "", "{file} is free for {session}");
            fs::write(&path, session).unwrap();
        }
    }
}

/// What a hook answered.
#[derive(Debug, PartialEq, Eq)]
enum LineAnswer {
    /// The line runs, and this is said of it.
    Unchanged(String),
    /// This line runs instead.
    Runs(String),
    /// It does not run.
    Denied(String),
}
