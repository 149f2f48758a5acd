//! A command below a guard gets every signal exactly as below env(1), nice(1) and flock(1): sent to the
//! process group, to the guard alone, or by the keyboard.
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

/// Sends every signal once below a launcher, and returns the number of arrivals, one signal per line.
fn count_signals(way: &str, guards: usize, launcher: &str) -> Vec<String> {
    let it = sandbox();
    let line = format!("exec python3 -S table.py {way} {guards} {launcher}");
    let mut run = it.shell(&line).owner("tester").start();
    // All of these have their own time limit.
    let mut lines = Vec::new();
    while lines.len() < SIGNALS {
        lines.push(run.prints(" counts").trim().to_owned());
    }
    run.ends().ok();
    lines
}

/// All but SIGKILL, SIGSTOP, and two of the C library.
const SIGNALS: usize = 60;

/// Asserts that every signal arrives below a launcher as it does below env(1).
fn assert_like_env(way: &str, guards: usize, launcher: &str) {
    let (with, without) = (count_signals(way, guards, launcher), count_signals(way, 0, "env"));
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(with, without, "below {launcher}, sent to {way}: signal, signal and count");
    }
    assert!(without.iter().all(|line| line.ends_with(":1")), "each comes once: {without:?}");
}

#[test]
fn a_group_is_signalled_once_below_common_launchers() {
    assert_like_env("group", 0, "nice -n 1");
    assert_like_env("group", 0, "flock file");
}

#[test]
fn a_group_is_signalled_once_below_a_guard() {
    assert_like_env("group", 1, "lokt guard x --");
}

#[test]
fn a_group_is_signalled_once_below_a_guard_inside_a_guard() {
    assert_like_env("group", 2, "lokt guard x -- lokt guard y z --");
}

#[test]
fn a_group_is_signalled_once_below_a_run_that_is_recorded() {
    assert_like_env("group", 1, "lokt once result --input counter.py --");
}

#[test]
fn a_guard_passes_on_what_it_gets_alone() {
    assert_like_env("alone", 1, "lokt guard x --");
}

#[test]
fn a_guard_passes_on_to_a_guard_inside_it_and_both_do_not_do_it_twice() {
    assert_like_env("alone", 2, "lokt guard x -- lokt guard y z --");
}

#[test]
fn a_run_that_is_recorded_passes_on_what_it_gets_alone() {
    assert_like_env("alone", 1, "lokt once result --input counter.py --");
}
