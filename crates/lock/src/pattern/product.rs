//! A path that two automata accept: the product of both and of the automaton of paths, searched from its start.
//!
//! A state of the product is a state of each. It reads a byte that all can read, so what it accepts is what all accept
//! (Rabin and Scott 1959, "Finite automata and their decision problems", theorem 6; Hopcroft and Ullman 1979,
//! "Introduction to automata theory", theorem 3.3). The search visits a state at most once, by length, so the first
//! accepting state gives a shortest path.

use super::automaton::{Automaton, Edge, PathSyntaxState, StateId};

/// Returns a shortest path that both automata accept; never the root.
pub(super) fn common_path(left: &Automaton, right: &Automaton) -> Option<Vec<u8>> {
    Search::new(left, right).run()
}

/// A state of the product, with the way on which it was found.
#[derive(Clone, Copy)]
struct AutomatonProductState {
    left: StateId,
    right: StateId,
    form: PathSyntaxState,
    parent: u32,
    /// The byte that was read; none for a skip.
    byte: Option<u8>,
}

struct Search<'a> {
    left: &'a Automaton,
    right: &'a Automaton,
    visited: Vec<u64>,
    nodes: Vec<AutomatonProductState>,
    /// The nodes of the current length, and those of the next.
    current: Vec<u32>,
    next: Vec<u32>,
}

impl<'a> Search<'a> {
    fn new(left: &'a Automaton, right: &'a Automaton) -> Self {
        let states = left.len() * right.len() * PathSyntaxState::COUNT;
        let visited = vec![0; states.div_ceil(64)];
        Self { left, right, visited, nodes: Vec::new(), current: Vec::new(), next: Vec::new() }
    }

    fn run(mut self) -> Option<Vec<u8>> {
        self.reach(AutomatonProductState {
            left: 0,
            right: 0,
            form: PathSyntaxState::Name,
            parent: 0,
            byte: None,
        });
        self.skip_all();
        // The root is no answer: patterns that both cover it both cover all paths.
        while !self.current.is_empty() {
            self.read_all();
            self.skip_all();
            if let Some(id) = self.current.iter().copied().find(|id| self.accepts(*id)) {
                return Some(self.path_to(id));
            }
        }
        None
    }

    /// Goes on to the nodes of the next length, and adds those that they reach without a byte.
    fn skip_all(&mut self) {
        self.current = std::mem::take(&mut self.next);
        let mut at = 0;
        while let Some(id) = self.current.get(at).copied() {
            self.skip(id);
            at += 1;
        }
    }

    fn read_all(&mut self) {
        for id in std::mem::take(&mut self.current) {
            self.read(id);
        }
    }

    fn node(&self, id: u32) -> Option<AutomatonProductState> {
        self.nodes.get(id as usize).copied()
    }

    fn accepts(&self, id: u32) -> bool {
        self.node(id).is_some_and(|node| {
            let is_path = node.form == PathSyntaxState::Name;
            is_path && self.left.accepts(node.left) && self.right.accepts(node.right)
        })
    }

    fn skip(&mut self, parent: u32) {
        let (left, right) = (self.left, self.right);
        let Some(node) = self.node(parent) else { return };
        for to in left.skips(node.left) {
            self.reach(AutomatonProductState { left: *to, parent, byte: None, ..node });
        }
        for to in right.skips(node.right) {
            self.reach(AutomatonProductState { right: *to, parent, byte: None, ..node });
        }
    }

    fn read(&mut self, parent: u32) {
        let (left, right) = (self.left, self.right);
        let Some(node) = self.node(parent) else { return };
        for one in left.edges(node.left) {
            for other in right.edges(node.right) {
                self.read_common(node, parent, (*one, *other));
            }
        }
    }

    fn read_common(
        &mut self,
        node: AutomatonProductState,
        parent: u32,
        (one, other): (Edge, Edge),
    ) {
        for byte in common_bytes(one, other) {
            if let Some(form) = node.form.next(byte) {
                let byte = Some(byte);
                self.reach(AutomatonProductState {
                    left: one.to,
                    right: other.to,
                    form,
                    parent,
                    byte,
                });
            }
        }
    }

    /// Keeps a node that is not known yet.
    fn reach(&mut self, node: AutomatonProductState) {
        let pair = node.left as usize * self.right.len() + node.right as usize;
        let state = pair * PathSyntaxState::COUNT + node.form as usize;
        let bit = 1 << (state % 64);
        let Some(word) = self.visited.get_mut(state / 64) else { return };
        if *word & bit != 0 {
            return;
        }
        *word |= bit;
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(node);
        match node.byte {
            Some(_) => self.next.push(id),
            None if id == 0 => self.next.push(id),
            None => self.current.push(id),
        }
    }

    fn path_to(&self, mut id: u32) -> Vec<u8> {
        let mut path = Vec::new();
        while let Some(node) = self.node(id) {
            path.extend(node.byte);
            if id == 0 {
                break;
            }
            id = node.parent;
        }
        // The first `/` is the automata's.
        path.pop();
        path.reverse();
        path
    }
}

/// Returns one byte for each way in which [`PathSyntaxState`] reads the common bytes of two edges.
fn common_bytes(one: Edge, other: Edge) -> impl Iterator<Item = u8> {
    let (low, high) = (one.low.max(other.low), one.high.min(other.high));
    let dot = (low <= b'.' && b'.' <= high).then_some(b'.');
    let name = (low <= high).then(|| readable(low, high)).flatten();
    name.into_iter().chain(dot)
}

/// Returns the byte of a range that a message shows best; never a dot.
fn readable(low: u8, high: u8) -> Option<u8> {
    const BEST: [(u8, u8); 4] = [(b'a', b'z'), (b'A', b'Z'), (b'0', b'9'), (b'!', b'~')];
    let best = BEST.iter().map(|(from, to)| (low.max(*from), high.min(*to)));
    let all = best.chain([(low, high)]).filter(|(low, high)| low <= high);
    all.flat_map(|(low, high)| [low, high]).find(|byte| *byte != b'.')
}
