//! The hooks of harnesses: what `init` writes, run as a harness runs it.

use crate::project::{Project, sandbox};
use lokt_testkit::{Done, Lokt};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Each agent with hooks in JSON, and their file.
const FILES: [(&str, &str); 5] = [
    ("claude", ".claude/settings.json"),
    ("codex", ".codex/hooks.json"),
    ("gemini", ".gemini/settings.json"),
    ("cursor", ".cursor/hooks.json"),
    ("copilot", ".github/hooks/lokt.json"),
];
const PLUGIN: &str = ".opencode/plugins/lokt.js";

/// Each line of shell in a file of hooks, with its event.
fn lines(text: &str) -> Vec<(String, String)> {
    fn collect(value: &Value, lines: &mut Vec<String>) {
        match value {
            Value::Array(all) => all.iter().for_each(|it| collect(it, lines)),
            Value::Object(all) => {
                let line = all.get("command").or(all.get("bash")).and_then(Value::as_str);
                lines.extend(line.map(str::to_owned));
                all.values().for_each(|it| collect(it, lines));
            }
            _ => {}
        }
    }
    let all: Value = serde_json::from_str(text).unwrap();
    let mut found = Vec::new();
    for (event, hooks) in all.get("hooks").and_then(Value::as_object).unwrap() {
        let mut lines = Vec::new();
        collect(hooks, &mut lines);
        found.extend(lines.into_iter().map(|line| (event.clone(), line)));
    }
    found
}

/// A payload before an edit, as the documentation of each harness has it.
fn payload(agent: &str, session: &str, folder: &Path, file: &str) -> Value {
    let path = folder.join(file);
    match agent {
        "claude" => json!({"session_id": session, "cwd": folder, "hook_event_name": "PreToolUse",
            "tool_name": "Edit", "tool_input": {"file_path": path}, "tool_use_id": "t"}),
        "codex" => json!({"session_id": session, "cwd": folder, "hook_event_name": "PreToolUse",
            "tool_name": "apply_patch", "tool_use_id": "t", "tool_input": {"command":
            format!("*** Begin Patch\n*** Update File: {file}\n@@\n-a\n+b\n*** End Patch\n")}}),
        "gemini" => json!({"session_id": session, "cwd": folder, "hook_event_name": "BeforeTool",
            "tool_name": "write_file", "tool_input": {"file_path": path}}),
        "cursor" => json!({"conversation_id": session, "hook_event_name": "preToolUse",
            "tool_name": "Write", "tool_input": {"file_path": path}, "cwd": folder, "tool_use_id": "t"}),
        _ => json!({"sessionId": session, "cwd": folder, "toolName": "edit", "toolArgs":
            json!({"path": path}).to_string()}),
    }
}

/// Runs a line of a file of hooks with a payload, as a harness does.
#[track_caller]
fn run(project: &Project<'_>, line: &str, payload: &Value) -> Done {
    let input = project.it.folder().join("input");
    fs::write(&input, payload.to_string()).unwrap();
    let call = project.it.shell(line).folder(&project.folder).without("LOKT_ROOT");
    call.start_with(fs::File::open(&input).unwrap()).ends()
}

/// A line that looks for programs there.
fn with_path(project: &Project<'_>, path: &str, line: &str) -> Lokt {
    project.it.shell(&format!("export PATH={path}; {line}")).folder(&project.folder)
}

/// The line before an edit.
fn before_edit(project: &Project<'_>, path: &str) -> String {
    let events = ["PreToolUse", "BeforeTool", "preToolUse"];
    let all = lines(&project.read(path));
    all.into_iter().find(|(event, _)| events.contains(&event.as_str())).unwrap().1
}

#[test]
fn the_hooks_of_two_sessions_prevent_an_overwrite() {
    let it = sandbox();
    for (agent, path) in FILES {
        for strict in [false, true] {
            let project = Project::new(&it, &format!("{agent}-{strict}"), &[("a.txt", "1\n")]);
            let strict: &[&str] = if strict { &["--strict"] } else { &[] };
            project.init(["--agent", agent]).arguments(strict.iter().copied()).run().ok();
            let line = before_edit(&project, path);
            let edit = |session: &str| {
                let call = payload(agent, session, &project.folder, "a.txt");
                // Where the id of a session is in hooks alone, the agent is named like this.
                let line = match agent {
                    "gemini" | "copilot" => format!("export LOKT_AGENT_ID={session}; {line}"),
                    _ => line.clone(),
                };
                run(&project, &line, &call).ok()
            };
            let (first, second) = (edit("one"), edit("two"));
            assert_eq!((first.out.as_str(), first.err.as_str()), ("", ""), "{agent}: {first:#?}");
            let answer: Value = serde_json::from_str(&second.out)
                .unwrap_or_else(|flaw| panic!("{agent}: {flaw}: {second:#?}"));
            let decisions = [
                "/hookSpecificOutput/permissionDecision",
                "/decision",
                "/permission",
                "/permissionDecision",
            ];
            let is_denied = |at: &&str| answer.pointer(at).is_some_and(|it| it == "deny");
            assert!(decisions.iter().any(is_denied), "{agent}: {answer}");
            assert_eq!(edit("one").out, "", "{agent}: the first goes on");
        }
    }
}

#[test]
fn where_the_program_is_missing_no_line_says_or_blocks_anything() {
    let it = sandbox();
    for (agent, path) in FILES {
        let project = Project::new(&it, agent, &[]);
        project.init(["--agent", agent]).run().ok();
        for (event, line) in lines(&project.read(path)) {
            let done = with_path(&project, "/nowhere", &line).run().ok();
            assert_eq!((done.out.as_str(), done.err.as_str()), ("", ""), "{agent} {event}: {line}");
        }
    }
}

#[test]
fn a_strict_line_denies_an_edit_where_the_program_is_missing_too_old_or_killed() {
    let it = sandbox();
    let program = |name: &str, text: &str| {
        let folder = it.folder().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("lokt"), format!("#!/bin/sh\n{text}\n")).unwrap();
        it.shell(&format!("chmod +x {name}/lokt")).run().ok();
        format!("{}:/bin:/usr/bin", folder.display())
    };
    let paths = [
        "/nowhere".to_owned(),
        program("old", "echo \"error: unrecognized subcommand 'hook'\" >&2; exit 64"),
        program("killed", "kill -9 $$"),
    ];
    for (agent, path) in FILES.into_iter().filter(|(agent, _)| *agent != "copilot") {
        let project = Project::new(&it, agent, &[]);
        project.init(["--agent", agent, "--strict"]).run().ok();
        let all = lines(&project.read(path));
        let denying = all.iter().filter(|(_, line)| line.contains("exit 2")).count();
        assert!(denying == 1 && all.len() > 3, "{agent}: one line is before edits: {all:?}");
        for ((event, line), path) in
            all.iter().flat_map(|it| paths.iter().map(move |path| (it, path)))
        {
            let done = with_path(&project, path, line).run();
            let denies = line.contains("exit 2");
            assert_eq!(done.code == Some(2), denies, "{agent} {event}: only edits: {done:#?}");
            let says = done.err.contains("install lokt");
            assert_eq!(says, denies, "{agent} {event}: it says what to do: {done:#?}");
        }
    }
}

#[test]
fn a_program_that_is_too_old_blocks_nothing() {
    let it = sandbox();
    fs::create_dir(it.folder().join("old")).unwrap();
    fs::write(it.folder().join("old/lokt"), "#!/bin/sh\nexit 64\n").unwrap();
    it.shell("chmod +x old/lokt").run().ok();
    let path = format!("{}:/bin:/usr/bin", it.folder().join("old").display());
    for (agent, file) in FILES {
        let project = Project::new(&it, agent, &[]);
        project.init(["--agent", agent]).run().ok();
        for (event, line) in lines(&project.read(file)) {
            let done = with_path(&project, &path, &line).run();
            let denies =
                if agent == "copilot" { done.code != Some(0) } else { done.code == Some(2) };
            assert!(!denies, "{agent} {event}: {done:#?}");
        }
    }
}

#[test]
fn strictness_changes_a_few_lines_and_stays_until_it_is_changed() {
    let it = sandbox();
    let agents: Vec<&str> = FILES.iter().map(|it| it.0).chain(["opencode"]).collect();
    for agent in agents {
        let project = Project::new(&it, agent, &[]);
        project.init(["--agent", agent]).run().ok();
        let lenient = project.files();
        let done = project.init(["--agent", agent, "--strict"]).run().ok();
        let changed = |sign: char| {
            let is_line = |it: &&str| {
                it.starts_with(sign) && !it.starts_with("+++") && !it.starts_with("---")
            };
            done.out.lines().filter(is_line).count()
        };
        assert!((1..=2).contains(&changed('+')), "{agent}: {}", done.out);
        assert_eq!(changed('+'), changed('-'), "{agent}: {}", done.out);
        let strict = project.files();
        assert_ne!(strict, lenient);
        for again in [vec!["--agent", agent], vec![], vec!["--strict"]] {
            project.init(again).run().ok().says("everything is set up already");
        }
        assert_eq!(project.files(), strict, "{agent}: a later run does not make it lenient");
        project.init(["--no-strict"]).run().ok();
        assert_eq!(project.files(), lenient, "{agent}");
        project.init(["--strict"]).run().ok();
        project.init(["--undo"]).run().ok();
        assert!(project.files().is_empty(), "{agent}: {:?}", project.files().keys());
        for wrong in [["--strict", "--no-strict"], ["--strict", "--undo"]] {
            project.init(wrong).run().expect(64);
        }
    }
}

#[test]
fn what_cannot_be_enforced_is_said_once() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    let agents =
        ["--agent", "claude-code", "--agent", "codex", "--agent", "cursor", "--agent", "gemini"];
    for arguments in [vec!["--dry-run"], vec![]] {
        let done = project.init(agents).arguments(arguments).run().ok();
        for line in [
            "claude: a shell command or an MCP tool that writes files is not checked",
            "codex: skips the hooks until you trust them: run /hooks in Codex",
            "gemini: ignores the hooks in a folder that you do not trust",
            "cursor: turn off its setting for third-party hooks",
        ] {
            assert_eq!(done.err.matches(line).count(), 1, "{line}: {done:#?}");
        }
        let at = |text: &str| done.err.find(text).unwrap();
        let told = if done.err.contains("created ") { "created " } else { "nothing was changed" };
        assert!(at(told) < at("claude: "), "it comes last: {done:#?}");
    }
    let again = project.init(agents).run().ok();
    assert!(!again.err.contains("not checked"), "{again:#?}");
    let json = project.init(agents).arguments(["--json", "--dry-run"]).run().ok();
    assert_eq!(json.json(), json!({"written": false, "changes": [], "notes": []}));
    let json = project.init(["--agent", "opencode", "--json"]).run().ok().json();
    let notes = json["notes"].as_array().unwrap();
    assert!(notes.iter().any(|it| it.as_str().unwrap().starts_with("opencode: ")), "{json}");
}

#[test]
fn the_server_and_the_hooks_share_a_file_in_any_order() {
    let it = sandbox();
    let path = ".gemini/settings.json";
    let orders: [&[&[&str]]; 3] =
        [&[&["--mcp"]], &[&[], &["--mcp"]], &[&["--strict"], &["--mcp"], &["--no-strict"]]];
    let mut seen = Vec::new();
    for (number, calls) in orders.into_iter().enumerate() {
        let project = Project::new(&it, &format!("p{number}"), &[]);
        for call in calls {
            project.init(["--agent", "gemini"]).arguments(call.iter().copied()).run().ok();
        }
        let value: Value = serde_json::from_str(&project.read(path)).unwrap();
        assert_eq!(value["mcpServers"]["lokt"]["args"], json!(["mcp"]));
        assert_eq!(value["hooks"]["BeforeTool"].as_array().unwrap().len(), 2);
        seen.push(project.read(path));
        project.init(["--undo"]).run().ok();
        assert!(project.files().is_empty(), "{calls:?}: {:?}", project.files());
    }
    assert!(seen.iter().all(|it| *it == seen[0]), "the order does not matter");
}

#[test]
fn undo_restores_settings_with_comments_line_ends_and_hooks_of_the_user() {
    let it = sandbox();
    for (number, text) in [
        "{\n  // ours\n  \"model\": \"x\", // why\n  \"hooks\": {\n    \"PreToolUse\": [\n      {} // mine\n    ]\n  }\n}\n",
        "{\r\n\t\"hooks\": {\r\n\t\t\"Stop\": [{ \"hooks\" : [ ] }],\r\n\t\t\"preToolUse\": [ ]\r\n\t}\r\n}",
        "{ \"version\" : 1, \"hooks\": { \"preToolUse\": [ {\"command\": \"./own\"} ] } }",
        "/* all */ {}",
    ]
    .into_iter()
    .enumerate()
    {
        let files: Vec<(&str, &str)> = FILES.iter().map(|it| (it.1, text)).collect();
        let project = Project::new(&it, &format!("p{number}"), &files);
        let before = project.files();
        let agents: Vec<&str> = FILES.iter().flat_map(|it| ["--agent", it.0]).collect();
        project.init(agents.clone()).run().ok();
        let after = project.files();
        for (_, path) in FILES {
            assert_ne!(after[Path::new(path)], before[Path::new(path)], "{path}");
        }
        project.init(agents).run().ok().says("everything is set up already");
        project.init(["--strict"]).run().ok();
        project.init(["--undo"]).run().ok();
        assert_eq!(project.files(), before, "{text:?}");
    }
}

#[test]
fn a_plugin_that_was_changed_stays() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    project.init(["--agent", "opencode"]).run().ok();
    let own = project.read(PLUGIN) + "// mine\n";
    project.write(PLUGIN, &own);
    for call in [["--agent", "opencode"], ["--agent", "opencode"]] {
        let done = project.init(call).run().ok();
        done.says(&format!("{PLUGIN} was changed since, and stays"));
    }
    project.init(["--undo"]).run().ok().says(&format!("{PLUGIN} was changed since, and stays"));
    assert_eq!(project.read(PLUGIN), own);
}

#[test]
fn a_hook_in_a_form_of_the_users_own_is_told_of_where_strict_ones_are_wanted() {
    let it = sandbox();
    let own = r#"{"hooks": {"PreToolUse": [{"matcher": "*", "hooks": [{"type": "command", "command": "lokt hook claude-code"}]}]}}"#;
    let project = Project::new(&it, "p", &[(".claude/settings.json", own)]);
    let done = project.init(["--agent", "claude", "--strict"]).run().ok();
    done.says("a PreToolUse hook there runs `lokt hook` in another form");
    project.init(["--undo"]).run().ok().says("a PreToolUse hook there runs `lokt hook`");
    assert_eq!(project.read(".claude/settings.json"), own);
}

#[test]
fn the_first_example_of_the_page_prevents_one_overwrite() {
    let it = sandbox();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reservations.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```sh\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let call = it.shell(&format!("set -e\n{example}")).without("LOKT_ROOT");
    let done = call.env("HOME", it.folder()).run().ok();
    let answers: Vec<&str> = done.out.lines().filter(|it| it.starts_with('{')).collect();
    assert_eq!(answers.len(), 1, "one of the edits is denied: {done:#?}");
    let answer: Value = serde_json::from_str(answers[0]).unwrap();
    let output = &answer["hookSpecificOutput"];
    assert_eq!(output["permissionDecision"], "deny");
    let reason = output["permissionDecisionReason"].as_str().unwrap();
    assert!(reason.contains("src/login.rs was not changed") && reason.contains("ada-1f0c4be0"));
    for file in ["src/login.rs", "src/signup.rs"] {
        assert!(done.out.contains(&format!("\n{file}")), "both are reserved: {done:#?}");
    }
}
