//! The output as values: JSON with the field names of the contract, and text.

pub(crate) mod chain;
pub(crate) mod cycle;
pub(crate) mod entry;
pub(crate) mod event;
pub(crate) mod flat;
pub(crate) mod holder;
pub(crate) mod reason;
pub(crate) mod reservation;
pub(crate) mod suggestion;
pub(crate) mod table;

use lokt_lock::{
    record::LockRecord,
    words::{LockName, Timestamp},
};
use serde::Serialize;

/// A record with a status before its fields.
#[derive(Serialize)]
pub(crate) struct LockRecordWithStatus<'a> {
    status: &'static str,
    #[serde(flatten)]
    record: &'a LockRecord,
    #[serde(flatten)]
    renewal: Option<LeaseRenewalJsonFields>,
}

/// What a renewal adds to the fields of a lease.
#[derive(Serialize)]
struct LeaseRenewalJsonFields {
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
