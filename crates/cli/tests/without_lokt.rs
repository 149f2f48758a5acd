//! Those who do not have Lokt yet: guarded scripts say what is missing, and hooks stay silent.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Lokt, Sandbox};
use serde_json::Value;
use std::{fs, os::unix::fs::symlink};

fn sandbox() -> Sandbox {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    it.shell("mkdir p && cd p && git init -q && lokt init --agent agents --agent claude --agent codex --yes").run().ok();
    it
}

/// A script of the project where there is no Lokt.
fn without_lokt(it: &Sandbox, line: &str) -> Lokt {
    let bin = it.folder().join("bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        for name in ["sh", "echo"] {
            symlink(format!("/bin/{name}"), bin.join(name)).unwrap();
        }
    }
    it.shell(&format!("export PATH={}; {line}", bin.display())).folder(it.folder().join("p"))
}

#[test]
fn the_example_runs_with_a_warning_or_stops_by_choice() {
    let it = sandbox();
    let done = without_lokt(&it, "scripts/guarded-example").run().ok();
    assert_eq!(done.out, "alone in here\n");
    assert!(
        done.err.starts_with("warning: lokt is not installed") && done.err.lines().count() == 1,
        "{done:#?}"
    );
    let script = it.folder().join("p/scripts/guarded-example");
    let text = fs::read_to_string(&script).unwrap();
    let line = text.lines().find(|line| line.trim_start().starts_with("lokt() {")).unwrap();
    fs::write(&script, text.replace(line, "    exit 1")).unwrap();
    let done =
        without_lokt(&it, "scripts/guarded-example").run().expect(1).says("lokt is not installed");
    assert_eq!(done.out, "", "nothing ran");
    let done = it.shell("scripts/guarded-example").folder(it.folder().join("p")).run().ok();
    assert!(
        done.out == "alone in here\n" && done.err.is_empty(),
        "with Lokt, it is guarded: {done:#?}"
    );
}

#[test]
fn the_code_and_the_words_of_the_command_are_kept_without_lokt() {
    let it = sandbox();
    let script = it.folder().join("p/scripts/guarded-example");
    let text = fs::read_to_string(&script).unwrap();
    let work = "sh -c 'echo \"$1\"; exit 7' sh \"a  b\"";
    fs::write(&script, text.replace("echo \"alone in here\"\n", &format!("{work}\n"))).unwrap();
    for run in [without_lokt(&it, "scripts/guarded-example"), it.shell("scripts/guarded-example")] {
        let done = run.folder(it.folder().join("p")).run().expect(7);
        assert_eq!(done.out, "a  b\n");
    }
    let held = it.shell("lokt lock example --ttl 1h && setsid -w scripts/guarded-example");
    held.folder(it.folder().join("p")).run().fails_with(2, "lock \"example\" is held");
}

#[test]
fn session_start_hooks_are_silent() {
    let it = sandbox();
    for file in [".claude/settings.json", ".codex/hooks.json"] {
        let text = fs::read_to_string(it.folder().join("p").join(file)).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let line =
            value.pointer("/hooks/SessionStart/0/hooks/0/command").unwrap().as_str().unwrap();
        let hook = |before: &str| {
            let lokt = it.shell(&format!("{before} eval \"$HOOK\"")).folder(it.folder().join("p"));
            lokt.env("HOOK", line)
        };
        let done = hook("PATH=;").run();
        assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (Some(0), "", ""), "{file}");
        assert!(hook("").run().ok().out.contains("guarded by lokt"), "{file}: with Lokt, it tells");
    }
}
