//! What is held, frozen, reserved or broken at this moment, a line for each name, most binding first.

use super::{quotation::code, text::WIDTH};
use crate::span;
use lokt_lock::{
    ops::{LockStatusEntry, LockStatusEntryState, ReservationList},
    pattern::Pattern,
    record::LockRecord,
    reservation::{Reservation, is_own},
    rules::CallerIdentity,
};

/// The lines about all locks that may block a caller. Free locks are left out.
pub(crate) fn lines(entries: &[LockStatusEntry], me: &CallerIdentity) -> Vec<String> {
    let mut lines: Vec<(u8, String)> = entries.iter().filter_map(|it| line(it, me)).collect();
    lines.sort_by_key(|(rank, _)| *rank);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn line(entry: &LockStatusEntry, me: &CallerIdentity) -> Option<(u8, String)> {
    let name = code(entry.name.as_str(), 32);
    let ends = entry.record().map_or_else(String::new, |it| ends(it, entry));
    let (rank, rest) = match entry.state {
        LockStatusEntryState::Frozen => {
            let owner = entry.record().map_or_else(String::new, named);
            (0, format!("is frozen by {owner}{ends}"))
        }
        // A kept result of `lokt once` blocks no caller.
        LockStatusEntryState::Held if is_only_a_result(entry) => return None,
        LockStatusEntryState::Held
        | LockStatusEntryState::Overdue
        | LockStatusEntryState::Orphaned
        | LockStatusEntryState::Abandoned => {
            let age = entry.record().map(|it| span::show(entry.seen.since(it.since())));
            let age = age.map_or_else(String::new, |age| format!(" since {age}"));
            let waiters = waiters(entry);
            let told = |who, age: &str| format!("is held by {who}{age}{ends}{waiters}");
            // Of all of it, the age can be missed best, and the agent next.
            let forms = [
                told(holders(entry, me, named), &age),
                told(holders(entry, me, named), ""),
                told(holders(entry, me, owner), ""),
            ];
            let fits = |it: &&String| name.chars().count() + it.chars().count() + 3 <= WIDTH;
            let form = forms.iter().find(fits).or(forms.last());
            (1, form.cloned().unwrap_or_default())
        }
        LockStatusEntryState::Queued => (2, "goes to the next waiter in the queue".to_owned()),
        LockStatusEntryState::Corrupted
        | LockStatusEntryState::Unsupported
        | LockStatusEntryState::Unreadable => {
            let state = entry.state.as_str();
            (3, format!("is {state}: leave it to a person (`lokt doctor`)"))
        }
        // Free again, unless a guard is in whose record is another's or gone.
        LockStatusEntryState::Expired | LockStatusEntryState::Dead if entry.inside.is_empty() => {
            return None;
        }
        LockStatusEntryState::Expired | LockStatusEntryState::Dead => {
            (1, "is held by a guard without a record".to_owned())
        }
    };
    Some((rank, format!("- {name} {rest}")))
}

/// The lines about all reservations, those of others first.
pub(crate) fn reserved(list: &ReservationList, me: &CallerIdentity) -> Vec<String> {
    let is_mine = |it: &Reservation| is_own(me, &it.owner, it.agent_id.as_ref());
    let (mine, others): (Vec<_>, Vec<_>) = list.standing.iter().partition(|it| is_mine(it));
    let others = others.into_iter().map(|it| {
        let agent = it.agent_id.as_ref().filter(|it| it.is_of_harness());
        let agent = agent.map(|it| format!(" ({})", code(&it.spoken(), 32))).unwrap_or_default();
        let reason = it.reason.as_ref().map(|it| format!(": {}", code(it, 40))).unwrap_or_default();
        (it, format!("{}{agent}", code(it.owner.as_str(), 20)), reason)
    });
    let mine = mine.into_iter().map(|it| (it, "you".to_owned(), String::new()));
    let line = |(record, who, reason): (&Reservation, String, String)| {
        let end = record.expiry().map(|end| span::show(end.since(list.seen)));
        let end = end.map_or_else(String::new, |end| format!(", for another {end}"));
        let line = format!("- {} reserved by {who}{end}", paths(&record.patterns));
        let fits = line.chars().count() + reason.chars().count() <= WIDTH;
        if fits { line + &reason } else { line }
    };
    let unreadable = list.faults.first().map(|_| {
        "- a reservation is unreadable: leave it to a person (`lokt reservations`)".to_owned()
    });
    others.chain(mine).map(line).chain(unreadable).collect()
}

/// The first pattern, and how many others there are: "`src/a` and 2 more are".
fn paths(patterns: &[Pattern]) -> String {
    let first = patterns.first().map(|it| code(&it.to_string(), 40)).unwrap_or_default();
    match patterns.len() {
        0 | 1 => format!("{first} is"),
        count => format!("{first} and {} more are", count - 1),
    }
}

fn is_only_a_result(entry: &LockStatusEntry) -> bool {
    let is_result = entry.record().is_some_and(|it| it.result().is_some());
    is_result && entry.waiters.is_empty() && entry.inside.is_empty()
}

fn holders(
    entry: &LockStatusEntry,
    me: &CallerIdentity,
    name: fn(&LockRecord) -> String,
) -> String {
    let Some(record) = entry.record() else { return "a guard without a record".to_owned() };
    let first = if me.owns(record) { "you".to_owned() } else { name(record) };
    match record.co_holders.len() {
        0 => first,
        count => format!("{first} and {count} more"),
    }
}

/// The owner, and the session of a harness that holds the lock for it.
fn named(record: &LockRecord) -> String {
    let owner = owner(record);
    let agent = record.agent_id.as_ref().filter(|it| it.is_of_harness());
    agent.map_or(owner.clone(), |it| format!("{owner} ({})", code(&it.spoken(), 24)))
}

fn owner(record: &LockRecord) -> String {
    code(record.owner.as_str(), 20)
}

fn waiters(entry: &LockStatusEntry) -> String {
    match entry.waiters.len() {
        0 => String::new(),
        count => format!(", {count} waiting"),
    }
}

fn ends(record: &LockRecord, entry: &LockStatusEntry) -> String {
    match record.expiry() {
        Some(end) if end > entry.seen => {
            format!(", for another {}", span::show(end.since(entry.seen)))
        }
        Some(_) => ", overdue".to_owned(),
        None => String::new(),
    }
}
