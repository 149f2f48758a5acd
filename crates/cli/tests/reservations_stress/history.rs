//! The oracle: what the agents know for certain, and what must never be true of it.

use crate::pattern::PathSet;
use lokt_lock::words::Timestamp;
use std::{collections::HashMap, fmt};

/// What decides whether two claims exclude each other.
#[derive(Clone, Debug)]
pub(crate) struct ClaimTerms {
    pub(crate) is_shared: bool,
    /// The worktree where it counts; `None` for all.
    pub(crate) tree: Option<u64>,
    pub(crate) covered: PathSet,
}

impl ClaimTerms {
    /// A path for which the two exclude each other.
    fn conflict(&self, other: &Self) -> Option<String> {
        let can_share = self.is_shared && other.is_shared;
        let meets = self.tree.is_none() || other.tree.is_none() || self.tree == other.tree;
        if can_share || !meets { None } else { self.covered.common(&other.covered) }
    }
}

/// A time in which a reservation certainly stood: from when `reserve` had ended, until `unreserve` was called, its time
/// was over, or its process was about to be killed.
#[derive(Clone, Debug)]
pub(crate) struct CertainHold {
    pub(crate) agent: u64,
    pub(crate) terms: ClaimTerms,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

/// A call that was in the queue, and got its paths.
#[derive(Clone, Debug)]
pub(crate) struct CertainWait {
    pub(crate) agent: u64,
    /// What it asked for and certainly did not have.
    pub(crate) terms: ClaimTerms,
    /// When it was in the queue.
    pub(crate) since: Timestamp,
    /// When it got its paths, by its record.
    pub(crate) acquired: Timestamp,
}

/// A call that got its paths.
#[derive(Clone, Debug)]
pub(crate) struct CertainGrant {
    pub(crate) agent: u64,
    /// What it asked for and certainly did not have.
    pub(crate) terms: ClaimTerms,
    /// Before the call, and behind it.
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

/// What a call was refused for.
#[derive(Clone, Debug)]
pub(crate) struct Blame {
    /// When that call began.
    pub(crate) from: Timestamp,
    pub(crate) blocker: Blocker,
}

/// What stood in the way of a call.
#[derive(Clone, Debug)]
pub(crate) enum Blocker {
    Reservation { id: String, end: Timestamp, tied_to: Option<i32>, acquired: Timestamp },
    Waiter { pid: i32, since: Timestamp },
}

/// How often what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum OutcomeKind {
    Reserved,
    Extended,
    Denied,
    Waited,
    Circle,
    Killed,
    KilledWaiter,
    TiedProcessKilled,
    PartGivenBack,
}

const KINDS: [OutcomeKind; 9] = [
    OutcomeKind::Reserved,
    OutcomeKind::Extended,
    OutcomeKind::Denied,
    OutcomeKind::Waited,
    OutcomeKind::Circle,
    OutcomeKind::Killed,
    OutcomeKind::KilledWaiter,
    OutcomeKind::TiedProcessKilled,
    OutcomeKind::PartGivenBack,
];

/// The numbers of a run, or of several.
#[derive(Debug, Default)]
pub(crate) struct OutcomeCounts(HashMap<OutcomeKind, usize>);

impl OutcomeCounts {
    pub(crate) fn plus(mut self, other: Self) -> Self {
        for (kind, count) in other.0 {
            *self.0.entry(kind).or_default() += count;
        }
        self
    }

    pub(crate) fn has_all_kinds(&self) -> bool {
        // Whether two close a circle, and whether one is killed while it waits, is chance.
        let chance = [OutcomeKind::Circle, OutcomeKind::KilledWaiter];
        KINDS.iter().all(|kind| chance.contains(kind) || self.0.contains_key(kind))
    }
}

impl fmt::Display for OutcomeCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |kind: &OutcomeKind| {
            format!("{kind:?} {}", self.0.get(kind).copied().unwrap_or_default())
        };
        f.write_str(&KINDS.iter().map(count).collect::<Vec<_>>().join(", "))
    }
}

/// All that the agents have seen.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) holds: Vec<CertainHold>,
    pub(crate) waits: Vec<CertainWait>,
    pub(crate) grants: Vec<CertainGrant>,
    pub(crate) blames: Vec<Blame>,
    /// When a reservation was certainly given back, by its id.
    pub(crate) gone: HashMap<String, Timestamp>,
    /// When a process was certainly gone.
    pub(crate) dead: HashMap<i32, Timestamp>,
    pub(crate) counts: OutcomeCounts,
}

impl History {
    pub(crate) fn count(&mut self, kind: OutcomeKind) {
        *self.counts.0.entry(kind).or_default() += 1;
    }

    /// What must never be: a line each.
    pub(crate) fn violations(&self) -> Vec<String> {
        let all = self.conflicts().chain(self.overtakings()).chain(self.blames_of_gone());
        all.collect()
    }

    /// Two conflicting reservations of two agents stood together.
    fn conflicts(&self) -> impl Iterator<Item = String> {
        let pairs = self
            .holds
            .iter()
            .enumerate()
            .flat_map(|(at, one)| self.holds.iter().take(at).map(move |two| (one, two)));
        pairs.filter_map(|(one, two)| {
            let together = one.from.max(two.from) < one.until.min(two.until);
            let path =
                one.terms.conflict(&two.terms).filter(|_| together && one.agent != two.agent)?;
            Some(format!(
                "agents {} and {} have {path:?} together: {one:?} {two:?}",
                one.agent, two.agent
            ))
        })
    }

    /// A call that began when another one waited got its paths before that one.
    fn overtakings(&self) -> impl Iterator<Item = String> {
        let pairs = self.waits.iter().flat_map(|one| self.grants.iter().map(move |two| (one, two)));
        pairs.filter_map(|(wait, grant)| {
            let is_later = wait.agent != grant.agent && wait.since < grant.from;
            let path = wait.terms.conflict(&grant.terms)?;
            (is_later && grant.until < wait.acquired).then(|| {
                format!("{path:?}: agent {} overtook a waiter: {wait:?} {grant:?}", grant.agent)
            })
        })
    }

    /// A call was refused because of what had ended before it began.
    fn blames_of_gone(&self) -> impl Iterator<Item = String> {
        let was_dead = |pid: &i32, before: Timestamp, then: Timestamp| {
            // A later process can have the same number.
            self.dead.get(pid).is_some_and(|dead| *dead < before && then < *dead)
        };
        self.blames.iter().filter_map(move |it| {
            let why = match &it.blocker {
                Blocker::Reservation { id, .. }
                    if self.gone.get(id).is_some_and(|at| *at < it.from) =>
                {
                    "was given back"
                }
                Blocker::Reservation { end, .. } if *end < it.from => "had expired",
                Blocker::Reservation { tied_to: Some(pid), acquired, .. }
                    if was_dead(pid, it.from, *acquired) =>
                {
                    "was of a killed process"
                }
                Blocker::Waiter { pid, since } if was_dead(pid, it.from, *since) => {
                    "was a killed waiter"
                }
                _ => return None,
            };
            Some(format!("a call was refused by what {why}: {it:?}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::TestPattern;
    use crate::random::RandomNumbers;

    fn time(second: u32) -> Timestamp {
        format!("2026-02-01T10:00:{second:02}Z").parse().unwrap()
    }

    /// Terms of a random pattern, the same each time.
    fn terms(is_shared: bool, tree: Option<u64>) -> ClaimTerms {
        let covered = TestPattern::random(&mut RandomNumbers::new(1, 1)).covered;
        ClaimTerms { is_shared, tree, covered }
    }

    fn hold(agent: u64, terms: ClaimTerms, (from, until): (u32, u32)) -> CertainHold {
        CertainHold { agent, terms, from: time(from), until: time(until) }
    }

    #[test]
    fn two_that_stand_together_are_found() {
        for (second, is_violation) in [
            (hold(2, terms(false, None), (2, 4)), true),
            (hold(2, terms(false, None), (3, 4)), false),
            (hold(1, terms(false, None), (2, 4)), false),
            (hold(2, terms(true, None), (2, 4)), true),
            (hold(2, terms(false, Some(0)), (2, 4)), true),
        ] {
            let holds = vec![hold(1, terms(false, None), (1, 3)), second.clone()];
            let history = History { holds, ..History::default() };
            assert_eq!(!history.violations().is_empty(), is_violation, "{second:?}");
        }
        let trees = [0, 1].map(|tree| hold(tree, terms(false, Some(tree)), (1, 3)));
        let shared = [1, 2].map(|agent| hold(agent, terms(true, None), (1, 3)));
        for holds in [trees, shared] {
            let history = History { holds: holds.to_vec(), ..History::default() };
            assert_eq!(history.violations(), Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_overtaken_and_what_is_blamed_when_it_is_gone_is_found() {
        let wait =
            CertainWait { agent: 1, terms: terms(false, None), since: time(1), acquired: time(9) };
        let grant =
            CertainGrant { agent: 2, terms: terms(false, None), from: time(2), until: time(3) };
        let blocker = Blocker::Waiter { pid: 7, since: time(1) };
        let history = History {
            waits: vec![wait],
            grants: vec![grant],
            blames: vec![Blame { from: time(5), blocker }],
            dead: HashMap::from([(7, time(4))]),
            ..History::default()
        };
        assert_eq!(history.violations().len(), 2);
    }
}
