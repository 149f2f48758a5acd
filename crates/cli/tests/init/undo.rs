//! Undoing restores every byte.

use crate::project::{Project, sandbox};

const ALL_AGENTS: [&str; 14] = [
    "--agent", "agents", "--agent", "claude", "--agent", "cursor", "--agent", "windsurf",
    "--agent", "copilot", "--agent", "cline", "--agent", "aider",
];

/// Contents that are easily damaged.
const TEXTS: [&str; 11] = [
    "",
    "\n",
    "no end",
    "an end\n",
    "two\n\n\n",
    "dos\r\nfile\r\n",
    "---\nfront: matter\n---\n\nx",
    "\u{feff}",
    "\u{feff}marked\n",
    "\u{feff}marked\r\n",
    " \n",
];
const SETTINGS: [&str; 11] = [
    "{}",
    "{\n}\n",
    "{\"a\":1.0}",
    "{\n\t\"a\" : [ 1,2 ]\n}",
    "{\"hooks\":{}}\n",
    "{\r\n  \"hooks\": {\"SessionStart\": []},\r\n  \"z\": null\r\n}\r\n",
    "{\"hooks\": {\"SessionStart\": [{\"matcher\": \"clear\", \"hooks\": []}], \"Stop\": []}}",
    "",
    "\u{feff}{}\n",
    "\u{feff}\r\n",
    " \n\t",
];

#[test]
fn undo_restores_the_original_files() {
    let it = sandbox();
    for (number, (text, settings)) in TEXTS.into_iter().zip(SETTINGS).enumerate() {
        let texts =
            ["AGENTS.md", "CLAUDE.md", ".windsurfrules", "CONVENTIONS.md"].map(|it| (it, text));
        let mut files = texts.to_vec();
        files.push((".cursor/rules/lokt.mdc", text));
        files.push((".claude/settings.json", settings));
        let project = Project::new(&it, &format!("p{number}"), &files);
        let before = project.files();
        project.init(ALL_AGENTS).run().ok();
        let after = project.files();
        assert!(
            before.iter().all(|(path, file)| after[path] != *file),
            "all of them got something"
        );
        project.init(ALL_AGENTS).run().ok().says("everything is set up already");
        project.init(["--undo", "--dry-run"]).run().ok();
        assert_eq!(project.files(), after, "a dry run changes nothing");
        project.init(["--undo"]).run().ok();
        assert_eq!(project.files(), before, "{text:?} and {settings:?}");
    }
}

#[test]
fn one_agent_can_be_removed() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    project.init(ALL_AGENTS).run().ok();
    project.init(["--undo", "--agent", "claude"]).run().ok();
    let files = project.files();
    let there = |path: &str| files.keys().any(|it| it.starts_with(path));
    assert!(!there("CLAUDE.md") && !there(".claude"), "{:?}", files.keys());
    assert!(there("AGENTS.md") && there("scripts/guarded-example"), "{:?}", files.keys());
}

#[test]
fn later_changes_by_the_user_are_kept() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    project.init(["--agent", "claude", "--agent", "aider"]).run().ok();
    project.write("scripts/guarded-example", "#!/bin/sh\nlokt guard real -- work\n");
    project.write(".aider.conf.yml", "read: CONVENTIONS.md\nmodel: x\n");
    project.write("CLAUDE.md", &(project.read("CLAUDE.md") + "Ours.\n"));
    let settings = project.read(".claude/settings.json").replacen('{', "{\n  \"model\": \"x\",", 1);
    project.write(".claude/settings.json", &settings);
    project
        .init(["--undo"])
        .run()
        .ok()
        .says("scripts/guarded-example was changed since, and stays");
    assert_eq!(project.read("CLAUDE.md"), "Ours.\n");
    assert_eq!(project.read(".aider.conf.yml"), "read: CONVENTIONS.md\nmodel: x\n");
    let left: serde_json::Value =
        serde_json::from_str(&project.read(".claude/settings.json")).unwrap();
    assert_eq!(left, serde_json::json!({"model": "x"}));
}
