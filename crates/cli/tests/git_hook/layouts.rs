//! Worktrees, submodules, bare repositories, and programs that call the check in their own way.

use crate::Repository;

#[test]
fn all_worktrees_have_the_hooks_and_each_its_own_reservations() {
    let it = Repository::new();
    it.ok("git worktree add -q ../two");
    it.reserve("a");
    it.reserve("b --scope tree");
    it.refused("echo 2 >b; git commit -qam second");
    let done =
        it.shell("cd ../two; echo 2 >b; git commit -qam second; echo 2 >a; git commit -qam a");
    let done = done.in_time().says("\"a\" is reserved by ada");
    assert_ne!(done.code, Some(0), "{done:#?}");
    it.ok("cd ../two; git log --format=%s | grep second");
}

#[test]
fn a_worktree_of_a_bare_repository_is_checked() {
    let it = Repository::new();
    it.ok("git clone -q --bare . ../bare.git; git -C ../bare.git worktree add -q ../three main");
    it.ok("cd ../three; lokt init --git-hook --yes");
    it.shell("cd ../three; lokt reserve a").owner("ada").in_time().ok();
    let done = it.shell("cd ../three/src; echo 2 >../a; git commit -qam second").in_time();
    assert_ne!(done.says("\"a\" is reserved by ada").code, Some(0));
    it.ok("cd ../three/src; git checkout -q ../a; echo 2 >c; git commit -qam second");
}

#[test]
fn a_submodule_has_its_own_hooks_and_is_one_path_outside() {
    let it = Repository::new();
    it.ok("git clone -q . ../origin; git submodule --quiet add ../origin sub; git commit -qm sub");
    it.ok("cd sub; lokt init --git-hook --yes; echo 2 >a; git commit -qam second");
    it.reserve("sub/a");
    it.refused("git add sub; git commit -qm newer");
    it.give_back();
    it.ok("git commit -qm newer");
    it.shell("cd sub; lokt reserve a").owner("ada").in_time().ok();
    let done = it.shell("cd sub; echo 3 >a; git commit -qam third").in_time();
    assert_ne!(done.says("\"a\" is reserved by ada").code, Some(0));
}

#[test]
fn a_repository_beside_its_work_tree_is_checked() {
    let it = Repository::new();
    it.reserve("a");
    let line = "cd ..; echo 2 >repo/a; git --git-dir=repo/.git --work-tree=repo commit -qam second";
    it.refused(line);
}

#[test]
fn words_that_a_manager_of_hooks_adds_are_ignored() {
    let it = Repository::new();
    it.reserve("a");
    it.ok("echo 2 >b; git add b; lokt git-hook pre-commit b -x --owner ada");
    let done = it.refused("echo 2 >a; git add a; lokt git-hook pre-merge-commit b");
    done.expect(2);
    it.refused("cd src; lokt git-hook pre-commit");
    it.shell("lokt git-hook post-commit").in_time().expect(64);
}

#[test]
fn commits_take_turns_under_a_lock() {
    let it = Repository::new();
    let line = "for n in 1 2 3 4 5 6 7 8; do
        (echo $n >f$n; lokt guard git-index --wait -- sh -c \"git add f$n; git commit -qm $n\") &
        all=\"$all $!\"; done; for pid in $all; do wait $pid; done; git log --oneline | wc -l";
    assert_eq!(it.ok(line).out.trim(), "9", "no commit was lost to another's lock of the index");
}
