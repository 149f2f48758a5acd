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
