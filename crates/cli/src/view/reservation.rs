//! Reservations and requests, as text and JSON.
//!
//! A conflict is between a requested pattern and one of another: a reservation that stands, or a
//! request that waits. A path that both cover is shown as evidence, unless one of the patterns is
//! that path.

use super::table::TextTable;
use crate::span;
use lokt_lock::{
    caller::Caller,
    ops::{ReservationDenial, ReservationList},
    pattern::Pattern,
    reservation::{
        PatternConflict, Reservation, ReservationWaitCycleLink, WaitingReservation, conflicts,
        is_own,
    },
    rules::CallerIdentity,
    words::{AgentId, Owner, Timestamp},
};
use serde::Serialize;
use serde_json::{Value, json};

/// A reservation with a status before its fields.
#[derive(Serialize)]
pub(crate) struct ReservedJson<'a> {
    /// Always `reserved`.
    status: &'static str,
    /// Whether the caller had a reservation already that was extended.
    extended: bool,
    /// The record as it was written.
    #[serde(flatten)]
    record: &'a Reservation,
}

/// A reservation that was made or extended.
pub(crate) fn reserved(record: &Reservation, extended: bool) -> ReservedJson<'_> {
    ReservedJson { status: "reserved", extended, record }
}

/// A refusal as JSON.
///
/// Each conflict names the two patterns (`asked`, `standing`), a path of both, and the reservation
/// or the waiter that has it. `waited_ms` is `null` if the caller did not want to wait.
pub(crate) fn blocked(denial: &ReservationDenial) -> Value {
    let standing = denial.standing.iter().flat_map(|(record, found)| {
        found.iter().map(move |it| {
            json!({"asked": it.asked, "standing": it.standing, "common_path": it.common,
                "reservation": record})
        })
    });
    let waiting = denial.waiting.iter().flat_map(|(waiter, found)| {
        found.iter().map(move |it| {
            json!({"asked": it.asked, "standing": it.standing, "common_path": it.common,
                "waiter": waiter_json(waiter)})
        })
    });
    json!({
        "conflicts": standing.chain(waiting).collect::<Vec<_>>(),
        "free": denial.free,
        "waited_ms": denial.waited.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
    })
}

/// A request that waits, as JSON.
pub(crate) fn waiter_json(waiter: &WaitingReservation) -> Value {
    json!({"owner": waiter.identity.owner.as_str(), "agent_id": waiter.identity.agent.as_str(),
        "pid": waiter.pid, "since": waiter.since.to_string(), "patterns": waiter.patterns})
}

/// A refusal in lines, one for each conflict.
pub(crate) fn denied(denial: &ReservationDenial) -> Vec<String> {
    let standing = denial
        .standing
        .iter()
        .flat_map(|(record, found)| found.iter().map(|it| conflict(record, it, denial.seen)));
    let waiting = denial.waiting.iter().flat_map(|(waiter, found)| {
        found.iter().map(|it| {
            let who = who(&waiter.identity.owner, Some(&waiter.identity.agent));
            let since = span::show(denial.seen.since(waiter.since));
            let asked = quoted(&it.asked);
            let standing = quoted(&it.standing);
            format!(
                "cannot reserve {asked}: {who} has waited for {standing} for {since}{}",
                both(it)
            )
        })
    });
    standing.chain(waiting).collect()
}

/// One conflict with a reservation that stands. Two equal patterns are named once.
fn conflict(record: &Reservation, found: &PatternConflict, seen: Timestamp) -> String {
    let asked = quoted(&found.asked);
    let standing = quoted(&found.standing);
    let told = told(record, seen, &both(found));
    if asked == standing {
        format!("{asked} is {told}")
    } else {
        format!("cannot reserve {asked}: {standing} is {told}")
    }
}

/// The path that two patterns have in common, where the patterns alone do not show it.
fn both(found: &PatternConflict) -> String {
    let is_shown = |it: &Pattern| it.as_literal() == Some(&found.common);
    if is_shown(&found.asked) || is_shown(&found.standing) || found.asked == found.standing {
        return String::new();
    }
    format!(" (both cover {:?})", found.common.to_string())
}

/// Whose a reservation is, since when, until when, and why: `reserved by ada (claude-code 1f0c) since 5m, for another
/// 25m: reason`.
///
/// `evidence` is the text of a common path, or empty.
pub(crate) fn told(record: &Reservation, seen: Timestamp, evidence: &str) -> String {
    let mode = if record.mode.as_str() == "shared" { " (shared)" } else { "" };
    let who = who(&record.owner, record.agent_id.as_ref());
    let since = span::show(seen.since(record.since()));
    let end = match record.expiry() {
        Some(end) => format!(", for another {}", span::show(end.since(seen))),
        None => String::new(),
    };
    let why = record.reason.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    format!("reserved{mode} by {who} since {since}{end}{evidence}{why}")
}

/// An owner and its agent: `ada (claude-code 1f0c9a2e)`.
pub(crate) fn who(owner: &Owner, agent: Option<&AgentId>) -> String {
    agent.map_or_else(|| owner.to_string(), |it| format!("{owner} ({})", it.spoken()))
}

/// A pattern in quotes.
pub(crate) fn quoted(pattern: &Pattern) -> String {
    format!("{:?}", pattern.to_string())
}

/// Patterns in quotes, with commas between them.
pub(crate) fn list(patterns: &[Pattern]) -> String {
    patterns.iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// What to do instead of a wait that would never end.
pub(crate) const REMEDY: &str =
    "lokt unreserve --all   gives back what you have; then reserve all paths in one call";

/// The waits of a circle, one line each.
pub(crate) fn circle(waits: &[ReservationWaitCycleLink]) -> Vec<String> {
    let line = |wait: &ReservationWaitCycleLink| {
        let identity = &wait.waiter.identity;
        let waiter = who(&identity.owner, Some(&identity.agent));
        let asked = list(&wait.waiter.patterns);
        match &wait.standing {
            Some(record) => format!(
                "{waiter} waits for {asked}, and {} has reserved {}",
                who(&record.owner, record.agent_id.as_ref()),
                list(&record.patterns)
            ),
            None => format!("{waiter} waits for {asked} behind an earlier waiter"),
        }
    };
    waits.iter().map(line).collect()
}

/// A reservation of a list as JSON: the record's fields, then other known facts.
#[derive(Serialize)]
pub(crate) struct ListedReservationJson<'a> {
    #[serde(flatten)]
    record: &'a Reservation,
    /// How long it has stood, in seconds.
    age_sec: u64,
    /// The seconds until it ends; left out if it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_sec: Option<u64>,
    /// Whether the process that it names lives: `alive`, `dead` or `unknown`.
    pid_status: &'static str,
    /// Whether it is the caller's.
    mine: bool,
    /// The requests that wait for it.
    waiters: Vec<Value>,
}

/// A reservation of a list as JSON.
pub(crate) fn json<'a>(
    record: &'a Reservation,
    list: &ReservationList,
    caller: &Caller,
) -> ListedReservationJson<'a> {
    ListedReservationJson {
        record,
        age_sec: list.seen.since(record.since()).as_secs(),
        remaining_sec: record.expiry().map(|end| end.since(list.seen).as_secs()),
        pid_status: caller.liveness(record).as_str(),
        mine: is_own(&caller.identity, &record.owner, record.agent_id.as_ref()),
        waiters: waiters(record, &list.waiting).map(waiter_json).collect(),
    }
}

/// The requests that wait for a reservation.
///
/// A request waits for a reservation if it is of another and the two conflict.
fn waiters<'a>(
    record: &'a Reservation,
    waiting: &'a [WaitingReservation],
) -> impl Iterator<Item = &'a WaitingReservation> {
    let waits = |it: &&WaitingReservation| {
        !is_own(&it.identity, &record.owner, record.agent_id.as_ref())
            && !conflicts(it.terms(), record.terms()).is_empty()
    };
    waiting.iter().filter(waits)
}

/// Reservations as a table.
pub(crate) fn table(
    records: &[&Reservation],
    list: &ReservationList,
    me: &CallerIdentity,
) -> TextTable {
    let mut table = TextTable::new(&[
        "RESERVED", "OWNER", "AGE", "ENDS IN", "SCOPE", "MODE", "BY", "WAIT", "ID", "REASON",
    ]);
    for record in records {
        let patterns: Vec<String> = record.patterns.iter().map(ToString::to_string).collect();
        let waiting = waiters(record, &list.waiting).count();
        let end = |end: Timestamp| span::show(end.since(list.seen));
        table.row(vec![
            patterns.join(" "),
            if is_own(me, &record.owner, record.agent_id.as_ref()) {
                format!("{} (you)", record.owner)
            } else {
                who(&record.owner, record.agent_id.as_ref())
            },
            span::show(list.seen.since(record.since())),
            record.expiry().map_or_else(|| "-".to_owned(), end),
            record.scope.as_str().to_owned(),
            record.mode.as_str().to_owned(),
            record.origin.as_str().to_owned(),
            if waiting == 0 { String::new() } else { waiting.to_string() },
            record.id.to_string(),
            record.reason.clone().unwrap_or_default(),
        ]);
    }
    table
}
