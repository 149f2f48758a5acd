//! Runs steps for real: calls of the program, processes, signals and files.

use super::{
    model::{BrokenRecord, Model},
    resolved_step::{GuardPosition, LoktCall, ResolvedStep},
    step::{
        Expiry, ForeignRecordContent, LockCommandOptions, Step, TestLockName, TestOwnerName,
        TiedProcessState, Ttl, Victim,
    },
};
use lokt_testkit::{Done, Running, Sandbox, eventually};
use nix::{
    sys::{
        prctl,
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs::{self, File},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// A command that prints its pid, and ends when its standard input does.
pub(crate) const COMMAND: [&str; 3] = ["sh", "-c", "echo in $$; read line; exit 0"];

/// The expiry of everything that is made to expire.
pub(crate) const LONG_AGO: &str = "2001-01-01T00:00:00Z";

/// A sandbox, and the processes of a history in it. They end with it.
pub(crate) struct RealSystem {
    pub(crate) sandbox: Sandbox,
    guards: HashMap<usize, RunningGuard>,
    /// The processes that leases are tied to; the last one may live.
    tied: Vec<TiedProcess>,
}

/// A guard that was started and has not ended.
struct RunningGuard {
    supervisor: Running,
    is_killed: bool,
    /// `None` while it waits.
    command: Option<Pid>,
}

struct TiedProcess {
    pid: i32,
    running: Option<Running>,
}

impl RealSystem {
    pub(crate) fn new() -> Self {
        // What a killed supervisor leaves behind becomes a child of this process, which can wait for it.
        prctl::set_child_subreaper(true).expect("this process may collect orphans");
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
        Self { sandbox, guards: HashMap::new(), tied: Vec::new() }
    }

    /// Runs a step. Returns the panic message if it fails.
    pub(crate) fn catch_panic(
        &mut self,
        run: impl FnOnce(&mut Self) -> Done,
    ) -> Result<Done, String> {
        let done = catch_unwind(AssertUnwindSafe(|| run(self)));
        done.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|&it| it.to_owned()))
                .unwrap_or_default()
        })
    }

    /// Runs a step. `position` says where its guard must be afterwards.
    pub(crate) fn run_step(&mut self, resolved: ResolvedStep, position: GuardPosition) -> Done {
        let pid = match resolved.step {
            Step::Lock(_, _, LockCommandOptions { tied_to: Some(tied_to), .. }) => {
                self.pid_of(tied_to).to_string()
            }
            _ => String::new(),
        };
        let Some(call) = LoktCall::of_step(resolved.step, &pid, &COMMAND) else {
            return self.run_silent_step(resolved);
        };
        match position {
            GuardPosition::Inside | GuardPosition::Queued => {
                self.start(&call, (resolved.guard, position))
            }
            GuardPosition::Gone => {
                let done = self.lokt(&call).run();
                if let Step::Lock(_, _, LockCommandOptions { ttl: Some(Ttl::Short), .. })
                | Step::Freeze(_, _, Ttl::Short) = resolved.step
                {
                    wait_for_clock(Duration::from_millis(1));
                }
                done
            }
        }
    }

    fn lokt(&self, call: &LoktCall) -> lokt_testkit::Lokt {
        if call.by_script {
            let line = format!("lokt {}; exit $?", call.arguments.join(" "));
            return self.sandbox.shell(&line).owner(call.owner);
        }
        self.sandbox.lokt(call.arguments.iter().map(String::as_str)).owner(call.owner)
    }

    fn start(&mut self, call: &LoktCall, (number, position): (usize, GuardPosition)) -> Done {
        let supervisor = self.lokt(call).start();
        self.guards.insert(number, RunningGuard { supervisor, is_killed: false, command: None });
        let guard = self.guards.get_mut(&number).expect("it was just added");
        if position == GuardPosition::Inside {
            guard.await_command();
        } else {
            guard.supervisor.says("waiting for lock");
        }
        silent_outcome(0)
    }

    /// Waits for the end of a wait: until its command prints its pid, or until all of the guard has ended.
    pub(crate) fn end_wait(&mut self, number: usize, await_command: bool) -> Done {
        if await_command {
            self.guards.get_mut(&number).expect("a guard that waits").await_command();
            return silent_outcome(0);
        }
        self.guards.remove(&number).expect("a guard that waits").supervisor.ends()
    }

    fn pid_of(&mut self, tied_to: TiedProcessState) -> i32 {
        let live_process = self.tied.last().filter(|it| it.running.is_some());
        match (tied_to, live_process) {
            (TiedProcessState::Living, Some(live_process)) => live_process.pid,
            (TiedProcessState::Living, None) => {
                let mut running = self.sandbox.shell("echo in $$; read line").start();
                let pid = parse_pid(&running.prints("in "));
                self.tied.push(TiedProcess { pid, running: Some(running) });
                pid
            }
            (TiedProcessState::Gone, _) => {
                self.tied
                    .iter()
                    .rfind(|it| it.running.is_none())
                    .expect("a process that has ended")
                    .pid
            }
        }
    }

    /// Runs a step that is no call.
    fn run_silent_step(&mut self, resolved: ResolvedStep) -> Done {
        match resolved.step {
            Step::EndOldestCommand(_) => return self.end_command(resolved.guard),
            Step::Kill(_, victim) => return self.kill(resolved.guard, victim),
            Step::EndFirstWaiter(_) => {
                let waiting = self.guards.remove(&resolved.guard).expect("a guard that waits");
                waiting.supervisor.signal(Signal::SIGTERM);
                let done = waiting.supervisor.ends();
                return Done { code: done.signal.map(|signal| 128 + signal), ..done };
            }
            Step::EndTiedProcess => {
                let running = self.tied.last_mut().and_then(|it| it.running.take());
                running.expect("a live process").kill();
            }
            Step::CreateRecord(name, content) => {
                let kept_out =
                    fs::symlink_metadata(self.sandbox.record_path(name.as_str())).is_ok();
                if kept_out {
                    return silent_outcome(1);
                }
                self.write_content(name, content);
            }
            Step::OverwriteRecord(name, content) => self.write_content(name, content),
            Step::DeleteRecord(name) => self.remove(name),
            Step::ExpireRecord(name) => {
                let mut record = self.sandbox.record(name.as_str());
                record["expires_at"] = LONG_AGO.into();
                self.replace_file(name, &record.to_string(), FileAge::Young);
            }
            Step::AgeRecord(name) => {
                set_age(&self.sandbox.record_path(name.as_str()), FileAge::Minute);
            }
            Step::BreakFreeze(name) => self.sandbox.write_freeze(name.as_str(), "{"),
            other => unreachable!("a call: {other:?}"),
        }
        silent_outcome(0)
    }

    /// Ends a command, and waits until no process of the guard lives.
    fn end_command(&mut self, number: usize) -> Done {
        let guard = self.guards.remove(&number).expect("a guard that is in");
        let done = guard.supervisor.release();
        if !guard.is_killed {
            return done;
        }
        guard.command.into_iter().for_each(await_orphan);
        silent_outcome(0)
    }

    fn kill(&mut self, number: usize, victim: Victim) -> Done {
        let guard = self.guards.get_mut(&number).expect("a guard that is in");
        let lived = !guard.is_killed;
        if victim != Victim::Command {
            guard.supervisor.signal(Signal::SIGKILL);
            eventually("the guard has ended", || !guard.supervisor.is_running());
            guard.is_killed = true;
        }
        if victim == Victim::Supervisor {
            return silent_outcome(137);
        }
        let command = guard.command.expect("a guard that is in");
        kill(command, Signal::SIGKILL).expect("the command lives");
        let done = self.end_command(number);
        if lived && victim == Victim::Both { silent_outcome(137) } else { done }
    }

    /// Writes content to a record's file.
    fn write_content(&self, name: TestLockName, content: ForeignRecordContent) {
        let path = self.sandbox.record_path(name.as_str());
        let Some(text) = record_text(name, content) else {
            self.remove(name);
            return fs::create_dir_all(&path).expect("a folder can be made");
        };
        let age = match content {
            ForeignRecordContent::Empty { young: false }
            | ForeignRecordContent::Half { young: false } => FileAge::Minute,
            _ => FileAge::Young,
        };
        self.replace_file(name, &text, age);
    }

    /// Replaces a record's file in one step: a waiter must not find half of it.
    fn replace_file(&self, name: TestLockName, content: &str, age: FileAge) {
        let path = self.sandbox.record_path(name.as_str());
        let draft = self.sandbox.folder().join("draft");
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        fs::write(&draft, content).expect("a draft is written");
        set_age(&draft, age);
        // A file cannot replace a folder.
        let _ = fs::remove_dir(&path);
        fs::rename(&draft, &path).expect("it is put in place");
    }

    fn remove(&self, name: TestLockName) {
        let path = self.sandbox.record_path(name.as_str());
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
    }

    /// Changes the files that count as still being written.
    pub(crate) fn refresh_young_files(&self, model: &Model) {
        for name in TestLockName::ALL {
            if model.state(name).broken().is_some_and(BrokenRecord::is_young) {
                set_age(&self.sandbox.record_path(name.as_str()), FileAge::Young);
            }
        }
    }

    /// The paths of a name's record and its freeze.
    pub(crate) fn paths(&self, name: TestLockName) -> [PathBuf; 2] {
        [self.sandbox.record_path(name.as_str()), self.sandbox.freeze_path(name.as_str())]
    }
}

impl Drop for RealSystem {
    fn drop(&mut self) {
        for (_, guard) in self.guards.drain() {
            if !guard.is_killed {
                guard.supervisor.kill();
            }
            guard.command.into_iter().for_each(end_orphan);
        }
        self.tied.iter_mut().filter_map(|it| it.running.take()).for_each(Running::kill);
    }
}

impl RunningGuard {
    /// Waits until its command is running.
    fn await_command(&mut self) {
        let pid = parse_pid(&self.supervisor.prints("in "));
        self.command = Some(Pid::from_raw(pid));
    }
}

/// Kills a command that may live without its guard.
fn end_orphan(command: Pid) {
    // It is a child of this process now, so its pid is not used again until it is collected.
    if waitpid(command, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive) {
        let _ = kill(command, Signal::SIGKILL);
        await_orphan(command);
    }
}

/// Waits until an orphan has ended. Its files are closed then, and its locks gone.
fn await_orphan(orphan: Pid) {
    let has_ended = || waitpid(orphan, Some(WaitPidFlag::WNOHANG)) != Ok(WaitStatus::StillAlive);
    eventually("the orphan has ended", has_ended);
}

/// Waits until a time has passed on the clock that lifetimes use.
fn wait_for_clock(span: Duration) {
    let end = SystemTime::now() + span;
    eventually("the time has passed", || SystemTime::now() > end);
}

/// The outcome of a step that prints nothing.
fn silent_outcome(code: i32) -> Done {
    Done { code: Some(code), signal: None, out: String::new(), err: String::new() }
}

/// The pid in the line that a command prints.
fn parse_pid(line: &str) -> i32 {
    line.trim().trim_start_matches("in ").parse().expect("a pid")
}

/// The content that another program writes; `None` for a folder.
pub(crate) fn record_text(name: TestLockName, content: ForeignRecordContent) -> Option<String> {
    let record = |owner: TestOwnerName, more: Value| {
        let mut record = json!({"name": name.as_str(), "owner": owner.as_str(), "host": "elsewhere",
            "pid": 4711, "acquired_ts": LONG_AGO, "metadata": {"k": "foreign"}});
        let fields = more.as_object().cloned().unwrap_or_default();
        record.as_object_mut().expect("an object").extend(fields);
        Some(record.to_string())
    };
    match content {
        ForeignRecordContent::Record(owner, Expiry::Never) => record(owner, json!({})),
        ForeignRecordContent::Record(owner, Expiry::Future) => {
            record(owner, json!({"expires_at": "2199-01-01T00:00:00Z"}))
        }
        ForeignRecordContent::Record(owner, Expiry::Past) => {
            record(owner, json!({"expires_at": LONG_AGO}))
        }
        ForeignRecordContent::DeadRecord(owner) => {
            let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a host name");
            record(owner, json!({"host": host.trim(), "boot_id": "b0", "pid_ns": 1}))
        }
        ForeignRecordContent::Empty { .. } => Some(String::new()),
        ForeignRecordContent::Half { .. } => Some(r#"{"version":1,"na"#.to_owned()),
        ForeignRecordContent::Newer => Some(r#"{"version":99}"#.to_owned()),
        ForeignRecordContent::Folder => None,
    }
}

/// The time of a file's last change.
#[derive(Clone, Copy)]
enum FileAge {
    /// A second from now: it counts as being written for three seconds.
    Young,
    /// A minute ago, but after this boot.
    Minute,
}

fn set_age(path: &Path, age: FileAge) {
    let now = SystemTime::now();
    let time = match age {
        FileAge::Young => now + Duration::from_secs(1),
        FileAge::Minute => now - Duration::from_mins(1).min(uptime() / 2),
    };
    let file = File::options().append(true).open(path).expect("a file");
    file.set_modified(time).expect("its time can be set");
}

/// How long the machine has been running.
fn uptime() -> Duration {
    let text = fs::read_to_string("/proc/uptime").expect("the uptime");
    let seconds = text.split(' ').next().and_then(|it| it.parse().ok()).expect("a number");
    Duration::from_secs_f64(seconds)
}
