//! The files that `init` makes for each agent.

use crate::project::{Project, sandbox};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt};

/// The command of a session-start hook.
const HOOK: &str = "! command -v lokt >/dev/null 2>&1 || lokt prime";

/// Each agent, and the files that a project without any of them has afterwards.
const AGENTS: [(&str, &[&str]); 11] = [
    ("agents", &["AGENTS.md"]),
    ("codex", &["AGENTS.md", ".codex/hooks.json"]),
    ("gemini", &["GEMINI.md", ".gemini/settings.json"]),
    ("opencode", &["AGENTS.md", ".opencode/plugins/lokt.js"]),
    ("amp", &["AGENTS.md"]),
    ("claude", &["CLAUDE.md", ".claude/settings.json"]),
    ("cursor", &[".cursor/rules/lokt.mdc", ".cursor/hooks.json"]),
    ("windsurf", &[".windsurfrules"]),
    ("copilot", &[".github/copilot-instructions.md", ".github/hooks/lokt.json"]),
    ("cline", &[".clinerules"]),
    ("aider", &["CONVENTIONS.md", ".aider.conf.yml"]),
];

#[test]
fn every_agent_gets_its_files_once_and_loses_them_again() {
    let it = sandbox();
    for (agent, files) in AGENTS {
        let project = Project::new(&it, agent, &[]);
        project.init(["--agent", agent]).run().ok().says("created scripts/guarded-example");
        let made = project.files();
        assert_eq!(made.len(), files.len() + 1, "{agent}: {:?}", made.keys());
        let section = project.read(files[0]);
        assert!(section.contains("`example`: run `scripts/guarded-example`"), "{section}");
        let again = [vec!["--agent", agent], vec![], vec!["--no-strict"]];
        for again in again {
            project.init(again).run().ok().says("everything is set up already");
        }
        assert_eq!(project.files(), made, "the second time changes nothing");
        project.init(["--undo"]).run().ok();
        let left: Vec<_> = fs::read_dir(&project.folder).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "only the repository itself is left: {left:?}");
        project.init(["--undo"]).run().ok().says("lokt has nothing here to remove");
    }
}

/// The agents with a list of servers in the project, and where it is.
const SERVERS: [(&str, &str); 7] = [
    ("claude", ".mcp.json"),
    ("cursor", ".cursor/mcp.json"),
    ("gemini", ".gemini/settings.json"),
    ("codex", ".codex/config.toml"),
    ("opencode", "opencode.json"),
    ("amp", ".amp/settings.json"),
    ("copilot", ".vscode/mcp.json"),
];

#[test]
fn the_server_is_added_where_it_is_asked_for_and_never_over_what_is_there() {
    let it = sandbox();
    for (agent, path) in SERVERS {
        let project = Project::new(&it, agent, &[]);
        project.init(["--agent", agent, "--mcp"]).run().ok();
        let made = project.read(path);
        assert!(made.contains("lokt") && made.contains("mcp"), "{path}: {made}");
        assert!(path.ends_with("toml") || serde_json::from_str::<Value>(&made).is_ok(), "{made}");
        let again = project.init(["--agent", agent, "--mcp", "--json"]).run().ok().json();
        assert_eq!(
            (again["changes"].clone(), again["notes"].clone()),
            (json!([]), json!([])),
            "{agent}"
        );
        project.init(["--undo"]).run().ok();
        assert!(project.files().is_empty(), "{agent}: {:?}", project.files().keys());
        let own = "{ \"own\": 1 }";
        project.write(path, own);
        let done = project.init(["--agent", agent, "--mcp"]).run().ok();
        assert!(done.err.contains(&format!("add to {path}")), "{done:#?}");
        if path.ends_with("toml") {
            let (_, copied) = done.out.split_once("[mcp_servers.lokt]").unwrap();
            let copied = format!("[mcp_servers.lokt]{copied}");
            let table: toml::Table = toml::from_str(&copied).unwrap();
            assert_eq!(table["mcp_servers"]["lokt"]["command"].as_str(), Some("lokt"), "{copied}");
        }
        let now = project.read(path);
        // Gemini CLI has its hooks in the same file.
        assert!(now == own || (agent == "gemini" && now.starts_with("{ \"own\": 1, ")), "{now}");
        project.init(["--undo"]).run().ok();
        assert_eq!(project.read(path), own);
    }
}

#[test]
fn an_agent_without_a_known_list_of_servers_is_named() {
    let it = sandbox();
    for agent in ["agents", "windsurf", "cline", "aider"] {
        let project = Project::new(&it, agent, &[]);
        let done = project.init(["--agent", agent, "--mcp"]).run().ok();
        assert!(done.err.contains(&format!("--mcp adds no server for {agent}: ")), "{done:#?}");
    }
}

#[test]
fn agents_with_files_in_the_project_are_found() {
    let it = sandbox();
    let traces = [
        ("AGENTS.md", "AGENTS.md"),
        ("CLAUDE.md", "CLAUDE.md"),
        (".claude/x", "CLAUDE.md"),
        (".cursor/x", ".cursor/rules/lokt.mdc"),
        (".windsurfrules", ".windsurfrules"),
        (".github/copilot-instructions.md", ".github/copilot-instructions.md"),
        (".clinerules/own.md", ".clinerules/lokt.md"),
        (".aider.conf.yml", "CONVENTIONS.md"),
        ("README.md", "AGENTS.md"),
    ];
    for (number, (trace, file)) in traces.into_iter().enumerate() {
        let project = Project::new(&it, &format!("p{number}"), &[(trace, "was here\n")]);
        project.init([""; 0]).run().ok();
        assert!(project.read(file).contains("lokt:begin"), "{trace} is a trace of {file}");
        let read = |path: &&&str| project.folder.join(path).exists();
        let others = ["AGENTS.md", "CLAUDE.md", ".windsurfrules", "CONVENTIONS.md"];
        assert!(others.iter().filter(read).count() <= 1, "{trace}: no other agent got something");
    }
}

#[test]
fn the_session_start_hook_is_merged() {
    let it = sandbox();
    let settings = "{\n  \"model\": \"x\",\n  \"hooks\": {\n    \"Stop\": []\n  }\n}\n";
    let project = Project::new(&it, "p", &[(".claude/settings.json", settings)]);
    project.init(["--agent", "claude"]).run().ok();
    let text = project.read(".claude/settings.json");
    assert!(
        text.starts_with("{\n  \"model\": \"x\",\n  \"hooks\": {\n    \"Stop\": [ {\"hooks\":"),
        "{text}"
    );
    let value: Value = serde_json::from_str(&text).unwrap();
    let hook = json!({"hooks": [{"type": "command", "command": HOOK}]});
    assert_eq!(value["hooks"]["SessionStart"][0], hook);
}

#[test]
fn a_working_example_is_made_only_in_a_project_without_guards() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    project.init([""; 0]).run().ok();
    let done = it.shell("scripts/guarded-example").folder(&project.folder).run().ok();
    assert_eq!(done.out, "alone in here\n");
    let other = Project::new(&it, "q", &[("Makefile", "x:\n\tlokt guard x -- y\n")]);
    other.init([""; 0]).run().ok();
    assert!(!other.folder.join("scripts").exists(), "there is something to look at already");
    assert!(other.read("AGENTS.md").contains("`x`: run `make x`, not `y`"));
}

#[test]
fn the_section_is_updated_and_nothing_else_changes() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[("AGENTS.md", "# Ours\n")]);
    project.init([""; 0]).run().ok();
    project.write("AGENTS.md", &(project.read("AGENTS.md") + "\nBelow.\n"));
    project.write("Makefile", "x:\n\tlokt guard x -- y\n");
    project.init([""; 0]).run().ok().says("updated AGENTS.md");
    let text = project.read("AGENTS.md");
    assert!(text.contains("`x`: run `make x`"), "{text}");
    assert!(text.starts_with("# Ours\n\n<!-- lokt") && text.ends_with("-->\n\nBelow.\n"), "{text}");
    project.init(["--undo"]).run().ok();
    assert_eq!(project.read("AGENTS.md"), "# Ours\n\nBelow.\n");
}

#[test]
fn modes_line_ends_and_links_inside_are_kept() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[("AGENTS.md", "one\r\ntwo\r\n")]);
    let file = project.folder.join("AGENTS.md");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("AGENTS.md", project.folder.join("CLAUDE.md")).unwrap();
    let before = project.files();
    project.init(["--agent", "claude", "--agent", "agents"]).run().ok();
    let text = project.read("AGENTS.md");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{text:?}");
    assert_eq!(text.matches("lokt:begin").count(), 1, "two names of one file are one file");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(project.folder.join("CLAUDE.md").is_symlink(), "a link stays one");
    project.init(["--undo"]).run().ok();
    assert_eq!(project.files(), before);
}

#[test]
fn aider_is_mentioned_only_if_its_settings_do_not_read_the_file() {
    let it = sandbox();
    let conf = (".aider.conf.yml", "read: [CONVENTIONS.md]\n");
    let project = Project::new(&it, "p", &[conf]);
    let done = project.init([""; 0]).run().ok();
    assert!(!done.err.contains("aider reads"), "{done:#?}");
    let other = Project::new(&it, "q", &[(".aider.conf.yml", "model: x\n")]);
    other.init([""; 0]).run().ok().says("aider reads CONVENTIONS.md only if");
    assert_eq!(other.read(".aider.conf.yml"), "model: x\n", "the user's file is unchanged");
}

#[test]
fn existing_settings_of_aider_are_kept() {
    let it = sandbox();
    let conf = "read: CONVENTIONS.md\n";
    let project = Project::new(&it, "p", &[(".aider.conf.yml", conf)]);
    project.init(["--agent", "aider"]).run().ok();
    project.init(["--undo"]).run().ok();
    assert_eq!(project.read(".aider.conf.yml"), conf, "init did not make it");
}

#[test]
fn a_hook_beside_another_one_is_kept_and_reported() {
    let it = sandbox();
    let own = r#"{"type": "command", "command": "lokt prime"}"#;
    let other = r#"{"type": "command", "command": "true"}"#;
    let text = format!(r#"{{"hooks": {{"SessionStart": [{{"hooks": [{own}, {other}]}}]}}}}"#);
    let project = Project::new(&it, "p", &[(".claude/settings.json", &text)]);
    let done = project.init(["--undo"]).run().ok();
    done.says(".claude/settings.json: a SessionStart hook there runs `lokt prime`");
    assert_eq!(project.read(".claude/settings.json"), text);
}
