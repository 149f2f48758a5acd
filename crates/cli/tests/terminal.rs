//! Guards as jobs of a terminal: the keyboard, job control, editors and pipelines work as without one.

use lokt_testkit::{Running, Sandbox};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A shell with job control. It does not edit lines: it would change the terminal's mode before each prompt,
/// and could lose a key that arrives meanwhile.
const SHELL: &str = "bash --norc --noprofile --noediting -i";

/// Such a shell, when it is ready.
fn shell(it: &Sandbox) -> Running {
    let mut shell = it.terminal(SHELL).start();
    shell.tells("bash-");
    shell
}

/// Waits until the shell has its terminal back, and ends it.
fn leave(mut shell: Running) {
    shell.tells("bash-");
    leave_after_prompt(shell);
}

/// Ends a shell that has its terminal back.
fn leave_after_prompt(mut shell: Running) {
    shell.types("exit\n");
    shell.ends();
}

#[test]
fn the_command_has_the_terminal() {
    let it = sandbox();
    let mut guard =
        it.terminal("lokt guard x -- sh -c 'test -t 0 && test -t 1 && stty size && tty'").start();
    guard.prints("/dev/pts/");
    guard.ends().ok();
}

#[test]
fn control_c_reaches_the_command_once_and_its_handler_decides() {
    let it = sandbox();
    // A shell that waits for a signal cannot miss it between a check and the sleep, as one with a trap can.
    let script = "import signal
signals = {signal.SIGINT}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
print('ready', flush=True)
for word in 'first', 'second':
    signal.sigwait(signals)
    print(word, flush=True)
    input()
    print('none' if not signal.sigpending() else 'another', 'pending', flush=True)
raise SystemExit(4)
";
    std::fs::write(it.folder().join("script"), script).unwrap();
    let mut guard = it.terminal("trap : INT; lokt guard x -- python3 script; echo code $?").start();
    guard.prints("ready");
    for word in ["first", "second"] {
        guard.types("\u{3}");
        guard.prints(word);
        guard.types("\n");
        guard.prints("none pending");
    }
    guard.prints("code 4");
    guard.ends();
}

#[test]
fn control_c_ends_a_script_that_runs_a_guard() {
    let it = sandbox();
    let script = "while :; do lokt guard x -- sh -c 'echo round; exec sleep 1000'; done";
    let mut loops = it.terminal(script).start();
    loops.prints("round");
    loops.types("\u{3}");
    // With an exit code of 130 instead of the signal, the shell would start the next round.
    loops.ends();
    it.lokt(["exists", "x"]).run().expect(3);
}

#[test]
fn control_z_stops_the_job_and_fg_continues_it() {
    let it = sandbox();
    let mut shell = shell(&it);
    shell.types("lokt guard x -- sh -c 'echo rea\"\"dy; read line; echo got $line'\n");
    shell.prints("ready");
    shell.types("\u{1a}");
    shell.tells("Stopped");
    // A shell that does not have its terminal back yet may discard input.
    shell.tells("bash-");
    it.lokt(["guard", "x", "--", "true"]).owner("other").run().fails_with(2, "held by");
    shell.types("fg\n");
    shell.tells("lokt guard x");
    shell.types("words\n");
    shell.prints("got words");
    leave(shell);
}

#[test]
fn a_command_that_handles_control_z_returns_the_terminal() {
    let it = sandbox();
    // Python runs a handler between two of its steps: a signal right before a blocking read would wait for its end.
    let script = "import os, select, signal, sys
def stop(*_):
    print('cleans up', flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
signal.signal(signal.SIGTSTP, stop)
print('ready', flush=True)
while not select.select([sys.stdin], [], [], 0.05)[0]:
    pass
print('got', input())
";
    std::fs::write(it.folder().join("script"), script).unwrap();
    let mut shell = shell(&it);
    shell.types("lokt guard x -- python3 script\n");
    shell.prints("ready");
    shell.types("\u{1a}");
    shell.prints("cleans up");
    shell.tells("Stopped");
    shell.tells("bash-");
    shell.types("fg\n");
    shell.tells("lokt guard x");
    shell.types("words\n");
    shell.prints("got words");
    leave(shell);
}

#[test]
fn a_command_that_ignores_control_z_keeps_the_terminal() {
    let it = sandbox();
    let script = "import signal
signal.signal(signal.SIGTSTP, signal.SIG_IGN)
print('ready', flush=True)
print('got', input())
";
    std::fs::write(it.folder().join("script"), script).unwrap();
    let mut shell = shell(&it);
    shell.types("lokt guard x -- python3 script\n");
    shell.prints("ready");
    shell.types("\u{1a}");
    shell.tells("^Z");
    shell.types("words\n");
    shell.prints("got words");
    leave(shell);
}

#[test]
fn a_command_that_stops_itself_returns_the_terminal() {
    for signal in ["STOP", "TSTP", "TTIN", "TTOU"] {
        for launcher in ["guard x --", "guard x -- lokt guard y --", "guard x -- env"] {
            let it = sandbox();
            let mut shell = shell(&it);
            let command = format!("sh -c 'kill -{signal} $$; echo aga\"\"in'");
            shell.types(&format!("lokt {launcher} {command}; echo code $?\n"));
            shell.tells("Stopped");
            shell.tells("bash-");
            shell.types("fg\n");
            shell.prints("again");
            leave(shell);
        }
    }
}

#[test]
fn a_command_stopped_by_another_process_returns_the_terminal_and_can_be_continued() {
    let it = sandbox();
    let mut shell = shell(&it);
    let line = "lokt guard x -- sh -c 'echo p\"\"id $$; while ! test -e go; do sleep 0.01; done; touch done'\n";
    shell.types(line);
    let pid = shell.prints("pid ").trim().trim_start_matches("pid ").parse().unwrap();
    let command = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(command, nix::sys::signal::Signal::SIGSTOP).unwrap();
    shell.tells("Stopped");
    shell.tells("bash-");
    // The guard gets no signal. It waits for the command, sees its end, and releases the lock.
    std::fs::write(it.folder().join("go"), "").unwrap();
    nix::sys::signal::kill(command, nix::sys::signal::Signal::SIGCONT).unwrap();
    it.lokt(["guard", "x", "--wait", "--timeout", "20s", "--", "test", "-e", "done"]).run().ok();
    // A shell that has not noticed yet that the job continues says so at the first time.
    shell.types("exit\nexit\n");
    shell.ends();
}

#[test]
fn a_command_in_the_background_that_reads_the_terminal_stops_with_its_guard() {
    let it = sandbox();
    let mut shell = shell(&it);
    shell.types("lokt guard x -- sh -c 'read line; echo got $line' &\n");
    // The shell reports it at the next command.
    while !shell.has_told("Stopped") {
        shell.types("\n");
        shell.tells("bash-");
    }
    shell.types("fg\n");
    shell.tells("lokt guard x");
    shell.types("words\n");
    shell.prints("got words");
    leave(shell);
}

#[test]
fn the_keyboard_reaches_a_command_once_below_a_guard_as_below_others() {
    let counter = include_str!("signal_table/counter.py");
    for (launcher, guards) in [
        ("env", 0),
        ("nice -n 1", 0),
        ("lokt guard x --", 1),
        ("lokt guard x -- lokt guard y --", 2),
    ] {
        let it = sandbox();
        std::fs::write(it.folder().join("counter.py"), counter).unwrap();
        let marker = nix::sys::signal::Signal::SIGUSR2;
        let command = format!("sh -c 'echo pid $$; exec python3 -S counter.py {}'", marker as i32);
        // The shell around it is in the same group.
        let line = format!("trap : INT QUIT; {launcher} {command}");
        let mut session = it.terminal(&line).start();
        let pid = session.prints("pid ").trim().trim_start_matches("pid ").parse().unwrap();
        session.prints("in");
        session.has_observers(pid, guards);
        // A guard passes signals on in order: when this one arrives, all earlier ones have.
        let first = if guards == 0 {
            pid
        } else {
            i32::try_from(it.record("x")["pid"].as_i64().unwrap()).unwrap()
        };
        for (key, number) in [("\u{3}", 2), ("\u{1c}", 3), ("\u{1a}", 20), ("\u{3}", 2)] {
            session.types(key);
            session.prints(&format!("got {number}"));
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(first), marker).unwrap();
            let counts = session.prints("counts");
            assert_eq!(counts.trim(), format!("counts {number}:1"), "below {launcher}");
        }
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)
            .unwrap();
        session.ends();
    }
}

#[test]
fn the_keyboard_reaches_a_command_that_made_a_new_group() {
    let it = sandbox();
    let script = "import signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})
print('ready', flush=True)
while True:
    signal.sigwait({signal.SIGCONT})
    print('goes on', flush=True)
";
    std::fs::write(it.folder().join("script"), script).unwrap();
    let mut shell = shell(&it);
    // Without a guard, timeout(1) would lead the group of the job.
    shell.types("lokt guard x -- timeout 1000 python3 script; echo co\"\"de $?\n");
    shell.prints("ready");
    shell.types("\u{1a}");
    shell.tells("Stopped");
    shell.tells("bash-");
    shell.types("fg\n");
    // Bash prints the job before it gives the job the terminal. A key typed in between goes to Bash.
    shell.prints("goes on");
    shell.types("\u{3}");
    shell.tells("bash-");
    it.lokt(["exists", "x"]).run().expect(3);
    leave_after_prompt(shell);
}

#[test]
fn a_process_that_had_not_stopped_yet_goes_on_with_its_job() {
    // While a process spawns another, it cannot stop (posix_spawn(3), CLONE_VFORK); the new one waits at `end`.
    let script = "import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})
os.mkfifo('begin'), os.mkfifo('end')
if os.fork() == 0:
    open('begin').close()
    print('spawns', flush=True)
    signal.sigwait({signal.SIGCONT})
    print('continued', flush=True)
    os._exit(0)
begin = os.POSIX_SPAWN_OPEN, 3, 'begin', os.O_WRONLY, 0
end = os.POSIX_SPAWN_OPEN, 0, 'end', os.O_RDONLY, 0
os.posix_spawn('/bin/sh', ['sh', '-c', ':'], os.environ, file_actions=[begin, end])
print('goes on', flush=True)
";
    // The group of timeout(1) gets what the keyboard sends if timeout(1) is the command itself.
    for (command, stop) in [
        ("timeout 1000 python3 script", None),
        ("sh -c 'timeout 1000 python3 script; exit'", Some(nix::sys::signal::Signal::SIGTSTP)),
    ] {
        let it = sandbox();
        std::fs::write(it.folder().join("script"), script).unwrap();
        let mut shell = shell(&it);
        shell.types(&format!("lokt guard x -- {command}\n"));
        shell.prints("spawns");
        match stop {
            None => shell.types("\u{1a}"),
            Some(signal) => {
                let guard = i32::try_from(it.record("x")["pid"].as_i64().unwrap()).unwrap();
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(guard), signal).unwrap();
            }
        }
        shell.tells("Stopped");
        shell.tells("bash-");
        shell.types("fg\n");
        shell.prints("continued");
        std::fs::OpenOptions::new().write(true).open(it.folder().join("end")).unwrap();
        shell.prints("goes on");
        leave(shell);
    }
}

#[test]
fn a_pager_behind_a_guard_reads_the_keyboard() {
    let it = sandbox();
    let line =
        "lokt guard x -- seq 1 5 | (cat >/dev/null; read key </dev/tty; echo pager got $key)";
    let mut pager = it.terminal(line).start();
    pager.types("q\n");
    pager.prints("pager got q");
    pager.ends().ok();
}

#[test]
fn a_signal_from_another_process_reaches_only_the_command() {
    let it = sandbox();
    let line = "lokt guard x -- sh -c 'echo ready; exec sleep 1000' | cat; echo the script goes on";
    let mut script = it.terminal(line).start();
    script.prints("ready");
    let pid = it.record("x")["pid"].as_i64().unwrap();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    script.prints("the script goes on");
    script.ends().ok();
}

#[test]
fn a_guard_in_the_background_can_be_brought_to_the_front() {
    let it = sandbox();
    let mut shell = shell(&it);
    shell.types("lokt guard x -- sh -c 'read line; echo got $line' &\n");
    shell.tells("bash-");
    shell.types("fg\n");
    shell.types("words\n");
    shell.prints("got words");
    leave(shell);
}

#[test]
fn a_job_that_lost_its_lock_while_stopped_is_ended_when_it_continues() {
    let it = sandbox();
    let mut shell = shell(&it);
    shell.types("lokt guard x -- sh -c 'echo rea\"\"dy; exec sleep 1000'\n");
    shell.prints("ready");
    shell.types("\u{1a}");
    shell.tells("Stopped");
    it.lokt(["unlock", "x", "--force"]).run().ok();
    shell.types("fg\n");
    shell.tells("was lost while the command ran");
    shell.types("echo co\"\"de $?\n");
    shell.prints("code 6");
    shell.types("exit\n");
    shell.ends();
}
