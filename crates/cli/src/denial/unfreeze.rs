//! Refusals of `lokt unfreeze`.

use crate::{
    exit::ExitCode,
    failure::CliFailure,
    view::{self, flat::FreezeJsonFields},
};
use lokt_lock::{
    ops::UnfreezeOutcome,
    rules::CallerIdentity,
    words::{LockName, Timestamp},
};

/// The refusal to lift a freeze.
///
/// [`ExitCode::NotYours`] for a freeze of another, with the freeze's fields as facts, else
/// [`ExitCode::NotFound`]. Callers do not pass the outcome of a success.
pub(crate) fn refusal(
    name: &LockName,
    refused: &UnfreezeOutcome,
    me: &CallerIdentity,
) -> CliFailure {
    let shown = name.as_str();
    match refused {
        UnfreezeOutcome::NotYours(record) => {
            let by = view::holder::frozen_by(record, me);
            let text = format!("{shown:?} is not yours to unfreeze: frozen {by}");
            CliFailure::new(ExitCode::NotYours, text)
                .hint(super::ask_first(record))
                .hint(format!("{}   shows who froze it", view::call("why", name, "")))
                .facts(&FreezeJsonFields::of(record, Timestamp::now()))
        }
        UnfreezeOutcome::Done { .. } | UnfreezeOutcome::NotFound => {
            CliFailure::new(ExitCode::NotFound, format!("{shown:?} is not frozen"))
        }
    }
}
