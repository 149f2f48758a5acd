//! Flags of a guard for its command: a shell line, a time limit, the exit code of a conflict.

use lokt_testkit::{HOLD, Sandbox};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

#[test]
fn a_shell_line_runs_under_the_lock_as_a_whole() {
    let it = sandbox();
    it.lokt(["guard", "x", "-c", "cd /; exit 3"]).run().expect(3);
    let seen = "lokt exists x && echo first; cd / && lokt exists x && echo 'second; $LOKT_NAME'";
    assert_eq!(it.lokt(["guard", "x", "-c", seen]).run().ok().out, "first\nsecond; $LOKT_NAME\n");
    let pipe = "echo one | cat; echo $LOKT_NAME two; echo \"$0\"";
    assert_eq!(it.lokt(["guard", "-c", pipe, "x"]).run().ok().out, "one\nx two\n/bin/sh\n");
    let shown = it.lokt(["guard", "x", "-c", "cat \"$LOKT_ROOT/locks/x.json\""]).run().ok().json();
    assert_eq!((&shown["command"][0], &shown["command"][1]), (&"/bin/sh".into(), &"-c".into()));
    it.shell("lokt guard x -c $'printf \\'%s\\' \\'\\xff\\' >bytes; test $(wc -c <bytes) = 1'")
        .run()
        .ok();
    it.lokt(["guard", "x", "-c", ""]).run().ok();
    let inner =
        it.shell("lokt guard x -- lokt guard x -c 'echo $LOKT_NAME; exit 4'").run().expect(4);
    assert_eq!(inner.out, "x\n");
}

#[test]
fn a_command_that_runs_too_long_is_stopped_and_the_lock_is_free() {
    let it = sandbox();
    for line in [
        "exec sleep 1000",
        "trap 'exit 0' TERM; sleep 1000 & wait",
        "trap 'exit 9' TERM; kill -STOP $$; exit 8",
    ] {
        let done = it.lokt(["guard", "x", "--max-hold", "100ms", "-c", line]).in_time().expect(124);
        let told = "error: the command ran for longer than --max-hold 100ms and was stopped";
        assert!(done.err.contains(told), "{line}: {done:#?}");
        assert!(it.tickets("x").is_empty() && !it.record_path("x").exists(), "it is free");
    }
    it.lokt(["guard", "x", "--max-hold", "10m", "-c", "exit 3"]).run().expect(3);
    let kinds = it.event_kinds("x");
    assert!(!kinds.contains(&"lost".to_owned()), "nothing was lost: {kinds:?}");
}

#[test]
fn the_time_starts_with_the_command_and_not_with_the_wait() {
    let it = sandbox();
    let first =
        it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in();
    let words = ["guard", "x", "--wait", "--max-hold", "200ms", "-c", "echo ran; exit 5"];
    let waiter = it.lokt(words).owner("bob").start().is_waiting();
    let clock = ["guard", "x", "--wait", "--timeout", "250ms", "--", "true"];
    it.lokt(clock).owner("clock").run().expect(2);
    first.release().ok();
    assert_eq!(waiter.ends().expect(5).out, "ran\n");
}

#[test]
fn the_whole_group_has_ended_before_the_next_guard_enters() {
    let it = sandbox();
    // The shell ends at once; its child takes longer.
    let slow = "trap 'echo first >>log; exit 0' TERM; \
        (trap 'sleep 0.3; echo last >>log; exit' TERM; echo in; while :; do sleep 0.01; done) & wait";
    let words = ["guard", "x", "--max-hold", "300ms", "-c", slow];
    let long = it.lokt(words).owner("ada").start().is_in();
    let next = it.lokt(["guard", "x", "--wait", "-c", "echo next >>log; cat log"]).owner("bob");
    let next = next.start();
    long.ends().expect(124);
    assert_eq!(next.ends().ok().out, "first\nlast\nnext\n");
}

#[test]
fn inside_a_guard_of_the_same_name_the_time_counts_too() {
    let it = sandbox();
    let line = "lokt guard x --max-hold 100ms -- sleep 1000; echo code $?";
    let done = it.lokt(["guard", "x", "-c", line]).run().ok();
    assert_eq!(done.out, "code 124\n", "the inner guard stops its command");
    let nested = ["acquire", "acquire", "release", "release"];
    assert_eq!(it.event_kinds("x"), nested, "and the outer one goes on");
}

#[test]
fn the_code_of_a_conflict_can_be_chosen_and_no_other() {
    let it = sandbox();
    let chosen = |words: &[&str]| {
        let words = [&["guard", "--conflict-exit-code", "75"], words].concat();
        it.lokt(words).in_time()
    };
    let inside =
        it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in();
    chosen(&["x", "--", "true"]).fails_with(75, "held by ada");
    chosen(&["x", "--wait", "--timeout", "0", "--", "true"]).expect(75).says("gave up after");
    chosen(&["y", "x", "--", "true"]).fails_with(75, "held by ada");
    inside.release().ok();
    it.lokt(["freeze", "x", "--ttl", "1m"]).run().ok();
    chosen(&["x", "--", "true"]).fails_with(75, "is frozen");
    it.lokt(["unfreeze", "x"]).run().ok();
    chosen(&["x", "-c", "exit 2"]).expect(2);
    chosen(&["x", "--", "no-such-command"]).expect(127);
    chosen(&["x", "--max-hold", "50ms", "--", "sleep", "1000"]).expect(124);
    chosen(&["x", "-c", "rm $LOKT_ROOT/locks/x.json"]).expect(6);
    chosen(&["x", "x", "--", "true"]).expect(64);
    it.lokt(["lock", "z", "--slots", "2"]).owner("ada").run().ok();
    chosen(&["z", "--slots", "3", "--", "true"]).expect(1);
    let upgrade = "lokt guard x --shared -- lokt guard x --wait --conflict-exit-code 75 -- true";
    it.shell(upgrade).run().fails_with(7, "would be a deadlock");
    it.lokt(["guard", "z", "--conflict-exit-code", "0", "--", "true"]).run().expect(0);
}
