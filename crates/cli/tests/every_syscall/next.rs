//! What somebody else finds after an operation, and what its owner does.

use crate::{experiment::Aftermath, oracle::BROKEN};
use lokt_testkit::{Done, Sandbox};
use serde_json::Value;
use std::fs;

/// A command by somebody else.
fn another(it: &Sandbox, words: &[&str]) -> Done {
    it.lokt(words.iter().copied()).owner("next").in_time()
}

/// A command by the one who ran the operation.
fn same(it: &Sandbox, words: &[&str]) -> Done {
    it.lokt(words.iter().copied()).in_time()
}

#[track_caller]
fn ended_with(after: &Aftermath, codes: &[i32]) {
    let known = after.killed || after.done.code.is_some_and(|code| codes.contains(&code));
    assert!(known, "it ends with one of {codes:?}: {:#?}", after.done);
}

/// After a guard: its command ran or it failed, and the next gets in as soon as the command has ended.
pub(crate) fn the_name_is_free(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1, 126]);
    ran_or_failed(it, after);
    next_gets_in(it, after);
}

fn ran_or_failed(it: &Sandbox, after: &Aftermath) {
    let ran = it.folder().join("entered").exists();
    assert!(!after.succeeded() || ran, "the command ran: {:#?}", after.done);
    assert!(after.spawned || !ran, "only under the lock: {:#?}", after.done);
}

/// Nothing but processes keeps the next out: at once where a guard's command was never started, or where
/// the guard told of its end.
fn next_gets_in(it: &Sandbox, after: &Aftermath) {
    if after.command_may_live() {
        another(it, &["guard", "x", "--wait", "--timeout", "20s", "--", "true"]).ok();
    }
    another(it, &["guard", "x", "--", "true"]).ok();
    nothing_is_left(it, "x");
}

/// After a guard of `x` and `y`.
pub(crate) fn both_names_are_free(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1, 126]);
    ran_or_failed(it, after);
    if after.command_may_live() {
        another(it, &["guard", "x", "y", "--wait", "--timeout", "20s", "--", "true"]).ok();
    }
    another(it, &["guard", "x", "y", "--", "true"]).ok();
    nothing_is_left(it, "x");
    nothing_is_left(it, "y");
}

/// After a guard that shared `x` with one that is still there.
pub(crate) fn the_other_guard_holds(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1, 126]);
    ran_or_failed(it, after);
    another(it, &["lock", "x"]).fails_with(2, "held by");
    after.companion.take().expect("the other guard").release().ok();
    next_gets_in(it, after);
}

/// After a guard that found a dead one. Where it could not find out that this one is dead, it was refused.
pub(crate) fn the_dead_are_no_obstacle(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1, 2, 126]);
    ran_or_failed(it, after);
    next_gets_in(it, after);
}

/// After a guard that entered behind one that died; that one's command may be ending still.
pub(crate) fn the_line_goes_on(it: &Sandbox, after: &mut Aftermath) {
    another(it, &["guard", "x", "--wait", "--timeout", "20s", "--", "true"]).ok();
    the_name_is_free(it, after);
}

/// After a guard with a heartbeat.
pub(crate) fn the_guard_is_over(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1, 126]);
    next_gets_in(it, after);
}

/// After a guard under its owner's lease: the lease is as it was.
pub(crate) fn the_lease_above_stands(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1, 126]);
    ran_or_failed(it, after);
    another(it, &["lock", "x"]).fails_with(2, "held by tester");
    if after.command_may_live() {
        same(it, &["guard", "x", "--wait", "--timeout", "20s", "--", "true"]).ok();
    }
    same(it, &["unlock", "x"]).ok();
    next_gets_in(it, after);
}

/// After taking a lease: it stands, or the name is free.
pub(crate) fn it_is_leased_or_free(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1]);
    let stands = it.record_path("x").exists();
    assert!(!after.succeeded() || stands, "what was told stands: {:#?}", after.done);
    assert!(!after.failed() || !stands, "what failed was taken back: {:#?}", after.done);
    a_lease_or_nothing(it);
}

/// The record is whole and binds everybody, or there is none.
fn a_lease_or_nothing(it: &Sandbox) {
    if it.record_path("x").exists() {
        let record = it.record("x");
        assert_eq!((&record["owner"], &record["hold"]), (&"tester".into(), &"lease".into()));
        another(it, &["lock", "x"]).fails_with(2, "held by tester");
        same(it, &["unlock", "x"]).ok();
    }
    another(it, &["guard", "x", "--", "true"]).ok();
    nothing_is_left(it, "x");
}

/// After taking a lease, or giving one back, beside one by `holder`, which stands whatever happened.
fn the_other_lease_stands(it: &Sandbox) -> bool {
    another(it, &["lock", "x"]).fails_with(2, "held by");
    let mine = same(it, &["unlock", "x"]).code == Some(0);
    another(it, &["lock", "x"]).fails_with(2, "held by holder");
    it.lokt(["unlock", "x"]).owner("holder").in_time().ok();
    another(it, &["guard", "x", "--", "true"]).ok();
    nothing_is_left(it, "x");
    mine
}

/// After taking a lease beside another.
pub(crate) fn it_is_shared_or_not(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1]);
    let stood = the_other_lease_stands(it);
    assert!(!after.succeeded() || stood, "what was told stands: {:#?}", after.done);
    assert!(!after.failed() || !stood, "what failed was taken back: {:#?}", after.done);
}

/// After giving a lease back that another is beside.
pub(crate) fn it_is_given_back_beside_another(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1]);
    let stood = the_other_lease_stands(it);
    assert!(!after.succeeded() || !stood, "what was told is so: {:#?}", after.done);
    assert!(!after.failed() || stood, "what was told is so: {:#?}", after.done);
}

/// After a renewal from one hour to two.
pub(crate) fn the_lease_stands(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1]);
    let record = it.record("x");
    let taken = it.events().into_iter().find(|event| event["name"] == "x").expect("its taking");
    assert_eq!(record["lock_id"], taken["lock_id"], "it is the same acquisition");
    let hours = record["ttl_sec"].as_u64().expect("a lifetime") / 3600;
    assert!(hours == 1 || hours == 2, "the old lifetime or the new one: {record}");
    assert!(!after.succeeded() || hours == 2, "what was told stands: {:#?}", after.done);
    assert!(!after.failed() || hours == 1, "what failed was taken back: {:#?}", after.done);
    a_lease_or_nothing(it);
}

/// After giving a lease back.
pub(crate) fn it_is_given_back_or_held(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1]);
    let stands = it.record_path("x").exists();
    assert!(!after.succeeded() || !stands, "what was told is so: {:#?}", after.done);
    assert!(!after.failed() || stands, "what was told is so: {:#?}", after.done);
    a_lease_or_nothing(it);
}

/// After a break of what binds nobody. Where it could not find out that a guard is dead, it was refused.
pub(crate) fn the_rest_is_no_obstacle(it: &Sandbox, after: &mut Aftermath) {
    let broken = fs::read_to_string(it.record_path("x")).is_ok_and(|content| content == BROKEN);
    ended_with(after, if broken { &[0, 1] } else { &[0, 1, 4] });
    let stands = it.record_path("x").exists();
    assert!(!after.succeeded() || !stands, "what was told is so: {:#?}", after.done);
    assert!(!after.failed() || stands, "what was told is so: {:#?}", after.done);
    if broken {
        another(it, &["unlock", "x", "--break-stale"]).ok();
    }
    another(it, &["guard", "x", "--", "true"]).ok();
    nothing_is_left(it, "x");
}

/// After a break by force of a guard that lives.
pub(crate) fn the_guard_is_broken_or_holds(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1]);
    if !after.succeeded() {
        let tried = another(it, &["lock", "x"]);
        let told = tried.err.contains("held by holder") || tried.err.contains("goes to holder");
        assert!(tried.code == Some(0) || told, "it says who is in the way: {tried:#?}");
        another(it, &["unlock", "x", "--force"]);
    }
    another(it, &["guard", "x", "--", "true"]).ok();
    after.companion.take().expect("the guard").release().expect(6).says("was lost");
    another(it, &["guard", "x", "--", "true"]).ok();
    nothing_is_left(it, "x");
}

/// After somebody was refused whom a living guard keeps out.
pub(crate) fn the_guard_holds(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[1, 2, 4]);
    assert!(!it.folder().join("entered").exists(), "nobody is in beside the holder");
    another(it, &["guard", "x", "--", "true"]).fails_with(2, "held by holder");
    after.companion.take().expect("the guard").release().ok();
    another(it, &["guard", "x", "--", "true"]).ok();
    nothing_is_left(it, "x");
}

/// After somebody was refused whom another's lease keeps out.
pub(crate) fn the_lease_holds(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[1, 2, 4]);
    assert!(!it.folder().join("entered").exists(), "nobody is in beside the holder");
    another(it, &["guard", "x", "--", "true"]).fails_with(2, "held by holder");
    it.lokt(["unlock", "x"]).owner("holder").in_time().ok();
    another(it, &["guard", "x", "--", "true"]).ok();
    nothing_is_left(it, "x");
}

/// After somebody was refused whom a freeze keeps out.
pub(crate) fn the_freeze_holds(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[1, 2, 4]);
    assert!(!it.folder().join("entered").exists(), "nobody enters a frozen name");
    another(it, &["guard", "x", "--", "true"]).fails_with(2, "frozen by holder");
    it.lokt(["unfreeze", "x"]).owner("holder").in_time().ok();
    another(it, &["guard", "x", "--", "true"]).ok();
    nothing_is_left(it, "x");
}

/// After a first freeze.
pub(crate) fn it_is_frozen_or_not(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1]);
    let stands = it.freeze_path("x").exists();
    assert!(!after.succeeded() || stands, "what was told stands: {:#?}", after.done);
    assert!(!after.failed() || !stands, "what failed was taken back: {:#?}", after.done);
    a_freeze_or_nothing(it);
}

/// After a freeze anew, of two hours instead of one.
pub(crate) fn it_is_frozen(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1]);
    let freeze = fs::read(it.freeze_path("x")).expect("a freeze that is replaced is never gone");
    let freeze: Value = serde_json::from_slice(&freeze).expect("a freeze is JSON");
    let hours = freeze["ttl_sec"].as_u64().expect("a lifetime") / 3600;
    assert!(hours == 1 || hours == 2, "the old freeze or the new one: {freeze}");
    assert!(!after.succeeded() || hours == 2, "what was told stands: {:#?}", after.done);
    assert!(!after.failed() || hours == 1, "what failed was taken back: {:#?}", after.done);
    a_freeze_or_nothing(it);
}

/// After lifting a freeze.
pub(crate) fn it_is_lifted_or_frozen(it: &Sandbox, after: &mut Aftermath) {
    ended_with(after, &[0, 1]);
    let stands = it.freeze_path("x").exists();
    assert!(!after.succeeded() || !stands, "what was told is so: {:#?}", after.done);
    assert!(!after.failed() || stands, "what was told is so: {:#?}", after.done);
    a_freeze_or_nothing(it);
}

fn a_freeze_or_nothing(it: &Sandbox) {
    if it.freeze_path("x").exists() {
        another(it, &["guard", "x", "--", "true"]).fails_with(2, "frozen by tester");
        same(it, &["unfreeze", "x"]).ok();
    }
    another(it, &["guard", "x", "--", "true"]).ok();
    nothing_is_left(it, "x");
}

/// After a lease whose taking swept: what binds somebody is there, what binds nobody is in nobody's way.
pub(crate) fn only_what_is_over_is_swept(it: &Sandbox, after: &mut Aftermath) {
    let pruned = it.event_kinds("over").contains(&"auto-prune".to_owned());
    assert!(!pruned || !it.record_path("over").exists(), "the log tells of what has happened");
    it_is_leased_or_free(it, after);
    another(it, &["lock", "over"]).ok();
    another(it, &["unlock", "over"]).ok();
    another(it, &["guard", "thawed", "--", "true"]).ok();
    another(it, &["guard", "empty", "--", "true"]).ok();
    another(it, &["lock", "held"]).fails_with(2, "held by holder");
    another(it, &["guard", "frozen", "--", "true"]).fails_with(2, "frozen by holder");
}

/// Whoever used the name after a fault has cleared all away that was left of it.
fn nothing_is_left(it: &Sandbox, name: &str) {
    let drafts =
        ["lock", "freeze"].map(|kind| it.root().join("tmp").join(format!("{name}.{kind}")));
    // A freeze's draft is in nobody's way but the next freeze's, which removes it.
    let draft = drafts[0].exists() || it.record_path(name).exists();
    let tickets = it.tickets(name);
    assert!(!draft && tickets.is_empty(), "the next puts all in order: {draft}, {tickets:?}");
}
