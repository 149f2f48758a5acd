//! Refusals as error messages: what was refused, who holds the name, what to do.
//!
//! A reader may do literally what a hint says. So no hint breaks what is another's, and none acts as another owner.

pub(crate) mod freeze;
pub(crate) mod lock;
pub(crate) mod reservation;
pub(crate) mod unfreeze;
pub(crate) mod unlock;

use crate::view::{self, holder};
use lokt_lock::{record::LockRecord, words::LockName};

/// How to get a lock that another holds, or a freeze of another lifted, before its end: no command does that.
fn ask_first(record: &LockRecord) -> String {
    format!("if you cannot wait, ask {}", holder::contact(record))
}

/// How to wait for a lock without taking it.
fn wait_first(name: &LockName) -> String {
    format!("{}   waits until it is free", view::call("wait", name, ""))
}
