//! Files of another user are not used: a root, a repository on the way to it, and the files in them.
//!
//! Only root can give files away. Run by another user, these tests use `/`, which belongs to root, as the
//! folder of another user where that is enough; the rest is tested below the command line, with the user as
//! an argument.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Done, Lokt, Sandbox};
use nix::unistd::geteuid;
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// Every command that searches for locks, or for the files of a repository.
const COMMANDS: [&[&str]; 25] = [
    &["guard", "x", "--", "touch", "ran"],
    &["guard", "x", "-c", "touch ran"],
    &["lock", "x", "--ttl", "1m"],
    &["unlock", "x"],
    &["unlock", "x", "--force"],
    &["unlock", "--all"],
    &["status"],
    &["status", "x", "--json"],
    &["why", "x"],
    &["exists", "x"],
    &["get-meta", "x", "key"],
    &["fence", "check", "x", "1"],
    &["freeze", "x", "--ttl", "1m"],
    &["unfreeze", "x"],
    &["audit"],
    &["audit", "--tail"],
    &["audit", "--timeline"],
    &["top"],
    &["once", "t", "--input", "ran", "--", "touch", "ran"],
    &["results", "list"],
    &["prime", "--format", "agents-md"],
    &["init", "--yes"],
    &["tool", "list"],
    &["tool", "run", "t"],
    &["mcp"],
];

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A call that finds the root by itself, with a separate configuration of git.
fn call<'a>(it: &Sandbox, words: impl IntoIterator<Item = &'a str>, folder: &Path) -> Lokt {
    let call = it.lokt(words).without("LOKT_ROOT").folder(folder);
    call.env("HOME", it.folder()).env("GIT_CONFIG_NOSYSTEM", "1").env("TERM", "xterm")
}

fn refused(done: Done) -> Done {
    let done = done.fails_with(1, "belongs to another user (uid ");
    assert!(done.err.contains("hint: git config --global --add safe.directory /"), "{done:#?}");
    done
}

/// A folder to work in, below one with files of another user.
fn planted(it: &Sandbox, plant: &str) -> PathBuf {
    let make = format!("mkdir -p place/work && cd place && {plant}");
    it.shell(&make).run().ok();
    it.folder().join("place/work")
}

/// Files that lead to a root, and which of them belong to another user.
const PLANTS: [(&str, &str, &[&str]); 8] = [
    ("a repository", "git init -q .", &[".git"]),
    ("a repository's folder", "git init -q .", &["."]),
    ("a bare repository", "git init -q --bare .", &["."]),
    ("a .git file", "git init -q --separate-git-dir=../apart .", &[".git"]),
    ("what a .git file names", "git init -q --separate-git-dir=../apart .", &["../apart"]),
    ("a .git link", "git init -q . && mv .git ../apart && ln -s ../apart .git", &[".git"]),
    (
        "what a .git link leads to",
        "git init -q . && mv .git ../apart && ln -s ../apart .git",
        &["../apart"],
    ),
    ("the root in a repository", "git init -q . && mkdir .git/lokt", &[".git/lokt"]),
];

#[test]
fn every_command_refuses_the_path_to_a_root_of_another_user() {
    for (what, plant, given) in PLANTS {
        let it = sandbox();
        let folder = planted(&it, plant);
        let place = folder.parent().unwrap();
        if !given.iter().all(|path| it.give_away(&place.join(path))) {
            return;
        }
        for words in COMMANDS {
            let done = call(&it, words.iter().copied(), &folder).in_time();
            refused(done);
            assert_eq!(
                fs::read_dir(&folder).unwrap().count(),
                0,
                "{what}: {words:?} did something"
            );
        }
        let doctor = call(&it, ["doctor", "--json"], &folder).run().expect(1).json();
        assert_eq!(doctor["overall"], "fail", "{what}: {doctor}");
        let checks = doctor["checks"].as_array().unwrap();
        assert!(checks.len() == 1, "nothing of it is examined further: {doctor}");
        assert!(checks[0]["message"].as_str().unwrap().contains("safe.directory"), "{doctor}");
        let complete = it.shell(
            r#"_CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=2 COMPLETE=bash lokt -- lokt unlock """#,
        );
        let complete = complete.without("LOKT_ROOT").folder(&folder).run().ok();
        assert!(complete.err.is_empty(), "completing says nothing: {complete:#?}");
        // After a trust setting, all commands work.
        for safe in
            ["*", place.to_str().unwrap(), "~/place", &format!("{}/*", it.folder().display())]
        {
            let trusted = call(&it, ["guard", "x", "--", "touch", "ran"], &folder);
            let trusted =
                trusted.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "safe.directory");
            trusted.env("GIT_CONFIG_VALUE_0", safe).run().ok();
            fs::remove_file(folder.join("ran")).unwrap();
        }
    }
}

#[test]
fn a_local_root_of_another_user_is_refused_by_every_command() {
    let it = sandbox();
    let folder = planted(&it, "mkdir work/.lokt");
    if !it.give_away(&folder.join(".lokt")) {
        return;
    }
    for words in COMMANDS {
        refused(call(&it, words.iter().copied(), &folder).in_time());
    }
    assert_eq!(fs::read_dir(folder.join(".lokt")).unwrap().count(), 0, "it is unchanged");
    for safe in [folder.clone(), folder.join(".lokt")] {
        let config = format!("[safe]\n\tdirectory = {}\n", safe.display());
        fs::write(it.folder().join(".gitconfig"), config).unwrap();
        call(&it, ["guard", "x", "--", "true"], &folder).run().ok();
    }
}

/// A folder of another user, also for an ordinary user.
fn foreign_root(it: &Sandbox) -> PathBuf {
    let path = it.folder().join("theirs");
    fs::create_dir(&path).unwrap();
    if it.give_away(&path) { path } else { PathBuf::from("/") }
}

#[test]
fn a_named_root_of_another_user_is_refused_and_a_link_to_it() {
    let it = sandbox();
    let root = foreign_root(&it);
    symlink(&root, it.folder().join("link")).unwrap();
    for named in [root.clone(), it.folder().join("link")] {
        let work = it.folder().join("work");
        let _ = fs::create_dir(&work);
        for words in COMMANDS {
            refused(call(&it, words.iter().copied(), &work).env("LOKT_ROOT", &named).in_time());
        }
        call(&it, ["doctor"], &work).env("LOKT_ROOT", &named).run().expect(1);
    }
    // A link of another user may have another target the next moment.
    let (link, mine) = (it.folder().join("their-link"), it.folder().join("mine"));
    fs::create_dir(&mine).unwrap();
    symlink(&mine, &link).unwrap();
    if it.give_away(&link) {
        refused(call(&it, ["status"], it.folder()).env("LOKT_ROOT", &link).run());
    }
    let own_link = it.folder().join("own-link");
    symlink(&mine, &own_link).unwrap();
    call(&it, ["guard", "x", "--", "true"], it.folder()).env("LOKT_ROOT", &own_link).run().ok();
    assert!(mine.join("locks").is_dir(), "an own link to an own folder is followed");
}

#[test]
fn with_a_root_elsewhere_the_files_of_the_repository_are_not_used_either() {
    let it = sandbox();
    let folder =
        planted(&it, "git init -q . && mkdir scripts && echo 'lokt guard x -- true' >scripts/x.sh");
    if !it.give_away(&folder.with_file_name(".git")) {
        return;
    }
    let call = |words: &[&'static str]| {
        call(&it, words.iter().copied(), &folder).env("LOKT_ROOT", it.root()).in_time()
    };
    for words in
        COMMANDS.iter().filter(|words| ["prime", "init", "tool", "once"].contains(&words[0]))
    {
        refused(call(words));
    }
    // An agent gets its briefing, with nothing of these files in it.
    let told = call(&["prime"]).ok().says("warning: the locks cannot be used: ");
    assert!(
        told.out.contains("No guarded operations") && !told.out.contains("scripts/x"),
        "{told:#?}"
    );
    assert!(
        told.out.contains("No lock can be taken here") && told.out.contains("safe.directory"),
        "{told:#?}"
    );
    call(&["guard", "x", "--", "true"]).ok();
}

#[test]
fn a_repository_cannot_declare_itself_trusted() {
    let it = sandbox();
    let folder = planted(&it, "git init -q . && git config safe.directory '*'");
    if !it.give_away(&folder.with_file_name(".git")) {
        return;
    }
    refused(call(&it, ["status"], &folder).run());
    for (key, value) in
        [("GIT_DIR", "../.git"), ("GIT_CONFIG", "../.git/config"), ("GIT_COMMON_DIR", "../.git")]
    {
        refused(call(&it, ["status"], &folder).env(key, value).run());
    }
    let config = it.folder().join(".gitconfig");
    fs::write(&config, "[safe]\n\tdirectory = *\n\tdirectory =\n").unwrap();
    refused(call(&it, ["status"], &folder).run());
    fs::write(&config, "[include]\n\tpath = more\n").unwrap();
    fs::write(it.folder().join("more"), "[safe]\n\tdirectory = ~/place\n").unwrap();
    call(&it, ["status"], &folder).run().ok();
    let without_git = call(&it, ["status"], &folder).env("PATH", "/nonexistent");
    refused(without_git.run());
}

#[test]
fn root_may_only_use_folders_of_the_user_behind_sudo() {
    let it = sandbox();
    let folder = planted(&it, "git init -q .");
    if !it.give_away(&folder.with_file_name(".git")) {
        return;
    }
    call(&it, ["guard", "x", "--", "true"], &folder).env("SUDO_UID", "65534").run().ok();
    for other in ["1", "0", "", "65534x", "-2"] {
        refused(call(&it, ["status"], &folder).env("SUDO_UID", other).run());
    }
}

#[test]
fn results_of_another_user_in_an_own_root_are_ignored() {
    let it = sandbox();
    let once = ["once", "build", "--input", "src", "--artifact", "app", "--", "./make"];
    let run = || it.lokt(once).run().ok().out;
    let make = "echo source >src && printf '#!/bin/sh\\necho run >>runs; echo good >app; echo built\\n' >make && chmod +x make";
    it.shell(make).run().ok();
    let runs = || fs::read_to_string(it.folder().join("runs")).unwrap().lines().count();
    assert_eq!(
        (run().as_str(), run().as_str(), runs()),
        ("built\n", "built\n", 1),
        "the second is shared"
    );
    for what in ["once/results", "once/trees", "once"] {
        if !it.give_away(&it.root().join(what)) {
            assert!(!geteuid().is_root());
            return;
        }
        let before = runs();
        run();
        let is_told = what == "once/trees";
        assert_eq!(runs(), before + usize::from(!is_told), "{what} of another user says nothing");
        // A later result of this user counts again.
        run();
        assert_eq!(runs(), before + usize::from(!is_told), "{what}");
    }
}

#[test]
fn doctor_reports_what_others_could_do() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "5m"]).run().ok();
    let checks = |it: &Sandbox| it.lokt(["doctor"]).run().out;
    assert!(checks(&it).contains("ok    parents "), "{}", checks(&it));
    it.shell("chmod 777 root/queue").run().ok();
    assert!(checks(&it).contains("warn  permissions "), "{}", checks(&it));
    it.shell("chmod 700 root/queue && chmod 777 .").run().ok();
    assert!(checks(&it).contains("warn  parents "), "{}", checks(&it));
    it.shell("chmod 1777 .").run().ok();
    assert!(checks(&it).contains("ok    parents "), "a sticky bit protects the files");
    let relative = it.lokt(["doctor"]).env("LOKT_ROOT", "root").run().ok();
    assert!(relative.out.contains("warn  lokt_root "), "{relative:#?}");
}
