//! Writing, verifying and removing lockfiles.

use crate::workshop::{NONE, Workshop, tool};
use std::{fs, os::unix::fs::symlink, path::Path, thread};

#[test]
fn a_tool_is_pinned_without_being_run_and_only_once() {
    let workshop = Workshop::new();
    workshop.tool(["diff", "demo/trace"]).expect(3);
    workshop.tool(["verify", "demo/trace"]).expect(3).says("is not pinned");
    let locked = workshop.tool(["lock", "demo/trace", "--json"]).ok().json();
    assert_eq!(locked["status"], "locked");
    let content = fs::read(workshop.lockfile()).unwrap();
    let again = workshop.tool(["lock", "demo/trace", "--json"]).ok().json();
    assert_eq!(again["status"], "unchanged");
    assert_eq!(fs::read(workshop.lockfile()).unwrap(), content, "it is left untouched");
    assert_eq!(workshop.runs(), 0, "nothing ran");
    workshop.tool(["verify", "demo/trace"]).ok();
}

#[test]
fn an_update_replaces_what_is_broken_where_it_is() {
    let workshop = Workshop::new();
    workshop.tool(["lock", "demo/trace", "--scope", "project"]).ok();
    let lockfile = &Workshop::lockfiles(workshop.project())[0];
    fs::write(lockfile, "garbage").unwrap();
    workshop.tool(["lock", "demo/trace"]).fails_with(5, "not JSON");
    workshop.refuses("not JSON");
    workshop.tool(["lock", "demo/trace", "--update"]).ok();
    workshop.run().ok();
}

#[test]
fn only_what_is_vouched_for_is_pinned() {
    let workshop = Workshop::new();
    workshop.put("demo/trace.sh", tool("demo/sh"));
    workshop.tool(["lock", "demo/trace"]).fails_with(5, "unsigned");
    assert_eq!(Workshop::lockfiles(&workshop.user()), NONE);
}

#[test]
fn verifying_all_names_each_that_drifted() {
    let workshop = Workshop::new();
    workshop.tool(["verify", "--all"]).ok();
    for name in ["one", "two", "three"] {
        workshop.put(&format!("many/{name}.sh"), tool("demo/sh"));
        let id = format!("many/{name}");
        workshop.sign(&[&id]);
        workshop.tool(["lock", &id, "--scope", "project"]).ok();
    }
    let all = workshop.tool(["verify", "--all"]).ok();
    assert_eq!(all.out.lines().count(), 3, "{all:#?}");
    workshop.put("many/two.sh", tool("demo/sh") + "echo\n");
    workshop.sign(&["many/two"]);
    let all = workshop.tool(["verify", "--all"]).expect(5).says("drift: many/two");
    assert_eq!(all.out.lines().filter(|line| line.starts_with("ok")).count(), 2, "{all:#?}");
    let json = workshop.tool(["verify", "--all", "--json"]).expect(5).json();
    let drifted = json.as_array().unwrap().iter().filter(|it| it["status"] == "refused").count();
    assert_eq!(drifted, 1, "{json:#}");
    fs::write(workshop.project().join("lockfiles/many/one@1.0.0.lock.json"), "[]").unwrap();
    workshop.tool(["verify", "--all"]).expect(5).says("must be an object");
}

#[test]
fn pruning_takes_the_pins_of_what_is_gone_and_no_others() {
    let workshop = Workshop::new();
    for name in ["gone", "newer", "stays", "broken"] {
        workshop.put(&format!("many/{name}.sh"), tool("demo/sh"));
        let id = format!("many/{name}");
        workshop.sign(&[&id]);
        workshop.tool(["lock", &id, "--scope", "project"]).ok();
    }
    let lockfile =
        |name: &str| workshop.project().join(format!("lockfiles/many/{name}@1.0.0.lock.json"));
    fs::remove_file(workshop.project().join(".ai/tools/many/gone.sh")).unwrap();
    workshop.put("many/newer.sh", tool("demo/sh").replace("1.0.0", "2.0.0"));
    fs::write(lockfile("broken"), "").unwrap();
    let would = workshop.tool(["prune", "--dry-run", "--json"]).ok().json();
    assert_eq!(would["count"], 2, "{would:#}");
    assert!(lockfile("gone").exists(), "nothing is removed yet");
    let done = workshop.tool(["prune", "--json"]).ok().json();
    assert_eq!(done["removed"], would["removed"]);
    let left = Workshop::lockfiles(workshop.project());
    assert_eq!(left, [lockfile("broken"), lockfile("stays")]);
}

#[test]
fn of_a_hundred_first_runs_one_pins_and_all_agree() {
    let workshop = Workshop::new();
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| workshop.run().ok());
        }
    });
    assert_eq!(workshop.runs(), 100, "all ran");
    assert_eq!(Workshop::lockfiles(&workshop.user()), [workshop.lockfile()], "one pin, no drafts");
    let created = |event: &serde_json::Value| event["extra"]["lockfile_created"] == true;
    let creators = workshop.sandbox.events().iter().filter(|it| created(it)).count();
    assert_eq!(creators, 1, "one of them wrote it");
    workshop.tool(["verify", "demo/trace"]).ok();
}

#[test]
fn a_draft_that_a_crash_left_is_in_nobody_s_way() {
    let workshop = Workshop::new();
    let folder = workshop.user().join("lockfiles");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(".lokt-draft"), "half a lo").unwrap();
    workshop.run().ok();
    assert_eq!(Workshop::lockfiles(&workshop.user()), [workshop.lockfile()]);
}

#[test]
fn a_run_that_cannot_be_pinned_says_so_and_is_a_success() {
    let workshop = Workshop::new();
    // In the way of what is written first.
    fs::create_dir_all(workshop.user().join("lockfiles/.lokt-draft")).unwrap();
    workshop.run().ok().says("is not pinned");
    assert_eq!(workshop.runs(), 1);
}

#[test]
fn a_version_that_is_a_number_stays_one() {
    let workshop = Workshop::new();
    let yaml = "version: 1.0\ntool_type: t\nexecutor_id: rye/core/primitives/subprocess\nconfig: {command: \"true\"}\n";
    workshop.put("demo/number.yaml", yaml);
    workshop.sign(&["demo/number"]);
    workshop.tool(["run", "demo/number"]).ok();
    let lockfile = workshop.user().join("lockfiles/demo/number@1.0.lock.json");
    let text = fs::read_to_string(lockfile).unwrap();
    assert!(text.contains("\"version\": 1.0,"), "{text}");
    workshop.tool(["run", "demo/number", "--frozen"]).ok();
}

#[test]
fn another_version_is_told_of_before_it_is_pinned() {
    let workshop = Workshop::new();
    workshop.run().ok();
    workshop.put("demo/trace.sh", tool("demo/sh").replace("1.0.0", "2.0.0"));
    workshop.sign(&["demo/trace"]);
    workshop
        .run()
        .ok()
        .says("note: demo/trace@2.0.0 is not pinned yet; another version is: demo/trace@1.0.0");
}

/// What a run refuses, and what `verify --all` must therefore not pass.
#[test]
fn what_a_run_heeds_is_checked_in_ci_too() {
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
        let workshop = Workshop::new();
        workshop.tool(["lock", "demo/trace", "--scope", "project"]).ok();
        workshop.tool(["verify", "--all"]).ok();
        change(workshop.project());
        let (run, all) = (workshop.run(), workshop.tool(["verify", "--all"]));
        assert_eq!((run.code, all.code), (Some(5), Some(5)), "{what}: {run:#?} {all:#?}");
        assert_eq!(workshop.runs(), 0, "{what}: nothing ran");
    }
}

#[test]
fn a_folder_that_cannot_be_looked_into_is_not_taken_for_an_absent_tool() {
    let workshop = Workshop::new();
    workshop.put_user("far/trace.sh", tool("demo/sh"));
    workshop.sign(&["far/trace"]);
    workshop.tool(["run", "far/trace"]).ok();
    symlink("nowhere", workshop.project().join(".ai/tools/far")).unwrap();
    let done = workshop.tool(["run", "far/trace"]).expect(5);
    assert!(
        done.err.contains("leads nowhere") || done.err.contains("not what was pinned"),
        "{done:#?}"
    );
    fs::remove_dir_all(workshop.project().join(".ai/tools")).unwrap();
    fs::write(workshop.project().join(".ai/tools"), "").unwrap();
    workshop.tool(["run", "far/trace"]).expect(5);
    workshop.tool(["list"]).ok().says("cannot list");
    assert_eq!(workshop.runs(), 1, "only the first time");
}

#[test]
fn where_lockfiles_lead_out_of_the_project_nothing_is_made_there() {
    let workshop = Workshop::new();
    let elsewhere = workshop.sandbox.folder().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, workshop.project().join("lockfiles")).unwrap();
    workshop
        .tool(["lock", "demo/trace", "--scope", "project"])
        .fails_with(1, "leads out of the project");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "nothing was made");
}

#[test]
fn what_mends_the_lockfile_of_an_older_version_is_said() {
    let workshop = Workshop::new();
    workshop.tool(["lock", "demo/trace", "--scope", "project"]).ok();
    workshop.put("demo/trace.sh", tool("demo/sh").replace("1.0.0", "2.0.0"));
    workshop.sign(&["demo/trace"]);
    let done = workshop.tool(["verify", "--all"]).expect(5);
    assert!(done.err.contains("lokt tool prune --scope project"), "{done:#?}");
    assert!(!done.err.contains("--update"), "what would not help is not said: {done:#?}");
    workshop.tool(["prune", "--scope", "project"]).ok();
    workshop.tool(["verify", "--all"]).ok();
}

#[test]
fn a_new_version_is_pinned_where_the_old_one_was() {
    let workshop = Workshop::new();
    workshop.tool(["lock", "demo/trace", "--scope", "project"]).ok();
    workshop.put("demo/trace.sh", tool("demo/sh").replace("1.0.0", "1.1.0"));
    workshop.sign(&["demo/trace"]);
    let done = workshop.tool(["lock", "demo/trace", "--json"]).ok().json();
    assert_eq!(done["scope"], "project", "{done}");
}

#[test]
fn what_decides_and_cannot_be_read_is_not_passed_by() {
    let workshop = Workshop::new();
    workshop.tool(["lock", "demo/trace"]).ok();
    let nearer = workshop.project().join("lockfiles/demo/trace@1.0.0.lock.json");
    fs::create_dir_all(nearer.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("nowhere", &nearer).unwrap();
    let done = workshop.tool(["lock", "demo/trace", "--update"]);
    assert_ne!(done.code, Some(0), "run would be refused all the same: {done:#?}");
    workshop.tool(["run", "demo/trace"]).expect(5);
}

#[test]
fn at_a_glance_it_is_said_who_signed_and_where_it_is_pinned_even_when_it_does_not_run() {
    let workshop = Workshop::new();
    workshop.tool(["lock", "demo/trace"]).ok();
    workshop.put("demo/trace.sh", format!("{}# more\n", tool("demo/sh")));
    workshop.sign(&["demo/trace"]);
    let shown = workshop.tool(["show", "demo/trace"]).ok().out;
    assert!(shown.contains("  signed by  ") && shown.contains("  pinned     yes, "), "{shown}");
    fs::write(workshop.lockfile(), "{").unwrap();
    let shown = workshop.tool(["show", "demo/trace"]).ok().out;
    assert!(shown.contains("  pinned     broken: "), "{shown}");
    let list = workshop.tool(["list"]).ok().out;
    assert!(list.contains("broken"), "{list}");
}
