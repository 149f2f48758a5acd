//! Whether states with the same canonical form lead to the same forms.

use crate::model::{
    canonical_form::canonical_form,
    check::report,
    state::State,
    transitions::{EnvironmentEventBounds, Transition, transitions},
};
use stateright::{Checker, Model, Property};
use std::{
    collections::HashSet,
    hash::{Hash, Hasher},
    sync::Mutex,
};

/// A state that equals only an identical one.
#[derive(Clone)]
struct ExactState(State);

impl Hash for ExactState {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write(format!("{:?}", self.0).as_bytes());
    }
}

impl PartialEq for ExactState {
    fn eq(&self, other: &Self) -> bool {
        format!("{:?}", self.0) == format!("{:?}", other.0)
    }
}

struct UnmergedModel {
    initial_states: Vec<State>,
    bounds: EnvironmentEventBounds,
    canonical_forms: Mutex<HashSet<Vec<u8>>>,
}

impl Model for UnmergedModel {
    type State = ExactState;
    type Action = Transition;

    fn init_states(&self) -> Vec<ExactState> {
        self.initial_states.iter().cloned().map(ExactState).collect()
    }

    fn actions(&self, state: &ExactState, actions: &mut Vec<Transition>) {
        self.canonical_forms.lock().unwrap().insert(canonical_form(&state.0));
        transitions(&state.0, self.bounds, actions);
    }

    fn next_state(&self, _: &ExactState, action: Transition) -> Option<ExactState> {
        Some(ExactState(action.next))
    }

    /// A property that is never found, so that the checker explores everything.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::sometimes("the end is found", |_, _| false)]
    }
}

/// The number of canonical forms among all states that are reached without merging any.
pub(crate) fn explore_unmerged(
    initial_states: Vec<State>,
    bounds: EnvironmentEventBounds,
) -> usize {
    let model =
        UnmergedModel { initial_states, bounds, canonical_forms: Mutex::new(HashSet::new()) };
    let checker = model.checker().spawn_bfs().join();
    let canonical_forms = checker.model().canonical_forms.lock().unwrap().len();
    report(&format!(
        "unmerged: {} states of {canonical_forms} forms",
        checker.unique_state_count()
    ));
    canonical_forms
}
