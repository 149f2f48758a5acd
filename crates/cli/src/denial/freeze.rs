//! Refusals of `lokt freeze`.

use crate::{
    exit::ExitCode,
    failure::CliFailure,
    view::{self, flat::FreezeJsonFields},
};
use lokt_lock::{
    record::LockRecord,
    rules::CallerIdentity,
    words::{LockName, Timestamp},
};

/// The refusal of a name that another has frozen already.
///
/// The exit code is [`ExitCode::Held`]. For `--json`, the facts are the fields of the freeze that
/// stands, and `reason` is `frozen`.
pub(crate) fn refusal(name: &LockName, record: &LockRecord, me: &CallerIdentity) -> CliFailure {
    let shown = name.as_str();
    let text = format!("{shown:?} is frozen already {}", view::holder::frozen_by(record, me));
    CliFailure::new(ExitCode::Held, text)
        .hint(super::ask_first(record))
        .hint(format!("{}   shows who froze it", view::call("why", name, "")))
        .fact("reason", "frozen")
        .facts(&FreezeJsonFields::of(record, Timestamp::now()))
}
