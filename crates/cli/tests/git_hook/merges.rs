//! Merges: only what differs from every parent is of the merge.

use crate::Repository;
use std::{fs, os::unix::fs::PermissionsExt};

/// A repository whose branch `side` has changed `a`, and whose `main` has changed `b`.
fn with_branch() -> Repository {
    let it = Repository::new();
    it.ok("git checkout -q -b side; echo side >a; git commit -qam side; git checkout -q main");
    it.ok("echo main >b; git commit -qam main");
    it
}

#[test]
fn what_a_branch_brings_is_not_of_the_merge() {
    let it = with_branch();
    it.reserve("a b");
    it.ok("git merge -q --no-edit side");
    it.ok("git merge-base --is-ancestor side HEAD");
}

#[test]
fn what_a_merge_makes_of_two_changes_is() {
    let it = Repository::new();
    it.ok("seq 9 >a; git commit -qam lines; git checkout -q -b side; sed -i s/1/one/ a; git commit -qam side");
    it.ok("git checkout -q main; sed -i s/9/nine/ a; git commit -qam main");
    it.reserve("a");
    let completes = "git commit completes the merge";
    for line in ["git merge -q --no-edit side", "git commit -q --no-edit"] {
        it.refused(line).says("another has reserved a file of this merge").says(completes);
    }
    it.give_back();
    it.ok("git commit -q --no-edit; git merge-base --is-ancestor side HEAD");
}

#[test]
fn a_resolved_conflict_is_of_the_merge_unless_a_side_was_taken_whole() {
    let it = with_branch();
    it.ok("echo main >a; git commit -qam conflict; git merge -q side || true");
    it.reserve("a b");
    it.refused("echo both >a; git add a; git commit -q --no-edit");
    it.ok("git checkout -q side a; git commit -q --no-edit");
    it.ok("git merge-base --is-ancestor side HEAD");
}

#[test]
fn several_branches_at_once_are_several_parents() {
    let it = with_branch();
    it.ok("git checkout -q -b third HEAD~1; echo 3 >src/c; git commit -qam third; git checkout -q main");
    it.reserve("a b src");
    it.ok("git merge -q --no-edit side third");
    let it = with_branch();
    it.ok("git checkout -q -b third HEAD~1; echo 3 >src/c; git commit -qam third; git checkout -q main");
    it.reserve("a b src");
    it.ok("git merge -q --no-commit side third");
    it.refused("echo other >b; git add b; git commit -q --no-edit");
    it.ok("git checkout -q HEAD b; git commit -q --no-edit");
}

#[test]
fn a_squashed_merge_is_a_commit() {
    let it = with_branch();
    it.reserve("a");
    it.refused("git merge -q --squash side; git commit -qm squashed");
}

#[test]
fn a_commit_that_a_hook_of_a_merge_makes_is_no_merge() {
    let it = with_branch();
    let hook = it.folder().join(".git/hooks/post-merge");
    let commit = "#!/bin/sh\necho hook >a; git commit -qam hook\n";
    fs::write(&hook, commit).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    it.reserve("a");
    let done = it.ok("git merge -q --no-edit side").says("nothing is committed");
    assert_eq!(it.ok("git log -1 --format=%s").out.trim(), "Merge branch 'side'", "{done:#?}");
    // It brings what the branch has, which is no change of the merge, but one of the next commit.
    fs::write(&hook, "#!/bin/sh\ngit checkout side~1 a; git commit -qm hook\n").unwrap();
    it.ok("git reset -q --hard; git checkout -q -b other side~1; echo o >src/c; git commit -qam other; git checkout -q main");
    it.ok("git merge -q --no-edit other").says("nothing is committed");
}

#[test]
fn a_conflict_of_a_cherry_pick_is_a_commit() {
    let it = with_branch();
    it.ok("echo main >a; git commit -qam conflict; git cherry-pick side || true");
    it.reserve("a");
    it.refused("echo both >a; git add a; git -c core.editor=true cherry-pick --continue");
    it.give_back();
    it.ok("git -c core.editor=true cherry-pick --continue");
}
