//! Reservations: real processes of several owners, in one project and in several worktrees.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

mod ends;
mod explained;
mod hostile;
mod paths;
mod requests;
mod shown;
mod waiting;

use lokt_testkit::{Done, Sandbox};
use serde_json::Value;
use std::fs;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Runs a command of an owner. The words have no blanks.
fn run(it: &Sandbox, owner: &str, line: &str) -> Done {
    it.lokt(line.split(' ')).owner(owner).in_time()
}

/// What is reserved: `owner: pattern pattern`, sorted.
fn reserved(it: &Sandbox) -> Vec<String> {
    let list = it.lokt(["reservations", "--json"]).in_time().ok().json();
    let line = |it: &Value| {
        let patterns = it["patterns"].as_array().unwrap().iter();
        let patterns: Vec<&str> = patterns.map(|it| it.as_str().unwrap()).collect();
        format!("{}: {}", it["owner"].as_str().unwrap(), patterns.join(" "))
    };
    let mut all: Vec<String> = list.as_array().unwrap().iter().map(line).collect();
    all.sort();
    all
}

/// The kinds of the events about reservations.
fn events(it: &Sandbox) -> Vec<String> {
    let kinds = it
        .events()
        .into_iter()
        .map(|it| it.get("event").and_then(Value::as_str).unwrap().to_owned());
    kinds.collect()
}

/// The files of the records.
fn records(it: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(it.root().join("reservations")).into_iter().flatten().flatten();
    entries.map(|it| it.file_name().into_string().unwrap()).collect()
}
