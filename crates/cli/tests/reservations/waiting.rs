//! Waiting: first come, first served; circles are refused.

use super::{events, reserved, run, sandbox};
use lokt_testkit::{Running, Sandbox};
use nix::sys::signal::Signal;

/// Starts a request that waits, and returns once it does.
fn waiter(it: &Sandbox, owner: &str, line: &str) -> Running {
    let mut waiter = it.lokt(line.split(' ')).owner(owner).start();
    waiter.says("waiting (");
    waiter
}

#[test]
fn a_waiter_gets_the_paths_when_they_are_given_back() {
    let it = sandbox();
    run(&it, "ada", "reserve src docs").ok();
    let bob = waiter(&it, "bob", "reserve src/x --wait");
    run(&it, "ada", "unreserve docs").ok();
    run(&it, "ada", "unreserve src").ok();
    assert_eq!(bob.ends().ok().out, "reserved \"src/x\" for 30m\n");
    assert_eq!(reserved(&it), ["bob: src/x"]);
}

#[test]
fn a_waiter_gets_the_paths_when_they_expire() {
    let it = sandbox();
    run(&it, "ada", "reserve src --ttl 300ms").ok();
    run(&it, "bob", "reserve src --wait").ok();
}

#[test]
fn an_overlapping_request_stands_behind_an_earlier_waiter() {
    let it = sandbox();
    run(&it, "ada", "reserve a").ok();
    let bob = waiter(&it, "bob", "reserve a b --wait");
    let denied = run(&it, "cid", "reserve b").expect(2);
    assert!(denied.err.contains("cannot reserve \"b\": bob ("), "{denied:#?}");
    assert!(denied.err.contains("has waited for \"b\""), "{denied:#?}");
    let cid = waiter(&it, "cid", "reserve b c --wait");
    run(&it, "dan", "reserve d").ok();
    run(&it, "ada", "reserve a/x --ttl 1h").ok();
    let list = run(&it, "ada", "reservations a --json").ok().json();
    assert_eq!(list[0]["waiters"][0]["owner"], "bob");
    run(&it, "ada", "unreserve --all").ok();
    bob.ends().ok();
    assert_eq!(reserved(&it), ["bob: a b", "dan: d"]);
    run(&it, "bob", "unreserve --all").ok();
    cid.ends().ok();
    assert_eq!(reserved(&it), ["cid: b c", "dan: d"]);
}

#[test]
fn a_waiter_that_is_killed_keeps_no_other_out() {
    let it = sandbox();
    run(&it, "ada", "reserve a").ok();
    let bob = waiter(&it, "bob", "reserve a b --wait");
    let cid = waiter(&it, "cid", "reserve b --wait");
    bob.kill();
    cid.ends().ok();
    run(&it, "dan", "reserve b/x").expect(2).says("reserved by cid");
}

#[test]
fn the_time_limit_and_a_signal_end_a_wait() {
    let it = sandbox();
    run(&it, "ada", "reserve a").ok();
    run(&it, "bob", "reserve a --wait --timeout 50ms").expect(2).says("; gave up after ");
    run(&it, "bob", "reserve a --timeout 50ms").expect(64);
    let bob = waiter(&it, "bob", "reserve a b --wait");
    bob.signal(Signal::SIGTERM);
    assert_eq!(bob.ends().signal, Some(15));
    run(&it, "cid", "reserve b").ok();
    assert_eq!(events(&it).iter().filter(|it| *it == "reserve-deny").count(), 2);
}

#[test]
fn two_that_hold_what_the_other_wants_do_not_wait_for_each_other() {
    let it = sandbox();
    run(&it, "ada", "reserve a").ok();
    run(&it, "bob", "reserve b").ok();
    let bob = waiter(&it, "bob", "reserve a --wait");
    let refused = run(&it, "ada", "reserve b --wait").fails_with(7, "would be a deadlock");
    assert!(
        refused.err.contains("hint: ada (") && refused.err.contains("hint: bob ("),
        "{refused:#?}"
    );
    run(&it, "ada", "reserve c --wait").ok();
    run(&it, "ada", "unreserve --all").ok();
    bob.ends().ok();
    assert_eq!(reserved(&it), ["bob: a", "bob: b"]);
}
