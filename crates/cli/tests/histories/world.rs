//! Steps as they really are: calls of the program, processes, signals and files.

use super::{
    model::{Broken, Model},
    step::{End, Name, Owner, Step, Terms, Thing, Tie, Ttl, Victim},
    turn::{Call, Stay, Turn},
};
use lokt_testkit::{Done, PATIENCE, Running, Sandbox};
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
    thread,
    time::{Duration, Instant, SystemTime},
};

/// A command that says which process it is, and ends when its standard input does.
pub(crate) const COMMAND: [&str; 3] = ["sh", "-c", "echo in $$; read line; exit 0"];

/// When everything expired that is made to expire.
pub(crate) const LONG_AGO: &str = "2001-01-01T00:00:00Z";

/// A sandbox, and the processes of a history in it. They end with it.
pub(crate) struct World {
    pub(crate) it: Sandbox,
    guards: HashMap<usize, Inside>,
    /// The processes that leases are tied to; the last one may live.
    tied: Vec<Tied>,
}

/// A guard that was let in.
struct Inside {
    supervisor: Running,
    is_killed: bool,
    /// `None` as long as it waits.
    command: Option<Pid>,
}

struct Tied {
    pid: i32,
    running: Option<Running>,
}

impl World {
    pub(crate) fn new() -> Self {
        // What a killed supervisor leaves behind becomes a child of this process, which can wait for it.
        prctl::set_child_subreaper(true).expect("this process may collect orphans");
        let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
        Self { it, guards: HashMap::new(), tied: Vec::new() }
    }

    /// Does something, and says what stopped it if it cannot.
    pub(crate) fn try_to(&mut self, act: impl FnOnce(&mut Self) -> Done) -> Result<Done, String> {
        let done = catch_unwind(AssertUnwindSafe(|| act(self)));
        done.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|&it| it.to_owned()))
                .unwrap_or_default()
        })
    }

    /// Takes a step. `stay` says where a guard must be then that may stay.
    pub(crate) fn take(&mut self, turn: Turn, stay: Stay) -> Done {
        let pid = match turn.step {
            Step::Lock(_, _, Terms { tie: Some(tie), .. }) => self.pid_of(tie).to_string(),
            _ => String::new(),
        };
        let Some(call) = Call::of(turn.step, &pid, &COMMAND) else { return self.happen(turn) };
        match stay {
            Stay::Inside | Stay::InLine => self.start(&call, (turn.guard, stay)),
            Stay::Nowhere => {
                let done = self.lokt(&call).run();
                if let Step::Lock(_, _, Terms { ttl: Some(Ttl::Short), .. })
                | Step::Freeze(_, _, Ttl::Short) = turn.step
                {
                    pass(Duration::from_millis(1));
                }
                done
            }
        }
    }

    fn lokt(&self, call: &Call) -> lokt_testkit::Lokt {
        if call.by_script {
            let line = format!("lokt {}; exit $?", call.words.join(" "));
            return self.it.shell(&line).owner(call.owner);
        }
        self.it.lokt(call.words.iter().map(String::as_str)).owner(call.owner)
    }

    fn start(&mut self, call: &Call, (number, stay): (usize, Stay)) -> Done {
        let supervisor = self.lokt(call).start();
        self.guards.insert(number, Inside { supervisor, is_killed: false, command: None });
        let guard = self.guards.get_mut(&number).expect("it was just put there");
        if stay == Stay::Inside {
            guard.gets_in();
        } else {
            guard.supervisor.says("waiting for lock");
        }
        nothing(0)
    }

    /// Waits for the end of a wait: until its command says that it is in, or for the end of all of it.
    pub(crate) fn end_wait(&mut self, number: usize, gets_in: bool) -> Done {
        if gets_in {
            self.guards.get_mut(&number).expect("a guard that waits").gets_in();
            return nothing(0);
        }
        self.guards.remove(&number).expect("a guard that waits").supervisor.ends()
    }

    fn pid_of(&mut self, tie: Tie) -> i32 {
        let living = self.tied.last().filter(|it| it.running.is_some());
        match (tie, living) {
            (Tie::Living, Some(living)) => living.pid,
            (Tie::Living, None) => {
                let mut running = self.it.shell("echo in $$; read line").start();
                let pid = number_in(&running.prints("in "));
                self.tied.push(Tied { pid, running: Some(running) });
                pid
            }
            (Tie::Gone, _) => {
                self.tied.iter().rfind(|it| it.running.is_none()).expect("one that has ended").pid
            }
        }
    }

    /// Takes a step that is no call.
    fn happen(&mut self, turn: Turn) -> Done {
        match turn.step {
            Step::Leave(_) => return self.leave(turn.guard),
            Step::Kill(_, victim) => return self.kill(turn.guard, victim),
            Step::GiveUp(_) => {
                let waiting = self.guards.remove(&turn.guard).expect("a guard that waits");
                waiting.supervisor.signal(Signal::SIGTERM);
                let done = waiting.supervisor.ends();
                return Done { code: done.signal.map(|signal| 128 + signal), ..done };
            }
            Step::EndTied => {
                let running = self.tied.last_mut().and_then(|it| it.running.take());
                running.expect("one that lives").kill();
            }
            Step::Create(name, thing) => {
                let kept_out = fs::symlink_metadata(self.it.record_path(name.as_str())).is_ok();
                if kept_out {
                    return nothing(1);
                }
                self.put(name, thing);
            }
            Step::Overwrite(name, thing) => self.put(name, thing),
            Step::Delete(name) => self.remove(name),
            Step::Expire(name) => {
                let mut record = self.it.record(name.as_str());
                record["expires_at"] = LONG_AGO.into();
                self.put_file(name, &record.to_string(), Age::Young);
            }
            Step::Age(name) => set_age(&self.it.record_path(name.as_str()), Age::Minute),
            Step::BreakFreeze(name) => self.it.write_freeze(name.as_str(), "{"),
            other => unreachable!("a call: {other:?}"),
        }
        nothing(0)
    }

    /// Lets a command end, and waits until nothing of the guard lives.
    fn leave(&mut self, number: usize) -> Done {
        let inside = self.guards.remove(&number).expect("a guard that is in");
        let done = inside.supervisor.release();
        if !inside.is_killed {
            return done;
        }
        inside.command.into_iter().for_each(collect);
        nothing(0)
    }

    fn kill(&mut self, number: usize, victim: Victim) -> Done {
        let inside = self.guards.get_mut(&number).expect("a guard that is in");
        let lived = !inside.is_killed;
        if victim != Victim::Command {
            inside.supervisor.signal(Signal::SIGKILL);
            until(|| !inside.supervisor.is_running());
            inside.is_killed = true;
        }
        if victim == Victim::Supervisor {
            return nothing(137);
        }
        let command = inside.command.expect("a guard that is in");
        kill(command, Signal::SIGKILL).expect("the command lives");
        let done = self.leave(number);
        if lived && victim == Victim::Both { nothing(137) } else { done }
    }

    /// Puts a thing in a record's place.
    fn put(&self, name: Name, thing: Thing) {
        let path = self.it.record_path(name.as_str());
        let Some(content) = content(name, thing) else {
            self.remove(name);
            return fs::create_dir_all(&path).expect("a folder can be made");
        };
        let age = match thing {
            Thing::Empty { young: false } | Thing::Half { young: false } => Age::Minute,
            _ => Age::Young,
        };
        self.put_file(name, &content, age);
    }

    /// Puts a file in a record's place in one step: whoever waits must not find half of it.
    fn put_file(&self, name: Name, content: &str, age: Age) {
        let path = self.it.record_path(name.as_str());
        let draft = self.it.folder().join("draft");
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        fs::write(&draft, content).expect("a draft is written");
        set_age(&draft, age);
        // A folder is not replaced by a file.
        let _ = fs::remove_dir(&path);
        fs::rename(&draft, &path).expect("it is put in place");
    }

    fn remove(&self, name: Name) {
        let path = self.it.record_path(name.as_str());
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
    }

    /// Changes what counts as being written at this moment.
    pub(crate) fn keep_young(&self, model: &Model) {
        for name in Name::ALL {
            if model.at(name).broken().is_some_and(Broken::is_young) {
                set_age(&self.it.record_path(name.as_str()), Age::Young);
            }
        }
    }

    /// Where a name's record and its freeze are.
    pub(crate) fn paths(&self, name: Name) -> [PathBuf; 2] {
        [self.it.record_path(name.as_str()), self.it.freeze_path(name.as_str())]
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for (_, inside) in self.guards.drain() {
            if !inside.is_killed {
                inside.supervisor.kill();
            }
            inside.command.into_iter().for_each(end_orphan);
        }
        self.tied.iter_mut().filter_map(|it| it.running.take()).for_each(Running::kill);
    }
}

impl Inside {
    /// Waits until its command is running.
    fn gets_in(&mut self) {
        let pid = number_in(&self.supervisor.prints("in "));
        self.command = Some(Pid::from_raw(pid));
    }
}

/// Kills a command that may live without its guard.
fn end_orphan(command: Pid) {
    // A child of this process now, so the pid is its own until it is collected.
    if waitpid(command, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive) {
        let _ = kill(command, Signal::SIGKILL);
        collect(command);
    }
}

/// Waits until an orphan has ended. Its files are closed then, and its locks gone.
fn collect(orphan: Pid) {
    until(|| waitpid(orphan, Some(WaitPidFlag::WNOHANG)) != Ok(WaitStatus::StillAlive));
}

fn until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "it does not end");
        thread::yield_now();
    }
}

/// Waits until a time has passed by the clock that lifetimes end by.
fn pass(span: Duration) {
    let end = SystemTime::now() + span;
    until(|| SystemTime::now() > end);
}

/// What a step comes to of which nothing is told.
fn nothing(code: i32) -> Done {
    Done { code: Some(code), signal: None, out: String::new(), err: String::new() }
}

/// The pid in a line that says who is in.
fn number_in(line: &str) -> i32 {
    line.trim().trim_start_matches("in ").parse().expect("a pid")
}

/// What another program writes; `None` for a folder.
pub(crate) fn content(name: Name, thing: Thing) -> Option<String> {
    let record = |owner: Owner, more: Value| {
        let mut record = json!({"name": name.as_str(), "owner": owner.as_str(), "host": "elsewhere",
            "pid": 4711, "acquired_ts": LONG_AGO, "metadata": {"k": "foreign"}});
        let fields = more.as_object().cloned().unwrap_or_default();
        record.as_object_mut().expect("an object").extend(fields);
        Some(record.to_string())
    };
    match thing {
        Thing::Record(owner, End::Never) => record(owner, json!({})),
        Thing::Record(owner, End::Ahead) => {
            record(owner, json!({"expires_at": "2199-01-01T00:00:00Z"}))
        }
        Thing::Record(owner, End::Past) => record(owner, json!({"expires_at": LONG_AGO})),
        Thing::RecordOfTheDead(owner) => {
            let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a host name");
            record(owner, json!({"host": host.trim(), "boot_id": "b0", "pid_ns": 1}))
        }
        Thing::Empty { .. } => Some(String::new()),
        Thing::Half { .. } => Some(r#"{"version":1,"na"#.to_owned()),
        Thing::Newer => Some(r#"{"version":99}"#.to_owned()),
        Thing::Folder => None,
    }
}

/// When a file was changed last.
#[derive(Clone, Copy)]
enum Age {
    /// A second from now: it counts as being written for three seconds.
    Young,
    /// A minute ago, but after this boot.
    Minute,
}

fn set_age(path: &Path, age: Age) {
    let now = SystemTime::now();
    let time = match age {
        Age::Young => now + Duration::from_secs(1),
        Age::Minute => now - Duration::from_mins(1).min(up() / 2),
    };
    let file = File::options().append(true).open(path).expect("a file");
    file.set_modified(time).expect("its time can be set");
}

/// How long the machine is up.
fn up() -> Duration {
    let text = fs::read_to_string("/proc/uptime").expect("the uptime");
    let seconds = text.split(' ').next().and_then(|it| it.parse().ok()).expect("a number");
    Duration::from_secs_f64(seconds)
}
