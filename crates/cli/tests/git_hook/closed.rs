//! What cannot be checked is not committed, and git's own way out stays.

use crate::Repository;
use std::fs;

const COMMIT: &str = "echo 2 >a; git add a; git commit -qm second";

#[test]
fn nothing_is_committed_while_the_reservations_cannot_be_read() {
    type Damage = fn(&Repository);
    let damages: [(&str, Damage); 5] = [
        ("corrupted", |it| it.write_record("0f3a", "{")),
        ("upgrade lokt", |it| it.write_record("0f3a", "{\"version\":99}")),
        ("it is a directory", |it| {
            fs::create_dir_all(it.folder().join(".git/lokt/reservations/0f3a.json")).unwrap();
        }),
        ("reservations", |it| {
            fs::create_dir_all(it.folder().join(".git/lokt")).unwrap();
            fs::write(it.folder().join(".git/lokt/reservations"), "").unwrap();
        }),
        ("lokt", |it| fs::write(it.folder().join(".git/lokt"), "").unwrap()),
    ];
    for (text, damage) in damages {
        let it = Repository::new();
        damage(&it);
        let done = it.refused(COMMIT).says(text);
        let done = done.says("cannot check whether another has reserved a file of this commit");
        done.says("git commit --no-verify runs no hook");
        it.ok("git commit --no-verify -qm second");
    }
}

#[test]
fn nothing_is_committed_if_git_does_not_tell_what_changes() {
    let it = Repository::new();
    it.reserve("x");
    let line = "mkdir bin; printf '#!/bin/sh\\nexit 1\\n' >bin/git; chmod +x bin/git; export PATH=$PWD/bin:$PATH";
    let done = it.shell(&format!("{line}; lokt git-hook pre-commit")).in_time().expect(1);
    done.says("`git rev-parse` failed").says("nothing is committed while that is unknown");
    it.shell("PATH=$(dirname $(command -v lokt)) lokt git-hook pre-commit")
        .in_time()
        .fails_with(1, "cannot run git");
    let done = it.shell("GIT_INDEX_FILE=src lokt git-hook pre-commit").in_time().expect(1);
    done.says("`git diff-index` failed");
}

#[test]
fn without_reservations_of_others_git_is_not_asked() {
    let it = Repository::new();
    let line = "mkdir bin; printf '#!/bin/sh\\nexit 1\\n' >bin/git; chmod +x bin/git; export PATH=$PWD/bin:$PATH";
    it.ok(&format!("{line}; lokt git-hook pre-commit; lokt reserve a; lokt git-hook pre-commit"));
    let it = Repository::new();
    it.ok("lokt git-hook pre-commit");
    assert!(!it.folder().join(".git/lokt").exists(), "the check makes nothing");
}

#[test]
fn nothing_is_committed_where_lokt_is_gone() {
    let it = Repository::empty();
    let program = it.it.folder().join("lokt");
    fs::copy(it.it.program(), &program).unwrap();
    // No other one is found, only git and what the hook needs.
    let only =
        "mkdir -p ../only; for it in git sh dirname; do ln -sf $(command -v $it) ../only; done";
    it.ok(&format!("{only}; ../lokt init --git-hook --yes; echo 1 >a; git add a"));
    it.ok("PATH=$PWD/../only; git commit -qm 'by the path of init'");
    fs::remove_file(program).unwrap();
    let done = it.shell("PATH=$PWD/../only; git commit -q --allow-empty -m gone").in_time();
    let done = done.says("error: lokt is not found").says("--no-verify");
    assert_ne!(done.code, Some(0), "{done:#?}");
    it.ok("PATH=$PWD/../only; git commit -q --allow-empty --no-verify -m gone");
}
