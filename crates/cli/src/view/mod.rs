//! The output as values: JSON with the field names of the contract, and text.

pub(crate) mod chain;
pub(crate) mod cycle;
pub(crate) mod entry;
pub(crate) mod event;
pub(crate) mod flat;
pub(crate) mod holder;
pub(crate) mod reason;
pub(crate) mod suggestion;
pub(crate) mod table;

use lokt_lock::{record::LockRecord, words::LockName};
use serde::Serialize;

/// A record with a status before its fields.
#[derive(Serialize)]
pub(crate) struct LockRecordWithStatus<'a> {
    status: &'static str,
    #[serde(flatten)]
    record: &'a LockRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    renewed: Option<bool>,
}

/// A lock that was taken or renewed.
pub(crate) fn acquired(record: &LockRecord, renewed: bool) -> LockRecordWithStatus<'_> {
    LockRecordWithStatus { status: "acquired", record, renewed: renewed.then_some(true) }
}

/// A new freeze.
pub(crate) fn frozen(record: &LockRecord) -> LockRecordWithStatus<'_> {
    LockRecordWithStatus { status: "frozen", record, renewed: None }
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
