//! Waits that could never end are refused at once, and the error has the circle; all other waits are not.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

use lokt_testkit::{Done, HOLD, Running, Sandbox};
use nix::{sys::signal::Signal, unistd::Pid};
use serde_json::Value;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A guard of `around` whose command prints `in`, and starts another guard with `flags` when it reads a line.
fn nested(it: &Sandbox, owner: &str, around: &str, flags: &str) -> Running {
    let line = format!("echo in; read line; lokt guard {flags} -- echo through; echo code $?");
    let words = ["guard"].into_iter().chain(around.split(' ')).chain(["-c", &line]);
    it.lokt(words).owner(owner).start().is_in()
}

/// Starts the inner guard, and waits until it is in the queue.
fn start_inner_guard(mut running: Running) -> Running {
    running.types("\n");
    running.is_waiting()
}

/// Starts the inner guard, which must be refused; each line of the error has one of `steps`.
fn assert_inner_guard_refused(mut running: Running, name: &str, steps: &[&str]) -> Done {
    running.types("\n");
    running.prints("code 7");
    let done = running.ends().ok();
    assert!(!done.out.contains("through"), "nothing ran: {done:#?}");
    assert_circle(&done, name, steps);
    done
}

fn assert_circle(done: &Done, name: &str, steps: &[&str]) {
    let mut lines = done.err.lines().filter(|line| !line.starts_with("note: "));
    let error = format!("error: waiting for lock \"{name}\" would be a deadlock");
    assert_eq!(lines.next(), Some(error.as_str()), "{done:#?}");
    let mut hints: Vec<&str> = lines.collect();
    let remedy = hints.pop().unwrap_or_default();
    assert!(remedy.starts_with("hint: lock ") && remedy.contains("lokt guard "), "{done:#?}");
    assert!(remedy.contains(name), "{remedy}");
    assert_eq!(hints.len(), steps.len(), "a line for each step: {done:#?}");
    for (hint, step) in hints.iter().zip(steps) {
        let mut parts = step.split("..");
        let told = parts.try_fold(*hint, |rest, part| Some(rest.split_once(part)?.1));
        assert!(told.is_some(), "{hint:?} does not tell {step:?}");
    }
}

fn assert_inner_guard_enters(mut running: Running) {
    running.prints("through");
    running.prints("code 0");
    running.ends().ok();
}

#[test]
fn a_circle_of_two_is_refused_for_the_caller_that_closes_it() {
    let it = sandbox();
    let ada = nested(&it, "ada", "a", "b --wait");
    let bob = nested(&it, "bob", "b", "a --wait");
    let ada = start_inner_guard(ada);
    let steps = [
        "bob (pid ..waits for \"a\", which is held by ada (pid ..running: /bin/sh -c",
        "ada (pid ..running: echo through) waits for \"b\", which is held by bob (pid ",
    ];
    assert_inner_guard_refused(bob, "a", &steps);
    assert_inner_guard_enters(ada);
    for name in ["a", "b"] {
        assert!(it.tickets(name).is_empty() && !it.record_path(name).exists(), "of {name}");
    }
    let nested = std::fs::read_dir(it.root().join("nested")).unwrap().count();
    assert_eq!(nested, 0, "no process waits under a lock any more");
    let events = it.events();
    let denied: Vec<&Value> = events.iter().filter(|event| event["event"] == "deny").collect();
    assert_eq!(denied.len(), 1, "{denied:?}");
    assert_eq!(denied[0]["extra"]["deadlock"], true, "the log has the deadlock");
}

#[test]
fn a_circle_of_three_is_refused_and_a_chain_is_not() {
    let it = sandbox();
    let ada = nested(&it, "ada", "a", "b --wait");
    let bob = nested(&it, "bob", "b", "c --wait");
    let carl = nested(&it, "carl", "c", "a --wait");
    let (ada, bob) = (start_inner_guard(ada), start_inner_guard(bob));
    let steps = [
        "carl ..waits for \"a\", which is held by ada",
        "ada ..waits for \"b\", which is held by bob",
        "bob ..waits for \"c\", which is held by carl",
    ];
    assert_inner_guard_refused(carl, "a", &steps);
    assert_inner_guard_enters(bob);
    assert_inner_guard_enters(ada);
}

#[test]
fn the_error_names_waiters_between_in_the_same_queue() {
    let it = sandbox();
    let bob = nested(&it, "bob", "b", "a --wait");
    let ada = start_inner_guard(nested(&it, "ada", "a", "b --wait"));
    // Dora waits behind the chain, and holds a lock herself: there is no circle with her.
    let dora = start_inner_guard(nested(&it, "dora", "d", "a --wait"));
    let steps = [
        "bob ..waits for \"a\", and ahead of it in the queue is dora",
        "dora ..waits for \"a\", which is held by ada",
        "ada ..waits for \"b\", which is held by bob",
    ];
    assert_inner_guard_refused(bob, "a", &steps);
    assert_inner_guard_enters(ada);
    assert_inner_guard_enters(dora);
}

#[test]
fn a_reader_that_wants_to_write_waits_for_itself() {
    let it = sandbox();
    for (around, flags) in [("x --shared", "x --wait"), ("x --slots 1", "x --wait")] {
        let step = "ada ..waits for \"x\", which is held by ada (pid ";
        assert_inner_guard_refused(nested(&it, "ada", around, flags), "x", &[step]);
    }
    // With another reader, it is one of two holders in the way.
    let other = it.lokt(["guard", "x", "--shared", "--", HOLD[0], HOLD[1], HOLD[2]]);
    let other = other.owner("bob").start().is_in();
    let steps = ["ada ..waits for \"x\", which is held by ada (pid "];
    assert_inner_guard_refused(nested(&it, "ada", "x --shared", "x --wait"), "x", &steps);
    other.release().ok();
    // Without --wait, the lock is just held.
    let mut denied = nested(&it, "ada", "x --shared", "x");
    denied.types("\n");
    denied.prints("code 2");
    denied.ends().ok();
}

#[test]
fn two_readers_that_both_want_to_write_are_a_circle() {
    let it = sandbox();
    let ada = nested(&it, "ada", "x --shared", "y --wait");
    let bob = nested(&it, "bob", "y", "x --wait");
    let ada = start_inner_guard(ada);
    let steps = ["bob ..\"x\", which is held by ada", "ada ..\"y\", which is held by bob"];
    assert_inner_guard_refused(bob, "x", &steps);
    assert_inner_guard_enters(ada);
}

#[test]
fn a_reader_behind_a_writer_that_waits_for_it_is_refused() {
    let it = sandbox();
    let ada = nested(&it, "ada", "x --shared", "y --wait");
    let bob = nested(&it, "bob", "y", "x --shared --wait");
    let writer = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("w").start().is_waiting();
    let ada = start_inner_guard(ada);
    let steps = [
        "bob ..waits for \"x\", and ahead of it in the queue is w (pid ",
        "w (pid ..waits for \"x\", which is held by ada",
        "ada ..waits for \"y\", which is held by bob",
    ];
    assert_inner_guard_refused(bob, "x", &steps);
    assert_inner_guard_enters(ada);
    writer.ends().ok();
}

#[test]
fn a_guard_of_several_names_and_a_nested_one_are_a_circle() {
    let it = sandbox();
    let bob = nested(&it, "bob", "b", "a --wait");
    let several = it.lokt(["guard", "b", "a", "--wait", "--", "echo", "both"]).owner("ada").start();
    let several = several.is_waiting();
    assert_inner_guard_refused(
        bob,
        "a",
        &["bob ..\"a\", which is held by ada", "ada ..\"b\", which is held by bob"],
    );
    assert_eq!(several.ends().ok().out, "both\n");
}

#[test]
fn a_refused_guard_of_several_names_releases_what_it_had() {
    let it = sandbox();
    let ada = nested(&it, "ada", "d", "c a --wait");
    let bob = start_inner_guard(nested(&it, "bob", "c", "d --wait"));
    assert_inner_guard_refused(
        ada,
        "c",
        &["ada ..\"c\", which is held by bob", "bob ..\"d\", which is held by ada"],
    );
    assert!(it.tickets("a").is_empty() && !it.record_path("a").exists(), "it had a already");
    assert_eq!(it.event_kinds("a"), ["acquire", "release"]);
    assert_inner_guard_enters(bob);
}

#[test]
fn a_guard_under_a_lease_is_part_of_a_circle() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).owner("ada").run().ok();
    // Bob waits for the lease's end; then a guard enters under the lease, and he waits for it as well.
    let bob = start_inner_guard(nested(&it, "bob", "b", "x --wait"));
    let ada = nested(&it, "ada", "x", "b --wait");
    assert_inner_guard_refused(
        ada,
        "b",
        &["ada ..\"b\", which is held by bob", "bob ..\"x\", which is held by ada"],
    );
    it.lokt(["unlock", "x"]).owner("ada").run().ok();
    assert_inner_guard_enters(bob);
}

#[test]
fn a_lease_that_is_waited_for_inside_a_guard_can_close_a_circle() {
    let it = sandbox();
    let line = "echo in; read line; lokt lock b --wait; echo code $?";
    let mut ada = it.lokt(["guard", "a", "-c", line]).owner("ada").start().is_in();
    let bob = start_inner_guard(nested(&it, "bob", "b", "a --wait"));
    ada.types("\n");
    ada.prints("code 7");
    assert_circle(
        &ada.ends().ok(),
        "b",
        &["ada ..waits for \"b\", which is held by bob", "bob ..\"a\", which is held by ada"],
    );
    assert_inner_guard_enters(bob);
    assert!(!it.record_path("b").exists(), "nothing was leased");
}

#[test]
fn slots_are_no_circle_while_another_can_become_free() {
    let it = sandbox();
    let ada = nested(&it, "ada", "a", "s --slots 2 --wait");
    let bob = nested(&it, "bob", "s --slots 2", "a --wait");
    let free = ["guard", "s", "--slots", "2", "--", HOLD[0], HOLD[1], HOLD[2]];
    let free = it.lokt(free).owner("carl").start().is_in();
    let bob = start_inner_guard(bob);
    let ada = start_inner_guard(ada);
    free.release().ok();
    assert_inner_guard_enters(ada);
    assert_inner_guard_enters(bob);
    // With both slots in the circle there is no way out.
    let ada = nested(&it, "ada", "a", "s --slots 2 --wait");
    let bob = start_inner_guard(nested(&it, "bob", "s --slots 2", "a --wait"));
    let carl = start_inner_guard(nested(&it, "carl", "s --slots 2", "a --wait"));
    let steps = [
        "ada ..waits for \"s\", which is held by bob",
        "bob ..waits for \"a\", which is held by ada",
    ];
    assert_inner_guard_refused(ada, "s", &steps);
    assert_inner_guard_enters(bob);
    assert_inner_guard_enters(carl);
}

#[test]
fn slots_that_block_each_other_are_a_circle_for_any_last_caller() {
    let it = sandbox();
    let ada = nested(&it, "ada", "a", "s --slots 2 --wait");
    let [bob, carl] = ["bob", "carl"].map(|who| nested(&it, who, "s --slots 2", "a --wait"));
    let (ada, carl) = (start_inner_guard(ada), start_inner_guard(carl));
    let steps = [
        "bob ..waits for \"a\", and ahead of it in the queue is carl",
        "carl ..waits for \"a\", which is held by ada",
        "ada ..waits for \"s\", which is held by bob",
    ];
    assert_inner_guard_refused(bob, "a", &steps);
    assert_inner_guard_enters(ada);
    assert_inner_guard_enters(carl);
}

#[test]
fn a_lease_on_a_slot_is_a_way_out_of_a_circle() {
    let it = sandbox();
    it.lokt(["lock", "s", "--slots", "2", "--ttl", "10m"]).owner("lease").run().ok();
    let ada = nested(&it, "ada", "a", "s --slots 2 --wait");
    let bob = start_inner_guard(nested(&it, "bob", "s --slots 2", "a --wait"));
    let ada = start_inner_guard(ada);
    it.lokt(["unlock", "s"]).owner("lease").run().ok();
    assert_inner_guard_enters(ada);
    assert_inner_guard_enters(bob);
}

#[test]
fn a_wait_that_is_over_closes_no_circle() {
    let it = sandbox();
    let line = "echo in; read line; lokt guard b --wait -- true; echo code $?; read line; exit 0";
    for kill in [true, false] {
        let bob = nested(&it, "bob", "b", "a --wait");
        let mut ada = it.lokt(["guard", "a", "-c", line]).owner("ada").start().is_in();
        ada.types("\n");
        let mut ada = ada.is_waiting();
        // A killed process leaves its ticket behind; one that gets SIGTERM removes it.
        let signal = if kill { Signal::SIGKILL } else { Signal::SIGTERM };
        nix::sys::signal::kill(waiter(&it, "b"), signal).unwrap();
        ada.prints(if kill { "code 137" } else { "code 143" });
        let bob = start_inner_guard(bob);
        ada.release().ok();
        assert_inner_guard_enters(bob);
    }
}

/// The process that waits for a name.
fn waiter(it: &Sandbox, name: &str) -> Pid {
    let status = it.lokt(["status", name, "--json"]).run().ok().json();
    Pid::from_raw(i32::try_from(status["queue"][0]["pid"].as_i64().unwrap()).unwrap())
}
