//! Which paths of a commit count, and who may commit them.

use crate::Repository;
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn a_commit_of_another_s_file_is_refused_and_later_allowed() {
    let it = Repository::new();
    it.reserve("src/c --reason 'new login'");
    let done = it.refused("echo 2 >b; echo 2 >src/c; git add .; git commit -qm second");
    let done = done.says("error: \"src/c\" is reserved by ada").says(": new login");
    let done = done.says("another has reserved a file of this commit: nothing is committed");
    done.says("hint: commit the rest now: git reset -- FILE");
    it.ok("git reset -q -- src/c; git commit -qm rest");
    it.refused("git add .; git commit -qm second");
    it.give_back();
    it.ok("git commit -qm second");
}

#[test]
fn an_owner_commits_what_it_has_reserved() {
    let it = Repository::new();
    it.reserve("src --shared");
    it.shell("echo 2 >src/c; git commit -qam own").owner("ada").in_time().ok();
    it.refused("echo 3 >src/c; git commit -qam another");
    it.ok("lokt reserve src/c --shared; git commit -qam shared");
}

#[test]
fn the_index_of_the_commit_counts_and_no_other() {
    let it = Repository::new();
    it.reserve("a");
    it.ok("echo 2 >a; echo 2 >b; git add a; git commit -qm only-b b");
    it.refused("echo 3 >b; git commit -qm only-a a");
    it.refused("git commit -qm all -a");
    it.ok("git reset -q; git add b; git commit -qm staged-b; echo 4 >b");
    it.refused("printf 'y\\n' | git commit -qm parts -p a");
    it.ok("printf 'n\\ny\\n' | git commit -qm parts -p");
    it.refused("mkdir -p deep; cd deep; git commit -qm all -a");
}

#[test]
fn both_names_of_a_rename_a_deletion_and_a_mode_count() {
    for (reserved, line) in [
        ("a", "git mv a d"),
        ("d", "git mv a d"),
        ("a", "git rm -q a"),
        ("a", "chmod +x a; git add a"),
        ("a", "ln -sf b a; git add a"),
        ("'new/**'", "mkdir new; echo 1 >new/x; git add new"),
    ] {
        let it = Repository::new();
        it.reserve(reserved);
        it.refused(&format!("{line}; git commit -qm second"));
    }
    let it = Repository::new();
    it.reserve("'**/*.md' src/c/d");
    it.ok("echo 2 >src/c; git commit -qam second");
}

#[test]
fn what_git_add_only_intends_is_not_in_the_commit() {
    let it = Repository::new();
    it.reserve("new");
    it.ok("echo 2 >new; git add -N new; echo 2 >a; git add a; git commit -qm second");
}

#[test]
fn a_git_without_an_option_is_asked_without_it() {
    let it = Repository::new();
    let old = "#!/bin/sh\nfor word; do case $word in --ita-*) exit 129;; esac; done\nexec \"$REAL\" \"$@\"\n";
    fs::create_dir(it.folder().join("bin")).unwrap();
    fs::write(it.folder().join("bin/git"), old).unwrap();
    fs::set_permissions(it.folder().join("bin/git"), fs::Permissions::from_mode(0o755)).unwrap();
    it.reserve("a");
    let by_old =
        "export REAL=$(command -v git); export PATH=$PWD/bin:$PATH GIT_EXEC_PATH=$PWD/none";
    let hook = "lokt git-hook pre-commit";
    it.ok(&format!("{by_old}; echo 2 >b; git add b; {hook}"));
    let done = it.refused(&format!("{by_old}; echo 2 >a; git add a; {hook}"));
    done.expect(2);
}

#[test]
fn a_first_commit_and_an_amended_one_are_checked() {
    let it = Repository::empty();
    it.reserve("a");
    it.refused("echo 1 >a; echo 1 >b; git add .; git commit -qm first");
    it.give_back();
    it.ok("git commit -qm first");
    it.reserve("a");
    it.ok("git commit -q --amend -m reworded");
    it.ok("echo 2 >b; git commit -qa --amend -m changed");
    it.refused("echo 2 >a; git commit -qa --amend -m changed");
    it.refused("git checkout -q HEAD a; git rm -q a; git commit -q --amend -m without");
}

#[test]
fn the_bytes_of_paths_are_kept() {
    let it = Repository::new();
    for name in [r#"$'x\n \377\t"y"'"#, "'[id]'", "'a b'", "' '", "-x", "$'\\e[31m'"] {
        it.ok(&format!("touch -- {name}"));
        it.reserve(&format!("-- {name}"));
        let line = format!("git add -- {name}; git commit -qm second");
        let done = it.refused(&line);
        assert!(!done.err.contains('\u{1b}'), "what others wrote is escaped: {done:#?}");
        it.give_back();
        it.ok("git commit -qm second");
    }
}

#[test]
fn of_many_files_some_are_told() {
    let it = Repository::new();
    it.reserve("many");
    let line = "mkdir many; cd many; touch $(seq 30); git add .; git commit -qm many";
    let done = it.refused(line).says("error: and 10 more").says("another has reserved 30 files");
    assert_eq!(done.err.matches("cannot commit").count(), 20, "{done:#?}");
}

#[test]
fn a_person_may_commit_what_an_agent_of_the_same_user_edits_and_another_agent_not() {
    let it = Repository::new();
    it.ok("lokt reserve --scope tree x; lokt unreserve x");
    let id = fs::read_to_string(it.folder().join(".git/lokt-repository-id")).unwrap();
    let now = "2026-02-01T10:00:00Z";
    it.write_record(
        "0f3a",
        &format!(
            "{{\"version\":1,\"owner\":\"bob\",\"agent_id\":\"claude-code:s1\",\"acquired_ts\":\"{now}\",\
            \"patterns\":[\"a\"],\"scope\":\"tree\",\"tree\":\"{}/.\",\"origin\":\"edit\"}}",
            id.trim()
        ),
    );
    let edit = |number: &str| format!("echo {number} >a; git commit -qam x");
    let as_agent = |variable: &str, line: &str| it.shell(line).env(variable, "s2").in_time();
    for variable in ["CODEX_THREAD_ID", "CLAUDE_CODE_SESSION_ID", "LOKT_AGENT_ID"] {
        let done = as_agent(variable, &edit("2"));
        let is_own = variable == "LOKT_AGENT_ID";
        assert_eq!(done.code == Some(0), is_own, "a given owner's agent is its own: {done:#?}");
    }
    it.shell(&edit("3")).env("CLAUDE_CODE_SESSION_ID", "s1").in_time().ok();
    // Bob's name was given to bob, so all that is no session is his.
    it.ok(&edit("4"));
    let user = it.shell("id -un").in_time().ok().out;
    let record = it.folder().join(".git/lokt/reservations/0f3a.json");
    let text = fs::read_to_string(&record).unwrap().replace("bob", user.trim());
    fs::write(&record, text).unwrap();
    let done = it.shell(&edit("5")).without("LOKT_OWNER").in_time().ok();
    done.says("warning: \"a\" is reserved by").says("you are its user");
    let done = it.shell(&edit("6")).without("LOKT_OWNER").env("CODEX_THREAD_ID", "s2").in_time();
    assert_ne!(done.code, Some(0), "an agent is refused: {done:#?}");
}
