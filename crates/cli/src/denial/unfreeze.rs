use crate::{
    exit::ExitCode,
    failure::CliFailure,
    view::{self, flat::FreezeJsonFields},
};
use lokt_lock::{
    ops::UnfreezeOutcome,
    words::{LockName, Timestamp},
};

/// The refusal to lift a freeze.
pub(crate) fn refusal(name: &LockName, refused: &UnfreezeOutcome) -> CliFailure {
    let shown = name.as_str();
    match refused {
        UnfreezeOutcome::NotYours(record) => {
            let by = view::holder::frozen_by(record);
            let text = format!("{shown:?} is not yours to unfreeze: frozen {by}");
            CliFailure::new(ExitCode::NotYours, text)
                .hint(format!("{}   shows who froze it", view::call("why", name, "")))
                .facts(&FreezeJsonFields::of(record, Timestamp::now()))
        }
        UnfreezeOutcome::Done { .. } | UnfreezeOutcome::NotFound => {
            CliFailure::new(ExitCode::NotFound, format!("{shown:?} is not frozen"))
        }
    }
}
