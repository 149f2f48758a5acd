//! Text that explains why a name can or cannot be taken.
//!
//! `lokt why NAME` shows the status, then all reasons (also those that do not block, such as an
//! expired lease), then commands to try.

use super::{
    entry::waiter,
    flat, holder,
    path_reason::{self, PathExplanation, PathReservationReasonJson},
    suggestion::{self, CommandSuggestionCallerFacts, LEAVE_TO_A_PERSON},
};
use crate::span;
use lokt_lock::{
    caller::Caller,
    ops::{ExplanationReason, ExplanationReasonKind, LockExplanation},
    record::{LockRecord, LockRecordDisplayJson, RecordCorruption},
    rules::{CallerIdentity, HoldState, TicketContent},
    sys,
    words::{LockName, Timestamp},
};
use serde::Serialize;
use serde_json::{Value, json};

/// An explanation as JSON; the field names are a contract.
#[derive(Serialize)]
pub(crate) struct ExplanationJson<'a> {
    /// The name that was asked about.
    name: &'a str,
    /// The path of that name, where it is reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    status: &'static str,
    reasons: Vec<AnyReasonJson<'a>>,
    suggestions: Vec<String>,
}

/// A reason of the lock, or of the path of its name.
#[derive(Serialize)]
#[serde(untagged)]
enum AnyReasonJson<'a> {
    Lock(Box<ExplanationReasonJson<'a>>),
    Path(Box<PathReservationReasonJson<'a>>),
}

/// A reason: its subject in flat fields, and the whole record.
#[derive(Serialize)]
struct ExplanationReasonJson<'a> {
    /// The kind of the reason, one word of a fixed list.
    #[serde(rename = "type")]
    kind: &'static str,
    message: String,
    /// The holder, for all reasons but a freeze.
    #[serde(flatten)]
    holder: Option<flat::HolderJsonFields>,
    /// The freeze, for that reason.
    #[serde(flatten)]
    freeze: Option<flat::FreezeJsonFields>,
    /// The kind again, if the lock is stale and the next caller gets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_reason: Option<&'static str>,
    /// The record as it is, if one can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<LockRecordDisplayJson<'a>>,
    /// The processes that keep the lock, as far as they are visible from here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    processes: Vec<Value>,
    /// The waiters; only in the reason that tells of a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<Vec<Value>>,
}

/// An explanation as JSON, with that of the path of its name, if the path is reserved.
pub(crate) fn json<'a>(
    name: &'a LockName,
    explanation: &'a LockExplanation,
    path: Option<&'a PathExplanation<'a>>,
    (caller, asker): (&Caller, &CommandSuggestionCallerFacts),
) -> ExplanationJson<'a> {
    let of_lock = |it| AnyReasonJson::Lock(Box::new(json_reason(it, caller)));
    let of_path = path.into_iter().flat_map(|it| path_reason::json_reasons(it, caller));
    let reasons = explanation.reasons.iter().map(of_lock);
    let reasons = reasons.chain(of_path.map(|it| AnyReasonJson::Path(Box::new(it)))).collect();
    let is_free = explanation.is_free() && path.is_none_or(PathExplanation::is_free);
    let suggestions = suggestion::all(name, explanation, asker);
    let more = path.into_iter().flat_map(path_reason::suggestions);
    ExplanationJson {
        name: name.as_str(),
        path: path.map(|it| it.typed.as_str()),
        status: if is_free { "free" } else { "blocked" },
        reasons,
        suggestions: suggestions.into_iter().chain(more).collect(),
    }
}

fn json_reason<'a>(reason: &'a ExplanationReason, caller: &Caller) -> ExplanationReasonJson<'a> {
    let (now, record) = (Timestamp::now(), reason.record.as_ref());
    let ticket = match &reason.kind {
        ExplanationReasonKind::Inside(ticket) => ticket.as_ref(),
        _ => None,
    };
    let is_frozen = matches!(reason.kind, ExplanationReasonKind::Frozen);
    let has_holder = !is_frozen && (record.is_some() || ticket.is_some());
    let keepers = match &reason.kind {
        ExplanationReasonKind::Held { keepers, .. }
        | ExplanationReasonKind::SelfHeld { keepers, .. } => keepers.as_slice(),
        _ => &[],
    };
    ExplanationReasonJson {
        kind: reason.kind.as_str(),
        message: message(reason, &caller.identity),
        holder: has_holder.then(|| flat::HolderJsonFields::of(record, ticket, caller, now)),
        freeze: record.filter(|_| is_frozen).map(|it| flat::FreezeJsonFields::of(it, now)),
        stale_reason: match reason.kind {
            ExplanationReasonKind::Expired | ExplanationReasonKind::DeadPid => {
                Some(reason.kind.as_str())
            }
            _ => None,
        },
        record: record.map(LockRecordDisplayJson),
        processes: keepers.iter().map(|(pid, name)| json!({"pid": pid, "name": name})).collect(),
        queue: match &reason.kind {
            ExplanationReasonKind::Queued { waiters } => Some(waiters.iter().map(waiter).collect()),
            _ => None,
        },
    }
}

/// An explanation as lines of text.
///
/// A name that only the caller holds is "held by you", though it is blocked for another request.
pub(crate) fn lines(
    name: &LockName,
    explanation: &LockExplanation,
    asker: &CommandSuggestionCallerFacts,
) -> Vec<String> {
    let me = &explanation.identity;
    let is_yours =
        |it: &&ExplanationReason| matches!(it.kind, ExplanationReasonKind::SelfHeld { .. });
    let mut blocking = explanation.reasons.iter().filter(|it| it.blocks);
    let status = match explanation.is_free() {
        true => "free",
        false if blocking.all(|it| is_yours(&it)) => "held by you",
        false => "blocked",
    };
    let mut lines = vec![format!("{name} is {status}")];
    let told =
        |reason: &ExplanationReason| format!("  {}: {}", reason.kind.as_str(), message(reason, me));
    lines.extend(explanation.reasons.iter().map(told));
    let suggestions = suggestion::all(name, explanation, asker);
    let label = |it: &String| if it == LEAVE_TO_A_PERSON { "next" } else { "try" };
    lines.extend(suggestions.iter().map(|it| format!("  {}: {it}", label(it))));
    lines
}

fn message(reason: &ExplanationReason, me: &CallerIdentity) -> String {
    let now = Timestamp::now();
    let record = reason.record.as_ref();
    match (&reason.kind, record) {
        (ExplanationReasonKind::Frozen, Some(freeze)) => {
            format!("frozen {}", holder::frozen_by(freeze, me))
        }
        (ExplanationReasonKind::Held { holding, keepers }, Some(record)) => {
            let told = holder::all_told(record.holders(), now);
            let ask = match holding {
                HoldState::Abandoned => format!(": ask {}", holder::contact(record)),
                _ => String::new(),
            };
            let slots = holder::slots_taken(record);
            let you = holder::same_user(record, me);
            let you = you.map_or_else(String::new, |it| format!("; {it}: see `lokt whoami`"));
            format!("held by {told}{slots}{}{ask}{you}", remark(*holding, keepers))
        }
        (ExplanationReasonKind::SelfHeld { holding, keepers }, Some(record)) => {
            let slots = holder::slots_taken(record);
            format!("{}{slots}{}", held_by(record, me, now), remark(*holding, keepers))
        }
        (ExplanationReasonKind::Expired, Some(record)) => format!(
            "the lease of {} expired {} ago; the next caller gets the lock",
            holder::who(record),
            span::show(record.expiry().map(|end| now.since(end)).unwrap_or_default())
        ),
        (ExplanationReasonKind::DeadPid, Some(record)) => format!(
            "{} is provably gone and did not unlock it; the next caller gets the lock",
            holder::who(record)
        ),
        (ExplanationReasonKind::Corrupted { corruption }, _) => {
            corrupted(corruption, reason.blocks)
        }
        (ExplanationReasonKind::Queued { waiters }, _) => {
            let who: Vec<String> = waiters.iter().map(waiting).collect();
            format!("{} waiting: {}", waiters.len(), who.join(", "))
        }
        (ExplanationReasonKind::Inside(Some(text)), _) => format!(
            "a guard of {} holds it, running: {}",
            holder::waiter(text, ""),
            super::command_line(&text.command)
        ),
        _ => "held by a process that cannot be identified".to_owned(),
    }
}

/// A waiter. A stopped one is marked: every waiter behind it waits for it.
fn waiting(text: &TicketContent) -> String {
    let stopped = if sys::is_stopped(text.pid) { ", stopped" } else { "" };
    holder::waiter(text, stopped)
}

/// Holders, some of which are the caller, each shown once.
fn held_by(record: &LockRecord, me: &CallerIdentity, now: Timestamp) -> String {
    let (mine, others): (Vec<&LockRecord>, Vec<&LockRecord>) =
        record.holders().partition(|it| me.owns(it));
    let is_lease = mine.iter().all(|it| holder::is_lease(it));
    let (yours, mine) =
        (if is_lease { "your lease" } else { "held by you" }, holder::all_told(mine, now));
    if others.is_empty() {
        return format!("{yours}: {mine}");
    }
    format!("{yours}: {mine}; and held by {}", holder::all_told(others, now))
}

/// What is known of an unreadable record. `blocks` says whether it keeps the lock from others.
fn corrupted(corruption: &RecordCorruption, blocks: bool) -> String {
    let flaw = &corruption.flaw;
    if blocks && corruption.may_be_filling() {
        format!("its record is unreadable ({flaw}); another program may still be writing it")
    } else if blocks {
        format!("its record is unreadable: {flaw}")
    } else {
        format!(
            "its record is unreadable ({flaw}), and no process can hold the lock; the next caller gets it"
        )
    }
}

/// A remark on an unusual state of a held lock.
///
/// `keepers` are the processes that still have the lock's ticket open: pids and names.
fn remark(holding: HoldState, keepers: &[(i32, String)]) -> String {
    match holding {
        HoldState::Live => String::new(),
        HoldState::Overdue => "; its announced lifetime has passed, but its processes are still running, so it is still held".to_owned(),
        HoldState::Abandoned => "; abandoned? the process that took it is gone, but nothing proves that the work is finished".to_owned(),
        HoldState::Orphaned => {
            let names: Vec<String> = keepers.iter().map(|(pid, name)| format!("{pid} ({name})")).collect();
            let which = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
            format!("; its guard is gone, but processes of its command are still running, so it is held until they end{which}")
        }
    }
}
