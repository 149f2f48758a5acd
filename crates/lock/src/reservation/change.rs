use super::{Reservation, ReservationConflictTerms};
use crate::pattern::Pattern;

/// Whether a request is added to a reservation of its owner: they are alike in scope, mode, origin and hold, and
/// overlap.
pub fn is_extension(standing: &Reservation, asked: &Reservation) -> bool {
    let is_alike = standing.scope == asked.scope
        && standing.mode == asked.mode
        && standing.origin == asked.origin
        && standing.hold == asked.hold;
    // Two processes end at two times.
    let is_tied_alike = asked.hold != crate::record::HoldKind::Process
        || (standing.pid == asked.pid && standing.pid_start == asked.pid_start);
    let overlaps = |one: &Pattern| standing.patterns.iter().any(|two| one.overlaps(two));
    is_alike && is_tied_alike && asked.patterns.iter().any(overlaps)
}

/// Adds patterns to a list, and leaves out those that another one contains.
pub fn extended(present: &[Pattern], more: &[Pattern]) -> Vec<Pattern> {
    let mut all: Vec<Pattern> = present.to_vec();
    for pattern in more {
        if all.iter().any(|it| it.contains(pattern)) {
            continue;
        }
        all.retain(|it| !pattern.contains(it));
        all.push(pattern.clone());
    }
    all
}

/// What becomes of patterns of which some are given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternReleaseOutcome {
    /// The patterns that remain.
    pub rest: Vec<Pattern>,
    /// The patterns that were given back.
    pub given_back: Vec<Pattern>,
    /// Pairs of a pattern to give back and a pattern that covers more, and remains: it cannot be cut.
    pub uncut: Vec<(Pattern, Pattern)>,
}

/// Takes patterns out of those that stand. One is given back if a pattern to give back contains it.
pub fn reduced(standing: ReservationConflictTerms<'_>, back: &[Pattern]) -> PatternReleaseOutcome {
    let mut reduction =
        PatternReleaseOutcome { rest: Vec::new(), given_back: Vec::new(), uncut: Vec::new() };
    for pattern in standing.patterns {
        if back.iter().any(|it| it.contains(pattern)) {
            reduction.given_back.push(pattern.clone());
            continue;
        }
        let overlapping = back.iter().filter(|it| it.overlaps(pattern));
        reduction.uncut.extend(overlapping.map(|it| (it.clone(), pattern.clone())));
        reduction.rest.push(pattern.clone());
    }
    reduction
}
