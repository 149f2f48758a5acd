//! A deterministic automaton that is made while it reads: its states are the sets of states that an [`Automaton`] is in
//! (the subset construction of Rabin and Scott 1959), and each transition is worked out when it is first needed. Sets
//! can be exponentially many, so their number has a limit; beyond it the caller must read a path in another way.
//! Engines of regular expressions do the same (Cox 2010, "Regular Expression Matching in the Wild").

use super::{automaton::Automaton, simulation::StateSet};
use std::collections::HashMap;

/// The most sets that are kept. Globs that people write have some dozens.
const MOST_SETS: usize = 500;

/// A number of a set. The empty set is [`DEAD`]: no path is accepted from there.
type SetId = u32;

const DEAD: SetId = 0;
const START: SetId = 1;
const UNKNOWN: SetId = SetId::MAX;

/// Reads many paths with one automaton.
pub(super) struct LazyDfa<'a> {
    automaton: &'a Automaton,
    classes: ByteClasses,
    sets: Vec<StateSet>,
    accepting: Vec<bool>,
    ids: HashMap<Vec<u64>, SetId>,
    /// For each set and each class of bytes, the next set.
    next: Vec<SetId>,
    /// The sets behind the `/` that each path begins with, and behind each byte of the last path.
    trail: Vec<SetId>,
    last: Vec<u8>,
}

/// There would be more than [`MOST_SETS`] sets.
#[derive(Debug)]
pub(super) struct TooManySets;

impl<'a> LazyDfa<'a> {
    pub(super) fn new(automaton: &'a Automaton) -> Self {
        let mut start = StateSet::new(automaton.len());
        start.add(automaton, 0);
        let mut dfa = Self {
            automaton,
            classes: ByteClasses::new(automaton),
            sets: Vec::new(),
            accepting: Vec::new(),
            ids: HashMap::new(),
            next: Vec::new(),
            trail: Vec::new(),
            last: Vec::new(),
        };
        dfa.keep(StateSet::new(automaton.len()));
        dfa.keep(start);
        dfa
    }

    /// Returns whether the automaton accepts a path. What a path has in common with the one before is not read again,
    /// so sorted paths are read fast.
    pub(super) fn accepts(&mut self, path: &[u8]) -> Result<bool, TooManySets> {
        if path.is_empty() {
            return Ok(self.is_accepting(START));
        }
        if self.trail.is_empty() {
            let first = self.step(START, b'/')?;
            self.trail.push(first);
        }
        let common = self.last.iter().zip(path).take_while(|(one, two)| one == two).count();
        self.trail.truncate(common + 1);
        self.last.clear();
        self.last.extend_from_slice(path);
        let mut set = self.trail.last().copied().unwrap_or(DEAD);
        for byte in path.get(self.trail.len() - 1..).unwrap_or_default() {
            if set == DEAD {
                return Ok(false);
            }
            set = self.step(set, *byte)?;
            self.trail.push(set);
        }
        Ok(self.is_accepting(set))
    }

    fn is_accepting(&self, set: SetId) -> bool {
        self.accepting.get(set as usize).copied().unwrap_or(false)
    }

    fn step(&mut self, set: SetId, byte: u8) -> Result<SetId, TooManySets> {
        let place = set as usize * self.classes.count + self.classes.of(byte);
        if let Some(next) = self.next.get(place).filter(|next| **next != UNKNOWN) {
            return Ok(*next);
        }
        let mut reached = StateSet::new(self.automaton.len());
        let from = self.sets.get(set as usize).map_or(&[][..], |set| set.ids.as_slice());
        for edge in from.iter().flat_map(|id| self.automaton.edges(*id)) {
            if edge.reads(byte) {
                reached.add(self.automaton, edge.to);
            }
        }
        let next = match self.ids.get(reached.members()) {
            Some(next) => *next,
            None if self.sets.len() < MOST_SETS => self.keep(reached),
            None => return Err(TooManySets),
        };
        if let Some(place) = self.next.get_mut(place) {
            *place = next;
        }
        Ok(next)
    }

    fn keep(&mut self, set: StateSet) -> SetId {
        let id = SetId::try_from(self.sets.len()).unwrap_or(DEAD);
        self.ids.insert(set.members().to_vec(), id);
        self.accepting.push(set.accepts(self.automaton));
        self.sets.push(set);
        self.next.resize(self.sets.len() * self.classes.count, UNKNOWN);
        id
    }
}

/// The bytes in classes: all edges of an automaton treat the bytes of one class alike.
struct ByteClasses {
    class_of: [u8; 256],
    count: usize,
}

impl ByteClasses {
    fn new(automaton: &Automaton) -> Self {
        let mut starts = [false; 256];
        let edges = (0..).take(automaton.len()).flat_map(|id| automaton.edges(id));
        let bounds = edges.flat_map(|edge| [Some(edge.low), edge.high.checked_add(1)]);
        for byte in bounds.flatten() {
            if let Some(start) = starts.get_mut(usize::from(byte)) {
                *start = true;
            }
        }
        let mut class = 0_u8;
        let mut class_of = [0; 256];
        for (place, is_start) in class_of.iter_mut().zip(starts).skip(1) {
            class += u8::from(is_start);
            *place = class;
        }
        Self { class_of, count: usize::from(class) + 1 }
    }

    fn of(&self, byte: u8) -> usize {
        self.class_of.get(usize::from(byte)).copied().map_or(0, usize::from)
    }
}
