//! A command starts below a guard as it starts below env(1), and its end is reported as a shell reports it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{PATIENCE, Running, Sandbox};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use std::{fs, thread, time::Instant};

fn sandbox() -> Sandbox {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    fs::write(it.folder().join("state.py"), include_str!("transparency/state.py")).unwrap();
    it
}

/// The launchers of this program. Each is compared with env(1), the first one.
const WAYS: [&str; 6] = [
    "env",
    "lokt guard x --",
    "lokt guard x y --",
    "lokt guard x -- lokt guard y --",
    "lokt guard x --shared -- lokt guard x --shared --",
    "lokt guard x --max-hold 1h --",
];

/// Sets signals to be ignored, to have their default action, or to be blocked; then runs a command below some
/// launchers, one after the other. Python ignores two signals.
const DISPOSED: &str = r"import os, signal, sys
for number in set(range(1, 65)) - {9, 19, 32, 33}:
    signal.signal(number, signal.SIG_DFL)
for number in eval(sys.argv[1]):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_SETMASK, eval(sys.argv[2]))
for launcher in sys.argv[3:]:
    pid = os.fork()
    if pid == 0:
        words = [*launcher.split(), 'grep', '-E', '^Sig(Ign|Blk)', '/proc/self/status']
        os.execvp(words[0], words)
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass  # Its end was ignored.
";

/// The signals that a command ignores and that are blocked, in the format of the kernel, below each of some
/// launchers.
fn dispositions(ignored: &str, held: &str, launchers: &[&str]) -> Vec<String> {
    let it = sandbox();
    fs::write(it.folder().join("disposed.py"), DISPOSED).unwrap();
    let launchers = launchers.join("' '");
    let line = format!("exec python3 -S disposed.py '{ignored}' '{held}' '{launchers}'");
    let out = it.shell(&line).owner("tester").run().ok().out;
    let lines: Vec<&str> = out.lines().collect();
    lines.chunks(2).map(|lines| lines.join(" ")).collect()
}

#[test]
fn a_command_ignores_what_its_caller_ignores_and_nothing_else() {
    let all = "set(range(1, 65)) - {9, 19, 32, 33}";
    let once = ["lokt once result --input state.py --"];
    let ways = [WAYS.as_slice(), &once].concat();
    for (ignored, held) in [
        ("[]", "[]"),
        ("[signal.SIGPIPE]", "[]"),
        ("[signal.SIGXFSZ]", "[]"),
        ("[signal.SIGCHLD]", "[]"),
        ("[signal.SIGURG]", "[signal.SIGURG]"),
        ("[signal.SIGHUP, signal.SIGTSTP, 40]", "[signal.SIGPIPE, signal.SIGUSR1, 50]"),
        (all, all),
    ] {
        let found = dispositions(ignored, held, &ways);
        assert_eq!(found.len(), ways.len(), "{found:?}");
        for (way, with) in ways.iter().zip(&found) {
            let without = found.first().unwrap();
            assert_eq!(with, without, "below {way}, with {ignored} ignored and {held} held back");
        }
    }
}

#[test]
fn a_command_that_waited_for_its_lock_ignores_the_same_signals() {
    let it = sandbox();
    fs::write(it.folder().join("disposed.py"), DISPOSED).unwrap();
    let disposed =
        "exec python3 -S disposed.py '[signal.SIGURG, signal.SIGPIPE]' '[signal.SIGURG]'";
    let without = it.shell(&format!("{disposed} env")).run().ok().out;
    let held = it.lokt(["guard", "x", "-c", "echo in; read line; exit 0"]).owner("ada");
    let held = held.start().is_in();
    let waiter = it.shell(&format!("{disposed} 'lokt guard x --wait --'")).owner("bob");
    let waiter = waiter.start().is_waiting();
    held.release().ok();
    assert_eq!(waiter.ends().ok().out, without, "waiting for a kernel lock leaves no trace");
}

#[test]
fn a_command_starts_with_its_callers_process_state() {
    let it = sandbox();
    let strange = "umask 0137; ulimit -n 555 -c 17 -s 4096; exec 7</etc/passwd 9>>file 3<&-; cd /usr/lib; \
                   echo 300 >/proc/self/oom_score_adj; trap '' PIPE";
    let state = it.folder().join("state.py");
    let seen = |before: &str, way: &str| {
        // One session for all, and one group each, so that they can be compared, too.
        let line = format!("{strange}; {before} {way} python3 -S {}", state.display());
        it.shell(&line).owner("tester").run().ok().out
    };
    // What differs in every run.
    let stable = |out: String| -> Vec<String> {
        out.lines().filter(|line| !line.starts_with("group, ")).map(str::to_owned).collect()
    };
    for before in ["", "setpriv --pdeathsig TERM", "nice -n 3"] {
        let without = stable(seen(before, "env"));
        for way in WAYS.into_iter().skip(1) {
            assert_eq!(stable(seen(before, way)), without, "below {before} {way}");
        }
    }
}

#[test]
fn a_command_is_in_its_callers_group_and_session() {
    let it = sandbox();
    let place = "cut -d' ' -f5,6 /proc/self/stat";
    for way in WAYS {
        let line = format!("{place}; {way} {place}");
        let out = it.shell(&line).owner("tester").run().ok().out;
        let places: Vec<&str> = out.lines().collect();
        assert_eq!(places.first(), places.get(1), "below {way}: {out}");
    }
    let line = format!("{place}; lokt once result --input state.py -- {place}");
    let out = it.shell(&line).owner("tester").run().ok().out;
    assert_eq!(out.lines().next(), out.lines().nth(1), "{out}");
}

/// Waits until a process has ended.
fn await_end(pid: Pid) {
    let began = Instant::now();
    let is_over = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|it| it.contains(") Z ")) || kill(pid, None).is_err()
    };
    while !is_over() {
        assert!(began.elapsed() < PATIENCE, "{pid} lives on");
        thread::yield_now();
    }
}

/// The process that prints `pid` and its number.
fn pid_of(running: &mut Running) -> Pid {
    let line = running.prints("pid ");
    Pid::from_raw(line.trim().trim_start_matches("pid ").parse().unwrap())
}

#[test]
fn killing_the_group_ends_the_command_and_releases_the_lock() {
    for launcher in [
        "guard x --",
        "guard x --ttl 1h --",
        "guard x --shared --",
        "guard x y --",
        "guard y -- lokt guard x --",
        "guard x -- env",
        "once x --input state.py --",
    ] {
        let it = sandbox();
        let line =
            format!("exec lokt {launcher} sh -c 'sh -c \"exec sleep 1000\" & echo pid $!; wait'");
        let mut guard = it.shell(&line).owner("ada").start();
        let command = pid_of(&mut guard);
        killpg(Pid::from_raw(guard.pid()), Signal::SIGKILL).unwrap();
        await_end(command);
        assert_eq!(guard.ends().signal, Some(Signal::SIGKILL as i32), "{launcher}");
        it.lokt(["guard", "x", "y", "--wait", "--timeout", "20s", "--", "true"]).run().ok();
    }
}

#[test]
fn a_real_time_signal_ends_a_command_as_any_other_does() {
    for number in [34, 35, 50, 64] {
        let it = sandbox();
        // What the command leaves behind does not hold the lock.
        let line = format!("sleep 1000 >/dev/null 2>&1 & echo pid $!; kill -{number} $$");
        let words = ["guard", "x", "--status-file", "status", "-c", &line];
        let done = it.lokt(words).run().expect(128 + number);
        let rest = done.out.trim().trim_start_matches("pid ").parse().unwrap();
        it.lokt(["guard", "x", "--", "true"]).run().ok();
        kill(Pid::from_raw(rest), Signal::SIGKILL).unwrap();
        let status = fs::read_to_string(it.folder().join("status")).unwrap();
        let told = format!(r#""command_exit_code":null,"command_signal":{number}"#);
        assert!(status.contains(r#""outcome":"completed""#) && status.contains(&told), "{status}");
        let line = format!("kill -{number} $$");
        let words = ["once", "result", "--input", "state.py", "--", "sh", "-c", &line];
        it.lokt(words).run().expect(128 + number).says("ended by SIGRTMIN");
    }
}

#[test]
fn a_parent_death_signal_reaches_the_command_too() {
    let it = sandbox();
    let line = "setpriv --pdeathsig KILL lokt guard x -- sh -c 'echo pid $$; exec sleep 1000' & \
                echo guard; read line; kill -9 $$";
    let mut caller = it.shell(line).owner("ada").start();
    let command = pid_of(&mut caller);
    caller.types("die\n");
    await_end(command);
    it.lokt(["guard", "x", "--wait", "--timeout", "20s", "--", "true"]).run().ok();
}

#[test]
fn an_alarm_that_the_caller_set_reaches_the_command() {
    let it = sandbox();
    let wait = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n\
                print('in', flush=True)\nsignal.sigwait([signal.SIGALRM])\nprint('alarm', flush=True)\n";
    fs::write(it.folder().join("wait.py"), wait).unwrap();
    let line = "import os, signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n\
                signal.setitimer(signal.ITIMER_REAL, 0.5)\n\
                os.execvp('lokt', 'lokt guard x -- python3 -S wait.py'.split())";
    let mut guard = it.python(line).owner("ada").start().is_in();
    guard.prints("alarm");
    guard.ends().ok();
}

/// A line as process 1 of a pid namespace.
fn as_process_one(it: &Sandbox, line: &str) -> lokt_testkit::Lokt {
    let line = format!("exec unshare --map-root-user --pid --fork --mount-proc sh -c '{line}'");
    it.shell(&line).owner("tester")
}

#[test]
fn as_process_one_a_guard_collects_orphans() {
    // A process that was not collected yet is still there.
    let orphans = "for number in 1 2 3 4 5; do (sh -c 'echo $$ >orphan.'$number &); done
for number in 1 2 3 4 5; do
    while ! test -s orphan.$number || test -e /proc/$(cat orphan.$number); do :; done
done
echo collected";
    for launcher in ["guard x --", "guard x -- lokt guard y --", "once x --input state.py --"] {
        let it = sandbox();
        fs::write(it.folder().join("orphans"), orphans).unwrap();
        let mut guard = as_process_one(&it, &format!("exec lokt {launcher} sh orphans")).start();
        guard.prints("collected");
        guard.ends().ok();
    }
}

#[test]
fn as_process_one_a_guard_is_ended_by_signals_and_gives_the_commands_code() {
    let it = sandbox();
    as_process_one(&it, "exec lokt guard x -- sh -c \"exit 7\"").run().expect(7);
    as_process_one(&it, "exec lokt guard x -- sh -c \"kill -9 \\$\\$\"").run().expect(137);
    for (signal, code) in [("TERM", 143), ("INT", 130), ("USR1", 138), ("RTMIN+1", 163)] {
        // A signal to process 1 without a handler is lost, except a blocked one.
        let line = format!("exec lokt guard x -- sh -c \"kill -s {signal} 1; exec sleep 1000\"");
        as_process_one(&it, &line).in_time().expect(code);
    }
    let held =
        it.lokt(["guard", "y", "-c", "echo in; read line; exit 0"]).owner("ada").start().is_in();
    let line = "(while ! test -e go; do :; done; kill -TERM 1) & exec lokt guard y --wait -- true";
    let mut waiter = as_process_one(&it, line).owner("bob").start();
    waiter.says("waiting for lock");
    fs::write(it.folder().join("go"), "").unwrap();
    waiter.ends().expect(143);
    held.release().ok();
}
