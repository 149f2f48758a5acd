//! What must hold after every run.

use lokt_testkit::{Done, Sandbox};
use serde_json::Value;
use std::{fs, path::Path};

/// A broken record that an operation finds, and may leave as it is.
pub(crate) const BROKEN_RECORD: &str = "half a rec";

/// The documented exit codes of commands (`docs/commands.md`).
const CODES: [i32; 11] = [0, 1, 2, 3, 4, 6, 7, 64, 124, 126, 127];

/// Checks the output of a run and what it left behind. `stderr_failed`: the fault was a failed write to
/// stderr.
pub(crate) fn check_invariants(it: &Sandbox, done: &Done, stderr_failed: bool) {
    assert!(!done.err.contains("panicked"), "no fault makes it panic: {done:#?}");
    if done.signal != Some(9) {
        let known = done.code.is_some_and(|code| CODES.contains(&code));
        assert!(known, "it ends with a documented code: {done:#?}");
        assert!(
            stderr_failed || has_documented_form(done),
            "stderr has one error if the code is not 0, and none else: {done:#?}"
        );
    }
    for folder in ["locks", "freezes", "reservations"] {
        check_records(&it.root().join(folder));
    }
    check_log(&it.root().join("audit.log"));
    let doctor = it.lokt(["doctor", "--json"]).in_time().ok().json();
    let checks = doctor["checks"].as_array().expect("doctor lists its checks");
    let failed: Vec<&Value> = checks.iter().filter(|check| check["status"] == "fail").collect();
    assert!(failed.is_empty(), "doctor finds nothing wrong: {failed:?}");
}

/// A code other than 0 comes with one error, code 0 with none. All other lines are notes, warnings and hints.
fn has_documented_form(done: &Done) -> bool {
    let lines = |label: &str| done.err.lines().filter(|line| line.starts_with(label)).count();
    let others = lines("note: ") + lines("warning: ") + lines("hint: ");
    let errors = lines("error: ");
    errors == usize::from(done.code != Some(0)) && errors + others == done.err.lines().count()
}

fn check_records(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let content = fs::read_to_string(entry.path()).expect("a record is text");
        let whole = serde_json::from_str::<Value>(&content).is_ok() || content == BROKEN_RECORD;
        assert!(whole, "no record is half-written: {content:?} in {entry:?}");
    }
}

fn check_log(path: &Path) {
    let log = fs::read_to_string(path).unwrap_or_default();
    assert!(log.is_empty() || log.ends_with('\n'), "the log ends with a whole line: {log:?}");
    for line in log.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "each line is an event: {line:?}");
    }
}
