use super::{ReservationMode, ReservationScope};
use crate::pattern::{Pattern, ProjectPath};

/// What decides whether two claims exclude each other, but for their owners.
#[derive(Clone, Copy, Debug)]
pub struct ReservationConflictTerms<'a> {
    /// Where the claim counts.
    pub scope: &'a ReservationScope,
    /// Whether it can be shared.
    pub mode: &'a ReservationMode,
    /// What it covers.
    pub patterns: &'a [Pattern],
}

/// Two patterns that exclude each other, and the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternConflict {
    /// The pattern of the request.
    pub asked: Pattern,
    /// The pattern that stands.
    pub standing: Pattern,
    /// A path that both cover.
    pub common: ProjectPath,
}

/// Compares a request with a claim of another owner: for each pattern of the request that cannot be had, the first pattern
/// that stands against it. The answer is empty where the two can stand together.
pub fn conflicts(
    asked: ReservationConflictTerms<'_>,
    standing: ReservationConflictTerms<'_>,
) -> Vec<PatternConflict> {
    let can_share =
        *asked.mode == ReservationMode::Shared && *standing.mode == ReservationMode::Shared;
    if can_share || !asked.scope.meets(standing.scope) {
        return Vec::new();
    }
    let first = |asked: &Pattern| {
        standing.patterns.iter().find_map(|standing| {
            let common = asked.common_path(standing)?;
            Some(PatternConflict { asked: asked.clone(), standing: standing.clone(), common })
        })
    };
    asked.patterns.iter().filter_map(first).collect()
}

/// The patterns of a request that no conflict is about.
pub fn free_of<'a>(
    asked: &[Pattern],
    conflicts: impl IntoIterator<Item = &'a PatternConflict>,
) -> Vec<Pattern> {
    let taken: Vec<&Pattern> = conflicts.into_iter().map(|it| &it.asked).collect();
    asked.iter().filter(|pattern| !taken.contains(pattern)).cloned().collect()
}
