//! What a hook says to a model.

use crate::view;
use lokt_lock::{
    ops::ReservationDenial,
    reservation::{EditState, Reservation, ReservationOrigin},
    words::Timestamp,
};

/// Why a file may not be edited, and what to do instead. It never says how to take what is another's.
pub(super) fn denied(file: &str, denial: &ReservationDenial) -> String {
    let mut lines = Vec::new();
    for (record, found) in &denial.standing {
        let what = found.first().map(|it| view::reservation::quoted(&it.standing));
        lines.push(standing(record, &what.unwrap_or_default(), denial.seen));
    }
    for (waiter, found) in &denial.waiting {
        let who = view::reservation::who(&waiter.identity.owner, Some(&waiter.identity.agent));
        let since = crate::span::show(denial.seen.since(waiter.since));
        let what = found.first().map(|it| view::reservation::quoted(&it.standing));
        let what = what.unwrap_or_default();
        lines.push(format!("{who} has waited for {what} for {since} and is next."));
    }
    format!(
        "{file} was not changed: another agent has reserved it.\n{}\n{ADVICE}",
        lines.join("\n")
    )
}

/// What to do instead of an edit.
const ADVICE: &str = "Work on something else and come back to this file later; reading it is fine. Do not write it in another \
way, with a shell command for instance: two agents would overwrite each other's work. If nothing else is left to do, say so \
and who has the file.";

fn standing(record: &Reservation, what: &str, seen: Timestamp) -> String {
    let told = view::reservation::told(record, seen, "");
    let doing = match &record.edit {
        Some(EditState { is_confirmed: false, .. }) => " (an edit is under way)",
        Some(_) if record.origin == ReservationOrigin::Edit => " (it edits this file)",
        _ => "",
    };
    format!("{what} is {told}{doing}.")
}
