//! What is refused before it runs, and what is not.

use super::{LineAnswer, Project};
use serde_json::json;

#[test]
fn work_of_another_that_is_in_no_commit_is_not_discarded() {
    let project = Project::new();
    project.edit("one", "src/a.rs");
    project.edit("one", "new.txt");
    project.edit("two", "src/b.rs");
    for line in [
        "git stash",
        "git stash -u",
        "true && git reset --hard HEAD | cat",
        "git checkout -- src",
        "git checkout src/a.rs",
        "git checkout HEAD src/a.rs",
        "git checkout .",
        "git checkout -f other",
        "git restore src/a.rs",
        "git restore -SW .",
        "cd src && git restore a.rs",
        "git -C src checkout a.rs",
        "git switch -f other",
        "git clean -f",
        "git clean -fd .",
        "git rm -f src/a.rs",
        "bash -c 'git stash'",
        "cd $X; git restore a.rs",
    ] {
        let LineAnswer::Denied(text) = project.before("two", line) else {
            panic!("{line} is refused");
        };
        let file = if line.contains("clean") { "new.txt" } else { "src/a.rs" };
        let told = format!("\"{file}\" is reserved by ada (claude-code one) since ");
        assert!(text.contains(&told), "{line}: {text}");
        assert!(text.contains(", for another 1") && text.contains("other work"), "{text}");
        assert!(!text.contains("src/b.rs") && !text.contains("force"), "{text}");
    }
    for line in [
        "git stash -- src/b.rs",
        "git checkout -- src/b.rs",
        "git checkout src/b.rs",
        "git restore src/b.rs",
        "cd src && git restore b.rs",
        "git restore --staged src/a.rs",
        "git checkout other",
        "git stash list",
        "git reset HEAD",
        "git clean -n",
        "git clean -f src",
        "git rm --cached -f src/a.rs",
        "git status",
        "echo git stash",
    ] {
        let answer = project.before("two", line);
        assert_eq!(answer, LineAnswer::Unchanged(String::new()), "{line}");
    }
}

#[test]
fn work_that_is_committed_or_given_back_or_ones_own_is_no_matter() {
    let project = Project::new();
    let unchanged = LineAnswer::Unchanged(String::new());
    project.edit("one", "src/a.rs");
    let denied = project.before("two", "git stash");
    assert!(matches!(denied, LineAnswer::Denied(_)));
    assert_eq!(project.before("one", "git stash"), unchanged, "it is the session's own");
    project.shell("cd p; git commit -q -m second src/a.rs");
    assert_eq!(project.before("two", "git stash"), unchanged, "there is nothing to discard");
    project.shell("cd p; git worktree add -q ../tree");
    let tree = project.folder().with_file_name("tree");
    project.edit("one", "src/b.rs");
    let line = format!("git -C {} reset --hard", tree.display());
    assert_eq!(project.before("two", &line), unchanged, "the other worktree has no such change");
}

#[test]
fn git_takes_turns_in_each_worktree() {
    let project = Project::new();
    project.shell("cd p; git worktree add -q ../tree.x");
    let lock = |line: &str| match project.before("one", line) {
        LineAnswer::Runs(line) => {
            let name = line.split(' ').find(|it| it.starts_with("git-index.")).unwrap().to_owned();
            assert!(line.contains(&format!("lokt guard {name} --wait --timeout 50s -- git ")));
            name
        }
        other => panic!("{line}: {other:?}"),
    };
    let (main, tree) = (lock("git add ."), lock("git -C ../tree.x commit -m x"));
    assert_eq!(tree, format!("{main}.tree-x"));
    assert_eq!(lock("cd ../tree.x && git add ."), tree);
    assert_eq!(lock("git commit -m \"$(cat <<'E'\nit's\nE\n)\""), main);
    let LineAnswer::Runs(line) =
        project.before("one", "echo 2 > src/a.rs; git add -A && git commit -q -m x")
    else {
        panic!("it is rewritten");
    };
    let done = project.call(project.sandbox.shell(&line)).folder(project.folder()).run().ok();
    assert_eq!((done.out.as_str(), done.err.as_str()), ("", ""));
}

#[test]
fn commands_that_would_wait_for_each_other_are_refused() {
    let project = Project::new();
    let LineAnswer::Denied(text) = project.before("one", "task a | task in") else {
        panic!("each would wait for the other");
    };
    let line = text.lines().last().unwrap();
    assert_eq!(line, "lokt guard build --wait --timeout 50s -- bash -c 'task a | task in'");
    let done = project.call(project.sandbox.shell(line)).folder(project.folder()).run().ok();
    assert_eq!(done.out, "task:1:in::p:\ntask:1:a::p:\n");
    assert_eq!(project.before("one", line), LineAnswer::Unchanged(String::new()));
}

#[test]
fn a_harness_that_cannot_change_a_line_is_told_what_to_run() {
    let project = Project::new();
    let event = json!({"conversation_id": "c", "hook_event_name": "beforeShellExecution",
        "workspace_roots": [project.folder()], "cwd": project.folder(), "command": "a && task x"});
    let answer = project.hook("cursor", &event).ok().json();
    assert_eq!(answer["permission"], "deny");
    let text = answer["agent_message"].as_str().unwrap();
    assert!(text.ends_with("\na && lokt guard build --wait -- task x"), "{text}");
}

#[test]
fn a_held_lock_refuses_the_command_alone() {
    let project = Project::new();
    project.lokt("lock build --ttl 5m --owner bob").run().ok();
    let event = json!({"session_id": "one", "cwd": project.folder(), "hook_event_name": "PreToolUse",
        "tool_name": "Bash", "tool_use_id": "t", "tool_input": {"command": "task; echo $?", "timeout": 9000}});
    let answer = project.hook("claude-code", &event).ok().json();
    let line = answer["hookSpecificOutput"]["updatedInput"]["command"].as_str().unwrap();
    assert_eq!(line, "lokt guard build -- task; echo $?", "there is no time to wait");
    let done = project.call(project.sandbox.shell(line)).folder(project.folder()).run().ok();
    assert_eq!(done.out, "2\n");
    done.says("is held by bob");
}
