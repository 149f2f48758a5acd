//! `init` is killed at each of its changes: every file stays whole, and the next run finishes the work.

use crate::project::{Project, sandbox};
use lokt_testkit::{Fault, Injection, Sandbox};
use std::{collections::BTreeMap, path::PathBuf};

type Files = BTreeMap<PathBuf, (u32, Vec<u8>)>;

const FILES: [(&str, &str); 2] =
    [("CLAUDE.md", "# Ours\n"), (".claude/settings.json", "{\n  \"a\": 1\n}\n")];

/// The system calls that change something, with all their variants.
const CALLS: [&str; 14] = [
    "mkdir",
    "mkdirat",
    "write",
    "fsync",
    "fchmod",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "flock",
];

/// A project in which `init` with these arguments has something to do.
fn project<'a>(it: &'a Sandbox, name: &str, arguments: &[&str]) -> Project<'a> {
    let project = Project::new(it, name, &FILES);
    if arguments.contains(&"--undo") {
        project.init([""; 0]).run().ok();
    }
    project
}

/// The number of each of the calls in a run without a kill.
fn calls(it: &Sandbox, arguments: &[&str]) -> Vec<(&'static str, usize)> {
    let project = project(it, &format!("traced-{}", arguments.len()), arguments);
    let words = ["init", "--yes"].into_iter().chain(arguments.iter().copied());
    it.traced(&[], words).folder(&project.folder).run().ok();
    let trace = it.trace();
    let count =
        |call: &str| trace.iter().filter(|line| line.split('(').next() == Some(call)).count();
    CALLS.into_iter().map(|call| (call, count(call))).filter(|(_, count)| *count > 0).collect()
}

/// Kills a call of `init` at each of its changes.
fn kill(it: &Sandbox, arguments: &[&str], from: &Files, to: &Files) {
    let calls = calls(it, arguments);
    let numbers = |(call, count): (&'static str, usize)| (1..=count).map(move |it| (call, it));
    let kills: Vec<(&str, usize)> = calls.into_iter().flat_map(numbers).collect();
    assert!(kills.len() >= 8, "these are all changes that it makes? {kills:?}");
    for (call, number) in kills {
        let project = project(it, &format!("{call}-{number}-{}", arguments.len()), arguments);
        let injection = Injection { call: call.to_owned(), number, fault: Fault::Kill };
        let words = ["init", "--yes"].into_iter().chain(arguments.iter().copied());
        let done = it.traced(&[injection], words).folder(&project.folder).run();
        assert_ne!(done.code, Some(0), "it was killed at {call} {number}");
        check(&project, from, to);
        project.init(arguments.iter().copied()).run().ok();
        let left = project.files();
        assert!(left == *to, "after {call} {number}, the next run finishes it: {:?}", left.keys());
    }
}

/// Asserts that every file has its old or its new content.
fn check(project: &Project<'_>, from: &Files, to: &Files) {
    let files = project.files();
    let is_draft = |path: &&PathBuf| path.to_string_lossy().contains(".lokt-init-");
    for path in from.keys().chain(to.keys()).chain(files.keys().filter(|it| !is_draft(it))) {
        let now = files.get(path);
        assert!(now == from.get(path) || now == to.get(path), "{} is whole", path.display());
    }
}

#[test]
fn files_are_whole_after_any_kill_of_the_setup() {
    let it = sandbox();
    let undisturbed = Project::new(&it, "undisturbed", &FILES);
    let before = undisturbed.files();
    undisturbed.init([""; 0]).run().ok();
    kill(&it, &[], &before, &undisturbed.files());
}

#[test]
fn files_are_whole_after_any_kill_of_the_undo() {
    let it = sandbox();
    let undisturbed = Project::new(&it, "undisturbed", &FILES);
    let before = undisturbed.files();
    undisturbed.init([""; 0]).run().ok();
    let after = undisturbed.files();
    kill(&it, &["--undo"], &after, &before);
}
