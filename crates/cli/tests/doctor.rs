//! The doctor: whether locks work here, and which root is used.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

use lokt_testkit::{Lokt, Sandbox};
use serde_json::{Value, json};
use std::{
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt,
    time::{Duration, SystemTime},
};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn doctor(it: &Sandbox) -> Value {
    as_agent(it, &["doctor", "--json"]).run().ok().json()
}

/// A call of an agent with an id: the session of the tests may have begun outside this container, which the doctor
/// warns of.
fn as_agent(it: &Sandbox, words: &[&str]) -> Lokt {
    it.lokt(words.iter().copied()).env("LOKT_AGENT_ID", "doctor")
}

/// The outcome of a check.
fn check(view: &Value, name: &str) -> (String, String) {
    let checks = view["checks"].as_array().expect("a list");
    let found = checks.iter().find(|check| check["name"] == name).expect("the check");
    let text = |field: &str| found[field].as_str().expect("a text").to_owned();
    (text("status"), text("message"))
}

/// The root that a folder alone selects.
fn root_in(it: &Sandbox, folder: &str) -> (String, String) {
    let call = as_agent(it, &["doctor", "--json"]).without("LOKT_ROOT");
    let view = call.folder(it.folder().join(folder)).run().ok().json();
    let text = |field: &str| view[field].as_str().expect("a text").to_owned();
    (text("root_method"), text("root_path"))
}

#[test]
fn a_healthy_root_passes_every_check_and_is_left_as_it_was() {
    let it = sandbox();
    let before = doctor(&it);
    assert!(!it.root().exists(), "looking makes nothing");
    assert_eq!(before["overall"], "ok");
    it.lokt(["lock", "x", "--ttl", "5m"]).run().ok();
    let count = || fs::read_dir(it.root()).unwrap().count();
    let entries = count();
    let view = doctor(&it);
    assert_eq!((&view["protocol_version"], &view["overall"]), (&json!(1), &json!("ok")));
    for check in view["checks"].as_array().unwrap() {
        assert_eq!(check["status"], "ok", "{check}");
        assert!(!check["message"].as_str().unwrap().is_empty(), "{check}");
    }
    assert_eq!(count(), entries, "its trials leave nothing behind");
    let text = as_agent(&it, &["doctor"]).run().ok().out;
    assert!(text.starts_with("root: ") && text.ends_with("overall: ok\n"), "{text}");
}

#[test]
fn minor_problems_are_warnings_and_no_failure() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "5m"]).run().ok();
    it.write_record("broken", "{");
    it.write_freeze("halted", "{");
    fs::set_permissions(it.root(), Permissions::from_mode(0o777)).unwrap();
    let log = File::options().append(true).open(it.root().join("audit.log")).unwrap();
    log.set_modified(SystemTime::now() + Duration::from_hours(1)).unwrap();
    let view = doctor(&it);
    assert_eq!(view["overall"], "warn");
    for (name, told) in [("records", "broken"), ("permissions", "777"), ("clock", "later")] {
        let (status, message) = check(&view, name);
        assert!(status == "warn" && message.contains(told), "{name}: {status}, {message}");
    }
    for (name, told) in [("records", "broken: "), ("freezes", "halted: ")] {
        let (status, message) = check(&view, name);
        assert!(status == "warn" && message.starts_with(told), "{name}: {status}, {message}");
        assert!(
            message.contains("leave it to a person") && !message.contains("lokt "),
            "{message}"
        );
    }
}

#[test]
fn a_log_that_others_may_read_is_a_warning() {
    let it = sandbox();
    it.lokt(["lock", "x"]).run().ok();
    fs::set_permissions(it.root().join("audit.log"), Permissions::from_mode(0o644)).unwrap();
    let (status, message) = check(&doctor(&it), "permissions");
    assert!(status == "warn" && message.contains("644"), "{status}, {message}");
}

#[test]
fn a_root_that_cannot_be_written_fails() {
    let it = sandbox();
    // Not even root may make a folder there.
    let call = it.lokt(["doctor", "--json"]).env("LOKT_ROOT", "/proc/nowhere/root");
    let view = call.run().expect(1).json();
    assert_eq!((&view["overall"], check(&view, "writable").0), (&json!("fail"), "fail".to_owned()));
    let (status, message) = check(&view, "kernel_locks");
    assert!(status == "fail" && message.contains("not tried"), "nothing is pretended: {message}");
    let text = it.lokt(["doctor"]).env("LOKT_ROOT", "/proc/nowhere/root").run().expect(1).out;
    assert!(
        text.contains("all participants must use one folder") && text.ends_with("overall: fail\n"),
        "{text}"
    );
}

#[test]
fn the_root_comes_from_the_variable_the_repository_or_the_folder() {
    let it = sandbox();
    let view = doctor(&it);
    let root = it.root().display().to_string();
    assert_eq!((&view["root_method"], &view["root_path"]), (&json!("env"), &json!(root)));
    let make = "mkdir plain && git init -q repo && mkdir -p repo/deep/er && cd repo &&
        git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first &&
        git worktree add -q ../tree";
    it.shell(make).run().ok();
    let folder = fs::canonicalize(it.folder()).unwrap();
    let at = |path: &str| folder.join(path).display().to_string();
    assert_eq!(root_in(&it, "plain"), ("local".to_owned(), at("plain/.lokt")));
    for inside in ["repo", "repo/deep/er", "tree"] {
        let found = root_in(&it, inside);
        assert_eq!(found, ("git".to_owned(), at("repo/.git/lokt")), "from {inside}");
    }
    let lock = it.lokt(["lock", "x"]).without("LOKT_ROOT").folder(folder.join("tree"));
    lock.run().ok();
    let held = it.lokt(["exists", "x"]).without("LOKT_ROOT").folder(folder.join("repo/deep"));
    held.run().ok();
}
