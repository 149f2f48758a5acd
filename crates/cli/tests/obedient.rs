//! A caller that does literally what each message says never breaks what is another's.
//!
//! For each situation, the caller runs commands that are refused, then each command in their output, then each in the
//! output of those. Flags in a hint are added to the refused command. Commands that wait try once.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

#[path = "obedient/broken_records.rs"]
mod broken_records;

use broken_records::{breaks, changed_before_the_boot, unreadable};
use lokt_testkit::{Done, HOLD, Lokt, Running, Sandbox};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::{collections::BTreeSet, fs, thread};

/// How many commands deep advice is followed.
const DEPTH: usize = 3;

/// A participant: the variable that says who it is, and the value.
#[derive(Clone, Copy)]
struct CallerIdentityVariable(&'static str, &'static str);

const ME: CallerIdentityVariable =
    CallerIdentityVariable("CLAUDE_CODE_SESSION_ID", "0e11ad42-1c6b-4f5e-9a53-5e14f1ad6a01");
const OTHER_SESSION: CallerIdentityVariable =
    CallerIdentityVariable("CLAUDE_CODE_SESSION_ID", "77aa0c1e-9d7f-4c0a-8a3c-40f4c2a51b02");
const OWNER: CallerIdentityVariable = CallerIdentityVariable("LOKT_OWNER", "ada");
const OTHER_OWNER: CallerIdentityVariable = CallerIdentityVariable("LOKT_OWNER", "bob");

impl CallerIdentityVariable {
    fn call(self, call: Lokt) -> Lokt {
        call.without("LOKT_OWNER").env(self.0, self.1)
    }

    fn does(self, it: &Sandbox, words: &str) {
        self.call(it.lokt(words.split(' '))).run().ok();
    }

    fn guards(self, it: &Sandbox, flags: &str) -> Running {
        let words = ["guard", "x"].into_iter().chain(flags.split(' ').filter(|it| !it.is_empty()));
        self.call(it.lokt(words.chain(["--", HOLD[0], HOLD[1], HOLD[2]]))).start()
    }

    fn owns(self, holder: &Value) -> bool {
        let agent = holder["agent_id"].as_str().unwrap_or_default();
        match self.0 {
            "LOKT_OWNER" => holder["owner"] == self.1,
            _ => agent.ends_with(self.1),
        }
    }
}

/// Makes a name unavailable, or partly so, to a caller (the first party).
type NameStateSetup = fn(&Sandbox, CallerIdentityVariable, CallerIdentityVariable) -> Vec<Running>;

const STATES: &[(&str, NameStateSetup)] = &[
    ("a lease", |it, _, other| {
        other.does(it, "lock x --ttl 1h");
        vec![]
    }),
    ("a lease without an end", |it, _, other| {
        other.does(it, "lock x");
        vec![]
    }),
    ("an abandoned lease", |it, _, other| {
        other.call(it.shell("lokt lock x; true")).run().ok();
        vec![]
    }),
    ("a guard", |it, _, other| vec![other.guards(it, "").is_in()]),
    ("a guard with a time", |it, _, other| vec![other.guards(it, "--ttl 1h").is_in()]),
    ("a guard under a lease", |it, _, other| {
        other.does(it, "lock x --ttl 1h");
        vec![other.guards(it, "").is_in()]
    }),
    ("a shared lease", |it, _, other| {
        other.does(it, "lock x --shared --ttl 1h");
        vec![]
    }),
    ("a shared lease beside the caller's", |it, me, other| {
        other.does(it, "lock x --shared --ttl 1h");
        me.does(it, "lock x --shared --ttl 1h");
        vec![]
    }),
    ("one of two slots", |it, _, other| {
        other.does(it, "lock x --slots 2 --ttl 1h");
        vec![]
    }),
    ("all slots, one of them the caller's", |it, me, other| {
        other.does(it, "lock x --slots 2 --ttl 1h");
        me.does(it, "lock x --slots 2 --ttl 1h");
        vec![]
    }),
    ("what is left of a guard", |it, _, other| {
        let mut guard = other.guards(it, "").is_in();
        guard.signal(Signal::SIGKILL);
        while guard.is_running() {
            thread::yield_now();
        }
        vec![guard]
    }),
    ("a guard without a record", |it, _, other| {
        let guard = other.guards(it, "--on-lost warn").is_in();
        fs::remove_file(it.record_path("x")).unwrap();
        vec![guard]
    }),
    ("a guard with a broken record", |it, _, other| {
        let guard = other.guards(it, "--on-lost warn").is_in();
        it.write_record("x", "{");
        changed_before_the_boot(it);
        vec![guard]
    }),
    ("a guard and a waiter", |it, _, other| {
        vec![other.guards(it, "").is_in(), other.guards(it, "--wait").is_waiting()]
    }),
    ("a waiter for the caller's lease", |it, me, other| {
        me.does(it, "lock x --ttl 1h");
        vec![other.guards(it, "--wait").is_waiting()]
    }),
    ("a freeze", |it, _, other| {
        other.does(it, "freeze x --ttl 1h");
        vec![]
    }),
    ("a freeze of the caller's lease", |it, me, other| {
        me.does(it, "lock x --ttl 1h");
        other.does(it, "freeze x --ttl 1h");
        vec![]
    }),
    ("a frozen lease", |it, _, other| {
        other.does(it, "lock x --ttl 1h");
        other.does(it, "freeze x --ttl 1h");
        vec![]
    }),
    ("a broken freeze", |it, _, other| {
        other.does(it, "freeze x --ttl 1h");
        it.write_freeze("x", "{");
        vec![]
    }),
    ("reserved paths", |it, _, other| {
        other.does(it, "reserve src/a");
        vec![]
    }),
    ("a broken reservation", |it, _, other| {
        other.does(it, "reserve src/a");
        let path = it.root().join("reservations").join(&reservations(it)[0]);
        fs::write(path, "{").unwrap();
        vec![]
    }),
];

/// The places in the queue, whether their callers wait or have entered.
fn places(it: &Sandbox) -> Vec<String> {
    let place = |ticket: &String| ticket.rsplit_once('-').map(|(place, _)| place.to_owned());
    it.tickets("x").iter().filter_map(place).collect()
}

/// The files of the reservations.
fn reservations(it: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(it.root().join("reservations")).into_iter().flatten().flatten();
    entries.map(|it| it.file_name().into_string().unwrap()).collect()
}

/// Commands of a caller that needs the name, the more harmless ones first.
const COMMANDS: [&str; 30] = [
    "lokt status x",
    "lokt status --json",
    "lokt why x",
    "lokt why x --json",
    "lokt get-meta x k",
    "lokt fence check x 5",
    "lokt wait x --timeout 0",
    "lokt prime",
    "lokt doctor",
    "lokt guard x -- true",
    "lokt guard x --shared -- true",
    "lokt guard x --slots 3 -- true",
    "lokt guard a x -- true",
    "lokt guard x --wait --timeout 1ms -- true",
    "lokt tool run nothing --guard x",
    "lokt unlock",
    "lokt unlock --owner bob",
    "lokt unlock --owner bob --json",
    "lokt unlock x --break-stale",
    "lokt unlock x --json",
    "lokt unlock x",
    "lokt lock x --json",
    "lokt lock x --shared",
    "lokt unfreeze x",
    "lokt reservations",
    "lokt reserve src/a",
    "lokt unreserve",
    "lokt unreserve --owner bob",
    "lokt unreserve src/a",
    "lokt freeze x --ttl 1m",
];

/// What others have: ids of acquisitions, files of freezes, and places in the queue.
struct OtherPartyHoldings {
    lock_ids: Vec<String>,
    unreadable: Option<Vec<u8>>,
    freeze: Option<Vec<u8>>,
    tickets: Vec<String>,
    reservations: Vec<String>,
}

impl OtherPartyHoldings {
    fn of(it: &Sandbox, me: CallerIdentityVariable) -> Self {
        let text = fs::read_to_string(it.record_path("x")).unwrap_or_default();
        let record: Value = serde_json::from_str(&text).unwrap_or_default();
        let beside = record["co_holders"].as_array().cloned().unwrap_or_default();
        let all = [record].into_iter().chain(beside).filter(|holder| !me.owns(holder));
        let id = |holder: Value| holder["lock_id"].as_str().map(str::to_owned);
        let lock_ids = all.filter_map(id).collect();
        let freeze = fs::read(it.freeze_path("x")).ok();
        let (tickets, reservations) = (places(it), reservations(it));
        Self { lock_ids, unreadable: unreadable(it), freeze, tickets, reservations }
    }

    /// What is not as it was.
    fn loss(&self, it: &Sandbox) -> Option<String> {
        let record = fs::read_to_string(it.record_path("x")).unwrap_or_default();
        if let Some(id) = self.lock_ids.iter().find(|id| !record.contains(*id)) {
            return Some(format!("the acquisition {id} is gone"));
        }
        if self.unreadable.is_some() && unreadable(it) != self.unreadable {
            return Some("the record that cannot be read is gone or another one".to_owned());
        }
        if self.freeze.is_some() && fs::read(it.freeze_path("x")).ok() != self.freeze {
            return Some("the freeze is gone or another one".to_owned());
        }
        let (tickets, reservations) = (places(it), reservations(it));
        let mut gone = self.tickets.iter().filter(|ticket| !tickets.contains(ticket));
        let mut given_back = self.reservations.iter().filter(|it| !reservations.contains(it));
        gone.next().or(given_back.next()).map(|file| format!("{file} is gone"))
    }
}

/// The lines of an output that may advise: text as it is, and all texts of JSON.
fn texts(done: &Done) -> Vec<String> {
    fn collect(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::String(text) => into.push(format!("hint: {text}")),
            Value::Array(all) => all.iter().for_each(|it| collect(it, into)),
            Value::Object(fields) => fields.values().for_each(|it| collect(it, into)),
            _ => {}
        }
    }
    let mut all: Vec<String> = done.err.lines().map(str::to_owned).collect();
    match serde_json::from_str(&done.out) {
        Ok(value) => collect(&value, &mut all),
        Err(_) => all.extend(done.out.lines().map(str::to_owned)),
    }
    all
}

/// The commands that a line names, as a caller would type them after `refused`.
fn advised(line: &str, refused: &str) -> Vec<String> {
    let told = ["hint: ", "  try: "].iter().find_map(|start| line.strip_prefix(start));
    let text = told.unwrap_or(line);
    let ends = ["   ", "'", "`", ", ", "; ", ")"];
    let mut all = Vec::new();
    for program in ["lokt ", "kill ", "LOKT_"] {
        for (at, _) in text.match_indices(program) {
            let begins = text[..at].chars().next_back().is_none_or(|it| !it.is_alphanumeric());
            let rest = &text[at..];
            let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
            if begins && (told.is_some() || program == "lokt ") {
                all.push(rest[..end].trim_end().to_owned());
            }
        }
    }
    let words: Vec<&str> = text.split(' ').collect();
    for (at, word) in words.iter().enumerate() {
        if told.is_none() || !word.starts_with("--") || *word == "--" {
            continue;
        }
        let takes = ["--owner", "--timeout", "--slots", "--fence"].contains(word);
        let value =
            words.get(at + 1).filter(|_| takes).map_or("", |it| it.trim_matches([',', ';']));
        if let Some((verb, rest)) = refused.strip_prefix("lokt ").and_then(|it| it.split_once(' '))
        {
            all.push(format!("lokt {verb} {} {rest}", format!("{word} {value}").trim_end()));
        }
    }
    all.iter().map(|line| runnable(line)).collect()
}

/// A command with its placeholders filled in, which does not wait.
fn runnable(line: &str) -> String {
    let line = line.replace("COMMAND", "true").replace("NAME", "x");
    match line.strip_prefix("lokt wait ") {
        _ if line.contains("--timeout") => line,
        Some(rest) => format!("lokt wait --timeout 0 {rest}"),
        None => line.replacen(" --wait", " --wait --timeout 0", 1),
    }
}

/// Commands that run until they are ended, or play.
fn is_endless(line: &str) -> bool {
    ["--tail", "lokt top", "lokt mcp", "lokt demo"].iter().any(|it| line.contains(it))
}

/// Runs a command and all that follows from its output. Returns the way to the first loss of another, and counts the
/// commands.
fn follow(
    it: &Sandbox,
    (me, others): (CallerIdentityVariable, &OtherPartyHoldings),
    first: &str,
    seen: &mut BTreeSet<String>,
) -> Option<String> {
    let mut open = vec![vec![first.to_owned()]];
    while let Some(way) = open.pop() {
        let line = way.last()?.clone();
        if is_endless(&line) || !seen.insert(line.clone()) {
            continue;
        }
        let done = me.call(it.shell(&line)).in_time();
        if let Some(loss) = others.loss(it) {
            return Some(format!("{}: {loss}\n{done:#?}", way.join(" => ")));
        }
        if way.len() <= DEPTH {
            let next = texts(&done).into_iter().flat_map(|text| advised(&text, &line));
            open.extend(next.map(|next| way.iter().cloned().chain([next]).collect()));
        }
    }
    None
}

fn follow_once(it: &Sandbox, first: &str) -> Option<String> {
    follow(it, (ME, &OtherPartyHoldings::of(it, ME)), first, &mut BTreeSet::new())
}

fn sandbox() -> Sandbox {
    Sandbox::in_memory(env!("CARGO_BIN_EXE_lokt"))
}

fn assert_harmless(me: CallerIdentityVariable, other: CallerIdentityVariable) {
    for (state, make) in STATES.iter().chain(broken_records::STATES) {
        let it = sandbox();
        let mut holders = make(&it, me, other);
        let (others, mut seen) = (OtherPartyHoldings::of(&it, me), BTreeSet::new());
        let running: Vec<bool> = holders.iter_mut().map(Running::is_running).collect();
        // What a caller does that no advice leads to is not judged.
        let may_be_broken = state.contains("abandoned") || state.contains("broken record");
        let is_told = |it: &&&str| !(may_be_broken && it.contains("--break-stale"));
        for command in COMMANDS.iter().filter(is_told) {
            let loss = follow(&it, (me, &others), command, &mut seen);
            assert_eq!(loss, None, "{state}: advice breaks what is another's");
        }
        assert!(seen.len() > COMMANDS.len(), "{state}: no advice was found: {seen:?}");
        let still: Vec<bool> = holders.iter_mut().map(Running::is_running).collect();
        assert_eq!(still, running, "{state}: advice ends what is another's");
    }
}

#[test]
fn advice_never_breaks_what_another_session_of_the_user_has() {
    assert_harmless(ME, OTHER_SESSION);
}

#[test]
fn advice_to_a_given_owner_never_breaks_what_another_owner_has() {
    assert_harmless(OWNER, OTHER_OWNER);
}

#[test]
fn advice_that_takes_is_found() {
    let owned = "act as the owner by name with --owner bob or LOKT_OWNER";
    for advice in ["lokt unlock x --force", "lokt unlock x --owner bob   unlocks it", owned] {
        let it = sandbox();
        OTHER_OWNER.does(&it, "lock x --ttl 1h");
        let line = format!("lokt unlock x; echo 'hint: {advice}'");
        let loss = follow_once(&it, &line);
        assert!(loss.is_some(), "{advice} is followed, and its effect is noticed");
    }
    let it = sandbox();
    OTHER_OWNER.call(it.shell("lokt lock x; true")).run().ok();
    let line = "echo '  try: lokt unlock x --break-stale   removes it'";
    assert!(follow_once(&it, line).is_some(), "an abandoned lease is another's");
    let it = sandbox();
    OTHER_OWNER.does(&it, "lock x --ttl 1h");
    breaks(&it, "{bad");
    let line = "echo '  try: lokt unlock x --break-stale   removes it'";
    assert!(follow_once(&it, line).is_some(), "a broken record may be another's");
    let it = sandbox();
    let guard = OTHER_OWNER.guards(&it, "").is_in();
    let line = format!("echo 'hint: kill {}   ends it'", guard.pid());
    // The guard ends some time after the signal.
    let _ = follow_once(&it, &line);
    assert_ne!(guard.ends().code, Some(0), "a kill is followed");
}
