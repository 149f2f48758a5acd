//! Why a name can or cannot be taken, in words.

use super::{
    entry::waiter,
    holder,
    suggestion::{self, Asker},
};
use crate::span;
use lokt_lock::{
    ops::{Explanation, Reason, ReasonKind},
    record::{Corruption, Record},
    rules::{Holding, Identity, TicketText},
    sys,
    words::{LockName, Timestamp},
};
use serde_json::{Map, Value, json};

/// An explanation as JSON.
pub(crate) fn json(name: &LockName, explanation: &Explanation, asker: &Asker) -> Value {
    let reasons: Vec<Value> =
        explanation.reasons.iter().map(|it| reason(it, &explanation.identity)).collect();
    let status = if explanation.is_free() { "free" } else { "blocked" };
    json!({"name": name.as_str(), "status": status, "reasons": reasons,
        "suggestions": suggestion::all(name, explanation, asker)})
}

fn reason(reason: &Reason, me: &Identity) -> Value {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    put("type", reason.kind.as_str().into());
    put("message", message(reason, me).into());
    if let Some(record) = &reason.record {
        put("record", record.to_json().into());
    }
    match &reason.kind {
        ReasonKind::Held { keepers, .. } | ReasonKind::SelfHeld { keepers, .. }
            if !keepers.is_empty() =>
        {
            put(
                "processes",
                keepers.iter().map(|(pid, name)| json!({"pid": pid, "name": name})).collect(),
            );
        }
        ReasonKind::Queued { waiters } => {
            put("queue", waiters.iter().map(waiter).collect());
        }
        _ => {}
    }
    Value::Object(fields)
}

/// An explanation for people, in lines.
pub(crate) fn lines(name: &LockName, explanation: &Explanation, asker: &Asker) -> Vec<String> {
    let status = if explanation.is_free() { "free" } else { "blocked" };
    let mut lines = vec![format!("{name} is {status}")];
    let me = &explanation.identity;
    let told = |reason: &Reason| format!("  {}: {}", reason.kind.as_str(), message(reason, me));
    lines.extend(explanation.reasons.iter().map(told));
    let suggestions = suggestion::all(name, explanation, asker);
    lines.extend(suggestions.iter().map(|it| format!("  try: {it}")));
    lines
}

fn message(reason: &Reason, me: &Identity) -> String {
    let now = Timestamp::now();
    let record = reason.record.as_ref();
    match (&reason.kind, record) {
        (ReasonKind::Frozen, Some(freeze)) => format!("frozen {}", holder::frozen_by(freeze)),
        (ReasonKind::Held { holding, keepers }, Some(record)) => {
            let told = holder::all_told(record.holders(), now);
            format!("held by {told}{}{}", holder::slots_taken(record), remark(*holding, keepers))
        }
        (ReasonKind::SelfHeld { holding, keepers }, Some(record)) => {
            let slots = holder::slots_taken(record);
            format!("{}{slots}{}", held_by(record, me, now), remark(*holding, keepers))
        }
        (ReasonKind::Expired, Some(record)) => format!(
            "the lease of {} expired {} ago; the next taker gets it",
            holder::who(record),
            span::show(record.expiry().map(|end| now.since(end)).unwrap_or_default())
        ),
        (ReasonKind::DeadPid, Some(record)) => format!(
            "{} is provably gone without giving it back; the next taker gets it",
            holder::who(record)
        ),
        (ReasonKind::Corrupted { corruption }, _) => corrupted(corruption, reason.blocks),
        (ReasonKind::Queued { waiters }, _) => {
            let who: Vec<String> = waiters.iter().map(waiting).collect();
            format!("{} in line: {}", waiters.len(), who.join(", "))
        }
        (ReasonKind::Inside(Some(text)), _) => format!(
            "a guard of {} (pid {}) is in, running: {}",
            text.owner,
            text.pid,
            super::command_line(&text.command)
        ),
        _ => "held by somebody who cannot be named".to_owned(),
    }
}

/// One who waits. That it is stopped is worth knowing: everybody behind it waits for that.
fn waiting(text: &TicketText) -> String {
    let stopped = if sys::is_stopped(text.pid) { ", stopped" } else { "" };
    format!("{} (pid {}{stopped})", text.owner, text.pid)
}

/// Holders of whom some are the caller, each told once.
fn held_by(record: &Record, me: &Identity, now: Timestamp) -> String {
    let (mine, others): (Vec<&Record>, Vec<&Record>) = record.holders().partition(|it| me.owns(it));
    let mine = holder::all_told(mine, now);
    if others.is_empty() {
        return format!("held by you: {mine}");
    }
    format!("held by you: {mine}; and by {}", holder::all_told(others, now))
}

fn corrupted(corruption: &Corruption, blocks: bool) -> String {
    let flaw = &corruption.flaw;
    if blocks && corruption.may_be_filling() {
        format!("its record is no record ({flaw}), but may be being written at this moment")
    } else if blocks {
        format!("its record is no record: {flaw}")
    } else {
        format!(
            "its record is no record ({flaw}), and nobody can be behind it; the next taker gets it"
        )
    }
}

/// What is unusual about the way in which a lock is held.
fn remark(holding: Holding, keepers: &[(i32, String)]) -> String {
    match holding {
        Holding::Live => String::new(),
        Holding::Overdue => "; its announced lifetime has passed, but its processes live, so it holds".to_owned(),
        Holding::Abandoned => "; abandoned? the process that took it is gone, but nothing proves that the work is done".to_owned(),
        Holding::Orphaned => {
            let names: Vec<String> = keepers.iter().map(|(pid, name)| format!("{pid} ({name})")).collect();
            let which = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
            format!("; its guard is gone, but processes of its command live, so it holds until they end{which}")
        }
    }
}
