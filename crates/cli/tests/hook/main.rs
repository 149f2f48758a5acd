//! `lokt hook`: real processes that get what harnesses write, in projects of git.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

mod day;
mod faults;
mod forms;
mod opencode_plugin;
mod places;
mod yielding;

use lokt_testkit::{Done, Lokt, Sandbox};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A sandbox with a repository `p` in it.
struct Project {
    sandbox: Sandbox,
}

impl Project {
    /// A repository with some committed files.
    fn new() -> Self {
        let project = Self { sandbox: Sandbox::new(env!("CARGO_BIN_EXE_lokt")) };
        project.shell(
            "git init -q p; cd p; mkdir src docs; echo 1 > src/a.rs; echo 1 > src/b.rs; echo 1 > docs/x.md; \
            echo ignored > .gitignore; git add .; git commit -q -m first",
        );
        project
    }

    /// Runs a line of shell in the sandbox's folder.
    #[track_caller]
    fn shell(&self, line: &str) -> Done {
        let line = format!(
            "set -e; export GIT_CONFIG_GLOBAL=$PWD/gitconfig\n\
            git config --global user.name a; git config --global user.email a@b\n\
            git config --global protocol.file.allow always\n{line}"
        );
        self.sandbox.shell(&line).without("LOKT_ROOT").run().ok()
    }

    fn folder(&self) -> PathBuf {
        self.sandbox.folder().canonicalize().unwrap().join("p")
    }

    /// A call of the program in the repository, by its own root.
    fn lokt(&self, line: &str) -> Lokt {
        let call = self.sandbox.lokt(line.split(' ')).without("LOKT_ROOT").folder(self.folder());
        call.owner("ada").env("GIT_CONFIG_GLOBAL", self.sandbox.folder().join("gitconfig"))
    }

    /// Calls the hook of a harness with a payload.
    #[track_caller]
    fn hook(&self, harness: &str, payload: &Value) -> Done {
        self.raw(&format!("hook {harness} --timeout 30s"), payload.to_string().as_bytes())
    }

    /// Calls the program with bytes on standard input.
    #[track_caller]
    fn raw(&self, line: &str, input: &[u8]) -> Done {
        let path = self.sandbox.folder().join("input");
        fs::write(&path, input).unwrap();
        self.lokt(line).start_with(fs::File::open(&path).unwrap()).ends()
    }

    /// An event about a tool of Claude Code that edits a file.
    fn edit_event(&self, event: &str, session: &str, file: &str) -> Value {
        json!({"session_id": session, "cwd": self.folder(), "hook_event_name": event,
            "tool_name": "Edit", "tool_input": {"file_path": self.folder().join(file)},
            "tool_use_id": format!("toolu_{file}")})
    }

    /// The answer to an edit that is about to begin; nothing where it goes on.
    #[track_caller]
    fn before(&self, session: &str, file: &str) -> Option<String> {
        reason(&self.hook("claude-code", &self.edit_event("PreToolUse", session, file)))
    }

    /// Tells that an edit was made.
    #[track_caller]
    fn after(&self, session: &str, file: &str) {
        assert_eq!(
            reason(&self.hook("claude-code", &self.edit_event("PostToolUse", session, file))),
            None
        );
    }

    /// Edits a file: asks, writes and tells.
    #[track_caller]
    fn edit(&self, session: &str, file: &str) {
        assert_eq!(self.before(session, file), None, "{file} is free for {session}");
        fs::write(self.folder().join(file), session).unwrap();
        self.after(session, file);
    }

    /// Tells of another event.
    #[track_caller]
    fn tell(&self, session: &str, event: &str) {
        let payload =
            json!({"session_id": session, "cwd": self.folder(), "hook_event_name": event});
        assert_eq!(reason(&self.hook("claude-code", &payload)), None);
    }

    /// What is reserved: `agent pattern pattern`, sorted.
    fn reserved(&self) -> Vec<String> {
        let mut all: Vec<String> = self.records().iter().map(line).collect();
        all.sort();
        all
    }

    /// Removes all reservations of the repository's own root.
    fn clear(&self) {
        for record in self.records() {
            let id = record["id"].as_str().unwrap();
            self.lokt(&format!("unreserve --id {id} --force")).run().ok();
        }
    }

    /// The records of reservations.
    fn records(&self) -> Vec<Value> {
        records(&self.folder().join(".git/lokt"))
    }
}

/// The records in a root.
fn records(root: &Path) -> Vec<Value> {
    let files = fs::read_dir(root.join("reservations")).into_iter().flatten().flatten();
    let read =
        |it: fs::DirEntry| serde_json::from_str(&fs::read_to_string(it.path()).unwrap()).unwrap();
    files.map(read).collect()
}

/// A record in a line.
fn line(record: &Value) -> String {
    let agent = record["agent_id"].as_str().unwrap();
    let agent = agent.strip_prefix("claude-code:").unwrap_or(agent);
    let patterns = record["patterns"].as_array().unwrap().iter();
    let patterns: Vec<&str> = patterns.map(|it| it.as_str().unwrap()).collect();
    format!("{agent} {}", patterns.join(" "))
}

/// Why an edit is denied, by Claude Code's form; nothing where it is not. No other output may be there.
#[track_caller]
fn reason(done: &Done) -> Option<String> {
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{done:#?}");
    if done.out.is_empty() {
        return None;
    }
    let output = &done.json()["hookSpecificOutput"];
    assert_eq!(output["hookEventName"], "PreToolUse");
    assert_eq!(output["permissionDecision"], "deny");
    Some(output["permissionDecisionReason"].as_str().unwrap().to_owned())
}

#[test]
fn a_file_that_another_agent_edits_is_denied_with_who_since_when_and_until_when() {
    let it = Project::new();
    assert_eq!(it.before("s1", "src/a.rs"), None);
    let why = it.before("s2", "src/a.rs").unwrap();
    for part in [
        "src/a.rs was not changed",
        "ada (claude-code s1)",
        "since",
        "for another 14m",
        "an edit is under way",
        "Work on something else and come back",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert!(!why.contains("--force") && !why.contains("unreserve"), "no hint takes it: {why}");
    it.after("s1", "src/a.rs");
    assert!(it.before("s2", "src/a.rs").unwrap().contains("it edits this file"));
    assert_eq!(it.before("s2", "src/b.rs"), None, "other files are free");
    assert_eq!(it.before("s1", "src/a.rs"), None, "and the holder goes on");
    assert_eq!(it.reserved(), ["s1 src/a.rs", "s2 src/b.rs"]);
    let record = it.records().into_iter().find(|it| it["patterns"][0] == "src/a.rs").unwrap();
    assert_eq!(record["scope"], "tree");
    assert_eq!(record["origin"], "edit");
    assert_eq!(record["confirmed"], false, "the next edit is under way");
}

#[test]
fn reads_and_unknown_events_are_never_denied() {
    let it = Project::new();
    it.edit("s1", "src/a.rs");
    for (event, tool) in [
        ("PreToolUse", "Read"),
        ("PreToolUse", "Grep"),
        ("Tomorrow", "Edit"),
        ("PostToolUse", "Edit"),
    ] {
        let mut payload = it.edit_event(event, "s2", "src/a.rs");
        payload["tool_name"] = tool.into();
        assert_eq!(reason(&it.hook("claude-code", &payload)), None, "{event} {tool}");
    }
    assert_eq!(it.reserved(), ["s1 src/a.rs"]);
}

#[test]
fn the_path_of_a_hook_is_a_file_and_nothing_is_below_it() {
    let it = Project::new();
    it.lokt("reserve **/*.md --reason docs").owner("bob").run().ok();
    assert_eq!(it.before("s1", "src/a.rs"), None, "**/*.md does not cover src/a.rs");
    let why = it.before("s1", "docs/x.md").unwrap();
    assert!(why.contains("bob") && why.contains("docs"), "{why}");
    assert!(it.before("s1", "docs/new.md").is_some(), "a file that is not there yet");
    it.lokt("reserve **/*.txt").owner("bob").run().ok();
    it.lokt("reserve src/*.rs").owner("bob").run().fails_with(2, "src/a.rs");
    it.lokt("reserve src").owner("bob").run().fails_with(2, "src/a.rs");
    it.lokt("unreserve --all").owner("bob").run().ok();
    it.lokt("reserve src --scope tree").owner("bob").run().fails_with(2, "src/a.rs");
}

#[test]
fn a_refused_edit_gives_back_what_was_not_reserved_before() {
    let it = Project::new();
    assert_eq!(it.before("s1", "src/a.rs"), None);
    it.tell("s1", "Stop");
    assert_eq!(it.reserved(), [""; 0], "nothing was changed");
    it.edit("s1", "src/a.rs");
    assert_eq!(it.before("s1", "src/a.rs"), None);
    it.tell("s1", "UserPromptSubmit");
    let record = &it.records()[0];
    assert_eq!(record["confirmed"], true, "it is as before: {record}");
    assert_eq!(it.before("s1", "src/b.rs"), None);
    fs::write(it.folder().join("src/b.rs"), "changed all the same").unwrap();
    it.tell("s1", "Stop");
    assert_eq!(it.reserved(), ["s1 src/a.rs", "s1 src/b.rs"], "what was changed stays reserved");
    assert_eq!(it.before("s1", "docs/x.md"), None);
    let failed = it.edit_event("PostToolUseFailure", "s1", "docs/x.md");
    it.hook("claude-code", &failed).ok();
    assert_eq!(it.reserved(), ["s1 src/a.rs", "s1 src/b.rs"], "a failed edit changed nothing");
    it.tell("s1", "SessionEnd");
    assert_eq!(it.reserved(), [""; 0]);
}

#[test]
fn a_subagent_edits_for_itself_and_its_end_gives_all_to_the_session() {
    let it = Project::new();
    let by = |event: &str, agent: Option<&str>, file: &str| {
        let mut payload = it.edit_event(event, "s1", file);
        payload["agent_id"] = agent.into();
        reason(&it.hook("claude-code", &payload))
    };
    it.edit("s1", "src/a.rs");
    assert_eq!(by("PreToolUse", Some("x"), "src/a.rs"), None, "the session gave it the work");
    assert_eq!(by("PreToolUse", Some("x"), "src/b.rs"), None);
    assert_eq!(by("PostToolUse", Some("x"), "src/b.rs"), None);
    let why = by("PreToolUse", Some("y"), "src/b.rs").unwrap();
    assert!(why.contains("subagent x"), "{why}");
    assert!(by("PreToolUse", None, "src/b.rs").is_some(), "the session waits for its subagent");
    let call = it.lokt("reservations --mine --json").env("CLAUDE_CODE_SESSION_ID", "s1");
    assert_eq!(call.run().ok().json().as_array().unwrap().len(), 3, "commands own all of it");
    let end = json!({"session_id": "s1", "cwd": it.folder(), "hook_event_name": "SubagentStop", "agent_id": "x"});
    assert_eq!(reason(&it.hook("claude-code", &end)), None);
    assert_eq!(it.reserved(), ["s1 src/a.rs", "s1 src/b.rs"]);
    assert_eq!(by("PreToolUse", None, "src/b.rs"), None);
    assert_eq!(by("PreToolUse", Some("y"), "src/b.rs"), None);
    let call = it.lokt("unreserve --all").env("CLAUDE_CODE_SESSION_ID", "s1");
    call.run().ok();
    assert_eq!(it.reserved(), [""; 0], "also what a subagent has");
}

#[test]
fn a_waiter_is_not_passed_and_does_not_stop_what_the_agent_has() {
    let it = Project::new();
    it.edit("s1", "src/a.rs");
    let mut waiting = it.lokt("reserve src --wait").owner("bob").start();
    waiting.says("waiting");
    let why = it.before("s1", "src/b.rs").unwrap();
    assert!(why.contains("bob") && why.contains("is next"), "{why}");
    assert_eq!(it.before("s1", "src/a.rs"), None, "what it has, it keeps");
    it.tell("s1", "SessionEnd");
    waiting.ends().ok();
    assert!(it.before("s1", "src/a.rs").unwrap().contains("bob"));
}
