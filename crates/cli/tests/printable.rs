//! Texts of others are printed with every character visible, by every command.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Done, HOLD, Sandbox};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt};

/// Terminal escapes, line ends, writing directions, and invisible characters.
const HOSTILE: &str = "\u{1b}]0;PWNED\u{7}\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{202a}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\
    \u{2028}\u{2029}\u{85}\u{200b}\u{2060}\u{feff}\u{ad}\u{180e}\u{e0041}\u{e0100}\u{e000}\rx\nerror: forged\n\nhint: forged\n";

/// The same without control characters, which an owner and an id must not contain.
const UNSEEN: &str = "eve\u{202e}\u{2066}\u{200f}\u{2028}\u{200b}\u{feff}\u{e0041}\u{61c}";

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Whether a character must never be printed as it is.
fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\n') || (!c.is_ascii() && (HOSTILE.contains(c) || UNSEEN.contains(c)))
}

/// Asserts that all hostile characters were printed, and none as it is.
#[track_caller]
fn assert_printable(what: &str, done: &Done) {
    for text in [&done.out, &done.err] {
        assert!(!text.contains(is_hostile), "{what}: {text:?}");
        let forged =
            |line: &str| line.starts_with("error: forged") || line.starts_with("hint: forged");
        assert!(!text.lines().any(forged), "{what} has a line of another's: {text:?}");
    }
}

#[track_caller]
fn assert_shown(what: &str, done: Done) -> Done {
    assert_printable(what, &done);
    let all = format!("{}{}", done.out, done.err);
    assert!(all.contains(r"\u{202e}"), "{what} shows what it was: {all:?}");
    done
}

/// A record in which every text is hostile.
fn record(name: &str, fields: &Value) -> String {
    let mut record = json!({
        "version": 1, "name": name, "lock_id": "1", "owner": HOSTILE, "agent_id": HOSTILE, "host": HOSTILE, "pid": 1,
        "acquired_ts": "2026-02-01T10:00:00Z", "expires_at": "2199-01-01T00:00:00Z",
    });
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    record.to_string()
}

/// A sandbox in which every text that can come from others is hostile.
fn hostile() -> Sandbox {
    let it = sandbox();
    let metadata = json!({HOSTILE: HOSTILE, "list": [HOSTILE]});
    it.write_record("x", record("x", &json!({"hold": "lease", "metadata": metadata})));
    let command = ["sh", "-c", HOSTILE];
    it.write_record("c", record("c", &json!({"hold": "lease", "command": command})));
    let beside = json!({"owner": HOSTILE, "lock_id": "2", "acquired_ts": "2026-02-01T10:00:00Z",
        "expires_at": "2199-01-01T00:00:00Z", "hold": "lease"});
    let fields = json!({"hold": "lease", "mode": "shared", "co_holders": [beside]});
    it.write_record("s", record("s", &fields));
    it.write_freeze("f", record("f", &json!({})));
    let event = |kind: &str| {
        json!({"ts": "2026-02-01T10:00:00Z", "event": kind, "name": HOSTILE, "owner": HOSTILE, "lock_id": "1",
            "host": HOSTILE, "pid": 7, "agent_id": HOSTILE, "ttl_sec": 60,
            "extra": {"command": ["sh", HOSTILE], HOSTILE: HOSTILE}})
    };
    let log = format!("{}\n{}\n{}\n", event("acquire"), event("release"), event(HOSTILE));
    fs::write(it.root().join("audit.log"), log).unwrap();
    it
}

#[test]
fn commands_about_locks_show_it() {
    let it = hostile();
    for line in [
        "status",
        "status x",
        "status c",
        "status s",
        "status f",
        "why x",
        "why c",
        "why s",
        "why f",
        "guard x -- true",
        "guard c -- true",
        "guard s -- true",
        "guard f -- true",
        "lock x",
        "lock c",
        "guard x --wait --timeout 1ms -- true",
        "lock f --wait --timeout 1ms",
        "unlock x",
        "freeze f --ttl 5m",
        "unfreeze f",
        "audit",
        "audit --timeline --html -",
    ] {
        let done = it.lokt(line.split(' ')).env("LC_ALL", "C.UTF-8").run();
        assert_shown(line, done);
    }
    for line in [
        "audit --timeline",
        "unlock x --break-stale",
        "prime",
        "doctor",
        "exists x",
        "fence x",
        "fence x 7",
        "top",
        "completions bash",
    ] {
        assert_printable(line, &it.lokt(line.split(' ')).run());
    }
}

#[test]
fn metadata_is_data_and_its_keys_are_shown() {
    let it = hostile();
    assert_shown("get-meta", it.lokt(["get-meta", "x", "none"]).run().expect(3));
    let value = it.lokt(["get-meta", "x", HOSTILE]).run().ok().out;
    assert_eq!(value, format!("{HOSTILE}\n"), "a value is printed as it is");
}

#[test]
fn json_is_exact() {
    let it = hostile();
    let status = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!(
        (&status["owner"], &status["metadata"][HOSTILE]),
        (&json!(HOSTILE), &json!(HOSTILE))
    );
    let why = it.lokt(["why", "x", "--json"]).run().expect(2).json();
    assert_eq!(why["reasons"][0]["record"]["owner"], HOSTILE);
    let blocked = it.lokt(["lock", "c", "--json"]).run().expect(2).json();
    assert_eq!(blocked["holder_command"][2], HOSTILE);
    let events = it.lokt(["audit", "--json"]).run().ok().out;
    let first: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    assert_eq!(first["extra"][HOSTILE], HOSTILE);
}

#[test]
fn errors_about_files_show_it() {
    let it = sandbox();
    for (number, content) in
        [format!("{{\"{HOSTILE}"), json!({HOSTILE: 1}).to_string(), format!("{HOSTILE}{{")]
            .iter()
            .enumerate()
    {
        let name = format!("x{number}");
        it.write_record(&name, content);
        for command in ["status", "why", "lock"] {
            assert_printable(command, &it.lokt([command, &name]).run());
        }
    }
    fs::write(it.root().join("audit.log"), format!("{}\n", HOSTILE.replace('\n', " "))).unwrap();
    assert_shown("audit", it.lokt(["audit"]).run());
    assert_shown("timeline", it.lokt(["audit", "--timeline"]).run());
}

#[test]
fn errors_about_arguments_show_it() {
    let it = sandbox();
    let lines: [&[&str]; 9] = [
        &["lock", HOSTILE],
        &["lock", "x", HOSTILE],
        &["lock", "x", "--ttl", HOSTILE],
        &["lock", "x", "--meta", HOSTILE],
        &["lock", "x", "--meta-json", HOSTILE],
        &["lock", "x", "--owner", HOSTILE],
        &[HOSTILE],
        &["guard", "x", "--", HOSTILE],
        &["audit", "--event", HOSTILE],
    ];
    for words in lines {
        assert_printable(&words.join(" "), &it.lokt(words.iter().copied()).run());
    }
    assert_printable("a variable", &it.lokt(["lock", "x"]).owner(HOSTILE).run());
}

#[test]
fn waiters_and_circles_are_shown() {
    let it = sandbox();
    let hold = ["guard", "x", "--wait", "--", HOLD[0], HOLD[1], HOLD[2], HOSTILE];
    let first = it.lokt(hold).owner(UNSEEN).start().is_in();
    let waiter = it.lokt(hold).owner(UNSEEN).start().is_waiting();
    for line in ["status x", "why x", "guard x -- true"] {
        assert_shown(line, it.lokt(line.split(' ')).run());
    }
    first.release().ok();
    assert_shown("a waiter", waiter.is_in().release().ok());
    let line = format!("lokt guard x --shared -- lokt guard x --wait -- true '{UNSEEN}'");
    assert_shown("a deadlock", it.shell(&line).owner(UNSEEN).run().expect(7));
}

#[test]
fn a_terminal_gets_no_escapes_of_others() {
    let it = hostile();
    for line in [
        "lokt guard c -- true",
        "lokt guard c --wait --timeout 1ms -- true",
        "lokt why c",
        "lokt status c",
    ] {
        let shown = it.terminal(line).run().out;
        for bad in ["\u{1b}]", "\u{1b}[2J", "\u{9b}", "\u{202e}", "\u{7}", "\u{2028}"] {
            assert!(!shown.contains(bad), "{line}: {shown:?}");
        }
        assert!(shown.contains(r"\u{1b}]0;PWNED\u{7}"), "{line}: {shown:?}");
    }
}

/// A git repository with a file of a hostile name.
fn repository(it: &Sandbox) {
    let line =
        "git init -q . && git config user.email a@b && git config user.name a && touch plain";
    it.shell(line).run().ok();
    fs::write(it.folder().join(format!("plain{}", HOSTILE.replace('/', "_"))), "1").unwrap();
}

#[test]
fn results_show_it() {
    let it = sandbox();
    repository(&it);
    let once =
        |words: &[&str]| it.lokt(["once", "t"].iter().chain(words).copied()).owner(UNSEEN).run();
    let ran = once(&["--", "printf", "%s", HOSTILE]).ok();
    assert!(ran.out.contains(HOSTILE), "output is data");
    let again = once(&["--", "printf", "%s", HOSTILE]).ok();
    assert!(again.out.contains(HOSTILE), "it is replayed as it was");
    for line in ["results list", "results show t", "status", "why t"] {
        let done = it.lokt(line.split(' ')).run();
        assert_shown(line, done);
    }
    let hostile_file = fs::read_dir(it.folder())
        .unwrap()
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().contains("PWNED"));
    fs::write(hostile_file.expect("the file").path(), "2").unwrap();
    assert_shown("explain", once(&["--explain", "--", "printf", "%s", HOSTILE]).ok());
}

#[test]
fn init_and_prime_show_it() {
    let it = sandbox();
    repository(&it);
    let script = it.folder().join("scripts").join(UNSEEN);
    fs::create_dir_all(script.parent().unwrap()).unwrap();
    fs::write(&script, format!("#!/bin/sh\nlokt guard build -- make '{UNSEEN}'\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(it.folder().join("AGENTS.md"), "ours\u{202e}\u{9b}\n\tand\u{1b}[2J a tab\n").unwrap();
    assert_shown("prime", it.lokt(["prime"]).owner(UNSEEN).run().ok());
    assert_shown("prime for a file", it.lokt(["prime", "--format", "agents-md"]).run().ok());
    let shown = it.lokt(["init", "--dry-run"]).run().ok();
    let out = shown.out.replace('\t', "");
    assert!(shown.out.contains("\tand"), "a tab stays: {shown:#?}");
    assert_shown("init", Done { out, ..shown });
    let exact = it.lokt(["prime", "--json"]).run().ok().json();
    let run = exact["operations"][0]["run"].as_str().unwrap();
    assert!(run.contains(UNSEEN), "JSON is exact: {run:?}");
}

#[test]
fn tools_show_it() {
    let it = sandbox();
    fs::create_dir_all(it.folder().join(".ai/tools/web")).unwrap();
    let text = format!(
        "version: \"1.0.0\"\ntool_type: {type}\nexecutor_id: {type}\ntool_description: {type}\n",
        type = json!(UNSEEN)
    );
    fs::write(it.folder().join(format!(".ai/tools/web/{UNSEEN}.yaml")), text).unwrap();
    let id = format!("web/{UNSEEN}");
    it.lokt(["key", "generate"]).run().ok();
    for words in [
        vec!["list"],
        vec!["show", &id],
        vec!["run", &id],
        vec!["sign", &id],
        vec!["show", &id],
        vec!["lock", &id],
        vec!["diff", &id],
        vec!["resolve", &id],
        vec!["verify", "--all"],
        vec!["run", HOSTILE],
    ] {
        let done = it.lokt(["tool"].into_iter().chain(words.iter().copied())).run();
        assert_printable(&words.join(" "), &done);
    }
    assert_shown("list", it.lokt(["tool", "list"]).run().ok());
    assert_shown("run", it.lokt(["tool", "run", &id]).run().expect(5));
    // A key's file that is no TOML, and a key with a hostile owner.
    let keys = it.folder().join("user/trusted_keys");
    fs::write(keys.join(format!("{UNSEEN}.toml")), format!("{HOSTILE} = [\n")).unwrap();
    assert_shown("key list", it.lokt(["key", "list"]).run());
}
