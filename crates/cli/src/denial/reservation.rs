//! Refusals of `lokt reserve` and `lokt unreserve`.

use crate::{
    exit::ExitCode,
    failure::CliFailure,
    output, span,
    view::{self, reservation as shown},
};
use lokt_lock::{
    ops::{ReservationDenial, UnreserveOutcome},
    reservation::Reservation,
    words::Timestamp,
};

/// The refusal of paths that another has reserved: one error for each conflict. All but the last are printed here.
///
/// The exit code is [`ExitCode::Held`]. `--json` gets one object, with all conflicts, on stdout at
/// the end; the lines on stderr are for people. Nothing of the request was reserved, but the last
/// hint lists the requested patterns that are free.
pub(crate) fn denied(denial: &ReservationDenial) -> CliFailure {
    let mut lines = shown::denied(denial);
    if let (Some(last), Some(waited)) = (lines.last_mut(), denial.waited) {
        *last = format!("{last}; gave up after {}", span::show(waited));
    }
    let last = lines.pop().unwrap_or_else(|| "another has reserved these paths".to_owned());
    for line in lines {
        output::fail(&CliFailure::new(ExitCode::Held, line));
    }
    let failure = CliFailure::new(ExitCode::Held, last).facts(&shown::blocked(denial));
    let failure = match denial.waited {
        None => failure.hint("--wait waits for them, first come, first served"),
        Some(_) => failure.hint("--timeout sets how long to wait"),
    };
    let failure = failure.hint("if you cannot wait, ask the owner");
    if denial.free.is_empty() {
        failure
    } else {
        failure.hint(format!("free now: {}", shown::list(&denial.free)))
    }
}

/// The failure for paths that were not given back.
///
/// * Another's: [`ExitCode::NotYours`].
/// * A part of a larger pattern of the caller, which cannot be cut: [`ExitCode::Error`]. Nothing
///   has changed.
/// * Not reserved at all: [`ExitCode::NotFound`].
///
/// The two outcomes of a success are no refusals. They are in the match because the type has them,
/// and callers do not pass them.
pub(crate) fn not_given_back(refused: &UnreserveOutcome) -> CliFailure {
    match refused {
        UnreserveOutcome::NotYours(record) => not_yours(record),
        UnreserveOutcome::Uncut { asked, standing } => {
            let (asked, standing) = (shown::quoted(asked), shown::quoted(standing));
            let text = format!(
                "cannot give back {asked} alone: it is part of your reservation of {standing}"
            );
            CliFailure::new(ExitCode::Error, text)
                .hint(format!("give back {standing}, and reserve what you still need"))
        }
        UnreserveOutcome::NotFound(what) => {
            CliFailure::new(ExitCode::NotFound, format!("{what:?} is not reserved"))
                .hint("lokt reservations   lists what is")
        }
        UnreserveOutcome::Done { .. } | UnreserveOutcome::Cleared { .. } => {
            CliFailure::new(ExitCode::NotFound, "nothing is reserved")
        }
    }
}

/// The failure for a reservation of another. It can only end by itself or be given back by its
/// owner: there is no command that breaks it, so the hint names its id and the owner.
fn not_yours(record: &Reservation) -> CliFailure {
    let told = shown::told(record, Timestamp::now(), "");
    let text = format!("{} is not yours: {told}", shown::list(&record.patterns));
    let by_id = view::command_line(&[record.id.to_string()]);
    CliFailure::new(ExitCode::NotYours, text).hint(format!(
        "it ends by itself, or when its owner gives it back (id {by_id}): ask the owner"
    ))
}
