//! The official SDKs, used by the programs `scenarios.py` and `scenarios.cjs`. The Python program does
//! everything twice, in the current revision of the protocol and in the previous one; the TypeScript program
//! uses the previous one.

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
fn tools_that_force_are_listed_only_if_allowed() {
    python("listing");
}

#[test]
fn a_refusal_names_the_holder() {
    python("holding");
    typescript("holding");
}

#[test]
fn connections_exclude_each_other_also_with_one_owner() {
    python("same_owner");
}

#[test]
fn waiters_get_their_queue_positions_and_enter_in_order() {
    python("waiting");
    typescript("waiting");
}

#[test]
fn a_cancelled_wait_leaves_the_queue() {
    python("cancelling");
    typescript("cancelling");
}

#[test]
fn a_cancelled_command_ends() {
    python("cancelling_a_run");
}

#[test]
fn ten_megabytes_of_output_are_counted_and_shortened_to_both_ends() {
    python("output");
    typescript("output");
}

#[test]
fn a_running_command_sends_progress() {
    python("running");
}

#[test]
fn errors_have_a_next_step() {
    python("failing");
}

#[test]
fn force_works_only_if_allowed() {
    python("forcing");
}

#[test]
fn leases_end_with_their_connection_by_default() {
    python("lasting");
}

#[test]
fn results_are_shared_between_connections() {
    python("once");
}

#[test]
fn a_killed_client_holds_no_lock() {
    python("killed");
    typescript("killed");
}

#[test]
fn fifty_connections_enter_one_by_one() {
    python("many");
    typescript("many");
}
