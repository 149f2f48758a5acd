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
    /// Whether the patterns cover more than one file.
    pub reach: PatternReach,
}

/// What the patterns of a claim cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternReach {
    /// All that they match, and all below a literal: what may be there one day counts.
    All,
    /// One file, under all its names. Nothing is below a file.
    OneFile,
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

/// Compares a request with a claim of another owner: for each pattern of the request that cannot be had, the first
/// pattern that stands against it. The answer is empty where the two can stand together.
pub fn conflicts(
    asked: ReservationConflictTerms<'_>,
    standing: ReservationConflictTerms<'_>,
) -> Vec<PatternConflict> {
    let can_share =
        *asked.mode == ReservationMode::Shared && *standing.mode == ReservationMode::Shared;
    if can_share || !asked.scope.meets(standing.scope) {
        return Vec::new();
    }
    let reaches = (asked.reach, standing.reach);
    let first = |asked: &Pattern| {
        standing.patterns.iter().find_map(|standing| {
            let common = common_path((asked, reaches.0), (standing, reaches.1))?;
            Some(PatternConflict { asked: asked.clone(), standing: standing.clone(), common })
        })
    };
    asked.patterns.iter().filter_map(first).collect()
}

/// A path that two patterns cover. The path of one file is that path alone, so the other pattern must cover it: what it
/// would match below the file cannot be there.
fn common_path(
    (one, one_reach): (&Pattern, PatternReach),
    (two, two_reach): (&Pattern, PatternReach),
) -> Option<ProjectPath> {
    let file = |pattern: &Pattern, reach| {
        let path = pattern.as_literal().filter(|_| reach == PatternReach::OneFile);
        path.cloned()
    };
    match (file(one, one_reach), file(two, two_reach)) {
        (None, None) => one.common_path(two),
        (None, Some(file)) => one.covers(&file).then_some(file),
        // A file that has become a folder, with a file in it.
        (Some(_), Some(other)) if one.covers(&other) => Some(other),
        (Some(file), _) => two.covers(&file).then_some(file),
    }
}

/// The patterns of a request that no conflict is about.
pub fn free_of<'a>(
    asked: &[Pattern],
    conflicts: impl IntoIterator<Item = &'a PatternConflict>,
) -> Vec<Pattern> {
    let taken: Vec<&Pattern> = conflicts.into_iter().map(|it| &it.asked).collect();
    asked.iter().filter(|pattern| !taken.contains(pattern)).cloned().collect()
}
