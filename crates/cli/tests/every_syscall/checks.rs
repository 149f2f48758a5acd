//! What another caller, and the operation's owner, find after an operation.

use crate::{invariants::BROKEN_RECORD, operation::RunOutcome};
use lokt_testkit::{Done, Sandbox};
use serde_json::Value;
use std::fs;

/// A command of another owner.
fn run_as_other(it: &Sandbox, arguments: &[&str]) -> Done {
    it.lokt(arguments.iter().copied()).owner("next").in_time()
}

/// A command of the operation's owner.
fn run_as_owner(it: &Sandbox, arguments: &[&str]) -> Done {
    it.lokt(arguments.iter().copied()).in_time()
}

#[track_caller]
fn assert_exit_code(outcome: &RunOutcome, codes: &[i32]) {
    let known = outcome.killed || outcome.done.code.is_some_and(|code| codes.contains(&code));
    assert!(known, "it ends with one of {codes:?}: {:#?}", outcome.done);
}

/// After a guard: its command ran or it failed, and the next guard enters as soon as the command has ended.
pub(crate) fn check_free(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1, 126]);
    assert_ran_or_failed(it, outcome);
    assert_next_enters(it, outcome);
}

fn assert_ran_or_failed(it: &Sandbox, outcome: &RunOutcome) {
    let ran = it.folder().join("entered").exists();
    assert!(!outcome.succeeded() || ran, "the command ran: {:#?}", outcome.done);
    assert!(outcome.spawned || !ran, "only under the lock: {:#?}", outcome.done);
}

/// Only processes keep the next guard out. It enters at once if the command was never started, or if the
/// guard has reported its end.
fn assert_next_enters(it: &Sandbox, outcome: &RunOutcome) {
    if outcome.command_may_live() {
        run_as_other(it, &["guard", "x", "--wait", "--timeout", "20s", "--", "true"]).ok();
    }
    run_as_other(it, &["guard", "x", "--", "true"]).ok();
    assert_nothing_left(it, "x");
}

/// After a guard of `x` and `y`.
pub(crate) fn check_both_free(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1, 126]);
    assert_ran_or_failed(it, outcome);
    if outcome.command_may_live() {
        run_as_other(it, &["guard", "x", "y", "--wait", "--timeout", "20s", "--", "true"]).ok();
    }
    run_as_other(it, &["guard", "x", "y", "--", "true"]).ok();
    assert_nothing_left(it, "x");
    assert_nothing_left(it, "y");
}

/// After a guard that shared `x` with one that still runs.
pub(crate) fn check_other_guard_holds(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1, 126]);
    assert_ran_or_failed(it, outcome);
    run_as_other(it, &["lock", "x"]).fails_with(2, "held by");
    outcome.other_guard.take().expect("the other guard").release().ok();
    assert_next_enters(it, outcome);
}

/// After a guard that found a dead one. If it could not find out that the other is dead, it was refused.
pub(crate) fn check_dead_guard_replaced(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1, 2, 126]);
    assert_ran_or_failed(it, outcome);
    assert_next_enters(it, outcome);
}

/// After a guard that entered behind a killed one, whose command may still be ending.
pub(crate) fn check_queue_proceeds(it: &Sandbox, outcome: &mut RunOutcome) {
    run_as_other(it, &["guard", "x", "--wait", "--timeout", "20s", "--", "true"]).ok();
    check_free(it, outcome);
}

/// After a guard with a heartbeat.
pub(crate) fn check_guard_over(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1, 126]);
    assert_next_enters(it, outcome);
}

/// After a guard under its owner's lease: the lease is unchanged.
pub(crate) fn check_enclosing_lease_stands(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1, 126]);
    assert_ran_or_failed(it, outcome);
    run_as_other(it, &["lock", "x"]).fails_with(2, "held by tester");
    if outcome.command_may_live() {
        run_as_owner(it, &["guard", "x", "--wait", "--timeout", "20s", "--", "true"]).ok();
    }
    run_as_owner(it, &["unlock", "x"]).ok();
    assert_next_enters(it, outcome);
}

/// After taking a lease: it stands, or the name is free.
pub(crate) fn check_leased_or_free(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1]);
    let stands = it.record_path("x").exists();
    assert!(!outcome.succeeded() || stands, "a reported success stands: {:#?}", outcome.done);
    assert!(!outcome.failed() || !stands, "a failure leaves no change: {:#?}", outcome.done);
    assert_lease_or_free(it);
}

/// The record is complete and in force, or absent.
fn assert_lease_or_free(it: &Sandbox) {
    if it.record_path("x").exists() {
        let record = it.record("x");
        assert_eq!((&record["owner"], &record["hold"]), (&"tester".into(), &"lease".into()));
        run_as_other(it, &["lock", "x"]).fails_with(2, "held by tester");
        run_as_owner(it, &["unlock", "x"]).ok();
    }
    run_as_other(it, &["guard", "x", "--", "true"]).ok();
    assert_nothing_left(it, "x");
}

/// After a lease was taken or released beside one of `holder`, which always stands.
fn assert_other_lease_stands(it: &Sandbox) -> bool {
    run_as_other(it, &["lock", "x"]).fails_with(2, "held by");
    let mine = run_as_owner(it, &["unlock", "x"]).code == Some(0);
    run_as_other(it, &["lock", "x"]).fails_with(2, "held by holder");
    it.lokt(["unlock", "x"]).owner("holder").in_time().ok();
    run_as_other(it, &["guard", "x", "--", "true"]).ok();
    assert_nothing_left(it, "x");
    mine
}

/// After taking a lease beside another.
pub(crate) fn check_shared_or_not(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1]);
    let stood = assert_other_lease_stands(it);
    assert!(!outcome.succeeded() || stood, "a reported success stands: {:#?}", outcome.done);
    assert!(!outcome.failed() || !stood, "a failure leaves no change: {:#?}", outcome.done);
}

/// After releasing a lease beside another.
pub(crate) fn check_released_beside_other_lease(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1]);
    let stood = assert_other_lease_stands(it);
    assert!(!outcome.succeeded() || !stood, "the outcome matches the report: {:#?}", outcome.done);
    assert!(!outcome.failed() || stood, "the outcome matches the report: {:#?}", outcome.done);
}

/// After a renewal from one hour to two.
pub(crate) fn check_lease_stands(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1]);
    let record = it.record("x");
    let taken = it.events().into_iter().find(|event| event["name"] == "x").expect("its taking");
    assert_eq!(record["lock_id"], taken["lock_id"], "it is the same acquisition");
    let hours = record["ttl_sec"].as_u64().expect("a lifetime") / 3600;
    assert!(hours == 1 || hours == 2, "the old lifetime or the new one: {record}");
    assert!(!outcome.succeeded() || hours == 2, "a reported success stands: {:#?}", outcome.done);
    assert!(!outcome.failed() || hours == 1, "a failure leaves no change: {:#?}", outcome.done);
    assert_lease_or_free(it);
}

/// After releasing a lease.
pub(crate) fn check_released_or_held(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1]);
    let stands = it.record_path("x").exists();
    assert!(!outcome.succeeded() || !stands, "the outcome matches the report: {:#?}", outcome.done);
    assert!(!outcome.failed() || stands, "the outcome matches the report: {:#?}", outcome.done);
    assert_lease_or_free(it);
}

/// After breaking a stale lock. If it could not find out that a guard is dead, it was refused.
pub(crate) fn check_stale_lock_broken_or_unchanged(it: &Sandbox, outcome: &mut RunOutcome) {
    let broken =
        fs::read_to_string(it.record_path("x")).is_ok_and(|content| content == BROKEN_RECORD);
    assert_exit_code(outcome, if broken { &[0, 1] } else { &[0, 1, 4] });
    let stands = it.record_path("x").exists();
    assert!(!outcome.succeeded() || !stands, "the outcome matches the report: {:#?}", outcome.done);
    assert!(!outcome.failed() || stands, "the outcome matches the report: {:#?}", outcome.done);
    if broken {
        run_as_other(it, &["unlock", "x", "--break-stale"]).ok();
    }
    run_as_other(it, &["guard", "x", "--", "true"]).ok();
    assert_nothing_left(it, "x");
}

/// After breaking the lock of a living guard by force.
pub(crate) fn check_guard_broken_or_holding(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1]);
    if !outcome.succeeded() {
        let mut tried = run_as_other(it, &["lock", "x"]);
        if tried.err.contains("goes to a process that is ahead") {
            // The guard had noticed its loss, and was gone before its ticket was read: it is not there any more.
            tried = run_as_other(it, &["lock", "x"]);
        }
        let told = tried.err.contains("held by holder") || tried.err.contains("goes to holder");
        assert!(tried.code == Some(0) || told, "it names the holder: {tried:#?}");
        run_as_other(it, &["unlock", "x", "--force"]);
    }
    run_as_other(it, &["guard", "x", "--", "true"]).ok();
    outcome.other_guard.take().expect("the guard").release().expect(6).says("was lost");
    run_as_other(it, &["guard", "x", "--", "true"]).ok();
    assert_nothing_left(it, "x");
}

/// After a refusal because of a living guard.
pub(crate) fn check_guard_holds(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[1, 2, 4]);
    assert!(!it.folder().join("entered").exists(), "no command runs beside the holder");
    run_as_other(it, &["guard", "x", "--", "true"]).fails_with(2, "held by holder");
    outcome.other_guard.take().expect("the guard").release().ok();
    run_as_other(it, &["guard", "x", "--", "true"]).ok();
    assert_nothing_left(it, "x");
}

/// After a refusal because of another owner's lease.
pub(crate) fn check_lease_holds(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[1, 2, 4]);
    assert!(!it.folder().join("entered").exists(), "no command runs beside the holder");
    run_as_other(it, &["guard", "x", "--", "true"]).fails_with(2, "held by holder");
    it.lokt(["unlock", "x"]).owner("holder").in_time().ok();
    run_as_other(it, &["guard", "x", "--", "true"]).ok();
    assert_nothing_left(it, "x");
}

/// After a refusal because of a freeze.
pub(crate) fn check_freeze_holds(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[1, 2, 4]);
    assert!(!it.folder().join("entered").exists(), "no guard enters a frozen name");
    run_as_other(it, &["guard", "x", "--", "true"]).fails_with(2, "frozen by holder");
    it.lokt(["unfreeze", "x"]).owner("holder").in_time().ok();
    run_as_other(it, &["guard", "x", "--", "true"]).ok();
    assert_nothing_left(it, "x");
}

/// After a first freeze.
pub(crate) fn check_frozen_or_not(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1]);
    let stands = it.freeze_path("x").exists();
    assert!(!outcome.succeeded() || stands, "a reported success stands: {:#?}", outcome.done);
    assert!(!outcome.failed() || !stands, "a failure leaves no change: {:#?}", outcome.done);
    assert_freeze_or_free(it);
}

/// After a renewed freeze, of two hours instead of one.
pub(crate) fn check_still_frozen(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1]);
    let freeze = fs::read(it.freeze_path("x")).expect("a freeze that is replaced is never gone");
    let freeze: Value = serde_json::from_slice(&freeze).expect("a freeze is JSON");
    let hours = freeze["ttl_sec"].as_u64().expect("a lifetime") / 3600;
    assert!(hours == 1 || hours == 2, "the old freeze or the new one: {freeze}");
    assert!(!outcome.succeeded() || hours == 2, "a reported success stands: {:#?}", outcome.done);
    assert!(!outcome.failed() || hours == 1, "a failure leaves no change: {:#?}", outcome.done);
    assert_freeze_or_free(it);
}

/// After lifting a freeze.
pub(crate) fn check_unfrozen_or_frozen(it: &Sandbox, outcome: &mut RunOutcome) {
    assert_exit_code(outcome, &[0, 1]);
    let stands = it.freeze_path("x").exists();
    assert!(!outcome.succeeded() || !stands, "the outcome matches the report: {:#?}", outcome.done);
    assert!(!outcome.failed() || stands, "the outcome matches the report: {:#?}", outcome.done);
    assert_freeze_or_free(it);
}

fn assert_freeze_or_free(it: &Sandbox) {
    if it.freeze_path("x").exists() {
        run_as_other(it, &["guard", "x", "--", "true"]).fails_with(2, "frozen by tester");
        run_as_owner(it, &["unfreeze", "x"]).ok();
    }
    run_as_other(it, &["guard", "x", "--", "true"]).ok();
    assert_nothing_left(it, "x");
}

/// After a sweep: what is in force is unchanged, and what has expired blocks no caller.
pub(crate) fn check_only_expired_swept(it: &Sandbox, outcome: &mut RunOutcome) {
    let pruned = it.event_kinds("over").contains(&"auto-prune".to_owned());
    assert!(!pruned || !it.record_path("over").exists(), "a logged removal has happened");
    check_leased_or_free(it, outcome);
    run_as_other(it, &["lock", "over"]).ok();
    run_as_other(it, &["unlock", "over"]).ok();
    run_as_other(it, &["guard", "thawed", "--", "true"]).ok();
    run_as_other(it, &["guard", "empty", "--", "true"]).ok();
    run_as_other(it, &["lock", "held"]).fails_with(2, "held by holder");
    run_as_other(it, &["guard", "frozen", "--", "true"]).fails_with(2, "frozen by holder");
}

/// The next use of the name has removed all traces of a fault.
fn assert_nothing_left(it: &Sandbox, name: &str) {
    let drafts =
        ["lock", "freeze"].map(|kind| it.root().join("tmp").join(format!("{name}.{kind}")));
    // A freeze's draft only concerns the next freeze, which removes it.
    let draft = drafts[0].exists() || it.record_path(name).exists();
    let tickets = it.tickets(name);
    assert!(
        !draft && tickets.is_empty(),
        "the next guard removes what was left: {draft}, {tickets:?}"
    );
}
