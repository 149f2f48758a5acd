//! What is held, frozen or broken at this moment, a line for each name, most binding first.

use super::{quotation::code, text::WIDTH};
use crate::span;
use lokt_lock::{
    ops::{Entry, State},
    record::Record,
    rules::Identity,
};

/// The lines about all that somebody could run into. What is free again is left out.
pub(crate) fn lines(entries: &[Entry], me: &Identity) -> Vec<String> {
    let mut lines: Vec<(u8, String)> = entries.iter().filter_map(|it| line(it, me)).collect();
    lines.sort_by_key(|(rank, _)| *rank);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn line(entry: &Entry, me: &Identity) -> Option<(u8, String)> {
    let name = code(entry.name.as_str(), 32);
    let ends = entry.record().map_or_else(String::new, |it| ends(it, entry));
    let (rank, rest) = match entry.state {
        State::Frozen => {
            let owner = entry.record().map_or_else(String::new, |it| code(it.owner.as_str(), 20));
            (0, format!("is frozen by {owner}{ends}"))
        }
        // What came of `lokt once` keeps nobody from asking for it again.
        State::Held if is_only_a_result(entry) => return None,
        State::Held | State::Overdue | State::Orphaned | State::Abandoned => {
            let age = entry.record().map(|it| span::show(entry.seen.since(it.since())));
            let age = age.map_or_else(String::new, |age| format!(" since {age}"));
            let (who, waiters) = (holders(entry, me), waiters(entry));
            let rest = format!("is held by {who}{age}{ends}{waiters}");
            // Of all of it, the age can be missed best.
            let is_wide = name.chars().count() + rest.chars().count() + 3 > WIDTH;
            (1, if is_wide { format!("is held by {who}{ends}{waiters}") } else { rest })
        }
        State::Queued => (2, "goes to those who are in line".to_owned()),
        State::Corrupted | State::Unsupported | State::Unreadable => {
            let state = entry.state.as_str();
            (3, format!("is {state}: leave it to a person (`lokt doctor`)"))
        }
        // Free again, unless a guard is in whose record is another's or gone.
        State::Expired | State::Dead if entry.inside.is_empty() => return None,
        State::Expired | State::Dead => (1, "is held by a guard without a record".to_owned()),
    };
    Some((rank, format!("- {name} {rest}")))
}

fn is_only_a_result(entry: &Entry) -> bool {
    let is_result = entry.record().is_some_and(|it| it.result().is_some());
    is_result && entry.waiters.is_empty() && entry.inside.is_empty()
}

fn holders(entry: &Entry, me: &Identity) -> String {
    let Some(record) = entry.record() else { return "a guard without a record".to_owned() };
    let first = if me.owns(record) { "you".to_owned() } else { code(record.owner.as_str(), 20) };
    match record.co_holders.len() {
        0 => first,
        count => format!("{first} and {count} more"),
    }
}

fn waiters(entry: &Entry) -> String {
    match entry.waiters.len() {
        0 => String::new(),
        count => format!(", {count} waiting"),
    }
}

fn ends(record: &Record, entry: &Entry) -> String {
    match record.expiry() {
        Some(end) if end > entry.seen => {
            format!(", for another {}", span::show(end.since(entry.seen)))
        }
        Some(_) => ", overdue".to_owned(),
        None => String::new(),
    }
}
