//! Guards inside guards: of the same name, and of names that others take in another order.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::Sandbox;
use std::process::id;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A pipe: one shell line waits for it with `read`, another writes to it.
fn pipes(it: &Sandbox, names: &[&str]) {
    for name in names {
        let mode = nix::sys::stat::Mode::S_IRWXU;
        nix::unistd::mkfifo(&it.folder().join(name), mode).unwrap();
    }
}

#[test]
fn guards_in_one_guard_exclude_each_other() {
    let it = sandbox();
    pipes(&it, &["in", "out"]);
    let line = "lokt guard x -- sh -c '\
        lokt guard x -- sh -c \"echo >in; read end <out; echo first out\" & read go <in
        lokt guard x -- echo beside || echo code $?
        echo >out; lokt guard x --wait -- echo second; wait'";
    let done = it.shell(line).run().ok();
    assert_eq!(done.out, "code 2\nfirst out\nsecond\n", "two of them are never in together");
    assert_eq!(it.tickets("x"), [""; 0], "nothing of them is left");
}

#[test]
fn an_inner_guard_holds_after_the_outer_one_has_ended() {
    let it = sandbox();
    pipes(&it, &["in", "out"]);
    let line = "lokt guard x -- sh -c '\
        lokt guard x -- sh -c \"echo >in; read end <out\" >/dev/null 2>&1 & read go <in'";
    it.shell(line).run().ok();
    it.lokt(["guard", "x", "--", "true"]).owner("bob").run().expect(2);
    let status = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!((&status["state"], status["inside"].as_array().unwrap().len()), (&"held".into(), 1));
    let next = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("bob").start().is_waiting();
    std::fs::write(it.folder().join("out"), "\n").unwrap();
    next.ends().ok();
    let kinds = it.event_kinds("x");
    assert!(!kinds.contains(&"lost".to_owned()), "it has lost nothing: {kinds:?}");
}

#[test]
fn an_inner_guard_passes_waiters_for_the_outer_one_and_a_freeze() {
    let it = sandbox();
    pipes(&it, &["go"]);
    let line = "lokt guard x -- sh -c '\
        echo ready; read go <go; lokt guard x --wait -- lokt guard x -- echo inside'";
    let mut outer = it.shell(line).start();
    outer.prints("ready");
    let waiter =
        it.lokt(["guard", "x", "--wait", "--", "echo", "b"]).owner("bob").start().is_waiting();
    it.lokt(["freeze", "x", "--ttl", "1h"]).owner("ops").run().ok();
    std::fs::write(it.folder().join("go"), "\n").unwrap();
    outer.prints("inside");
    outer.ends().ok();
    it.lokt(["unfreeze", "x"]).owner("ops").run().ok();
    assert_eq!(waiter.ends().ok().out, "b\n");
}

#[test]
fn of_two_guards_that_close_a_circle_at_the_same_moment_one_enters() {
    let it = sandbox();
    pipes(&it, &["a", "b"]);
    for round in 0..5 {
        let side = |mine: &str, other: &str, meet: &str| {
            let line = format!(
                "lokt guard {mine} -- sh -c '{meet}; lokt guard {other} --wait -- true; echo $?'"
            );
            it.shell(&line).owner(&format!("owner-{mine}-{}", id())).start()
        };
        let one = side("a", "b", "echo >a; read x <b");
        let two = side("b", "a", "read x <a; echo >b");
        let [one, two] = [one, two].map(|it| it.ends().ok().out);
        let codes = [one.trim(), two.trim()];
        let refused = codes.iter().filter(|code| **code == "7").count();
        assert_eq!(refused, 1, "in round {round} one gives way and the other gets in: {codes:?}");
    }
    it.lokt(["status", "--json"]).run().ok();
    let rests = std::fs::read_dir(it.root().join("nested")).unwrap().count();
    assert_eq!(rests, 0, "only waiting processes are listed");
}

/// No wait for the guard around a command ends, so none is advised.
#[test]
fn a_refusal_by_the_guard_around_a_command_says_what_to_do_instead_of_waiting() {
    let it = sandbox();
    let done = it.shell("lokt guard x -- lokt lock x").run().expect(2);
    assert!(
        done.err.contains("hint: this runs in the command of a guard that holds x"),
        "{done:#?}"
    );
    assert!(done.err.contains("use another name"), "{done:#?}");
    assert!(!done.err.contains("--wait") && !done.err.contains("lokt wait"), "{done:#?}");
    // Of another guard in the same command, the caller can wait.
    pipes(&it, &["in", "out"]);
    let line = "lokt guard x -- sh -c '\
        lokt guard x -- sh -c \"echo >in; read end <out\" & read go <in
        lokt guard x -- true; echo >out; wait'";
    let beside = it.shell(line).run();
    assert!(beside.err.contains("hint: --wait waits in the queue"), "{beside:#?}");
}
