//! Whether an automaton accepts a path: all its states are followed at once (Thompson 1968, "Regular expression search
//! algorithm"), so the time is at most the product of the path's length and the automaton's transitions.

use super::automaton::{Automaton, StateId};

/// Reads paths with an automaton.
#[derive(Debug)]
pub(super) struct AutomatonPathMatcher {
    /// For an automaton of at most 64 states: the states that each one reaches without a byte, as bits.
    closures: Vec<u64>,
    accepting: u64,
}

impl AutomatonPathMatcher {
    pub(super) fn new(automaton: &Automaton) -> Self {
        let mut simulation = Self { closures: Vec::new(), accepting: 0 };
        if automaton.len() > 64 {
            return simulation;
        }
        for id in (0..).take(automaton.len()) {
            let mut set = StateSet::new(automaton.len());
            set.add(automaton, id);
            // States without edges lead nowhere.
            let is_needed =
                |id: &&StateId| automaton.accepts(**id) || !automaton.edges(**id).is_empty();
            let bits = set.ids.iter().filter(is_needed).fold(0, |bits, id| bits | (1 << id));
            simulation.closures.push(bits);
            simulation.accepting |= u64::from(automaton.accepts(id)) << id;
        }
        simulation
    }

    /// Returns whether the automaton accepts a path.
    pub(super) fn accepts(&self, automaton: &Automaton, path: &[u8]) -> bool {
        let separator = if path.is_empty() { &b""[..] } else { b"/" };
        let bytes = separator.iter().chain(path).copied();
        match self.closures.first() {
            Some(start) => self.accepts_by_bits(automaton, *start, bytes),
            None => accepts_by_set(automaton, bytes),
        }
    }

    fn accepts_by_bits(
        &self,
        automaton: &Automaton,
        start: u64,
        bytes: impl Iterator<Item = u8>,
    ) -> bool {
        let mut current = start;
        for byte in bytes {
            let mut next = 0;
            while current != 0 {
                next |= self.step(automaton, current.trailing_zeros(), byte);
                current &= current - 1;
            }
            if next == 0 {
                return false;
            }
            current = next;
        }
        current & self.accepting != 0
    }

    /// Returns the states that one state reaches with a byte.
    fn step(&self, automaton: &Automaton, state: StateId, byte: u8) -> u64 {
        let edges = automaton.edges(state).iter().filter(|edge| edge.reads(byte));
        let closures = edges.filter_map(|edge| self.closures.get(edge.to as usize));
        closures.fold(0, |next, closure| next | closure)
    }
}

fn accepts_by_set(automaton: &Automaton, bytes: impl Iterator<Item = u8>) -> bool {
    let mut current = StateSet::new(automaton.len());
    let mut next = StateSet::new(automaton.len());
    current.add(automaton, 0);
    for byte in bytes {
        for id in &current.ids {
            for edge in automaton.edges(*id).iter().filter(|edge| edge.reads(byte)) {
                next.add(automaton, edge.to);
            }
        }
        if next.ids.is_empty() {
            return false;
        }
        std::mem::swap(&mut current, &mut next);
        next.clear();
    }
    current.accepts(automaton)
}

/// A set of states, closed over skips.
#[derive(Clone, Debug)]
pub(super) struct StateSet {
    pub(super) ids: Vec<StateId>,
    members: Vec<u64>,
}

impl StateSet {
    pub(super) fn new(states: usize) -> Self {
        Self { ids: Vec::new(), members: vec![0; states.div_ceil(64)] }
    }

    /// Adds a state and all that it reaches without a byte.
    pub(super) fn add(&mut self, automaton: &Automaton, id: StateId) {
        let mut at = self.ids.len();
        self.insert(id);
        while let Some(id) = self.ids.get(at).copied() {
            for skip in automaton.skips(id) {
                self.insert(*skip);
            }
            at += 1;
        }
    }

    fn insert(&mut self, id: StateId) {
        let bit = 1 << (id % 64);
        if let Some(word) = self.members.get_mut(id as usize / 64)
            && *word & bit == 0
        {
            *word |= bit;
            self.ids.push(id);
        }
    }

    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.members.fill(0);
    }

    /// The states as bits: equal for equal sets.
    pub(super) fn members(&self) -> &[u64] {
        &self.members
    }

    /// Returns how many words a comparison of sets reads.
    pub(super) fn words(&self) -> usize {
        self.members.len()
    }

    /// Returns whether all members of another set are in this one.
    pub(super) fn holds(&self, other: &Self) -> bool {
        self.members.iter().zip(&other.members).all(|(mine, other)| other & !mine == 0)
    }

    pub(super) fn accepts(&self, automaton: &Automaton) -> bool {
        self.ids.iter().any(|id| automaton.accepts(*id))
    }
}
