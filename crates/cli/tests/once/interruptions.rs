//! The runner is killed, interrupted, or loses its lock; followers are stopped or end.

use super::{GATED, Repository};
use lokt_testkit::Running;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How the runner ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum RunnerInterruptionKind {
    /// `kill -9` of the supervisor; its command runs on until the gate opens.
    Supervisor,
    /// `kill -9` of both.
    Both,
    /// SIGTERM to the supervisor.
    Terminated,
    /// Its lock is broken.
    Lost,
}

fn end(it: &Repository, lead: Running, how: RunnerInterruptionKind) {
    let pid = lead.pid();
    match how {
        RunnerInterruptionKind::Supervisor => {
            lead.kill();
            it.open_gate();
        }
        RunnerInterruptionKind::Both => {
            let command = child_of(pid);
            lead.kill();
            kill(command, Signal::SIGKILL).unwrap();
        }
        RunnerInterruptionKind::Terminated => {
            lead.signal(Signal::SIGTERM);
            lead.ends().expect(143);
        }
        RunnerInterruptionKind::Lost => {
            it.lokt(["unlock", &it.lock(), "--force"]).run().ok();
            lead.ends().expect(6).says("was lost while the command ran");
        }
    }
}

fn child_of(pid: i32) -> Pid {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    Pid::from_raw(children.split_whitespace().next().unwrap().parse().unwrap())
}

#[test]
fn when_the_runner_is_gone_a_follower_starts_again() {
    for how in [
        RunnerInterruptionKind::Supervisor,
        RunnerInterruptionKind::Both,
        RunnerInterruptionKind::Terminated,
        RunnerInterruptionKind::Lost,
    ] {
        let it = Repository::new();
        let lead = it.gated(&[]);
        let mut followers: Vec<Running> = (0..10).map(|_| it.gated(&[])).collect();
        end(&it, lead, how);
        for one in &mut followers {
            one.prints("begin");
        }
        it.open_gate();
        for one in followers {
            let done = one.ends().ok();
            assert!(done.out.ends_with("begin\nend now\n"), "{how:?}: {done:#?}");
            assert_eq!(done.err.matches("was broken off").count(), 1, "{how:?}: {done:#?}");
        }
        assert_eq!((it.runs(), it.violations()), (2, 0), "{how:?}");
    }
}

#[test]
fn an_interrupted_follower_affects_no_other() {
    let it = Repository::new();
    let lead = it.gated(&[]);
    let (interrupted, killed, other) = (it.gated(&[]), it.gated(&[]), it.gated(&[]));
    interrupted.signal(Signal::SIGINT);
    assert_eq!(interrupted.ends().signal, Some(2), "it ends as any program would");
    killed.kill();
    it.open_gate();
    lead.ends().ok();
    other.ends().ok();
    assert_eq!(it.runs(), 1);
}

#[test]
fn a_stopped_follower_blocks_no_other() {
    let it = Repository::new();
    let lead = it.gated(&[]);
    let stopped = it.gated(&[]);
    stopped.signal(Signal::SIGSTOP);
    let mut other = it.gated(&[]);
    end(&it, lead, RunnerInterruptionKind::Both);
    other.prints("begin");
    it.open_gate();
    other.ends().ok();
    stopped.signal(Signal::SIGCONT);
    stopped.ends().ok();
    assert_eq!((it.runs(), it.violations()), (2, 0), "it got the result of the other run");
}

#[test]
fn a_caller_that_stops_reading_blocks_no_other() {
    let it = Repository::new();
    let line =
        "echo run >>ignored-runs; echo begin; seq 1 300000; read line <ignored-gate; echo end";
    // Far more than a pipe can buffer, and none of it is read.
    let unread = |line: &str| {
        let words = format!(
            "exec 3<&0; lokt once t -- sh -c '{line}' | (read first; echo $first; read hold <&3)"
        );
        it.it.shell(&words).folder(it.folder()).start()
    };
    let mut lead = unread(line);
    lead.prints("begin");
    let mut follower = unread(line);
    follower.prints("begin");
    let mut other = it.once(&[], line).start();
    other.prints("300000");
    it.open_gate();
    let done = other.ends().ok();
    assert!(done.out.ends_with("300000\nend\n"), "the recording went on");
    // Their readers end, without having read the output.
    lead.release();
    follower.release();
    assert_eq!(it.runs(), 1);
}

#[test]
fn a_caller_that_closes_the_output_still_gets_the_code() {
    let it = Repository::new();
    let line = "seq 1 300000; echo run >>ignored-runs";
    for _ in 0..2 {
        let call =
            format!("lokt once t --quiet -- sh -c '{line}' | head -1; exit ${{PIPESTATUS[0]}}");
        let done =
            it.it.shell(&format!("bash -c {}", quoted(&call))).folder(it.folder()).run().ok();
        assert_eq!((done.out.as_str(), done.err.as_str()), ("1\n", ""));
    }
    assert_eq!(it.runs(), 1, "the whole output was kept");
    assert_eq!(it.once(&[], line).run().ok().out.lines().count(), 300_000);
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[test]
fn in_a_terminal_control_c_makes_a_follower_the_runner() {
    let it = Repository::new();
    let words = format!("cd repo && lokt once t -- sh -c {}", quoted(GATED));
    let mut lead = it.it.terminal(&words).start();
    lead.tells("begin");
    let mut follower = it.gated(&[]);
    lead.types("\u{3}");
    follower.says("was broken off (it was interrupted)");
    follower.prints("begin");
    it.open_gate();
    follower.ends().ok();
    assert_eq!((it.runs(), it.violations()), (2, 0));
}

#[test]
fn a_command_that_ends_by_a_signal_is_reported_and_no_success() {
    let it = Repository::new();
    let line = format!("{GATED}; kill -SEGV $$");
    let start = || it.begun(&[], &line);
    let (lead, follower) = (start(), start());
    it.open_gate();
    lead.ends().expect(139).says("ended by SIGSEGV");
    follower.ends().expect(139).says("ended by SIGSEGV");
    assert_eq!(it.runs(), 1);
    it.once(&["--check"], &line).run().expect(3);
}

#[test]
fn a_time_limit_ends_the_run_for_all_callers() {
    let it = Repository::new();
    let line = "echo begin; echo run >>ignored-runs; exec sleep 1000";
    let start = || it.begun(&["--max-hold", "5s"], line);
    let (lead, follower) = (start(), start());
    lead.ends().expect(124).says("longer than --max-hold 5s");
    follower.ends().expect(124).says("error: the command ran for longer than --max-hold 5s");
    assert_eq!(it.runs(), 1);
}

#[test]
fn every_caller_gets_a_result_despite_random_kills() {
    let it = Repository::new();
    let line = GATED.replace("read line <ignored-gate", "line=now");
    for round in 0..10 {
        let key = round.to_string();
        let all: Vec<Running> = (0..8).map(|_| it.once(&["--key", &key], &line).start()).collect();
        // Whichever it is by now: the runner, a follower, or one that has ended.
        let (killed, rest): (Vec<_>, Vec<_>) =
            all.into_iter().enumerate().partition(|(at, _)| at % 4 == round % 4);
        for (_, one) in killed {
            let _ = kill(Pid::from_raw(one.pid()), Signal::SIGKILL);
        }
        for (_, one) in rest {
            let done = one.ends().ok();
            assert!(done.out.ends_with("begin\nend now\n"), "round {round}: {done:#?}");
        }
    }
    assert_eq!(it.violations(), 0);
}

#[test]
fn an_interrupted_run_is_never_a_success() {
    let it = Repository::new();
    let line = "trap 'echo early; exit 0' TERM; echo run >>ignored-runs; echo begin; sleep 1000 & wait $!; echo all";
    let lead = it.begun(&[], line);
    lead.signal(Signal::SIGTERM);
    let done = lead.ends().ok();
    assert_eq!(done.out, "begin\nearly\n");
    it.once(&["--check"], line).run().expect(3);
}

#[test]
fn a_process_left_by_a_finished_run_may_request_its_result() {
    let it = Repository::new();
    let line = "[ ! -e ignored-first ] || { echo second; exit 0; }; : >ignored-first; \
        (read line <ignored-gate; lokt once t --refresh -- sh -c \"$LINE\" >ignored-out 2>&1; \
        echo code $? >>ignored-out; : >ignored-done) </dev/null >/dev/null 2>&1 &";
    it.once(&[], line).env("LINE", line).run().ok();
    it.open_gate();
    let told = it.shell("until [ -e ignored-done ]; do sleep 0.01; done; cat ignored-out");
    assert_eq!(told, "second\ncode 0\n");
}

#[test]
fn a_clone_inside_a_run_has_separate_results() {
    let it = Repository::new();
    let line = "[ -z \"$INNER\" ] || { echo inner; exit 0; }; git clone -q . ignored-clone && cd ignored-clone && \
        unset LOKT_ROOT && INNER=1 lokt once t -- sh -c \"$LINE\"";
    let done = it.once(&[], line).env("LINE", line).run().ok();
    assert_eq!(done.out, "inner\n");
}
