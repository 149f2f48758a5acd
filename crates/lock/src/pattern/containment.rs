//! Whether one automaton accepts every path that another accepts: the paths of the other one are followed together with
//! the set of all states of the first (the subset construction of Rabin and Scott 1959). A set is left out where a
//! smaller one was met at the same place: what the larger one lacks, the smaller one lacks too (De Wulf, Doyen,
//! Henzinger and Raskin 2006, "Antichains: a new algorithm for checking universality of finite automata"). Sets can
//! still be exponentially many, so the search has a limit.

use super::{
    automaton::{Automaton, Edge, PathSyntaxState, StateId},
    simulation::StateSet,
};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// What a search for a path outside found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Containment {
    /// There is no such path.
    Proven,
    /// There is one.
    Refuted,
    /// The search reached its limit.
    Undecided,
}

/// How many edges and words of sets a search looks at: some milliseconds.
const MOST_WORK: usize = 300_000;

/// Returns whether `outer` accepts every path that `inner` accepts.
pub(super) fn contains(outer: &Automaton, inner: &Automaton) -> Containment {
    let mut start = StateSet::new(outer.len());
    start.add(outer, 0);
    let (smallest, pending) = (HashMap::new(), VecDeque::new());
    let mut search = ContainmentSearch { outer, inner, smallest, pending, work: 0 };
    for state in closure(inner, 0) {
        search.reach(state, PathSyntaxState::Name, &start);
    }
    search.run()
}

struct ContainmentSearch<'a> {
    outer: &'a Automaton,
    inner: &'a Automaton,
    /// The sets that were met, without those that hold another.
    smallest: HashMap<(StateId, PathSyntaxState), Vec<StateSet>>,
    pending: VecDeque<(StateId, PathSyntaxState, StateSet)>,
    work: usize,
}

impl ContainmentSearch<'_> {
    fn run(mut self) -> Containment {
        while let Some((state, form, set)) = self.pending.pop_front() {
            // The root is judged too: a set that accepts it accepts all.
            let is_path = form == PathSyntaxState::Name;
            if is_path && self.inner.accepts(state) && !set.accepts(self.outer) {
                return Containment::Refuted;
            }
            for edge in self.inner.edges(state) {
                self.read(*edge, form, &set);
            }
            if self.work > MOST_WORK {
                return Containment::Undecided;
            }
        }
        Containment::Proven
    }

    fn read(&mut self, edge: Edge, form: PathSyntaxState, set: &StateSet) {
        let targets = closure(self.inner, edge.to);
        for byte in self.distinct_bytes(edge, set) {
            let Some(form) = form.next(byte) else { continue };
            let next = self.step(set, byte);
            self.work += next.words() + targets.len();
            for target in &targets {
                self.reach(*target, form, &next);
            }
        }
    }

    fn step(&mut self, set: &StateSet, byte: u8) -> StateSet {
        let mut next = StateSet::new(self.outer.len());
        let edges = set.ids.iter().flat_map(|id| self.outer.edges(*id));
        for edge in edges {
            self.work += 1;
            if edge.reads(byte) {
                next.add(self.outer, edge.to);
            }
        }
        next
    }

    fn reach(&mut self, state: StateId, form: PathSyntaxState, set: &StateSet) {
        let known = self.smallest.entry((state, form)).or_default();
        self.work += known.len() * set.words();
        if known.iter().any(|known| set.holds(known)) {
            return;
        }
        known.retain(|known| !known.holds(set));
        known.push(set.clone());
        self.pending.push_back((state, form, set.clone()));
    }

    /// Returns one byte of each part of an edge's range that all edges of a set, and the form of paths, treat alike.
    fn distinct_bytes(&self, edge: Edge, set: &StateSet) -> BTreeSet<u8> {
        let mut starts = BTreeSet::from([edge.low]);
        let mut add = |byte: Option<u8>| {
            starts.extend(byte.filter(|byte| edge.low < *byte && *byte <= edge.high));
        };
        add(Some(b'.'));
        add(Some(b'.' + 1));
        for outer in set.ids.iter().flat_map(|id| self.outer.edges(*id)) {
            add(Some(outer.low));
            add(outer.high.checked_add(1));
        }
        starts
    }
}

/// Returns a state and all that it reaches without a byte.
fn closure(automaton: &Automaton, id: StateId) -> Vec<StateId> {
    let mut set = StateSet::new(automaton.len());
    set.add(automaton, id);
    set.ids
}
