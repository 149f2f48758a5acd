//! The rules of `lokt.toml`: who shows them, and what a broken file does.

use super::{LineAnswer, Project};
use serde_json::json;
use std::fs;

#[test]
fn prime_and_why_tell_of_the_rules() {
    let project = Project::new();
    let text = project.lokt("prime").run().ok().out;
    assert!(
        text.contains("- `build`: run `lokt guard build --wait -- task …`, not `task …`"),
        "{text}"
    );
    assert!(
        text.contains("- `tests` (once): run `lokt once tests -- tests`, not `tests`"),
        "{text}"
    );
    let found = project.lokt("prime --json").run().ok().json();
    let files: Vec<&str> = found["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, ["lokt.toml", "lokt.toml"]);
    let text = project.lokt("why build").run().ok().out;
    assert!(text.contains("\n  rule: lokt.toml, line 2: \"task *\" runs under it\n"), "{text}");
    let rules = project.lokt("why tests --json").run().ok().json()["rules"].clone();
    let rule = json!({"command": "tests", "names": ["tests"], "wait": false, "once": true,
        "max_hold": null, "line": 7});
    assert_eq!(rules, json!([rule]));
    assert_eq!(project.lokt("why other --json").run().ok().json()["rules"], json!([]));
}

#[test]
fn all_worktrees_have_the_rules_of_the_main_one() {
    let project = Project::new();
    project.shell("cd p; git worktree add -q ../tree; echo '[[guard' > ../tree/lokt.toml");
    let tree = project.folder().with_file_name("tree");
    let event = json!({"session_id": "one", "cwd": tree, "hook_event_name": "PreToolUse",
        "tool_name": "Bash", "tool_use_id": "t", "tool_input": {"command": "task"}});
    let answer = project.hook("claude-code", &event).ok().json();
    let line = &answer["hookSpecificOutput"]["updatedInput"]["command"];
    assert_eq!(line, "lokt guard build --wait --timeout 110s -- task");
}

#[test]
fn a_faulty_rule_is_named_and_stops_no_other_command() {
    let project = Project::new();
    let file = project.folder().join("lokt.toml");
    fs::write(&file, "[[guard]]\ncommand = 'task'\nnmae = 'x'\n").unwrap();
    let told = "lokt.toml: line 3: \"nmae\" is not a key of [[guard]]";
    let done = project.hook("claude-code", &project.event("one", "task"));
    assert_ne!(done.code, Some(2), "2 is a denial");
    assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    done.says(told);
    project.lokt("why x").run().ok().says(told);
    let unread = project.lokt("prime --json").run().ok().json()["unread"].clone();
    assert!(unread[0]["why"].as_str().unwrap().contains(told), "{unread}");
    let checks = project.lokt("doctor --json").run().expect(1).json()["checks"].clone();
    let check = checks.as_array().unwrap().iter().find(|it| it["name"] == "rules").unwrap().clone();
    assert_eq!(check["status"], "fail");
    assert!(check["message"].as_str().unwrap().contains(told), "{check}");
    project.lokt("guard x -- true").run().ok();
}

#[test]
fn a_line_around_which_the_lock_is_held_already_stays() {
    let project = Project::new();
    fs::write(project.sandbox.folder().join("event"), project.event("one", "task").to_string())
        .unwrap();
    let line = "lokt guard build -- sh -c 'lokt hook claude-code <../event'";
    let done = project.call(project.sandbox.shell(line)).folder(project.folder()).run().ok();
    assert_eq!(done.out, "");
}

#[test]
fn a_note_says_why_a_command_has_no_guard() {
    let project = Project::new();
    for (line, told) in [
        ("task 'a", "the line is left as it is"),
        (
            "task() { :; }; task",
            "`task` is a function or an alias of the line, so it runs without the lock \"build\"",
        ),
    ] {
        let LineAnswer::Unchanged(note) = project.before("one", line) else {
            panic!("{line} is unchanged");
        };
        assert!(note.contains(told) && note.lines().count() == 1, "{note}");
    }
}

#[test]
fn hostile_lines_do_no_harm() {
    let project = Project::new();
    let deep = format!("{}task{}", "$(".repeat(1_000), ")".repeat(1_000));
    for line in [
        "task '".repeat(1_001),
        "task;".repeat(200_000),
        "$(".repeat(500_000),
        deep,
        "task \0".to_owned(),
        "task\r\ntask\r\n".to_owned(),
        "\u{fffd}\u{202e}task".repeat(1_000),
    ] {
        let done = project.hook("claude-code", &project.event("one", &line));
        assert_ne!(done.code, Some(2), "2 is a denial: {}", done.err);
        assert!(done.err.lines().count() <= 1, "{}", done.err);
        assert!(!done.err.contains("panic") && !done.err.contains("bug"), "{}", done.err);
    }
}
