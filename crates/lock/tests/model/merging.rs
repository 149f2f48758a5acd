//! Whether states that are taken for one have the same futures.

use crate::model::{
    canon::canon,
    checking::report,
    moves::{Bounds, Move, moves},
    state::State,
};
use stateright::{Checker, Model, Property};
use std::{
    collections::HashSet,
    hash::{Hash, Hasher},
    sync::Mutex,
};

/// A state that is the same as another only where every letter of both is.
#[derive(Clone)]
struct Exact(State);

impl Hash for Exact {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write(format!("{:?}", self.0).as_bytes());
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        format!("{:?}", self.0) == format!("{:?}", other.0)
    }
}

struct Unmerged {
    begin: Vec<State>,
    bounds: Bounds,
    forms: Mutex<HashSet<Vec<u8>>>,
}

impl Model for Unmerged {
    type State = Exact;
    type Action = Move;

    fn init_states(&self) -> Vec<Exact> {
        self.begin.iter().cloned().map(Exact).collect()
    }

    fn actions(&self, state: &Exact, actions: &mut Vec<Move>) {
        self.forms.lock().unwrap().insert(canon(&state.0));
        moves(&state.0, self.bounds, actions);
    }

    fn next_state(&self, _: &Exact, action: Move) -> Option<Exact> {
        Some(Exact(action.next))
    }

    /// Something that is never found, so that everything is explored.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::sometimes("the end is found", |_, _| false)]
    }
}

/// How many forms the states have that are reached without merging any.
pub(crate) fn explore_unmerged(begin: Vec<State>, bounds: Bounds) -> usize {
    let model = Unmerged { begin, bounds, forms: Mutex::new(HashSet::new()) };
    let checker = model.checker().spawn_bfs().join();
    let forms = checker.model().forms.lock().unwrap().len();
    report(&format!("unmerged: {} states of {forms} forms", checker.unique_state_count()));
    forms
}
