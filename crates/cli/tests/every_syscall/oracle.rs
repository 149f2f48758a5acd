//! What must hold after every run, whatever it was.

use lokt_testkit::{Done, Sandbox};
use serde_json::Value;
use std::{fs, path::Path};

/// A broken record that an operation finds, and may leave as it is.
pub(crate) const BROKEN: &str = "half a rec";

/// The exit codes that commands have of their own (`docs/commands.md`).
const CODES: [i32; 11] = [0, 1, 2, 3, 4, 6, 7, 64, 124, 126, 127];

/// Examines what the run said and what it left. `deaf`: the fault was that stderr could not be written.
pub(crate) fn sound(it: &Sandbox, done: &Done, deaf: bool) {
    assert!(!done.err.contains("panicked"), "no fault makes it panic: {done:#?}");
    if done.signal != Some(9) {
        let known = done.code.is_some_and(|code| CODES.contains(&code));
        assert!(known, "it ends with a code that is documented: {done:#?}");
        assert!(deaf || has_form(done), "stderr tells of an error, and of nothing else: {done:#?}");
    }
    for folder in ["locks", "freezes"] {
        whole_records(&it.root().join(folder));
    }
    whole_log(&it.root().join("audit.log"));
    let doctor = it.lokt(["doctor", "--json"]).in_time().ok().json();
    let checks = doctor["checks"].as_array().expect("doctor lists its checks");
    let failed: Vec<&Value> = checks.iter().filter(|check| check["status"] == "fail").collect();
    assert!(failed.is_empty(), "doctor finds nothing wrong: {failed:?}");
}

/// With a code that is not 0, there is one error; with 0, none. All else is notes, warnings and hints.
fn has_form(done: &Done) -> bool {
    let lines = |label: &str| done.err.lines().filter(|line| line.starts_with(label)).count();
    let others = lines("note: ") + lines("warning: ") + lines("hint: ");
    let errors = lines("error: ");
    errors == usize::from(done.code != Some(0)) && errors + others == done.err.lines().count()
}

fn whole_records(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let content = fs::read_to_string(entry.path()).expect("a record is text");
        let whole = serde_json::from_str::<Value>(&content).is_ok() || content == BROKEN;
        assert!(whole, "no record is half-written: {content:?} in {entry:?}");
    }
}

fn whole_log(path: &Path) {
    let log = fs::read_to_string(path).unwrap_or_default();
    assert!(log.is_empty() || log.ends_with('\n'), "the log ends with a whole line: {log:?}");
    for line in log.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "each line is an event: {line:?}");
    }
}
