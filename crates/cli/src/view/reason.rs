//! Why a name can or cannot be taken, in words.

use super::{entry::waiter, holder};
use crate::span;
use lokt_lock::{
    ops::{Explanation, Reason, ReasonKind},
    record::{Hold, Record},
    rules::{Holding, Mode, TicketText},
    sys,
    words::{LockName, Timestamp},
};
use serde_json::{Map, Value, json};

/// An explanation as JSON.
pub(crate) fn json(name: &LockName, explanation: &Explanation) -> Value {
    let reasons: Vec<Value> = explanation.reasons.iter().map(reason).collect();
    let status = if explanation.is_free() { "free" } else { "blocked" };
    json!({"name": name.as_str(), "status": status, "reasons": reasons,
        "suggestions": suggestions(name, explanation)})
}

fn reason(reason: &Reason) -> Value {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    put("type", reason.kind.as_str().into());
    put("message", message(reason).into());
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
pub(crate) fn lines(name: &LockName, explanation: &Explanation) -> Vec<String> {
    let status = if explanation.is_free() { "free" } else { "blocked" };
    let mut lines = vec![format!("{name} is {status}")];
    lines.extend(
        explanation
            .reasons
            .iter()
            .map(|reason| format!("  {}: {}", reason.kind.as_str(), message(reason))),
    );
    lines.extend(suggestions(name, explanation).iter().map(|it| format!("  try: {it}")));
    lines
}

fn message(reason: &Reason) -> String {
    let now = Timestamp::now();
    let record = reason.record.as_ref();
    match (&reason.kind, record) {
        (ReasonKind::Frozen, Some(freeze)) => format!("frozen {}", holder::frozen_by(freeze)),
        (ReasonKind::Held { holding, keepers }, Some(record)) => {
            format!("held by {}{}", holder::all_told(record, now), remark(*holding, keepers))
        }
        (ReasonKind::SelfHeld { holding, keepers }, Some(record)) => {
            format!("held by you: {}{}", holder::all_told(record, now), remark(*holding, keepers))
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
        (ReasonKind::Corrupted { flaw }, _) => corrupted(flaw, reason.blocks),
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

fn corrupted(flaw: &str, blocks: bool) -> String {
    if blocks {
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

/// What to do, most harmless first.
fn suggestions(name: &LockName, explanation: &Explanation) -> Vec<String> {
    let mut suggestions = Vec::new();
    if explanation.is_free() {
        return suggestions;
    }
    let blocking = explanation.reasons.iter().filter(|reason| reason.blocks);
    for reason in blocking {
        suggestions.extend(suggestion(name, &reason.kind, reason.record.as_ref()));
    }
    let inside = explanation.reasons.iter().any(|it| matches!(it.kind, ReasonKind::Inside(_)));
    if inside {
        // A lease cannot be given back under a guard that is in.
        suggestions.clear();
    }
    suggestions
        .extend(explanation.reasons.iter().filter_map(|it| joining(name, it.record.as_ref()?)));
    let is_unclear = |it: &Reason| it.blocks && matches!(it.kind, ReasonKind::Corrupted { .. });
    if explanation.reasons.iter().any(is_unclear) {
        // Nobody waits for what nobody can tell the end of.
        return suggestions;
    }
    suggestions.push(if explanation.reasons.iter().any(bears_a_guard) && !inside {
        format!("lokt guard {name} -- COMMAND   runs under your lease")
    } else {
        format!("lokt guard {name}{} --wait -- COMMAND   waits in line", number(explanation))
    });
    suggestions
}

fn suggestion(name: &LockName, kind: &ReasonKind, record: Option<&Record>) -> Option<String> {
    match kind {
        ReasonKind::Frozen => {
            Some(format!("lokt unfreeze {name}   lifts the freeze (--force: another's)"))
        }
        kind if is_lease(kind, record) => Some(format!("lokt unlock {name}   gives it back")),
        ReasonKind::Held { holding: Holding::Abandoned, .. } | ReasonKind::Corrupted { .. } => {
            Some(format!("lokt unlock {name} --break-stale   removes it"))
        }
        ReasonKind::Held { holding: Holding::Orphaned, keepers }
        | ReasonKind::SelfHeld { holding: Holding::Orphaned, keepers }
            if !keepers.is_empty() =>
        {
            let pids: Vec<String> = keepers.iter().map(|(pid, _)| pid.to_string()).collect();
            Some(format!("kill {}   ends what is left of it", pids.join(" ")))
        }
        _ => None,
    }
}

/// What all must ask for who use a lock with slots: without it, one waits until nobody is left.
fn number(explanation: &Explanation) -> String {
    let blocking = explanation.reasons.iter().filter(|it| it.blocks);
    let mut modes = blocking.filter_map(|it| Some(it.record.as_ref()?.mode));
    let slots = modes.find_map(Mode::slots);
    slots.map_or_else(String::new, |slots| format!(" --slots {slots}"))
}

/// How to get in beside those who hold a lock that several may hold.
fn joining(name: &LockName, record: &Record) -> Option<String> {
    match record.mode {
        Mode::Shared => Some(format!("lokt guard {name} --shared -- COMMAND   shares it")),
        Mode::Slots(slots) if record.holders().count() < slots.get() as usize => {
            Some(format!("lokt guard {name} --slots {slots} -- COMMAND   takes a free slot"))
        }
        _ => None,
    }
}

/// Whether a guard of the one who asks would run under it. Beside a lease that others share, it asks for a place
/// like everybody.
fn bears_a_guard(reason: &Reason) -> bool {
    let record = reason.record.as_ref();
    let alone = record.is_some_and(|it| it.mode == Mode::Exclusive);
    reason.blocks && alone && is_lease(&reason.kind, record)
}

/// Whether it is a lease of the one who asks.
fn is_lease(kind: &ReasonKind, record: Option<&Record>) -> bool {
    let guard = record.is_none_or(|it| it.hold == Some(Hold::Guard));
    matches!(kind, ReasonKind::SelfHeld { .. }) && !guard
}
