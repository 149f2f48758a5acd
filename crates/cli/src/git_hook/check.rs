//! Whether a commit may be made: a function of values.

use super::changed_paths::{ChangedPath, ChangedPathKind};
use lokt_lock::{
    harness::AgentSource,
    pattern::{Pattern, ProjectPath},
    reservation::{
        Reservation, ReservationMode, ReservationOrigin, ReservationScope, WorktreeId, covering,
        is_own,
    },
    rules::CallerIdentity,
};

/// The reservations that stand, and the committer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommitCheck<'a> {
    /// The reservations that stand.
    pub(crate) standing: &'a [Reservation],
    /// The committer.
    pub(crate) committer: &'a CallerIdentity,
    /// Whether that is a person.
    pub(crate) kind: CommitterKind,
    /// The worktree; `None` if it has no id yet, and so no reservations of its scope.
    pub(crate) tree: Option<&'a WorktreeId>,
}

/// The kinds of committers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommitterKind {
    /// A person: at a terminal, or by an editor's button.
    Person,
    /// A program that works for a person, or what may be one.
    Agent,
}

impl CommitterKind {
    /// A caller for which no harness speaks, and no id that was given, is a person. A trace of a harness that names no
    /// session is enough to count as an agent.
    pub(crate) fn of(source: &AgentSource) -> Self {
        match source {
            AgentSource::Terminal { marker: None } => Self::Person,
            _ => Self::Agent,
        }
    }
}

/// A path of a commit, and what another has reserved it by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommitConflict<'a> {
    /// The path.
    pub(crate) path: &'a ProjectPath,
    /// The pattern that covers it.
    pub(crate) pattern: &'a Pattern,
    /// The reservation.
    pub(crate) record: &'a Reservation,
}

/// What stands against a commit.
#[derive(Debug, Default)]
pub(crate) struct CommitCheckOutcome<'a> {
    /// Refuses the commit.
    pub(crate) refused: Vec<CommitConflict<'a>>,
    /// Is told to a person, who may commit what an agent of theirs edits.
    pub(crate) tolerated: Vec<CommitConflict<'a>>,
}

impl<'a> CommitCheck<'a> {
    /// Whether another has reserved anything that counts here. If not, every commit may be made.
    pub(crate) fn is_needed(&self) -> bool {
        self.standing.iter().any(|it| self.counts_here(it) && !self.is_own(it))
    }

    /// Decides whether a commit with these changes may be made.
    pub(crate) fn decide(&self, changed: &'a [ChangedPath]) -> CommitCheckOutcome<'a> {
        let here = self.standing.iter().filter(|it| self.counts_here(it));
        let (own, others): (Vec<&Reservation>, Vec<&Reservation>) =
            here.partition(|it| self.is_own(it));
        let files: Vec<ProjectPath> = changed.iter().map(|it| it.path.clone()).collect();
        let of_files = covering(others.iter().copied(), &files);
        let own_of_files = covering(own, &files);
        let mut outcome = CommitCheckOutcome::default();
        for ((changed, theirs), own) in changed.iter().zip(of_files).zip(own_of_files) {
            // What is below a submodule is no file of the commit.
            let is_submodule = changed.kind == ChangedPathKind::Submodule;
            let asked = if is_submodule { others.clone() } else { theirs };
            let conflicts = asked.into_iter().filter_map(|it| conflict(changed, it));
            // What its owners share, each of them may change.
            let shares = !own.is_empty();
            let counted =
                conflicts.filter(|it| !shares || it.record.mode != ReservationMode::Shared);
            let (tolerated, refused): (Vec<_>, Vec<_>) =
                counted.partition(|it| self.is_tolerated(it.record));
            outcome.tolerated.extend(tolerated);
            outcome.refused.extend(refused);
        }
        outcome
    }

    /// Whether a reservation is the committer's.
    fn is_own(&self, record: &Reservation) -> bool {
        is_own(self.committer, &record.owner, record.agent_id.as_ref())
    }

    /// Whether a reservation counts in the worktree of the commit.
    fn counts_here(&self, record: &Reservation) -> bool {
        match (&record.scope, self.tree) {
            (ReservationScope::Tree(theirs), Some(tree)) => theirs == tree,
            (ReservationScope::Tree(_), None) => false,
            _ => true,
        }
    }

    /// Whether a reservation is one that the hook of an agent of the same user made in this worktree, and a person
    /// commits.
    fn is_tolerated(&self, record: &Reservation) -> bool {
        self.kind == CommitterKind::Person
            && record.origin == ReservationOrigin::Edit
            && matches!(record.scope, ReservationScope::Tree(_))
            && record.owner == self.committer.owner
    }
}

/// What a reservation has against a path of a commit.
fn conflict<'a>(changed: &'a ChangedPath, record: &'a Reservation) -> Option<CommitConflict<'a>> {
    let pattern = record.patterns.iter().find(|it| is_met(changed, it, &record.origin))?;
    Some(CommitConflict { path: &changed.path, pattern, record })
}

/// Whether a pattern is about what the commit changes. A file is a path alone. The new commit of a submodule may change
/// all that is below it; but what is being edited there is in no commit yet.
fn is_met(changed: &ChangedPath, pattern: &Pattern, origin: &ReservationOrigin) -> bool {
    pattern.covers(&changed.path)
        || (changed.kind == ChangedPathKind::Submodule
            && *origin != ReservationOrigin::Edit
            && pattern.overlaps(&Pattern::literal(&changed.path)))
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
