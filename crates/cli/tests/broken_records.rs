//! Files that are not readable records: every command reports them, none hangs, and no caller enters unless
//! the lock is certainly free.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Done, Sandbox};
use nix::{sys::stat::Mode, unistd::mkfifo};
use std::{
    fs::{self, File, Permissions},
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
    time::{Duration, SystemTime},
};

/// Puts a broken file at a path.
type BrokenFileCreator = fn(&Path);

/// The broken files, and what commands print about them.
const BREAKAGES: [(&str, BrokenFileCreator); 10] = [
    ("the file is empty", empty_and_old),
    ("not JSON: EOF", |path| fs::write(path, r#"{"version":1,"name":"x","ow"#).unwrap()),
    ("not JSON", |path| fs::write(path, [0, 159, 146, 150, 255]).unwrap()),
    ("not a JSON object", |path| fs::write(path, "[1, 2]").unwrap()),
    ("field \"owner\" is missing", |path| fs::write(path, "{}").unwrap()),
    ("it is a directory", |path| fs::create_dir(path).unwrap()),
    ("it is a symbolic link", |path| symlink("/dev/zero", path).unwrap()),
    ("it is a named pipe", |path| mkfifo(path, Mode::S_IRWXU).unwrap()),
    ("it is a socket", |path| drop(UnixListener::bind(path).unwrap())),
    ("104857600 bytes", |path| File::create(path).unwrap().set_len(100 << 20).unwrap()),
];

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn empty_and_old(path: &Path) {
    changed(File::create(path).unwrap(), SystemTime::now() - Duration::from_secs(3));
}

/// Sets the time of a file's last change.
#[expect(clippy::needless_pass_by_value, reason = "the file is closed by this")]
fn changed(file: File, at: SystemTime) {
    file.set_modified(at).unwrap();
}

/// A sandbox with a broken file as the record of `x`, too old to be still written.
fn broken(breakage: BrokenFileCreator) -> Sandbox {
    let it = sandbox();
    it.lokt(["lock", "other"]).run().ok();
    let path = it.record_path("x");
    breakage(&path);
    if path.metadata().is_ok_and(|meta| meta.is_file()) {
        changed(File::options().append(true).open(&path).unwrap(), an_hour_ago());
    }
    it
}

/// An old time, but after this boot on any machine that has run for longer.
fn an_hour_ago() -> SystemTime {
    let up = fs::read_to_string("/proc/uptime").unwrap();
    let up: f64 = up.split(' ').next().unwrap().parse().unwrap();
    SystemTime::now() - Duration::from_secs_f64((up / 2.0).min(3600.0))
}

/// A moment ahead: a file with this time counts as being written for almost four seconds.
fn young() -> SystemTime {
    SystemTime::now() + Duration::from_millis(1900)
}

fn run(it: &Sandbox, words: &[&str]) -> Done {
    it.lokt(words.iter().copied()).in_time()
}

#[test]
fn every_command_that_reads_says_what_is_wrong_and_none_hangs() {
    for (flaw, breakage) in BREAKAGES {
        let it = broken(breakage);
        for words in [vec!["status", "x"], vec!["exists", "x"], vec!["get-meta", "x", "k"]] {
            run(&it, &words).fails_with(1, "lock \"x\" is corrupted: ");
        }
        run(&it, &["status", "x"]).says(flaw);
        let why = run(&it, &["why", "x", "--json"]).json();
        assert_eq!(why["reasons"][0]["type"], "corrupted");
        let told = why["reasons"][0]["message"].as_str().unwrap();
        assert!(told.contains(flaw), "why says that {flaw}: {told}");
        let list = run(&it, &["status", "--json"])
            .ok()
            .says("the record of \"x\" is unreadable")
            .says(flaw);
        assert_eq!(list.json()[1]["state"], "corrupted", "it is listed too");
        let doctor = run(&it, &["doctor", "--json"]).ok().json();
        let mut checks = doctor["checks"].as_array().unwrap().iter();
        let records = checks.find(|check| check["name"] == "records").unwrap();
        let told = records["message"].as_str().unwrap().contains(flaw);
        assert!(told && records["status"] == "warn", "the doctor says that {flaw}: {records}");
    }
}

#[test]
fn no_guard_enters_when_a_broken_record_may_have_a_holder() {
    for (flaw, breakage) in &BREAKAGES[1..] {
        let it = broken(*breakage);
        let commands: [&[&str]; 4] = [
            &["guard", "x", "--", "touch", "entered"],
            &["guard", "x", "--wait", "--", "touch", "entered"],
            &["lock", "x"],
            &["lock", "x", "--json"],
        ];
        for words in commands {
            let done = run(&it, words).fails_with(1, "is corrupted").says(flaw);
            assert!(done.err.contains("hint: lokt why x "), "a way out: {done:#?}");
        }
        let why = run(&it, &["why", "x"]).expect(2);
        assert!(why.out.contains("next: do other work, and show this to a person"), "{why:#?}");
        assert!(!why.out.contains("lokt unlock"), "it may be a lock of another: {why:#?}");
        assert!(!it.folder().join("entered").exists(), "no guard entered although {flaw}");
        assert!(it.tickets("x").is_empty(), "the queue is empty");
        let unlock = run(&it, &["unlock", "x"]).fails_with(1, "is corrupted");
        assert!(unlock.err.contains("hint: lokt why x "), "{unlock:#?}");
        assert!(fs::symlink_metadata(it.record_path("x")).is_ok(), "it is unchanged");
    }
}

#[test]
fn breaking_repairs_it_and_is_logged() {
    for (flaw, breakage) in BREAKAGES {
        for how in ["--break-stale", "--force"] {
            let it = broken(breakage);
            run(&it, &["unlock", "x", how]).ok();
            let gone = fs::symlink_metadata(it.record_path("x")).is_err();
            assert!(gone, "{how} removes it although {flaw}");
            assert_eq!(it.event_kinds("x"), ["corrupt-break"], "{how} although {flaw}");
            assert!(left_in_tmp(&it).is_empty(), "no rest of it stays");
            run(&it, &["guard", "x", "--", "true"]).ok();
        }
    }
}

fn left_in_tmp(it: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(it.root().join("tmp")).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with('.')).collect()
}

#[test]
fn a_folder_with_something_in_it_is_never_removed() {
    let it = broken(|path| {
        fs::create_dir(path).unwrap();
        fs::write(path.join("work"), "of weeks").unwrap();
    });
    for how in ["--break-stale", "--force"] {
        let refused = run(&it, &["unlock", "x", how]).fails_with(1, "x.json");
        assert!(refused.err.contains("not empty"), "{refused:#?}");
        let kept = fs::read_to_string(it.record_path("x").join("work")).unwrap();
        assert_eq!(kept, "of weeks", "nothing in it is lost");
    }
    run(&it, &["guard", "x", "--", "true"]).fails_with(1, "it is a directory");
}

#[test]
fn what_a_link_points_to_is_never_touched() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).run().ok();
    let target = it.folder().join("target.json");
    fs::rename(it.record_path("x"), &target).unwrap();
    let before = fs::read(&target).unwrap();
    symlink(&target, it.record_path("x")).unwrap();
    run(&it, &["lock", "x"]).fails_with(1, "a symbolic link");
    run(&it, &["unlock", "x", "--force"]).ok();
    assert_eq!(fs::read(&target).unwrap(), before, "only the link is gone");
}

#[test]
fn an_empty_file_counts_as_held_while_it_may_be_being_written() {
    let it = sandbox();
    it.write_record("x", "");
    changed(File::create(it.record_path("x")).unwrap(), young());
    run(&it, &["guard", "x", "--", "true"]).fails_with(2, "is treated as held");
    run(&it, &["lock", "x", "--json"]).expect(2);
    run(&it, &["unlock", "x", "--break-stale"])
        .fails_with(4, "another program may still be writing it");
    run(&it, &["why", "x"]).expect(2);
}

#[test]
fn an_empty_file_that_stays_empty_is_free() {
    let it = sandbox();
    it.lokt(["lock", "other"]).run().ok();
    for words in [vec!["guard", "x", "--", "true"], vec!["lock", "x"]] {
        empty_and_old(&it.record_path("x"));
        run(&it, &["why", "x"]).ok();
        run(&it, &words).ok();
    }
    let kinds = it.event_kinds("x");
    assert_eq!(kinds, ["corrupt-break", "acquire", "release", "corrupt-break", "acquire"]);
}

#[test]
fn a_waiter_gets_in_when_an_empty_file_stays_empty() {
    let it = sandbox();
    it.write_record("x", "");
    run(&it, &["guard", "x", "--wait", "--", "true"]).ok();
    assert_eq!(it.event_kinds("x"), ["corrupt-break", "acquire", "release"]);
}

#[test]
fn a_waiter_behind_a_broken_file_gets_in_as_soon_as_it_is_removed() {
    let it = sandbox();
    it.write_record("x", "{");
    changed(File::options().append(true).open(it.record_path("x")).unwrap(), young());
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).start().is_waiting();
    fs::remove_file(it.record_path("x")).unwrap();
    waiter.ends().ok();
    assert_eq!(it.event_kinds("x"), ["acquire", "release"]);
}

#[test]
fn a_broken_file_from_before_this_boot_is_replaced() {
    let it = sandbox();
    it.write_record("x", r#"{"version":1,"na"#);
    changed(
        File::options().append(true).open(it.record_path("x")).unwrap(),
        SystemTime::UNIX_EPOCH,
    );
    run(&it, &["why", "x"]).ok();
    run(&it, &["guard", "x", "--", "true"]).ok();
    assert_eq!(it.event_kinds("x"), ["corrupt-break", "acquire", "release"]);
}

#[test]
fn a_record_without_read_permission_is_never_free() {
    let it = sandbox();
    it.as_nobody(["lock", "x"]).run().ok();
    fs::set_permissions(it.record_path("x"), Permissions::from_mode(0o000)).unwrap();
    let commands: [&[&str]; 7] = [
        &["guard", "x", "--", "true"],
        &["guard", "x", "--wait", "--", "true"],
        &["lock", "x"],
        &["unlock", "x"],
        &["exists", "x"],
        &["why", "x"],
        &["status", "x"],
    ];
    for words in commands {
        let done = it.as_nobody(words.iter().copied()).in_time();
        done.fails_with(1, "cannot read the record of lock \"x\": Permission denied");
    }
    let list =
        it.as_nobody(["status", "--json"]).run().ok().says("the record of \"x\" is unreadable");
    assert_eq!(list.json()[0]["state"], "unreadable");
    it.as_nobody(["unlock", "x", "--force"]).run().ok();
    it.as_nobody(["guard", "x", "--", "true"]).run().ok();
}

#[test]
fn a_broken_freeze_blocks_until_it_is_lifted_by_force() {
    for content in ["", "{", r#"{"version":"abc"}"#] {
        let it = sandbox();
        it.write_freeze("x", content);
        let commands: [&[&str]; 5] = [
            &["guard", "x", "--", "true"],
            &["lock", "x"],
            &["why", "x"],
            &["freeze", "x", "--ttl", "5m"],
            &["unfreeze", "x"],
        ];
        for words in commands {
            let done = run(&it, words).fails_with(1, "freeze \"x\" is corrupted");
            assert!(done.err.contains("show this to a person"), "a way out: {done:#?}");
            assert!(!done.err.contains("--force"), "it may be another's freeze: {done:#?}");
        }
        run(&it, &["status"]).ok().says("the record of \"x\" is unreadable");
        run(&it, &["unfreeze", "x", "--force"]).ok();
        run(&it, &["guard", "x", "--", "true"]).ok();
    }
}
