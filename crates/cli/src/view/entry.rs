//! A line of a status.
//!
//! A [`LockStatusEntry`] is a name with what is known of it. It is shown as JSON, as a row of a
//! table, and in full. `lokt status` prints these; `lokt top` and `lokt prime` use parts of them.

use super::{call, command_line, holder, table::TextTable};
use crate::span;
use lokt_lock::{
    ops::{LockStatusEntry, LockStatusEntryState},
    record::{LockMetadata, LockRecord, LockRecordDisplayJson, RecordSlot},
    rules::{CallerIdentity, TicketContent},
    store::LockRecordKind,
    words::{AgentId, LockMode},
};
use serde::Serialize;
use serde_json::{Value, json};

/// An entry as JSON: the record's fields, then other known facts.
#[derive(Serialize)]
pub(crate) struct LockStatusEntryJson<'a> {
    /// The fields of the record, else only `name`.
    #[serde(flatten)]
    subject: LockStatusEntrySubject<'a>,
    /// Whether one of the holders is the caller. Left out without a record, like the next two.
    #[serde(skip_serializing_if = "Option::is_none")]
    mine: Option<bool>,
    /// How long ago it was taken, in seconds. Renewals do not change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_sec: Option<u64>,
    /// Whether its announced end has passed. A guard that is overdue holds the lock all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    expired: Option<bool>,
    /// Whether the holder's process lives: `alive`, `dead` or `unknown`.
    pid_status: &'static str,
    /// Whether this is a freeze, and no lock.
    freeze: bool,
    /// The state, one word of docs/locks.md.
    state: &'static str,
    /// How many hold it.
    taken: usize,
    /// How many wait for it, the length of `queue`.
    waiters: usize,
    /// The waiters, the next first.
    queue: Vec<Value>,
    /// The guards that hold the lock without a record, under a lease for instance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inside: Vec<Value>,
    /// What is wrong with the record, if it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The freeze of the same name, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<Value>,
}

/// What an entry is about: a record, or where none can be read, a name.
#[derive(Serialize)]
#[serde(untagged)]
enum LockStatusEntrySubject<'a> {
    Record(LockRecordDisplayJson<'a>),
    Name { name: &'a str },
}

/// An entry as JSON, with the freeze of the same name.
pub(crate) fn json<'a>(
    entry: &'a LockStatusEntry,
    freeze: Option<&LockRecord>,
    me: &CallerIdentity,
) -> LockStatusEntryJson<'a> {
    let record = entry.record();
    let name = entry.name.as_str();
    let expires_at = |it: &LockRecord| it.expiry().map(|end| end.to_string());
    LockStatusEntryJson {
        subject: record.map_or(LockStatusEntrySubject::Name { name }, |it| {
            LockStatusEntrySubject::Record(LockRecordDisplayJson(it))
        }),
        mine: record.map(|it| it.holders().any(|holder| me.owns(holder))),
        age_sec: record.map(|it| entry.seen.since(it.since()).as_secs()),
        expired: record.map(|it| it.is_expired(entry.seen)),
        pid_status: entry.process.as_str(),
        freeze: entry.kind == LockRecordKind::Freeze,
        state: entry.state.as_str(),
        taken: entry.taken,
        waiters: entry.waiters.len(),
        queue: entry.waiters.iter().map(waiter).collect(),
        inside: entry.inside.iter().map(waiter).collect(),
        error: problem(entry),
        frozen: freeze.map(|it| json!({"owner": it.owner.as_str(), "expires_at": expires_at(it)})),
    }
}

/// A waiter as JSON.
pub(crate) fn waiter(text: &TicketContent) -> Value {
    json!({"owner": text.owner, "agent_id": text.agent_id, "pid": text.pid, "since": text.since,
        "command": text.command})
}

/// The flaw of an entry whose record is unreadable.
///
/// `None` for a readable record, and for no record.
pub(crate) fn problem(entry: &LockStatusEntry) -> Option<String> {
    match &entry.slot {
        RecordSlot::Absent | RecordSlot::Record(_) => None,
        RecordSlot::Newer(version) => Some(version.to_string()),
        RecordSlot::Corrupted(corruption) => Some(corruption.flaw.to_string()),
        RecordSlot::Unreadable(error) => Some(error.to_string()),
    }
}

/// A status as a table.
pub(crate) fn table(
    entries: &[LockStatusEntry],
    columns: TableColumns,
    me: &CallerIdentity,
) -> TextTable {
    let mut head = vec!["NAME", "STATE", "OWNER", "PID", "AGE", "ENDS IN", "WAIT"];
    head.extend((columns == TableColumns::All).then_some("V"));
    head.push("WHAT");
    let mut table = TextTable::new(&head);
    for entry in entries {
        table.row(row(entry, columns, me));
    }
    table
}

/// Which columns a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableColumns {
    /// Those that say who holds what.
    Usual,
    /// Also the version of the record.
    All,
}

/// One row. The last column has the flaw of a record that cannot be read, else the use of the lock.
fn row(entry: &LockStatusEntry, columns: TableColumns, me: &CallerIdentity) -> Vec<String> {
    let record = entry.record();
    let of = |show: &dyn Fn(&LockRecord) -> String| record.map(show).unwrap_or_default();
    let mut cells = vec![
        entry.name.to_string(),
        state(entry),
        record.map_or_else(|| unrecorded(entry), |it| owner(it, me)),
        of(&|it| it.pid.map_or_else(String::new, |pid| pid.to_string())),
        of(&|it| span::show(entry.seen.since(it.since()))),
        of(&|it| ends_in(it, entry)),
        if entry.waiters.is_empty() { String::new() } else { entry.waiters.len().to_string() },
    ];
    cells.extend((columns == TableColumns::All).then(|| of(&|it| it.version.to_string())));
    cells.push(problem(entry).unwrap_or_else(|| of(&what)));
    cells
}

/// The state, and how many hold a lock that several may hold: `held 2/3`, `held 2 shared`.
pub(crate) fn state(entry: &LockStatusEntry) -> String {
    let word = entry.state.as_str();
    if entry.kind == LockRecordKind::Freeze && entry.state != LockStatusEntryState::Frozen {
        // The word alone would be about the lock of that name.
        return format!("freeze {word}");
    }
    match entry.record().map(|it| it.mode) {
        Some(LockMode::Slots(slots)) => format!("{word} {}/{slots}", entry.taken),
        Some(LockMode::Shared) => format!("{word} {} shared", entry.taken),
        _ => word.to_owned(),
    }
}

/// The guard that holds the lock without a record, or the first waiter.
fn unrecorded(entry: &LockStatusEntry) -> String {
    let text = entry.inside.first().or(entry.waiters.first());
    let agent = |it: &TicketContent| holder::session(AgentId::new(&it.agent_id).as_ref());
    text.map(|it| holder::named(&it.owner, [agent(it)])).unwrap_or_default()
}

/// The owner, and whether that is the caller, or the session of a harness that holds the lock for it.
fn owner(record: &LockRecord, me: &CallerIdentity) -> String {
    let you = me.owns(record).then(|| "you".to_owned());
    let detail = you.or_else(|| holder::session(record.agent_id.as_ref()));
    holder::named(record.owner.as_str(), [detail])
}

/// The time until the announced end, `5m ago` if it has passed, `-` without one.
fn ends_in(record: &LockRecord, entry: &LockStatusEntry) -> String {
    match record.expiry() {
        None => "-".to_owned(),
        Some(end) if end <= entry.seen => format!("{} ago", span::show(entry.seen.since(end))),
        Some(end) => span::show(end.since(entry.seen)),
    }
}

/// The use of a lock: the command, the result, or the metadata's keys.
pub(crate) fn what(record: &LockRecord) -> String {
    if record.result().is_some() {
        let field = |key| record.metadata.as_ref()?.text(key);
        let code = field("exit_code").unwrap_or_else(|| "?".to_owned());
        let command = field("command").unwrap_or_else(|| "a command".to_owned());
        return format!("result of {command}, exit code {code}");
    }
    match (&record.command, &record.metadata) {
        (Some(words), _) => command_line(words),
        (None, Some(metadata)) => metadata.keys().join(", "),
        (None, None) => String::new(),
    }
}

/// One entry in full, in lines.
///
/// The first line has the name and the state. Each further line has a key in nine columns, and a
/// value.
pub(crate) fn full(
    entry: &LockStatusEntry,
    freeze: Option<&LockRecord>,
    me: &CallerIdentity,
) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", entry.name, state(entry))];
    let mut put = |key: &str, value: String| lines.push(format!("  {key:<9} {value}"));
    if let Some(problem) = problem(entry) {
        put("error", problem);
    }
    if let Some(record) = entry.record() {
        let you = if me.owns(record) { ", you" } else { "" };
        put("owner", format!("{}{you}", holder::who(record)));
        if entry.kind == LockRecordKind::Lock && holder::lease_of(record, me).is_some() {
            put("yours", format!("a lease; {}   unlocks it", call("unlock", &entry.name, "")));
        }
        put("process", entry.process.as_str().to_owned());
        put(
            "since",
            format!("{} ({})", record.since(), span::show(entry.seen.since(record.since()))),
        );
        put("ends in", ends_in(record, entry));
        if let Some(words) = &record.command {
            put("command", command_line(words));
        }
        for (key, value) in record.metadata.iter().flat_map(LockMetadata::entries) {
            put("metadata", format!("{key} = {}", value.shown()));
        }
        if let Some(fence) = record.fence {
            put("fence", fence.to_string());
        }
        put("version", record.version.to_string());
        for holder in &record.co_holders {
            put("beside", holder::told_alone(holder, entry.seen));
        }
    }
    if let Some(freeze) = freeze {
        put("frozen", holder::frozen_by(freeze, me));
    }
    for guard in &entry.inside {
        let command = command_line(&guard.command);
        put("inside", format!("a guard of {}, running: {command}", holder::waiter(guard, "")));
    }
    for waiter in &entry.waiters {
        put("waiting", format!("{} since {}", holder::waiter(waiter, ""), waiter.since));
    }
    lines
}
