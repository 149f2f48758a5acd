//! What the official SDKs do, by programs of theirs: `scenarios.py` and `scenarios.cjs`. Python's does
//! everything twice, in the current revision of the protocol and in the one before it; TypeScript's speaks
//! the latter and compares every result with its schema.

use crate::sandbox;
use std::path::{Path, PathBuf};

/// Where `scripts/clients` installs the SDKs.
fn clients() -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = project.canonicalize().unwrap().join("target/clients");
    assert!(
        folder.join("stamp").exists(),
        "scripts/clients was not run: it installs the SDKs that these tests need"
    );
    folder
}

#[track_caller]
fn python(scenario: &str) {
    let python = clients().join("python/bin/python");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/scenarios.py");
    let line = format!("exec {} {} {scenario}", python.display(), program.display());
    sandbox().shell(&line).run().ok();
}

#[track_caller]
fn typescript(scenario: &str) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/scenarios.cjs");
    let line = format!("exec node {} {scenario}", program.display());
    sandbox().shell(&line).env("CLIENTS", clients()).run().ok();
}

#[test]
fn tools_are_listed_and_those_that_force_only_where_that_is_allowed() {
    python("listing");
}

#[test]
fn who_holds_a_lock_is_told_to_whom_it_is_refused() {
    python("holding");
    typescript("holding");
}

#[test]
fn connections_exclude_each_other_also_with_one_owner() {
    python("same_owner");
}

#[test]
fn waiters_hear_of_their_place_and_are_let_in_in_their_order() {
    python("waiting");
    typescript("waiting");
}

#[test]
fn a_wait_that_is_cancelled_leaves_the_line() {
    python("cancelling");
    typescript("cancelling");
}

#[test]
fn a_command_that_is_cancelled_ends() {
    python("cancelling_a_run");
}

#[test]
fn ten_megabytes_of_output_are_counted_and_both_ends_given() {
    python("output");
    typescript("output");
}

#[test]
fn a_running_command_is_told_of() {
    python("running");
}

#[test]
fn errors_say_what_to_do_next() {
    python("failing");
}

#[test]
fn force_is_there_only_where_it_is_allowed() {
    python("forcing");
}

#[test]
fn leases_end_with_their_connection_unless_it_was_said_otherwise() {
    python("lasting");
}

#[test]
fn what_one_connection_has_found_out_is_given_to_the_next() {
    python("once");
}

#[test]
fn a_client_that_is_killed_holds_nothing_any_more() {
    python("killed");
    typescript("killed");
}

#[test]
fn fifty_connections_are_let_in_one_by_one() {
    python("many");
    typescript("many");
}
