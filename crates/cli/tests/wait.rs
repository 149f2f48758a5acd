//! `lokt wait` ends when locks are free, or held, and takes none of them.

use lokt_testkit::{HOLD, Running, Sandbox};
use nix::sys::signal::Signal;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn guard(it: &Sandbox, name: &str) -> Running {
    it.lokt(["guard", name, "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in()
}

/// `lokt wait` of another owner, once it sleeps until `name` is free.
fn wait_for(it: &Sandbox, words: &[&str], name: &str) -> Running {
    let all = ["wait"].iter().chain(words).copied();
    let mut running = it.lokt(all).owner("bob").start();
    running.says(&format!("waiting until lock {name:?} is free"));
    running
}

#[test]
fn a_free_lock_is_not_waited_for() {
    let it = sandbox();
    let done = it.lokt(["wait", "x", "y"]).run().ok();
    assert!(done.out.is_empty() && done.err.is_empty(), "there is nothing to say: {done:#?}");
    assert!(!it.root().exists(), "watching makes no root");
}

#[test]
fn it_ends_with_the_guard_and_has_no_queue_position() {
    let it = sandbox();
    let holder = guard(&it, "x");
    let wait = wait_for(&it, &["x"], "x");
    assert_eq!(it.tickets("x").len(), 1, "only the holder has a ticket");
    holder.release().ok();
    let done = wait.ends().ok();
    assert!(done.out.is_empty(), "standard output is for data: {done:#?}");
    assert!(!it.record_path("x").exists(), "nothing is taken");
    assert_eq!(it.event_kinds("x"), ["acquire", "release"], "the log knows only the guard");
}

#[test]
fn it_outlasts_the_command_of_a_killed_guard() {
    let it = sandbox();
    let mut holder = guard(&it, "x");
    let mut wait = wait_for(&it, &["x"], "x");
    holder.signal(Signal::SIGKILL);
    assert!(wait.is_running(), "the command still runs");
    holder.types("\n");
    wait.ends().ok();
}

#[test]
fn it_ends_when_a_lease_is_unlocked_or_expires() {
    let it = sandbox();
    it.lokt(["lock", "x"]).owner("ada").run().ok();
    let wait = wait_for(&it, &["x"], "x");
    it.lokt(["unlock", "x"]).owner("ada").run().ok();
    wait.ends().ok();
    it.lokt(["lock", "x", "--ttl", "300ms"]).owner("ada").run().ok();
    it.lokt(["wait", "x"]).owner("bob").run().ok();
    it.lokt(["exists", "x"]).run().expect(3);
}

#[test]
fn several_locks_must_be_free_at_the_same_time() {
    let it = sandbox();
    let first = guard(&it, "x");
    it.lokt(["lock", "y", "--shared"]).owner("ada").run().ok();
    it.lokt(["lock", "y", "--shared"]).owner("eve").run().ok();
    let mut wait = wait_for(&it, &["x", "y", "free"], "x");
    first.release().ok();
    assert!(wait.is_running(), "ada and eve still share y");
    it.lokt(["unlock", "y"]).owner("ada").run().ok();
    assert!(wait.is_running(), "eve still shares it");
    it.lokt(["unlock", "y"]).owner("eve").run().ok();
    wait.ends().ok();
}

#[test]
fn it_waits_until_every_lock_is_held() {
    let it = sandbox();
    let both = it.lokt(["wait", "x", "y", "--until", "held"]).start();
    let _x = guard(&it, "x");
    it.lokt(["lock", "y"]).owner("ada").run().ok();
    both.ends().ok();
    it.lokt(["wait", "x", "y", "--until", "held"]).run().ok();
}

#[test]
fn a_wait_that_times_out_ends_with_the_code_of_a_held_lock() {
    let it = sandbox();
    let _x = guard(&it, "x");
    it.lokt(["wait", "x", "--timeout", "0"]).run().fails_with(2, "held by ada");
    let done = it.lokt(["wait", "x", "--timeout", "50ms"]).run().expect(2);
    assert!(done.err.contains("held by ada") && done.err.contains("gave up after"), "{done:#?}");
    let held = ["wait", "y", "--until", "held", "--timeout", "50ms"];
    it.lokt(held).run().fails_with(2, "lock \"y\" is not held; gave up after 50ms");
}

#[test]
fn a_wait_for_its_own_guard_is_a_deadlock() {
    let it = sandbox();
    let words = ["guard", "x", "--", "lokt", "wait", "x"];
    it.lokt(words).run().fails_with(7, "would be a deadlock");
}

#[test]
fn a_signal_ends_the_wait() {
    let it = sandbox();
    let _x = guard(&it, "x");
    let wait = wait_for(&it, &["x"], "x");
    wait.signal(Signal::SIGTERM);
    assert_eq!(wait.ends().signal, Some(15), "it ends as the signal ends a program");
}

#[test]
fn a_record_that_cannot_be_read_is_an_error_and_not_free() {
    let it = sandbox();
    it.lokt(["lock", "x"]).run().ok();
    it.write_record("x", r#"{"version": 99}"#);
    it.lokt(["wait", "x"]).run().fails_with(1, "version 99 not supported");
}
