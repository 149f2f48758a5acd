//! Signal by signal, what a command gets below a guard is what it gets below env(1), nice(1) and flock(1): whether it
//! is sent to the process group, to the guard alone, or by the keyboard.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::Sandbox;
use std::fs;

fn sandbox() -> Sandbox {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    for (name, text) in [
        ("table.py", include_str!("signal_table/table.py")),
        ("counter.py", include_str!("signal_table/counter.py")),
    ] {
        fs::write(it.folder().join(name), text).unwrap();
    }
    it
}

/// Sends every signal once below a launcher, and gives how often each came, a line each.
fn counted(way: &str, guards: usize, launcher: &str) -> Vec<String> {
    let it = sandbox();
    let line = format!("exec python3 -S table.py {way} {guards} {launcher}");
    let mut run = it.shell(&line).owner("tester").start();
    // All of these have a time limit of their own.
    let mut lines = Vec::new();
    while lines.len() < SIGNALS {
        lines.push(run.prints(" counts").trim().to_owned());
    }
    run.ends().ok();
    lines
}

/// All but SIGKILL, SIGSTOP, and two of the C library's own.
const SIGNALS: usize = 60;

/// Requires that every signal comes below a launcher as it comes below env(1).
fn like_env(way: &str, guards: usize, launcher: &str) {
    let (with, without) = (counted(way, guards, launcher), counted(way, 0, "env"));
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(with, without, "below {launcher}, sent to {way}: signal, signal and count");
    }
    assert!(without.iter().all(|line| line.ends_with(":1")), "each comes once: {without:?}");
}

#[test]
fn a_group_is_signalled_once_below_the_launchers_that_everybody_knows() {
    like_env("group", 0, "nice -n 1");
    like_env("group", 0, "flock file");
}

#[test]
fn a_group_is_signalled_once_below_a_guard() {
    like_env("group", 1, "lokt guard x --");
}

#[test]
fn a_group_is_signalled_once_below_a_guard_inside_a_guard() {
    like_env("group", 2, "lokt guard x -- lokt guard y z --");
}

#[test]
fn a_group_is_signalled_once_below_a_run_that_is_recorded() {
    like_env("group", 1, "lokt once result --input counter.py --");
}

#[test]
fn a_guard_passes_on_what_it_gets_alone() {
    like_env("alone", 1, "lokt guard x --");
}

#[test]
fn a_guard_passes_on_to_a_guard_inside_it_and_both_do_not_do_it_twice() {
    like_env("alone", 2, "lokt guard x -- lokt guard y z --");
}

#[test]
fn a_run_that_is_recorded_passes_on_what_it_gets_alone() {
    like_env("alone", 1, "lokt once result --input counter.py --");
}
