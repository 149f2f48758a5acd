//! A named pipe, a socket, a device or a folder in place of any file that is opened: no command hangs or
//! crashes.
#![expect(clippy::print_stderr, reason = "a test that fails must say with what")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::Sandbox;
use nix::{sys::stat::Mode, unistd::mkfifo};
use std::{
    fs,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
};

/// The commands that each test tries.
const COMMANDS: [&str; 29] = [
    "status",
    "whoami",
    "status l --json",
    "why g",
    "why ice",
    "exists l",
    "get-meta l k",
    "lock a --ttl 1h",
    "lock l --ttl 2h --meta k=v",
    "guard g -- true",
    "guard l --wait --timeout 1ms -- true",
    "guard ice --wait --timeout 1ms -- true",
    "audit",
    "audit --since 1h",
    "audit --timeline",
    "doctor",
    "prime",
    "git-hook pre-commit",
    "init --yes --agent claude",
    "once o --artifact made -- sh -c 'rm -f made; echo x >made'",
    "once o --check -- sh -c 'rm -f made; echo x >made'",
    "hook claude-code",
    "results list",
    "results prune",
    "tool list",
    "key list",
    "unfreeze ice",
    "unlock l --force",
    "guard g --status-file root/status.json -- true",
];

fn sandbox() -> Sandbox {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    let line = "set -e; git init -q .; printf '/root\\n/user\\n' >.gitignore
        mkdir -p .ai/tools scripts; printf 'all:\\n\\tlokt guard m -- true\\n' >Makefile
        printf 'b:\\n  lokt guard j -- true\\n' >justfile; echo '{\"scripts\":{}}' >package.json
        echo '# lokt' >.ai/tools/t.py; printf '#!/bin/sh\\nlokt guard s -- true\\n' >scripts/s
        lokt key generate; lokt lock l --ttl 1h --meta k=v; lokt guard g -- true; lokt freeze ice --ttl 1h
        lokt once o --artifact made -- sh -c 'rm -f made; echo x >made'; lokt init --yes --agent claude --agent agents";
    it.shell(line).owner("tester").in_time().ok();
    it
}

/// All files and folders of a root, of the user's space and of a project that a command opens.
fn places(it: &Sandbox) -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in folder.read_dir().unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("blobs") {
                below(&path, found);
            }
            found.push(path);
        }
    }
    let mut found = Vec::new();
    for folder in ["root", "user", ".ai", ".claude", "scripts"] {
        below(&it.folder().join(folder), &mut found);
    }
    let names = [
        "Makefile",
        "justfile",
        "package.json",
        "AGENTS.md",
        "CLAUDE.md",
        "made",
        "root",
        "root/nested",
        "root/nested/00ff",
        "root/tmp/l.lock",
        "root/tmp/ice.freeze",
        "root/queue/g/0000000001-00ff-h",
        "root/queue/g/.draft",
        "root/once/blobs",
        "root/status.json",
        ".ai/lockfiles",
    ];
    found.extend(names.map(|name| it.folder().join(name)));
    let blobs = it.root().join("once/blobs").read_dir().unwrap().flatten();
    found.extend(blobs.map(|entry| entry.path()));
    found
}

fn remove(path: &Path) {
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
}

/// Runs all commands with another kind of file in one place, one after the other: each must end, with a
/// documented code.
fn try_all(it: &Sandbox, place: &Path, what: &str) {
    for command in COMMANDS {
        let shown = place.strip_prefix(it.folder()).unwrap().display();
        // Printed if the test fails.
        eprintln!("lokt {command}, with {what} as {shown}");
        let done = it.shell(&format!("exec lokt {command}")).owner("tester").in_time();
        assert!(
            matches!(done.code, Some(0..=5 | 64)),
            "{command} with {what} as {shown}: {done:#?}"
        );
    }
}

/// Every place in turn, split among several tests that run at the same time.
fn pipes_in(share: usize) {
    let count = places(&sandbox()).len();
    for number in (share..count).step_by(SHARES) {
        let it = sandbox();
        // Some names depend on the time; their number is the same in every sandbox.
        let Some(place) = places(&it).get(number).cloned() else { continue };
        remove(&place);
        mkfifo(&place, Mode::S_IRWXU).unwrap();
        try_all(&it, &place, "a pipe");
    }
}

const SHARES: usize = 4;

#[test]
fn a_pipe_in_any_place_blocks_no_command_1() {
    pipes_in(0);
}

#[test]
fn a_pipe_in_any_place_blocks_no_command_2() {
    pipes_in(1);
}

#[test]
fn a_pipe_in_any_place_blocks_no_command_3() {
    pipes_in(2);
}

#[test]
fn a_pipe_in_any_place_blocks_no_command_4() {
    pipes_in(3);
}

#[test]
fn another_kind_of_file_in_place_of_the_log_is_an_error_that_names_it() {
    for (what, text) in [("pipe", "named pipe"), ("socket", "socket"), ("folder", "Is a directory")]
    {
        let it = sandbox();
        let log = it.root().join("audit.log");
        remove(&log);
        let _listener = match what {
            "pipe" => mkfifo(&log, Mode::S_IRWXU).map(|()| None).unwrap(),
            "socket" => Some(UnixListener::bind(&log).unwrap()),
            _ => fs::create_dir(&log).map(|()| None).unwrap(),
        };
        for command in [
            "audit",
            "audit --tail",
            "audit --timeline",
            "lock new",
            "guard new -- touch entered",
            "freeze new --ttl 1h",
        ] {
            let done = it.shell(&format!("exec lokt {command}")).owner("tester").in_time();
            let done = done.fails_with(1, "audit.log");
            assert!(done.err.contains(text), "{command} with a {what}: {done:#?}");
        }
        assert!(!it.folder().join("entered").exists() && !it.record_path("new").exists());
        let doctor = it.lokt(["doctor"]).in_time().expect(1);
        assert!(doctor.out.contains("audit.log"), "{doctor:#?}");
        it.lokt(["unlock", "l"]).in_time().ok().says("warning: lock \"l\" is free, but ");
        it.lokt(["prime"]).in_time().ok();
        try_all(&it, &log, what);
    }
}

#[test]
fn a_pipe_with_a_reader_is_no_log_either() {
    let it = sandbox();
    let log = it.root().join("audit.log");
    remove(&log);
    mkfifo(&log, Mode::S_IRWXU).unwrap();
    let reader = it.shell("exec 3<>root/audit.log; echo in; read line").start().is_in();
    it.lokt(["lock", "new"]).in_time().fails_with(1, "it is a named pipe, not a regular file");
    assert!(!it.record_path("new").exists(), "nothing is taken that is not logged in a file");
    reader.release();
}

#[test]
fn a_device_in_place_of_a_file_is_not_read_endlessly() {
    for place in ["audit.log", "locks/l.json", "queue/g/0000000001-00ff-h", "once/results/x.json"] {
        let it = sandbox();
        // A mount of a device needs no right to make one.
        let line = format!(
            "mkdir -p $(dirname root/{place}); : >>root/{place}; mount --bind /dev/zero root/{place}
            ulimit -v 4000000; for command in audit 'audit --timeline' doctor status 'why l' 'results list' prime; do
            code=0; lokt $command >/dev/null 2>&1 || code=$?; [ $code -le 3 ] || echo $command: $code; done"
        );
        assert_eq!(it.with_own_mounts(&line).in_time().ok().out, "", "with a device as {place}");
    }
}
