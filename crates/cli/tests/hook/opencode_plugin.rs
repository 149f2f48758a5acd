//! The plugin for `OpenCode` that `init` installs. Node runs it in a host that calls its hooks as `OpenCode` does.

use super::{Project, line};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

const HOST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hook/opencode_host.mjs");

/// What the host reports about a call.
struct HostOutcome {
    output: Value,
    error: Option<String>,
}

/// A project with the plugin.
struct PluginProject {
    it: Project,
}

impl PluginProject {
    /// Installs the plugin by `init` with these options, and Lokt where the plugin finds it.
    fn new(words: &str) -> Self {
        let project = Self { it: Project::new() };
        let init = format!("init --agent opencode --yes{words}");
        project.it.lokt(&init).env("HOME", project.it.sandbox.folder()).run().ok();
        // `OpenCode` loads the file as a module; node does so only with this setting.
        fs::write(project.it.folder().join(".opencode/package.json"), "{\"type\": \"module\"}")
            .unwrap();
        fs::create_dir(project.programs()).unwrap();
        // By default, the hook gives up after a second: too soon on a busy machine.
        let program = project.it.sandbox.program().display().to_string();
        project.put_program(&format!("exec '{program}' \"$@\" --timeout 30s"));
        project
    }

    /// The only folder in which the plugin finds programs.
    fn programs(&self) -> PathBuf {
        self.it.sandbox.folder().join("programs")
    }

    /// Puts a script in the place of Lokt.
    fn put_program(&self, script: &str) {
        let path = self.programs().join("lokt");
        let search = std::env::var("PATH").unwrap();
        fs::write(&path, format!("#!/bin/sh\nPATH='{search}'\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs the host. Returns what it reports about each call, and the lines that the plugin logged.
    #[track_caller]
    fn host(&self, calls: &Value) -> (Vec<HostOutcome>, Vec<String>) {
        let line = format!(
            "node=$(node -p process.execPath); PATH='{}' exec \"$node\" '{HOST}' p \"$CALLS\"",
            self.programs().display()
        );
        let call = self.it.sandbox.shell(&line).without("LOKT_ROOT").owner("ada");
        let config = self.it.sandbox.folder().join("gitconfig");
        let call = call.env("GIT_CONFIG_GLOBAL", config).env("CALLS", calls.to_string());
        let done = call.in_time().ok();
        assert_eq!(done.err, "", "the plugin leaves the terminal to `OpenCode`: {done:#?}");
        let said = done.json();
        let outcome = |it: &Value| HostOutcome {
            output: it["output"].clone(),
            error: it["error"].as_str().map(str::to_owned),
        };
        let logged = said["logged"].as_array().unwrap().iter().map(|it| {
            assert_eq!((&it["service"], &it["level"]), (&json!("lokt"), &json!("warn")), "{it}");
            it["message"].as_str().unwrap().to_owned()
        });
        (said["outcomes"].as_array().unwrap().iter().map(outcome).collect(), logged.collect())
    }

    /// The call before a tool.
    fn before(session: &str, tool: &str, args: &Value) -> Value {
        let input = json!({"tool": tool, "sessionID": session, "callID": format!("call {args}")});
        json!(["tool.execute.before", input, {"args": args}])
    }

    /// The call before an edit of a file.
    fn before_edit(&self, session: &str, file: &str) -> Value {
        let path = self.it.folder().join(file);
        Self::before(
            session,
            "edit",
            &json!({"filePath": path, "oldString": "1", "newString": "2"}),
        )
    }

    /// The same call after a tool.
    fn after(before: &Value) -> Value {
        let mut input = before[1].clone();
        input["args"] = before[2]["args"].clone();
        json!(["tool.execute.after", input, {"title": "", "output": "", "metadata": {}}])
    }
}

#[test]
fn the_plugin_denies_reserved_files_and_reserves_free_files() {
    let project = PluginProject::new("");
    project.it.lokt("reserve src/a.rs --reason parser").owner("bob").run().ok();
    let diff = "*** Begin Patch\n*** Update File: src/a.rs\n@@\n-1\n+2\n*** End Patch";
    let path = project.it.folder().join("src/a.rs");
    let free = project.before_edit("ses_1", "src/b.rs");
    let calls = json!([
        project.before_edit("ses_1", "src/a.rs"),
        PluginProject::before("ses_1", "write", &json!({"filePath": path, "content": "2"})),
        PluginProject::before("ses_1", "apply_patch", &json!({"patchText": diff})),
        PluginProject::before("ses_1", "read", &json!({"filePath": path})),
        free,
        PluginProject::after(&free),
    ]);
    let (outcomes, logged) = project.host(&calls);
    for outcome in &outcomes[..3] {
        let why = outcome.error.as_deref().unwrap();
        for part in ["src/a.rs was not changed", "bob", "parser", "Work on something else"] {
            assert!(why.contains(part), "{part}: {why}");
        }
    }
    for (outcome, call) in outcomes[3..].iter().zip(&calls.as_array().unwrap()[3..]) {
        assert_eq!(outcome.error, None, "reads, and edits of free files, are not denied");
        assert_eq!(outcome.output, call[2], "and the tool runs as it was called");
    }
    assert_eq!(logged, [""; 0]);
    let records = project.it.records();
    assert_eq!(records.len(), 2, "bob's, and the one of the free file: {records:?}");
    let own = records.iter().find(|it| line(it) == "opencode:ses_1 src/b.rs").unwrap();
    assert_eq!(own["confirmed"], true, "the call after the edit confirms it: {own}");
}

#[test]
fn two_sessions_of_the_plugin_are_two_agents_until_one_is_deleted() {
    let project = PluginProject::new("");
    let first = project.before_edit("ses_1", "src/a.rs");
    let second = project.before_edit("ses_2", "src/a.rs");
    let deleted =
        json!({"event": {"type": "session.deleted", "properties": {"info": {"id": "ses_1"}}}});
    let message = json!(["chat.message", {"sessionID": "ses_2"}, {}]);
    let calls =
        json!([first, PluginProject::after(&first), second, message, ["event", deleted], second]);
    let (outcomes, logged) = project.host(&calls);
    let why = outcomes[2].error.as_deref().unwrap();
    assert!(why.contains("opencode ses_1"), "{why}");
    assert_eq!(outcomes[5].error, None, "the end of a session ends its reservations");
    assert_eq!(logged, [""; 0]);
    assert_eq!(project.it.reserved(), ["opencode:ses_2 src/a.rs"]);
}

#[test]
fn the_plugin_rewrites_a_shell_command_that_a_rule_names() {
    let project = PluginProject::new("");
    let rule = "[[guard]]\ncommand = \"make *\"\nname = \"build\"\n";
    fs::write(project.it.folder().join("lokt.toml"), rule).unwrap();
    let args = |line: &str| json!({"command": line, "description": "it"});
    let calls = json!([
        PluginProject::before("ses_1", "bash", &args("cd src && make all")),
        PluginProject::before("ses_1", "bash", &args("ls")),
    ]);
    let (outcomes, _) = project.host(&calls);
    assert!(outcomes.iter().all(|it| it.error.is_none()));
    let line = outcomes[0].output["args"]["command"].as_str().unwrap();
    assert!(line.starts_with("cd src && ") && line.contains("guard build"), "{line}");
    assert!(line.ends_with("-- make all"), "{line}");
    assert_eq!(outcomes[0].output["args"]["description"], "it", "nothing else changes");
    assert_eq!(outcomes[1].output["args"], args("ls"), "a command without a rule stays");
}

/// Failing scripts in the place of Lokt, each with a part of the one line that the plugin logs.
const FAILING: [(&str, &str); 5] = [
    ("echo 'warning: lokt hook: no' >&2; exit 1", "warning: lokt hook: no"),
    ("exit 3", "lokt hook ended with 3"),
    ("kill -9 $$", "lokt hook ended with SIGKILL"),
    ("echo 'no JSON'", "cannot read"),
    ("printf '{\"deny\": '", "cannot read"),
];

#[test]
fn if_lokt_fails_the_plugin_logs_one_line_and_lets_the_tool_run() {
    let project = PluginProject::new("");
    project.it.lokt("reserve src/a.rs").owner("bob").run().ok();
    let calls = json!([project.before_edit("ses_1", "src/a.rs")]);
    for (script, text) in FAILING {
        project.put_program(script);
        let (outcomes, logged) = project.host(&calls);
        assert_eq!(outcomes[0].error, None, "{script}");
        assert_eq!(logged.len(), 1, "{script}: {logged:?}");
        assert!(logged[0].contains(text), "{script}: {logged:?}");
    }
    fs::remove_file(project.programs().join("lokt")).unwrap();
    let (outcomes, logged) = project.host(&calls);
    assert_eq!(outcomes[0].error, None, "the tool runs if lokt is not installed");
    assert_eq!(logged, [""; 0], "and the plugin logs nothing");
}

#[test]
fn if_lokt_fails_a_strict_plugin_denies_only_edits() {
    let project = PluginProject::new(" --strict");
    let edit = project.before_edit("ses_1", "src/b.rs");
    let shell = PluginProject::before("ses_1", "bash", &json!({"command": "ls"}));
    let idle = json!({"event": {"type": "session.idle", "properties": {"sessionID": "ses_1"}}});
    let calls = json!([edit, shell, ["event", idle], PluginProject::after(&edit)]);
    let (outcomes, _) = project.host(&calls);
    assert!(outcomes.iter().all(|it| it.error.is_none()), "a hook that runs denies none of these");
    let denies = || {
        let (outcomes, _) = project.host(&calls);
        let why = outcomes[0].error.as_deref().unwrap_or_default();
        assert!(why.contains("wants no edit that lokt has not checked"), "{why}");
        assert!(outcomes[1..].iter().all(|it| it.error.is_none()), "only edits are denied");
    };
    for (script, _) in FAILING {
        project.put_program(script);
        denies();
    }
    fs::remove_file(project.programs().join("lokt")).unwrap();
    denies();
}
