//! The output as values: JSON with the field names of the contract, and text.
//!
//! * [`entry`], [`table`]: statuses. [`holder`], [`flat`]: holders and freezes.
//! * [`reason`], [`suggestion`]: answers of `lokt why`. [`cycle`]: deadlocks.
//! * [`reservation`]: reservations. [`event`]: the audit log. [`chain`]: tools.
//!
//! Nothing here prints or reads files of a root. A few texts ask the system for what they are not
//! given: the time, and whether a process is stopped or may be signalled. `output.rs` makes every
//! text printable, so views may have text of others in them as it is.

pub(crate) mod agent_label;
pub(crate) mod chain;
pub(crate) mod cycle;
pub(crate) mod entry;
pub(crate) mod event;
pub(crate) mod flat;
pub(crate) mod holder;
pub(crate) mod path_reason;
pub(crate) mod reason;
pub(crate) mod reservation;
pub(crate) mod suggestion;
pub(crate) mod table;
pub(crate) mod unlocked_guard;

use lokt_lock::{
    record::LockRecord,
    words::{LockName, Timestamp},
};
use serde::Serialize;

/// A record with a status before its fields.
#[derive(Serialize)]
pub(crate) struct LockRecordWithStatus<'a> {
    /// `acquired` or `frozen`.
    status: &'static str,
    /// The record as it was written.
    #[serde(flatten)]
    record: &'a LockRecord,
    /// Only for a lease that was renewed.
    #[serde(flatten)]
    renewal: Option<LeaseRenewalJsonFields>,
}

/// What a renewal adds to the fields of a lease.
#[derive(Serialize)]
struct LeaseRenewalJsonFields {
    /// Always true; the field is missing where nothing was renewed.
    renewed: bool,
    /// Null if it had no end.
    previous_expires_at: Option<Timestamp>,
}

/// A lock that was taken.
pub(crate) fn acquired(record: &LockRecord) -> LockRecordWithStatus<'_> {
    LockRecordWithStatus { status: "acquired", record, renewal: None }
}

/// A lease that was renewed, and when it would have ended.
pub(crate) fn renewed(
    record: &LockRecord,
    previous_end: Option<Timestamp>,
) -> LockRecordWithStatus<'_> {
    let renewal = LeaseRenewalJsonFields { renewed: true, previous_expires_at: previous_end };
    LockRecordWithStatus { renewal: Some(renewal), ..acquired(record) }
}

/// A new freeze.
pub(crate) fn frozen(record: &LockRecord) -> LockRecordWithStatus<'_> {
    LockRecordWithStatus { status: "frozen", record, renewal: None }
}

/// A lokt command for a name, ready to type. `flags` begin with a space, or are empty.
pub(crate) fn call(verb: &str, name: &LockName, flags: &str) -> String {
    if name.as_str().starts_with('-') {
        format!("lokt {verb}{flags} -- {name}")
    } else {
        format!("lokt {verb} {name}{flags}")
    }
}

/// A command that lists the events of a name.
pub(crate) fn audit_of(name: &LockName) -> String {
    let is = if name.as_str().starts_with('-') { '=' } else { ' ' };
    format!("lokt audit --name{is}{name}")
}

/// A command as a person would type it, for one line.
///
/// Words with other than plain characters stand in single quotes, as sh(1) reads them. Control
/// characters are left as they are: the output makes them visible.
pub(crate) fn command_line(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+…".contains(c);
    let quote = |word: &String| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_typed_again() {
        let words = ["sh", "-c", "echo 'hi' $X", ""].map(str::to_owned);
        assert_eq!(command_line(&words), r"sh -c 'echo '\''hi'\'' $X' ''");
    }
}
