//! A cycle of waiters, in words.
//!
//! These lines are the hints of a refused wait: each process waits for the next, and the last for
//! the first.

use super::command_line;
use lokt_lock::rules::{TicketContent, WaitCycleLink};

/// A line for each step: the waiter, the lock, and the process that blocks it.
pub(crate) fn lines(cycle: &[WaitCycleLink]) -> Vec<String> {
    cycle.iter().map(line).collect()
}

/// What to do instead of waiting: one guard of all names of the cycle.
pub(crate) fn remedy(cycle: &[WaitCycleLink]) -> String {
    let mut names: Vec<String> = cycle.iter().map(|link| link.name.to_string()).collect();
    names.sort_unstable();
    names.dedup();
    if names.iter().any(|name| is_of_a_result(name)) {
        return "run them one after the other, and not one inside the other".to_owned();
    }
    let what = if names.len() == 1 { "it once" } else { "all of them in one call" };
    let guard = command_line(&names);
    format!("lock {what}, before the work begins: lokt guard {guard} --wait -- COMMAND")
}

/// Whether a lock is that of a result, which only `lokt once` takes: `NAME.KEY`.
fn is_of_a_result(name: &str) -> bool {
    let is_key = |it: &str| it.len() == 16 && it.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.rsplit_once('.').is_some_and(|(_, key)| is_key(key))
}

fn line(link: &WaitCycleLink) -> String {
    let blocker = link.blocker.as_ref().map_or_else(|| "an unknown process".to_owned(), who);
    let how = if link.inside { "which is held by" } else { "and ahead of it in the queue is" };
    format!("{} waits for {:?}, {how} {blocker}", who(&link.waiter), link.name.as_str())
}

/// An owner with its process and command.
fn who(text: &TicketContent) -> String {
    let runs = if text.command.is_empty() {
        String::new()
    } else {
        format!(", running: {}", command_line(&text.command))
    };
    format!("{} (pid {}{runs})", text.owner, text.pid)
}
