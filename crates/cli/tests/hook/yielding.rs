//! When a reservation of a quiet agent is given to another: only what git can bring back; and what renews the others.

use super::Project;
use serde_json::Value;
use std::fs;

/// Changes the record of a file, as if time had passed.
fn with_record(it: &Project, file: &str, change: impl Fn(&mut Value)) {
    for entry in fs::read_dir(it.folder().join(".git/lokt/reservations")).unwrap().flatten() {
        let mut record: Value =
            serde_json::from_str(&fs::read_to_string(entry.path()).unwrap()).unwrap();
        if record["patterns"][0] == *file {
            change(&mut record);
            fs::write(entry.path(), record.to_string()).unwrap();
        }
    }
}

fn long_ago(it: &Project, file: &str) {
    with_record(it, file, |it| it["last_edit_ts"] = "2020-01-01T00:00:00Z".into());
}

#[test]
fn a_quiet_file_without_an_uncommitted_change_goes_to_who_asks() {
    let it = Project::new();
    it.edit("s1", "src/a.rs");
    long_ago(&it, "src/a.rs");
    assert!(it.before("s2", "src/a.rs").is_some(), "it has an uncommitted change");
    it.shell("cd p; git add src/a.rs");
    assert!(it.before("s2", "src/a.rs").is_some(), "staged is not committed");
    it.shell("cd p; git commit -q -m second");
    it.edit("s3", "src/b.rs");
    it.shell("cd p; git commit -q -a -m third");
    assert!(it.before("s2", "src/b.rs").is_some(), "it was edited less than a minute ago");
    assert_eq!(it.before("s2", "src/a.rs"), None, "committed and quiet");
    assert_eq!(it.reserved(), ["s2 src/a.rs", "s3 src/b.rs"]);
    assert!(it.before("s1", "src/a.rs").is_some(), "now it is the other's");
    let log = fs::read_to_string(it.folder().join(".git/lokt/audit.log")).unwrap();
    assert!(log.contains("\"yielded\":true"), "{log}");
}

#[test]
fn what_git_cannot_bring_back_and_what_is_under_way_never_yields() {
    let it = Project::new();
    for (file, prepare) in [
        ("new.rs", ""),
        ("ignored", ""),
        ("src/b.rs", "git update-index --assume-unchanged src/b.rs"),
    ] {
        it.edit("s1", file);
        it.shell(&format!("cd p; {prepare}"));
        long_ago(&it, file);
        assert!(it.before("s2", file).is_some(), "{file}");
    }
    it.edit("s1", "src/a.rs");
    it.shell("cd p; git commit -q -m a src/a.rs");
    assert_eq!(it.before("s1", "src/a.rs"), None);
    long_ago(&it, "src/a.rs");
    assert!(it.before("s2", "src/a.rs").is_some(), "an edit is under way");
    it.lokt("reserve docs").owner("bob").run().ok();
    with_record(&it, "docs", |it| it["acquired_ts"] = "2020-01-01T00:00:00Z".into());
    assert!(it.before("s2", "docs/x.md").is_some(), "a command's reservation is kept");
}

#[test]
fn an_edit_that_is_reverted_yields_too() {
    let it = Project::new();
    it.edit("s1", "src/a.rs");
    it.shell("cd p; git checkout -q src/a.rs");
    long_ago(&it, "src/a.rs");
    assert_eq!(it.before("s2", "src/a.rs"), None);
}

#[test]
fn a_command_gets_what_yields_at_once_and_waits_for_the_rest() {
    let it = Project::new();
    it.edit("s1", "src/a.rs");
    it.shell("cd p; git commit -q -a -m second");
    it.lokt("reserve src").owner("bob").run().fails_with(2, "src/a.rs");
    long_ago(&it, "src/a.rs");
    it.lokt("reserve src --wait --timeout 0").owner("bob").run().ok();
    it.lokt("unreserve --all").owner("bob").run().ok();
    it.edit("s4", "src/a.rs");
    it.edit("s4", "src/b.rs");
    it.shell("cd p; git commit -q -m third src/a.rs");
    long_ago(&it, "src/a.rs");
    long_ago(&it, "src/b.rs");
    it.lokt("reserve src").owner("bob").run().expect(2);
    assert_eq!(it.reserved(), ["s4 src/a.rs", "s4 src/b.rs"], "all of it, or nothing");
    it.shell("cd p; git commit -q -m fourth src/b.rs");
    it.lokt("reserve src").owner("bob").run().ok();
    assert!(it.before("s4", "src/a.rs").unwrap().contains("bob"));
}

/// What the audit log tells of reservations: the event, the first pattern, and whether it was given to another.
fn told(it: &Project) -> Vec<String> {
    let log = fs::read_to_string(it.folder().join(".git/lokt/audit.log")).unwrap();
    let tell = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        let extra = &event["extra"];
        let patterns = extra["patterns"][0].as_str().unwrap_or_default();
        let yielded = if extra["yielded"] == true { " yielded" } else { "" };
        format!("{} {patterns}{yielded}", event["event"].as_str().unwrap())
    };
    log.lines().map(tell).collect()
}

/// Lets a quiet edit of src/a.rs make place for what `take` reserves, and says what is logged meanwhile.
fn told_of_taking(take: impl Fn(&Project)) -> Vec<String> {
    let it = Project::new();
    it.edit("s1", "src/a.rs");
    it.shell("cd p; git commit -q -a -m second");
    long_ago(&it, "src/a.rs");
    let before = told(&it).len();
    take(&it);
    told(&it).split_off(before)
}

const NO_CONFLICT: &str = "the log never shows two reservations in conflict";

#[test]
fn the_log_tells_of_a_quiet_edits_end_before_the_command_that_takes_its_place() {
    let told = told_of_taking(|it| drop(it.lokt("reserve src").owner("bob").run().ok()));
    assert_eq!(told, ["unreserve src/a.rs yielded", "reserve src"], "{NO_CONFLICT}");
}

#[test]
fn the_log_tells_of_a_quiet_edits_end_before_the_edit_that_takes_its_place() {
    let told = told_of_taking(|it| assert_eq!(it.before("s2", "src/a.rs"), None));
    assert_eq!(told, ["unreserve src/a.rs yielded", "reserve src/a.rs"], "{NO_CONFLICT}");
}

#[test]
fn events_renew_what_the_agent_has_and_not_what_another_subagent_has() {
    let it = Project::new();
    it.edit("s1", "src/a.rs");
    for event in ["PreToolUse", "PostToolUse"] {
        let mut payload = it.edit_event(event, "s1", "src/b.rs");
        payload["agent_id"] = "x".into();
        it.hook("claude-code", &payload).ok();
    }
    fs::write(it.folder().join("src/b.rs"), "x").unwrap();
    let soon = it.shell("date -u -d '5 minutes' +%FT%TZ").out.trim().to_owned();
    let ends = |file: &str| {
        let record = it.records().into_iter().find(|it| it["patterns"][0] == *file).unwrap();
        record["expires_at"].as_str().unwrap().to_owned()
    };
    for file in ["src/a.rs", "src/b.rs"] {
        with_record(&it, file, |it| it["expires_at"] = soon.clone().into());
    }
    it.tell("s1", "Stop");
    assert!(ends("src/a.rs") > soon, "the session's own");
    assert_eq!(ends("src/b.rs"), soon, "the end of an interrupted subagent may never be told");
    let mut payload = it.edit_event("PostToolUse", "s1", "docs/x.md");
    payload["agent_id"] = "x".into();
    with_record(&it, "src/a.rs", |it| it["expires_at"] = soon.clone().into());
    it.hook("claude-code", &payload).ok();
    assert!(ends("src/a.rs") > soon && ends("src/b.rs") > soon, "the session waits for it");
    with_record(&it, "src/a.rs", |it| {
        it["expires_at"] = soon.clone().into();
        it["last_edit_ts"] = "2020-01-01T00:00:00Z".into();
    });
    it.tell("s1", "Stop");
    assert_eq!(ends("src/a.rs"), soon, "no longer than an hour after the last edit");
}
