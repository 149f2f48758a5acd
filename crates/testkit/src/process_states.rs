//! The processes of a call, in a form for the message of a test that has waited too long (proc(5)).

use std::{collections::BTreeSet, fmt::Write, fs};

/// What is said of each process.
const HEADER: &str = "pid ppid pgid sid tpgid stat wchan comm, signals pending|pending for all threads|blocked, words";

struct Process {
    pid: i32,
    parent: i32,
    group: i32,
    session: i32,
    /// The group that has the terminal.
    foreground: i32,
    state: String,
    name: String,
}

impl Process {
    fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.to_owned();
        let mut numbers = fields.map(|it| it.parse().unwrap_or_default());
        let [parent, group, session] = [numbers.next()?, numbers.next()?, numbers.next()?];
        let foreground = numbers.nth(1)?;
        Some(Self { pid, parent, group, session, foreground, state, name: name.to_owned() })
    }

    fn line(&self) -> String {
        let Self { pid, parent, group, session, foreground, state, name } = self;
        let read =
            |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let status = read("status");
        let mask = |key: &str| {
            let line = status.lines().find_map(|it| it.strip_prefix(key)?.strip_prefix(":\t"));
            line.unwrap_or("?").trim_start_matches('0').to_owned()
        };
        let signals = ["SigPnd", "ShdPnd", "SigBlk"].map(mask).join("|");
        let (wchan, words) = (read("wchan"), read("cmdline").replace('\0', " "));
        format!(
            "{pid} {parent} {group} {session} {foreground} {state} {wchan} {name}, {signals}, {words}"
        )
    }
}

/// The states of a process, of those that descend from it, and of those in the sessions of these.
pub(crate) fn process_states(first: i32) -> String {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|it| it.file_name().to_str()?.parse().ok());
    let all: Vec<Process> = pids.filter_map(Process::of).collect();
    let mut found = BTreeSet::from([first]);
    loop {
        let below: Vec<i32> =
            all.iter().filter(|it| found.contains(&it.parent)).map(|it| it.pid).collect();
        let count = found.len();
        found.extend(below);
        if found.len() == count {
            break;
        }
    }
    // Those of a session that the test is not in: what has lost its parent is there too.
    let own = Process::of(std::process::id().cast_signed()).map(|it| it.session);
    let is_below = |it: &&Process| found.contains(&it.pid);
    let sessions: BTreeSet<i32> =
        all.iter().filter(is_below).map(|it| it.session).filter(|it| Some(*it) != own).collect();
    let mut text = HEADER.to_owned();
    for process in all.iter().filter(|it| is_below(it) || sessions.contains(&it.session)) {
        let _ = write!(text, "\n{}", process.line());
    }
    text
}
