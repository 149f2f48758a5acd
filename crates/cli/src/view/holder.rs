//! The holder that blocks a caller, as text and JSON.
//!
//! Texts here are parts of sentences (`is held by …`), and begin with a small letter. "You" is the
//! caller: an owner and an agent. The one to ask is always an owner, never a process.

use super::{command_line, flat};
use crate::span;
use lokt_lock::{
    caller::Caller,
    ops::{Denial, QueueStanding},
    record::{HoldKind, LockRecord},
    rules::{CallerIdentity, Obstacle, TicketContent},
    words::{AgentId, LockMode, LockName, Timestamp},
};
use serde::Serialize;

/// A refusal as JSON; the field names are a contract.
#[derive(Serialize)]
pub(crate) struct DenialJson {
    /// Always `blocked`.
    status: &'static str,
    /// The name that was requested.
    name: String,
    /// What is in the way: `held`, `queued` (a waiter ahead, which does not hold it yet), `frozen`
    /// or `corrupted`.
    reason: &'static str,
    /// The record in the way, else the ticket of the waiter ahead.
    #[serde(flatten)]
    holder: flat::HolderJsonFields,
    /// How long the caller waited. Left out if it did not want to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_ms: Option<u128>,
}

/// A refusal, with all that is known of the holder that blocks.
pub(crate) fn blocked(name: &LockName, denial: &Denial, caller: &Caller) -> DenialJson {
    let record = in_the_way(denial);
    DenialJson {
        status: "blocked",
        name: name.to_string(),
        reason: match denial.obstacle {
            Obstacle::Frozen(_) => "frozen",
            Obstacle::Ahead(ref place) if record.is_none() && !place.entered => "queued",
            Obstacle::Corrupted(_) => "corrupted",
            _ => "held",
        },
        holder: flat::HolderJsonFields::of(record, denial.ahead.as_ref(), caller, Timestamp::now()),
        waited_ms: denial.waited.map(|waited| waited.as_millis()),
    }
}

/// The record that a refusal is about: the freeze, or the lock.
fn in_the_way(denial: &Denial) -> Option<&LockRecord> {
    match &denial.obstacle {
        Obstacle::Frozen(freeze) => Some(freeze),
        _ => denial.holder.as_ref(),
    }
}

/// A queue position as one line; what matters most comes first, because a terminal may be narrow.
///
/// The queue position is the number of live tickets ahead, the holder's included.
pub(crate) fn standing(standing: &QueueStanding, me: &CallerIdentity, now: Timestamp) -> String {
    let why = cause(standing, me, now);
    let place = match standing.ahead {
        0 => "next in the queue".to_owned(),
        ahead => format!("queue position {ahead}"),
    };
    let waited = span::show(standing.waited);
    format!("waiting for lock {:?} ({place}, {waited}): {why}", standing.name.as_str())
}

/// A wait without a queue position, as one line.
pub(crate) fn awaited(standing: &QueueStanding, me: &CallerIdentity, now: Timestamp) -> String {
    let (name, waited) = (standing.name.as_str(), span::show(standing.waited));
    format!("waiting until lock {name:?} is free ({waited}): {}", cause(standing, me, now))
}

/// What keeps a waiter waiting.
fn cause(standing: &QueueStanding, me: &CallerIdentity, now: Timestamp) -> String {
    let brief = |record: &LockRecord| {
        let (yours, holder) = nearest(record, me);
        format!("held by {yours}{}{}", in_brief(holder, now), company(record))
    };
    match (&standing.obstacle, standing.holder.as_ref()) {
        (Obstacle::Held(record), _) => brief(record),
        (Obstacle::Ahead(_) | Obstacle::Full(..), Some(record)) => brief(record),
        (other, holder) => {
            format!("it {}", obstacle(other, holder, standing.before.as_ref(), (me, now)))
        }
    }
}

/// The holder, since when, the remaining time, and the command.
///
/// Without the machine: a wait is shown in one line of a terminal.
fn in_brief(record: &LockRecord, now: Timestamp) -> String {
    let pid = record.pid.map(|pid| format!("pid {pid}"));
    let who = named(record.owner.as_str(), [pid, session(record.agent_id.as_ref())]);
    let age = span::show(now.since(record.since()));
    let runs = record.command.as_deref().map(|it| format!(", running: {}", command_line(it)));
    let runs = runs.unwrap_or_default();
    format!("{who} since {age}{}{runs}", left(record, now))
}

/// The holder that matters most to a caller, and how many others there are: `held by your lease: ada (pid 7 on box)
/// since 5m`.
pub(crate) fn held_by(record: &LockRecord, me: &CallerIdentity, now: Timestamp) -> String {
    let (yours, holder) = nearest(record, me);
    format!("held by {yours}{}{}", told_alone(holder, now), company(record))
}

/// The lease of a caller among the holders of a lock.
pub(crate) fn lease_of<'a>(record: &'a LockRecord, me: &CallerIdentity) -> Option<&'a LockRecord> {
    record.holders().find(|it| is_lease(it) && me.owns(it))
}

/// Whether a holder is known to be a lease: of another program's lock, nothing says that no process has it.
pub(crate) fn is_lease(holder: &LockRecord) -> bool {
    matches!(holder.hold, Some(HoldKind::Lease | HoldKind::Process))
}

/// The holder that matters most to a caller, and how it begins: the caller's own lease, else the first holder.
fn nearest<'a>(record: &'a LockRecord, me: &CallerIdentity) -> (&'static str, &'a LockRecord) {
    match lease_of(record, me) {
        Some(lease) => ("your lease: ", lease),
        None if me.owns(record) => ("you: ", record),
        None => ("", record),
    }
}

/// The number of holders beside the first, as the end of a sentence: `; 3 of 3 slots are taken`.
fn company(record: &LockRecord) -> String {
    match (record.mode, record.co_holders.len()) {
        (LockMode::Slots(_), _) => slots_taken(record),
        (LockMode::Shared, 1) => "; and 1 other who shares it".to_owned(),
        (LockMode::Shared, others @ 1..) => format!("; and {others} others who share it"),
        _ => String::new(),
    }
}

/// The obstacle, as the end of a sentence about the lock.
pub(crate) fn obstacle(
    obstacle: &Obstacle,
    holder: Option<&LockRecord>,
    ahead: Option<&TicketContent>,
    (me, now): (&CallerIdentity, Timestamp),
) -> String {
    let held = |record: &LockRecord| format!("is {}", held_by(record, me, now));
    match (obstacle, holder) {
        (Obstacle::Frozen(freeze), _) => format!("is frozen {}", frozen_by(freeze, me)),
        (Obstacle::Held(record), _) => held(record),
        (Obstacle::Ahead(_) | Obstacle::Full(..), Some(record)) => held(record),
        (Obstacle::Corrupted(corruption), _) => format!(
            "is treated as held: its record is unreadable ({}); another program may still be writing it",
            corruption.flaw
        ),
        (Obstacle::Ahead(_) | Obstacle::Full(..), None) => match ahead {
            Some(text) => {
                format!("goes to {}, who is ahead of you in the queue", waiter(text, ""))
            }
            None => "goes to a process that is ahead of you in the queue".to_owned(),
        },
    }
}

/// The session of a harness that an agent is, in words; nothing of other agents.
pub(crate) fn session(agent: Option<&AgentId>) -> Option<String> {
    agent.filter(|it| it.is_of_harness()).map(AgentId::spoken)
}

/// A waiter, or a guard without a record: `ada (pid 7, claude-code 1f0c4be0)`. `state` is a remark on its process.
pub(crate) fn waiter(text: &TicketContent, state: &str) -> String {
    let agent = AgentId::new(&text.agent_id);
    named(&text.owner, [Some(format!("pid {}{state}", text.pid)), session(agent.as_ref())])
}

/// An owner, with details in parentheses.
pub(crate) fn named<const N: usize>(owner: &str, details: [Option<String>; N]) -> String {
    let details: Vec<String> = details.into_iter().flatten().filter(|it| !it.is_empty()).collect();
    if details.is_empty() { owner.to_owned() } else { format!("{owner} ({})", details.join(", ")) }
}

/// The holder of a lock: `ada (pid 7 on box, claude-code 1f0c4be0)`.
pub(crate) fn who(record: &LockRecord) -> String {
    let pid = record.pid.map(|pid| format!("pid {pid}"));
    let host =
        record.host.as_ref().filter(|host| !host.is_empty()).map(|host| format!("on {host}"));
    let process = [pid, host].into_iter().flatten().collect::<Vec<_>>().join(" ");
    named(record.owner.as_str(), [Some(process), record.agent_id.as_ref().map(AgentId::spoken)])
}

/// Several holders of a lock, each with what [`told_alone`] shows of one.
pub(crate) fn all_told<'a>(
    holders: impl IntoIterator<Item = &'a LockRecord>,
    now: Timestamp,
) -> String {
    let holders: Vec<String> = holders.into_iter().map(|it| told_alone(it, now)).collect();
    holders.join("; ")
}

/// How many slots of a lock are taken, as the end of a sentence.
pub(crate) fn slots_taken(record: &LockRecord) -> String {
    let taken = record.holders().count();
    let told = |slots| format!("; {taken} of {slots} slots are taken");
    record.mode.slots().map_or_else(String::new, told)
}

/// One holder, since when, the remaining time and the command, as if there were no other.
pub(crate) fn told_alone(record: &LockRecord, now: Timestamp) -> String {
    let age = span::show(now.since(record.since()));
    let runs = record.command.as_deref().map(|it| format!(", running: {}", command_line(it)));
    let runs = runs.unwrap_or_default();
    format!("{} since {age}{}{runs}", who(record), left(record, now))
}

/// The time until the holder's announced end, as the end of a sentence. A lease without an end
/// lasts `until it is unlocked`; a guard without one says nothing, because it ends with its
/// command.
fn left(record: &LockRecord, now: Timestamp) -> String {
    match record.expiry() {
        Some(end) if end <= now => format!(", {} overdue", span::show(now.since(end))),
        Some(end) => format!(", for another {}", span::show(end.since(now))),
        None if record.hold == Some(HoldKind::Lease) => ", until it is unlocked".to_owned(),
        None => String::new(),
    }
}

/// Whom to ask about a lock or a freeze: `ada (on box, claude-code 1f0c4be0)`. No pid: its process is not to be ended.
pub(crate) fn contact(record: &LockRecord) -> String {
    let host = record.host.as_ref().filter(|host| !host.is_empty());
    let host = host.map(|host| format!("on {host}"));
    named(record.owner.as_str(), [host, record.agent_id.as_ref().map(AgentId::spoken)])
}

/// A remark on a holder that has the caller's owner, and is not the caller; `None` of any other.
pub(crate) fn same_user(record: &LockRecord, me: &CallerIdentity) -> Option<String> {
    let is_other = |it: &LockRecord| it.owner == me.owner && !me.owns(it);
    let you = me.agent.spoken();
    record
        .holders()
        .any(is_other)
        .then(|| format!("the same user, but another terminal or agent (you are {you})"))
}

/// The owner of a freeze, and its end: `by ada (pid 7 on box) for another 5m`, `by you: ada (…) for another 5m`.
pub(crate) fn frozen_by(freeze: &LockRecord, me: &CallerIdentity) -> String {
    let you = if me.owns(freeze) { "you: " } else { "" };
    let end = match freeze.expiry() {
        Some(end) => format!("for another {}", span::show(end.since(Timestamp::now()))),
        None => "without an end".to_owned(),
    };
    format!("by {you}{} {end}", who(freeze))
}
