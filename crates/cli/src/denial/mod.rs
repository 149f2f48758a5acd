//! Refusals as error messages: what was refused, who holds the name, what to do.
//!
//! Each function turns an outcome of `lokt_lock::ops` ("held by another" is an outcome there, and
//! no error) into a [`CliFailure`](crate::failure::CliFailure): a message, hints, an exit code, and
//! the facts for `--json`.
//!
//! * [`lock`]: a request for a lock; [`unlock`]: unlocking it, or breaking it.
//! * [`freeze`], [`unfreeze`]: freezes.
//! * [`reservation`]: reserving paths, and giving them back.
//!
//! A reader may do literally what a hint says. So no hint breaks what is another's, and none acts
//! as another owner.

pub(crate) mod freeze;
pub(crate) mod lock;
pub(crate) mod reservation;
pub(crate) mod unfreeze;
pub(crate) mod unlock;

use crate::view::{self, holder};
use lokt_lock::{caller::Caller, harness::AgentSource, record::LockRecord, words::LockName};

/// How to get a lock that another holds, or a freeze of another lifted, before its end: no command does that.
///
/// The text names the owner, the machine and the agent, and no process id, so that no reader ends
/// the process.
fn ask_first(record: &LockRecord) -> String {
    format!("if you cannot wait, ask {}", holder::contact(record))
}

/// What the caller should know of a holder that has its owner and is another agent: the message alone would name the
/// reader as the holder. Nothing if the owner is another.
fn same_user(record: &LockRecord, caller: &Caller) -> Vec<String> {
    let Some(text) = holder::same_user(record, &caller.identity) else { return Vec::new() };
    let mut hints = vec![text];
    if matches!(caller.agent_source, AgentSource::Terminal { .. }) {
        hints.push(
            "lokt whoami   says who you are, and how commands in separate sessions are one agent"
                .to_owned(),
        );
    }
    hints
}

/// How to wait for a lock without taking it.
///
/// `lokt wait` needs no rights to the lock, so this hint is safe for every reader.
fn wait_first(name: &LockName) -> String {
    format!("{}   waits until it is free", view::call("wait", name, ""))
}
