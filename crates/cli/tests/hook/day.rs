//! A day of two agents: edits, denials, subagents, a crash, a second worktree, and the ends of both sessions.

use super::{Project, line, reason, records};
use lokt_testkit::Running;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// A process with the name of a harness, which runs hooks as its children.
struct Harness<'a> {
    project: &'a Project,
    session: &'static str,
    folder: String,
    process: Running,
}

impl<'a> Harness<'a> {
    fn start(project: &'a Project, session: &'static str, folder: &Path) -> Self {
        let program = project.sandbox.folder().join("claude");
        fs::write(&program, "#!/bin/sh\nwhile read -r line; do eval \"$line\"; done\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let process = project.sandbox.shell("exec ./claude").without("LOKT_ROOT").start();
        let folder = folder.to_str().unwrap().to_owned();
        let mut harness = Self { project, session, folder, process };
        assert_eq!(
            harness.event(&json!({"hook_event_name": "SessionStart", "source": "startup"})),
            None
        );
        harness
    }

    /// Calls the hook. Returns why a tool is denied.
    #[track_caller]
    fn event(&mut self, event: &Value) -> Option<String> {
        let mut payload = json!({"session_id": self.session, "cwd": self.folder});
        payload.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        let place = self.project.sandbox.folder().join(format!("{}.json", self.session));
        fs::write(&place, payload.to_string()).unwrap();
        let file = place.to_str().unwrap();
        self.process.types(&format!(
            "lokt hook claude-code --timeout 30s < {file} > {file}.out 2> {file}.err; echo \"done $?\"; echo\n"
        ));
        let end = self.process.prints("done");
        let text = |end: &str| fs::read_to_string(format!("{file}.{end}")).unwrap();
        assert_eq!((end.trim(), text("err").as_str()), ("done 0", ""), "{payload}");
        let answer = text("out");
        (!answer.is_empty()).then(|| {
            let answer: Value = serde_json::from_str(&answer).unwrap();
            answer["hookSpecificOutput"]["permissionDecisionReason"].as_str().unwrap().to_owned()
        })
    }

    #[track_caller]
    fn tool(&mut self, event: &str, file: &str, agent: Option<&str>) -> Option<String> {
        let path = Path::new(&self.folder).join(file);
        self.event(&json!({"hook_event_name": event, "tool_name": "Write", "agent_id": agent,
            "tool_input": {"file_path": path, "content": ""}, "tool_use_id": format!("t-{file}")}))
    }

    #[track_caller]
    fn edit(&mut self, file: &str) {
        assert_eq!(self.tool("PreToolUse", file, None), None);
        fs::write(Path::new(&self.folder).join(file), self.session).unwrap();
        assert_eq!(self.tool("PostToolUse", file, None), None);
    }

    #[track_caller]
    fn tell(&mut self, event: &str) {
        assert_eq!(self.event(&json!({"hook_event_name": event})), None);
    }
}

/// What is reserved in the project.
fn reserved(it: &Project) -> Vec<String> {
    let list = it.lokt("reservations --json").run().ok().json();
    let mut all: Vec<String> = list.as_array().unwrap().iter().map(line).collect();
    all.sort();
    all
}

#[test]
fn two_agents_work_for_a_day_and_nothing_is_left_over() {
    let it = Project::new();
    it.shell("cd p; git worktree add -q ../two");
    let two = it.folder().parent().unwrap().join("two");
    let mut ada = Harness::start(&it, "ada1", &it.folder());
    let mut bob = Harness::start(&it, "bob1", &it.folder());
    ada.edit("src/a.rs");
    assert!(bob.tool("PreToolUse", "src/a.rs", None).unwrap().contains("ada1"));
    bob.edit("src/b.rs");
    ada.tell("Stop");
    bob.tell("Stop");
    assert_eq!(reserved(&it), ["ada1 src/a.rs", "bob1 src/b.rs"], "a turn's end keeps edits");
    let record = &it.records()[0];
    assert_eq!(record["hold"], "process", "it ends with the harness: {record}");

    // A prompt that a person answers with no.
    assert_eq!(ada.tool("PreToolUse", "docs/x.md", None), None);
    ada.tell("PermissionRequest");
    assert!(bob.tool("PreToolUse", "docs/x.md", None).is_some());
    ada.tell("UserPromptSubmit");
    assert_eq!(bob.tool("PreToolUse", "docs/x.md", None), None);
    assert_eq!(bob.tool("PostToolUse", "docs/x.md", None), None);

    // Another worktree is another copy of the file; a command's reservation counts in both.
    let mut eve = Harness::start(&it, "eve1", &two);
    eve.edit("src/a.rs");
    it.lokt("reserve docs").owner("carl").run().expect(2);
    it.lokt("reserve config").owner("carl").run().ok();
    assert!(eve.tool("PreToolUse", "config/x", None).unwrap().contains("carl"));

    // A subagent of ada's, while a long command of hers runs.
    let shell = json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "make"}});
    assert_eq!(ada.event(&shell), None);
    let of_ada = |it: &Project| {
        it.records().into_iter().find(|it| it["agent_id"] == "claude-code:ada1").unwrap()
    };
    assert!(of_ada(&it)["ttl_sec"].as_u64().unwrap() > 7000, "an open call keeps it");
    assert_eq!(ada.tool("PreToolUse", "src/c.rs", Some("sub")), None);
    assert_eq!(ada.tool("PostToolUse", "src/c.rs", Some("sub")), None);
    assert!(ada.tool("PreToolUse", "src/c.rs", None).is_some());
    assert_eq!(ada.event(&json!({"hook_event_name": "SubagentStop", "agent_id": "sub"})), None);
    assert_eq!(ada.tool("PreToolUse", "src/c.rs", None), None);
    assert_eq!(ada.tool("PostToolUse", "src/c.rs", None), None);
    let mut shell = shell;
    shell["hook_event_name"] = "PostToolUse".into();
    assert_eq!(ada.event(&shell), None);
    assert!(of_ada(&it)["ttl_sec"].as_u64().unwrap() <= 900, "and no longer");

    // Bob's harness crashes. What it had is free at once.
    bob.process.kill();
    assert_eq!(ada.tool("PreToolUse", "src/b.rs", None), None);
    assert_eq!(ada.tool("PostToolUse", "src/b.rs", None), None);
    ada.edit("docs/x.md");

    it.lokt("unreserve --all").owner("carl").run().ok();
    ada.tell("SessionEnd");
    assert_eq!(reserved(&it), ["eve1 src/a.rs"]);
    eve.tell("SessionEnd");
    assert_eq!(reserved(&it), [""; 0]);
    assert_eq!(records(&it.folder().join(".git/lokt")).len(), 0, "not even a file");
    let notes = fs::read_dir(it.folder().join(".git/lokt/sessions")).unwrap().flatten();
    let notes: Vec<_> = notes.map(|it| it.file_name()).collect();
    assert_eq!(notes.len(), 0, "no note of a session: {notes:?}");
    ada.process.release();
    eve.process.release();
}

#[test]
fn a_hook_removes_what_dead_harnesses_have_reserved_though_its_file_is_another() {
    let it = Project::new();
    let mut ada = Harness::start(&it, "ada1", &it.folder());
    let mut bob = Harness::start(&it, "bob1", &it.folder());
    ada.edit("src/a.rs");
    bob.edit("docs/x.md");
    ada.process.kill();
    it.edit("s2", "src/b.rs");
    assert_eq!(it.reserved(), ["bob1 docs/x.md", "s2 src/b.rs"], "before an edit");
    bob.process.kill();
    it.tell("s2", "Stop");
    assert_eq!(it.reserved(), ["s2 src/b.rs"], "at another event");
    let log = fs::read_to_string(it.folder().join(".git/lokt/audit.log")).unwrap();
    let ends = log.lines().map(|it| serde_json::from_str::<Value>(it).unwrap());
    let ends = ends.filter(|it| it["event"] == "expire").map(|it| it["extra"].clone());
    let ends: Vec<_> = ends.map(|it| (it["patterns"][0].clone(), it["why"].clone())).collect();
    let gone = || Value::from("process gone");
    assert_eq!(ends, [("src/a.rs".into(), gone()), ("docs/x.md".into(), gone())]);
}

#[test]
fn a_session_gives_back_what_it_has_in_other_repositories() {
    let it = Project::new();
    it.shell("git init -q other; git -C other commit -q --allow-empty -m first; mkdir nowhere");
    let other = it.folder().parent().unwrap().join("other");
    it.edit("s1", "src/a.rs");
    let edit = json!({"session_id": "s1", "cwd": it.folder(), "hook_event_name": "PreToolUse",
        "tool_name": "Write", "tool_input": {"file_path": other.join("x")}});
    assert_eq!(reason(&it.hook("claude-code", &edit)), None);
    assert_eq!(records(&other.join(".git/lokt")).len(), 1);
    // The session has moved on to the other repository.
    let end = json!({"session_id": "s1", "cwd": other, "hook_event_name": "SessionEnd"});
    assert_eq!(reason(&it.hook("claude-code", &end)), None);
    assert_eq!(records(&other.join(".git/lokt")).len(), 0);
    assert_eq!(it.reserved(), [""; 0]);
}
