//! The queue: first come, first served, woken at once, and left without a trace.

use lokt_testkit::{HOLD, Running, Sandbox};
use nix::sys::signal::Signal;
use std::fs;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn holder(it: &Sandbox, name: &str) -> Running {
    it.lokt(["guard", name, "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in()
}

#[test]
fn twenty_waiters_enter_in_the_order_of_their_arrival() {
    let it = sandbox();
    let first = holder(&it, "x");
    let waiters: Vec<Running> = (0..20).map(|n| waiter(&it, n)).collect();
    first.release().ok();
    for waiter in waiters {
        waiter.ends().ok();
    }
    let order = fs::read_to_string(it.folder().join("order")).unwrap();
    let order: Vec<usize> = order.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(order, (0..20).collect::<Vec<_>>());
    assert!(it.tickets("x").is_empty() && !it.record_path("x").exists(), "nothing is left");
}

fn waiter(it: &Sandbox, number: usize) -> Running {
    let line = format!("echo {number} >>order");
    let words = ["guard", "x", "--wait", "--", "sh", "-c", &line];
    it.lokt(words).owner(&format!("w{number}")).start().is_waiting()
}

#[test]
fn guards_and_leases_wait_in_one_queue() {
    let it = sandbox();
    let first = holder(&it, "x");
    let lease = it.lokt(["lock", "x", "--wait"]).owner("b").start().is_waiting();
    let guard = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("c").start().is_waiting();
    first.release().ok();
    lease.ends().ok();
    assert_eq!(it.record("x")["owner"], "b");
    it.lokt(["unlock", "x"]).owner("b").run().ok();
    guard.ends().ok();
}

#[test]
fn no_caller_passes_a_waiter() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).owner("ada").run().ok();
    let waiter = it
        .lokt(["guard", "x", "--wait", "--", HOLD[0], HOLD[1], HOLD[2]])
        .owner("b")
        .start()
        .is_waiting();
    it.lokt(["guard", "x", "--", "true"]).owner("c").run().fails_with(2, "held by ada");
    it.lokt(["unlock", "x"]).owner("ada").run().ok();
    let inside = waiter.is_in();
    it.lokt(["lock", "x"]).owner("c").run().fails_with(2, "held by b");
    inside.release().ok();
}

#[test]
fn a_wait_ends_at_its_limit_and_leaves_no_trace() {
    let it = sandbox();
    let first = holder(&it, "x");
    let words = ["guard", "x", "--wait", "--timeout", "50ms", "--", "true"];
    it.lokt(words).owner("b").run().expect(2).says("gave up after").says("held by ada");
    let blocked =
        it.lokt(["lock", "x", "--wait", "--timeout", "0", "--json"]).owner("b").run().expect(2);
    assert_eq!(blocked.json()["status"], "blocked");
    assert_eq!(it.tickets("x").len(), 1, "only the holder's ticket is there");
    it.lokt(["lock", "x", "--timeout", "5s"]).run().fails_with(64, "--wait");
    first.release().ok();
}

#[test]
fn a_waiter_enters_when_a_lease_expires() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "400ms"]).owner("ada").run().ok();
    it.lokt(["guard", "x", "--", "true"]).owner("b").run().fails_with(2, "held by ada");
    it.lokt(["guard", "x", "--wait", "--", "true"]).owner("b").run().ok();
    assert_eq!(it.event_kinds("x"), ["acquire", "deny", "auto-prune", "acquire", "release"]);
}

#[test]
fn a_lease_that_is_renewed_meanwhile_blocks_the_waiter() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "1s"]).owner("ada").run().ok();
    let mut waiter =
        it.lokt(["guard", "x", "--wait", "--", "echo", "in"]).owner("b").start().is_waiting();
    it.lokt(["lock", "x", "--ttl", "10m"]).owner("ada").run().ok();
    // The next caller is in the queue behind it, and comes after the end of the first lifetime.
    let words = ["guard", "x", "--wait", "--timeout", "1500ms", "--", "true"];
    it.lokt(words).owner("c").run().expect(2);
    assert!(waiter.is_running(), "a renewed lease holds");
    it.lokt(["unlock", "x"]).owner("ada").run().ok();
    waiter.ends().ok();
}

#[test]
fn a_waiter_enters_when_the_process_of_a_lease_ends() {
    let it = sandbox();
    let mut script = it.shell("lokt lock x --pid $$ && echo taken; read line").owner("ada").start();
    script.prints("taken");
    it.lokt(["lock", "x"]).owner("b").run().fails_with(2, "held by ada");
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("b").start().is_waiting();
    script.release();
    waiter.ends().ok();
    assert!(it.event_kinds("x").contains(&"stale-break".to_owned()));
}

#[test]
fn in_a_pipe_a_wait_is_reported_once() {
    let it = sandbox();
    let first = holder(&it, "x");
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("b").start();
    let waiter = waiter.is_waiting();
    first.release().ok();
    let done = waiter.ends().ok();
    assert_eq!(done.err.lines().count(), 1, "{done:#?}");
    let told = &done.err;
    assert!(
        told.contains("held by ada")
            && told.contains("queue position 1")
            && told.contains("running: sh -c"),
        "{told}"
    );
}

#[test]
fn on_a_terminal_a_wait_is_shown_in_one_line_and_erased() {
    let it = sandbox();
    let first = holder(&it, "x");
    let mut waiter = it.terminal("lokt guard x --wait -- echo inside").owner("b").start();
    let shown = waiter.tells("waiting for lock \"x\"");
    assert!(shown.contains("\r\u{1b}[2K"), "drawn over its own line: {shown:?}");
    let again = waiter.tells("1s): held by ada");
    assert!(!again.contains('\n'), "still the same line: {again:?}");
    first.release().ok();
    waiter.prints("inside");
    waiter.ends().ok();
}

#[test]
fn a_wait_takes_one_row_of_the_terminal_also_with_wide_characters() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "1h"]).owner(&"日本語ユーザー👩\u{200d}💻".repeat(4)).run().ok();
    let line = "stty cols 80 rows 10; lokt guard x --wait --timeout 1500ms -- true";
    let shown = it.terminal(line).owner("b").run().out;
    let rows: Vec<&str> = shown.split("\u{1b}[2K").filter(|it| it.starts_with("waiting")).collect();
    assert!(rows.len() > 1 && rows.iter().any(|row| row.contains("日本語")), "{shown:?}");
    for row in rows {
        let row = row.split('\r').next().unwrap_or_default();
        // The most columns that a terminal may use: two for every wide character.
        let columns: usize = row.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
        assert!(!row.contains('\n') && columns < 80 + 2, "{columns} columns: {row:?}");
    }
}

#[test]
fn control_c_on_a_terminal_leaves_the_queue() {
    let it = sandbox();
    let first = holder(&it, "x");
    let mut waiter =
        it.terminal("trap : INT; lokt guard x --wait -- true; echo code $?").owner("b").start();
    waiter.tells("waiting for lock");
    waiter.types("\u{3}");
    waiter.prints("code 130");
    waiter.ends();
    assert_eq!(it.tickets("x").len(), 1, "only the holder is in the queue");
    first.release().ok();
}

#[test]
fn waiters_behind_a_stopped_waiter_enter_when_it_ends() {
    let it = sandbox();
    let first = holder(&it, "x");
    let stopped = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("b").start().is_waiting();
    let next = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("c").start().is_waiting();
    stopped.signal(Signal::SIGSTOP);
    first.release().ok();
    // It is alive and the first, so the others wait for it; its end admits the next.
    stopped.kill();
    next.ends().ok();
}
