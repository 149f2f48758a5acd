//! Signals to a guard: passed on, not swallowed, and with a shell's exit codes.

use lokt_testkit::{HOLD, Running, Sandbox};
use nix::sys::signal::Signal;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A guard in a session of its own, without a terminal, whose command answers signals in words.
fn listener(it: &Sandbox, traps: &str) -> Running {
    let line = format!("{traps}; echo in; while :; do read line; done");
    it.lokt(["guard", "x", "--", "bash", "-c", &line]).start().is_in()
}

#[test]
fn signals_reach_the_command_and_a_second_one_too() {
    let it = sandbox();
    let mut guard =
        listener(&it, "trap 'echo got TERM' TERM; trap 'echo got USR1' USR1; trap 'exit 3' INT");
    guard.signal(Signal::SIGTERM);
    guard.types("\n");
    guard.prints("got TERM");
    guard.signal(Signal::SIGUSR1);
    guard.types("\n");
    guard.prints("got USR1");
    guard.signal(Signal::SIGTERM);
    guard.types("\n");
    guard.prints("got TERM");
    guard.signal(Signal::SIGINT);
    guard.types("\n");
    guard.ends().expect(3);
}

#[test]
fn a_command_that_a_signal_ends_gives_128_and_its_number() {
    let it = sandbox();
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 129)] {
        let guard =
            it.lokt(["guard", "x", "--", "sh", "-c", "echo in; exec sleep 1000"]).start().is_in();
        guard.signal(signal);
        guard.ends().expect(code);
        assert!(!it.record_path("x").exists(), "{signal} frees the lock");
    }
}

#[test]
fn without_a_terminal_the_whole_group_gets_the_signal() {
    let it = sandbox();
    let line = "(trap 'echo child got it; exit' TERM; echo ready; sleep 1000 & wait) & \
                trap '' TERM; wait; wait; echo in the end";
    let mut guard = it.in_new_session(["guard", "x", "--", "bash", "-c", line]).start();
    guard.prints("ready");
    let record = it.record("x");
    let pid = i32::try_from(record["pid"].as_i64().unwrap()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    guard.prints("child got it");
    guard.prints("in the end");
    guard.ends().ok();
}

#[test]
fn an_ignored_hangup_stays_ignored_in_the_command() {
    let it = sandbox();
    let line = "trap '' HUP; exec lokt guard x -- sh -c 'kill -HUP $$; echo survived'";
    assert_eq!(it.shell(line).run().ok().out, "survived\n");
}

#[test]
fn the_command_starts_with_the_signal_state_that_the_guard_was_started_with() {
    let it = sandbox();
    // The last eight digits are signals 1 to 32; above are the C library's own.
    let line =
        "grep -E '^Sig(Blk|Ign):' /proc/self/status | sed 's/\t.*\\([0-9a-f]\\{8\\}\\)$/ \\1/'";
    let without = it.shell(line).run().ok().out;
    assert!(without.contains("SigBlk: 00000000"), "{without}");
    let within = it.shell(&format!("lokt guard x -- sh -c {line:?}")).run().ok().out;
    assert_eq!(within, without, "nothing blocked or ignored that was not before");
}

#[test]
fn a_parent_that_ignores_its_children_does_not_cost_the_exit_code() {
    let it = sandbox();
    let line = "import os,signal,sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); \
                os.execvp('lokt', ['lokt','guard','x','--','sh','-c','exit 6'])";
    it.shell(&format!("python3 -c \"{line}\"")).run().expect(6);
}

#[test]
fn a_stopped_guard_goes_on_where_it_was() {
    let it = sandbox();
    let line = ["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]];
    let guard = it.in_new_session(line).start().is_in();
    let pid = i32::try_from(it.record("x")["pid"].as_i64().unwrap()).unwrap();
    let guard_process = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(guard_process, Signal::SIGTSTP).unwrap();
    it.lokt(["guard", "x", "--", "true"]).owner("other").run().fails_with(2, "held by");
    nix::sys::signal::kill(guard_process, Signal::SIGCONT).unwrap();
    guard.release().ok();
}

#[test]
fn an_interrupted_wait_ends_by_the_signal_and_leaves_no_ticket() {
    let it = sandbox();
    let holder =
        it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in();
    for words in [vec!["guard", "x", "--wait", "--", "true"], vec!["lock", "x", "--wait"]] {
        let waiter = it.lokt(words).start().is_waiting();
        assert_eq!(it.tickets("x").len(), 2, "the holder's and the waiter's");
        waiter.signal(Signal::SIGINT);
        assert_eq!(waiter.ends().signal, Some(Signal::SIGINT as i32));
        assert_eq!(it.tickets("x").len(), 1, "it left the line");
    }
    holder.release().ok();
}

#[test]
fn an_ignored_signal_does_not_end_a_wait() {
    let it = sandbox();
    let holder =
        it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in();
    let line = "trap '' HUP; exec lokt guard x --wait -- echo entered";
    let mut waiter = it.shell(line).owner("bob").start();
    waiter.says("waiting for lock");
    waiter.signal(Signal::SIGHUP);
    holder.release().ok();
    waiter.prints("entered");
    waiter.ends().ok();
}
