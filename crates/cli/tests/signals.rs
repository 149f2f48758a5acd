//! Signals to a guard: it passes them on, swallows none, and ends with a shell's exit codes.

use lokt_testkit::{HOLD, Sandbox};
use nix::sys::signal::Signal;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Prints a text for each signal.
const LISTENER: &str = r#"
import signal, sys
def answer(number, frame):
    print("got", signal.Signals(number).name, flush=True)
    if number == signal.SIGINT: sys.exit(3)
for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT): signal.signal(number, answer)
print("in", flush=True)
while True: signal.pause()
"#;

#[test]
fn signals_reach_the_command_and_a_second_one_too() {
    let it = sandbox();
    let words = ["guard", "x", "--", "python3", "-S", "-c", LISTENER];
    let mut guard = it.in_new_session(words).start().is_in();
    for signal in [Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGTERM, Signal::SIGTERM] {
        guard.signal(signal);
        guard.prints(&format!("got {signal}"));
    }
    guard.signal(Signal::SIGINT);
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
    // Its own trap comes first: the signal may arrive as soon as the child is ready.
    let line = "trap : TERM; (trap 'echo child got it; exit' TERM; echo ready; sleep 1000 & wait) & \
                wait; wait; echo in the end";
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
    // Signals from 32 on belong to the C library.
    let sets = |line: &str| -> Vec<u64> {
        let out = it.shell(line).run().ok().out;
        let sets = out.lines().map(|line| line.rsplit('\t').next().unwrap_or_default());
        sets.map(|set| u64::from_str_radix(set, 16).unwrap() & 0x7fff_ffff).collect()
    };
    let line = "grep -E '^Sig(Blk|Ign):' /proc/self/status";
    let without = sets(line);
    assert_eq!(without.len(), 2);
    let within = sets(&format!("lokt guard x -- {line}"));
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
