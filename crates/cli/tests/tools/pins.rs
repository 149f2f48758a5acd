//! Writing, verifying and removing lockfiles.

use crate::tool_project::{NONE, ToolProject, tool};
use std::{fs, os::unix::fs::symlink, path::Path, thread};

#[test]
fn a_tool_is_pinned_without_being_run_and_only_once() {
    let project = ToolProject::new();
    project.tool(["diff", "demo/trace"]).expect(3);
    project.tool(["verify", "demo/trace"]).expect(3).says("is not pinned");
    let locked = project.tool(["lock", "demo/trace", "--json"]).ok().json();
    assert_eq!(locked["status"], "locked");
    let content = fs::read(project.lockfile()).unwrap();
    let again = project.tool(["lock", "demo/trace", "--json"]).ok().json();
    assert_eq!(again["status"], "unchanged");
    assert_eq!(fs::read(project.lockfile()).unwrap(), content, "it is left untouched");
    assert_eq!(project.runs(), 0, "nothing ran");
    project.tool(["verify", "demo/trace"]).ok();
}

#[test]
fn an_update_replaces_a_broken_lockfile_in_place() {
    let project = ToolProject::new();
    project.tool(["lock", "demo/trace", "--scope", "project"]).ok();
    let lockfile = &ToolProject::lockfiles(project.folder())[0];
    fs::write(lockfile, "garbage").unwrap();
    project.tool(["lock", "demo/trace"]).fails_with(5, "not JSON");
    project.refuses("not JSON");
    project.tool(["lock", "demo/trace", "--update"]).ok();
    project.run().ok();
}

#[test]
fn only_verified_tools_are_pinned() {
    let project = ToolProject::new();
    project.put("demo/trace.sh", tool("demo/sh"));
    project.tool(["lock", "demo/trace"]).fails_with(5, "unsigned");
    assert_eq!(ToolProject::lockfiles(&project.user()), NONE);
}

#[test]
fn verifying_all_names_each_that_drifted() {
    let project = ToolProject::new();
    project.tool(["verify", "--all"]).ok();
    for name in ["one", "two", "three"] {
        project.put(&format!("many/{name}.sh"), tool("demo/sh"));
        let id = format!("many/{name}");
        project.sign(&[&id]);
        project.tool(["lock", &id, "--scope", "project"]).ok();
    }
    let all = project.tool(["verify", "--all"]).ok();
    assert_eq!(all.out.lines().count(), 3, "{all:#?}");
    project.put("many/two.sh", tool("demo/sh") + "echo\n");
    project.sign(&["many/two"]);
    let all = project.tool(["verify", "--all"]).expect(5).says("drift: many/two");
    assert_eq!(all.out.lines().filter(|line| line.starts_with("ok")).count(), 2, "{all:#?}");
    let json = project.tool(["verify", "--all", "--json"]).expect(5).json();
    let drifted = json.as_array().unwrap().iter().filter(|it| it["status"] == "refused").count();
    assert_eq!(drifted, 1, "{json:#}");
    fs::write(project.folder().join("lockfiles/many/one@1.0.0.lock.json"), "[]").unwrap();
    project.tool(["verify", "--all"]).expect(5).says("must be an object");
}

#[test]
fn pruning_removes_only_pins_of_absent_tools() {
    let project = ToolProject::new();
    for name in ["gone", "newer", "stays", "broken"] {
        project.put(&format!("many/{name}.sh"), tool("demo/sh"));
        let id = format!("many/{name}");
        project.sign(&[&id]);
        project.tool(["lock", &id, "--scope", "project"]).ok();
    }
    let lockfile =
        |name: &str| project.folder().join(format!("lockfiles/many/{name}@1.0.0.lock.json"));
    fs::remove_file(project.folder().join(".ai/tools/many/gone.sh")).unwrap();
    project.put("many/newer.sh", tool("demo/sh").replace("1.0.0", "2.0.0"));
    fs::write(lockfile("broken"), "").unwrap();
    let would = project.tool(["prune", "--dry-run", "--json"]).ok().json();
    assert_eq!(would["count"], 2, "{would:#}");
    assert!(lockfile("gone").exists(), "nothing is removed yet");
    let done = project.tool(["prune", "--json"]).ok().json();
    assert_eq!(done["removed"], would["removed"]);
    let left = ToolProject::lockfiles(project.folder());
    assert_eq!(left, [lockfile("broken"), lockfile("stays")]);
}

#[test]
fn one_of_a_hundred_first_runs_pins_and_all_agree() {
    let project = ToolProject::new();
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| project.run().ok());
        }
    });
    assert_eq!(project.runs(), 100, "all ran");
    assert_eq!(ToolProject::lockfiles(&project.user()), [project.lockfile()], "one pin, no drafts");
    let created = |event: &serde_json::Value| event["extra"]["lockfile_created"] == true;
    let creators = project.sandbox.events().iter().filter(|it| created(it)).count();
    assert_eq!(creators, 1, "one of them wrote it");
    project.tool(["verify", "demo/trace"]).ok();
}

#[test]
fn a_draft_that_a_crash_left_blocks_no_run() {
    let project = ToolProject::new();
    let folder = project.user().join("lockfiles");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(".lokt-draft"), "half a lo").unwrap();
    project.run().ok();
    assert_eq!(ToolProject::lockfiles(&project.user()), [project.lockfile()]);
}

#[test]
fn a_run_that_cannot_be_pinned_warns_and_succeeds() {
    let project = ToolProject::new();
    // It blocks the file that is written first.
    fs::create_dir_all(project.user().join("lockfiles/.lokt-draft")).unwrap();
    project.run().ok().says("is not pinned");
    assert_eq!(project.runs(), 1);
}

#[test]
fn a_version_that_is_a_number_stays_one() {
    let project = ToolProject::new();
    let yaml = "version: 1.0\ntool_type: t\nexecutor_id: rye/core/primitives/subprocess\nconfig: {command: \"true\"}\n";
    project.put("demo/number.yaml", yaml);
    project.sign(&["demo/number"]);
    project.tool(["run", "demo/number"]).ok();
    let lockfile = project.user().join("lockfiles/demo/number@1.0.lock.json");
    let text = fs::read_to_string(lockfile).unwrap();
    assert!(text.contains("\"version\": 1.0,"), "{text}");
    project.tool(["run", "demo/number", "--frozen"]).ok();
}

#[test]
fn another_version_is_reported_before_it_is_pinned() {
    let project = ToolProject::new();
    project.run().ok();
    project.put("demo/trace.sh", tool("demo/sh").replace("1.0.0", "2.0.0"));
    project.sign(&["demo/trace"]);
    project
        .run()
        .ok()
        .says("note: demo/trace@2.0.0 is not pinned yet; another version is: demo/trace@1.0.0");
}

/// A file that makes a run refuse, so `verify --all` must fail, too.
#[test]
fn verify_checks_everything_that_a_run_checks() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 4] = [
        ("a folder behind a link", |project| {
            fs::rename(project.join("lockfiles/demo"), project.join("pins")).unwrap();
            symlink("../pins", project.join("lockfiles/demo")).unwrap();
            fs::write(project.join("pins/trace@1.0.0.lock.json"), "{}").unwrap();
        }),
        ("a folder in a lockfile's place", |project| {
            fs::remove_file(project.join("lockfiles/demo/trace@1.0.0.lock.json")).unwrap();
            fs::create_dir(project.join("lockfiles/demo/trace@1.0.0.lock.json")).unwrap();
        }),
        ("a file in the folder's place", |project| {
            fs::remove_dir_all(project.join("lockfiles")).unwrap();
            fs::write(project.join("lockfiles"), "").unwrap();
        }),
        ("a link that leads nowhere", |project| {
            fs::remove_dir_all(project.join("lockfiles")).unwrap();
            symlink("nowhere", project.join("lockfiles")).unwrap();
        }),
    ];
    for (what, change) in changes {
        let project = ToolProject::new();
        project.tool(["lock", "demo/trace", "--scope", "project"]).ok();
        project.tool(["verify", "--all"]).ok();
        change(project.folder());
        let (run, all) = (project.run(), project.tool(["verify", "--all"]));
        assert_eq!((run.code, all.code), (Some(5), Some(5)), "{what}: {run:#?} {all:#?}");
        assert_eq!(project.runs(), 0, "{what}: nothing ran");
    }
}

#[test]
fn a_folder_that_cannot_be_looked_into_is_not_taken_for_an_absent_tool() {
    let project = ToolProject::new();
    project.put_user("far/trace.sh", tool("demo/sh"));
    project.sign(&["far/trace"]);
    project.tool(["run", "far/trace"]).ok();
    symlink("nowhere", project.folder().join(".ai/tools/far")).unwrap();
    let done = project.tool(["run", "far/trace"]).expect(5);
    assert!(
        done.err.contains("leads nowhere") || done.err.contains("not what was pinned"),
        "{done:#?}"
    );
    fs::remove_dir_all(project.folder().join(".ai/tools")).unwrap();
    fs::write(project.folder().join(".ai/tools"), "").unwrap();
    project.tool(["run", "far/trace"]).expect(5);
    project.tool(["list"]).ok().says("cannot list");
    assert_eq!(project.runs(), 1, "only the first time");
}

#[test]
fn lockfiles_behind_a_link_out_of_the_project_are_not_written() {
    let project = ToolProject::new();
    let elsewhere = project.sandbox.folder().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, project.folder().join("lockfiles")).unwrap();
    project
        .tool(["lock", "demo/trace", "--scope", "project"])
        .fails_with(1, "leads out of the project");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "nothing was made");
}

#[test]
fn an_old_lockfile_is_reported_with_the_command_that_removes_it() {
    let project = ToolProject::new();
    project.tool(["lock", "demo/trace", "--scope", "project"]).ok();
    project.put("demo/trace.sh", tool("demo/sh").replace("1.0.0", "2.0.0"));
    project.sign(&["demo/trace"]);
    let done = project.tool(["verify", "--all"]).expect(5);
    assert!(done.err.contains("lokt tool prune --scope project"), "{done:#?}");
    assert!(!done.err.contains("--update"), "what would not help is not said: {done:#?}");
    project.tool(["prune", "--scope", "project"]).ok();
    project.tool(["verify", "--all"]).ok();
}

#[test]
fn a_new_version_is_pinned_where_the_old_one_was() {
    let project = ToolProject::new();
    project.tool(["lock", "demo/trace", "--scope", "project"]).ok();
    project.put("demo/trace.sh", tool("demo/sh").replace("1.0.0", "1.1.0"));
    project.sign(&["demo/trace"]);
    let done = project.tool(["lock", "demo/trace", "--json"]).ok().json();
    assert_eq!(done["scope"], "project", "{done}");
}

#[test]
fn an_unreadable_lockfile_is_not_skipped() {
    let project = ToolProject::new();
    project.tool(["lock", "demo/trace"]).ok();
    let nearer = project.folder().join("lockfiles/demo/trace@1.0.0.lock.json");
    fs::create_dir_all(nearer.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("nowhere", &nearer).unwrap();
    let done = project.tool(["lock", "demo/trace", "--update"]);
    assert_ne!(done.code, Some(0), "run would be refused all the same: {done:#?}");
    project.tool(["run", "demo/trace"]).expect(5);
}

#[test]
fn show_prints_the_signer_and_the_pin_even_of_a_tool_that_does_not_run() {
    let project = ToolProject::new();
    project.tool(["lock", "demo/trace"]).ok();
    project.put("demo/trace.sh", format!("{}# more\n", tool("demo/sh")));
    project.sign(&["demo/trace"]);
    let shown = project.tool(["show", "demo/trace"]).ok().out;
    assert!(shown.contains("  signed by  ") && shown.contains("  pinned     yes, "), "{shown}");
    fs::write(project.lockfile(), "{").unwrap();
    let shown = project.tool(["show", "demo/trace"]).ok().out;
    assert!(shown.contains("  pinned     broken: "), "{shown}");
    let list = project.tool(["list"]).ok().out;
    assert!(list.contains("broken"), "{list}");
}
