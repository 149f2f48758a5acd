//! Reserving, and giving back.

use crate::{
    injection_points::FIRST_OWN_CALL,
    operation::{FaultInjectionCase, RunOutcome, check_all},
    scenarios, used_root,
};
use lokt_testkit::{Done, Sandbox};
use serde_json::{Value, json};
use std::fs;

fn run_as(it: &Sandbox, owner: &str, line: &str) -> Done {
    it.lokt(line.split(' ')).owner(owner).in_time()
}

/// What an expired reservation, a killed waiter and a killed writer leave.
fn leftovers(it: &Sandbox) {
    used_root(it);
    run_as(it, "holder", "reserve src docs --ttl 1ms").ok();
    let waiters = it.root().join("reservation-waiters");
    fs::create_dir_all(&waiters).expect("the folder of waiters");
    let text = json!({"owner": "holder", "is_owner_given": true, "agent_id": "a", "pid": 7,
        "since": "2026-02-01T10:00:00Z", "scope": "repository", "mode": "exclusive", "patterns": ["src"]});
    fs::write(waiters.join(format!("{:020}-0f", 1)), text.to_string()).expect("a dead waiter");
    fs::write(waiters.join(".draft"), "{").expect("the draft of a waiter");
    fs::write(it.root().join("tmp/.reservation"), "{").expect("the draft of a record");
}

fn own(it: &Sandbox) {
    used_root(it);
    run_as(it, "tester", "reserve src/a docs --ttl 1h").ok();
}

fn anothers(it: &Sandbox) {
    used_root(it);
    run_as(it, "holder", "reserve src --ttl 1h").ok();
}

/// The patterns of an owner's records that are in force, and their lifetimes in hours.
fn standing(it: &Sandbox, owner: &str) -> Vec<(Value, u64)> {
    let list = run_as(it, "next", "reservations --json").ok().json();
    let all = list.as_array().expect("a list").iter().filter(|it| it["owner"] == owner);
    all.map(|it| (it["patterns"].clone(), it["ttl_sec"].as_u64().expect("seconds") / 3600))
        .collect()
}

/// What must hold after an operation of `tester` that replaces what it has with something else: it has the one or the
/// other, as the operation said.
#[track_caller]
fn check_change(
    it: &Sandbox,
    outcome: &RunOutcome,
    before: &[(Value, u64)],
    after: &[(Value, u64)],
) {
    let now = standing(it, "tester");
    assert!(
        now == before || now == after,
        "the old or the new, whole: {now:?} {:#?}",
        outcome.done
    );
    let code = outcome.done.code;
    // Where it cannot find out that a waiter is dead, it is refused.
    assert!(outcome.killed || matches!(code, Some(0..=2)), "{:#?}", outcome.done);
    assert!(!outcome.succeeded() || now == after, "a reported success stands: {:#?}", outcome.done);
    assert!(!outcome.failed() || now == before, "a failure changes nothing: {:#?}", outcome.done);
    check_others(it, &now);
}

/// What is reserved keeps others out, what is not does not, and nothing of the fault is left.
fn check_others(it: &Sandbox, standing: &[(Value, u64)]) {
    let text = standing.iter().map(|(patterns, _)| patterns.to_string()).collect::<String>();
    for (path, pattern) in [("src/a/x", "\"src/a\""), ("docs/x", "\"docs\""), ("new/x", "\"new\"")]
    {
        let code = if text.contains(pattern) { 2 } else { 0 };
        run_as(it, "next", &format!("reserve {path}")).expect(code);
    }
    run_as(it, "next", "unreserve --all").ok();
    run_as(it, "tester", "unreserve --all").ok();
    run_as(it, "holder", "unreserve --all").ok();
    run_as(it, "next", "reserve .").ok();
    let files = |folder: &str| {
        let entries = fs::read_dir(it.root().join(folder)).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).collect::<Vec<_>>()
    };
    assert_eq!(files("reservations").len(), 1, "the next removes what was left");
    let waiters = files("reservation-waiters");
    assert!(waiters.iter().all(|name| name == ".draft"), "no place is left: {waiters:?}");
    assert!(!it.root().join("tmp/.reservation").exists(), "no draft is left");
}

fn check_reserved_or_not(it: &Sandbox, outcome: &mut RunOutcome) {
    check_change(it, outcome, &[], &[(json!(["src/a", "docs"]), 1)]);
}

fn check_extended_or_not(it: &Sandbox, outcome: &mut RunOutcome) {
    let before = [(json!(["src/a", "docs"]), 1)];
    check_change(it, outcome, &before, &[(json!(["src/a", "docs", "new"]), 2)]);
}

fn check_given_back_or_not(it: &Sandbox, outcome: &mut RunOutcome) {
    check_change(it, outcome, &[(json!(["src/a", "docs"]), 1)], &[]);
}

fn check_part_given_back_or_not(it: &Sandbox, outcome: &mut RunOutcome) {
    check_change(it, outcome, &[(json!(["src/a", "docs"]), 1)], &[(json!(["src/a"]), 1)]);
}

/// After a refusal: what another has stays, and nothing else is reserved.
fn check_refused(it: &Sandbox, outcome: &mut RunOutcome) {
    let code = outcome.done.code;
    assert!(outcome.killed || matches!(code, Some(1 | 2)), "{:#?}", outcome.done);
    assert_eq!(standing(it, "tester"), [], "all or none: {:#?}", outcome.done);
    let theirs = standing(it, "holder");
    assert_eq!(theirs, [(json!(["src"]), 1)], "{:#?}", outcome.done);
    check_others(it, &[(json!(["src/a"]), 1)]);
}

const RESERVE: FaultInjectionCase = FaultInjectionCase {
    name: "reserve",
    arguments: &["reserve", "src/a", "docs", "--ttl", "1h"],
    prepare: leftovers,
    code: 0,
    from: FIRST_OWN_CALL,
    scenario: scenarios::run_alone,
    check: check_reserved_or_not,
    min_faults: 110,
};

#[test]
fn a_reserve_that_dies_or_fails_at_any_call_reserves_all_or_nothing() {
    check_all(&[
        RESERVE,
        FaultInjectionCase {
            name: "reserve, the first in its root",
            prepare: used_root,
            ..RESERVE
        },
        FaultInjectionCase {
            name: "reserve of one's own, and more",
            arguments: &["reserve", "src/a/b", "new", "docs", "--ttl", "2h"],
            prepare: own,
            check: check_extended_or_not,
            ..RESERVE
        },
        FaultInjectionCase {
            name: "reserve, refused",
            prepare: anothers,
            code: 2,
            check: check_refused,
            min_faults: 70,
            ..RESERVE
        },
    ]);
}

#[test]
fn a_waiting_reserve_that_dies_or_fails_at_any_call_keeps_no_other_out() {
    check_all(&[FaultInjectionCase {
        name: "reserve --wait behind a reservation",
        arguments: &["reserve", "src/a", "docs", "--ttl", "1h", "--wait"],
        prepare: anothers,
        scenario: scenarios::run_behind_reservation,
        ..RESERVE
    }]);
}

#[test]
fn an_unreserve_that_dies_or_fails_at_any_call_gives_back_all_or_nothing() {
    let unreserve = FaultInjectionCase {
        name: "unreserve",
        arguments: &["unreserve", "src", "docs"],
        prepare: own,
        check: check_given_back_or_not,
        min_faults: 80,
        ..RESERVE
    };
    check_all(&[
        unreserve,
        FaultInjectionCase {
            name: "unreserve of a part",
            arguments: &["unreserve", "docs"],
            check: check_part_given_back_or_not,
            ..unreserve
        },
    ]);
}
