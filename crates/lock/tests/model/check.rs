//! The model as `stateright` sees it, and the check of one configuration.

use crate::model::{
    canonical_form::canonical_form,
    invariants,
    memory_root::{ForeignProgram, MemoryRoot},
    path_report::describe_path,
    process::{Phase, Process, ProcessScriptStep},
    state::{ObservedCase, State},
    transitions::{EnvironmentEventBounds, Transition, transitions},
    violation::Guarantee,
};
use lokt_lock::{rules::Obstacle, words::LockMode};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::{collections::HashSet, time::Instant};

/// The processes of a check, and what can happen to them.
pub(crate) struct Configuration {
    pub(crate) name: &'static str,
    pub(crate) roles: Vec<AllowedProcessSteps>,
    pub(crate) foreign: ForeignProgram,
    pub(crate) bounds: EnvironmentEventBounds,
    /// The cases that must occur in some state. Without them the check would prove too little.
    pub(crate) expected_cases: &'static [&'static str],
}

/// A process that runs up to `length` steps, any of `steps` in any order.
#[derive(Clone)]
pub(crate) struct AllowedProcessSteps {
    pub(crate) owner: usize,
    pub(crate) steps: Vec<ProcessScriptStep>,
    pub(crate) length: usize,
}

/// The outcome of a check.
pub(crate) struct CheckOutcome {
    pub(crate) states: usize,
    /// The property that does not hold, and the path to the state.
    pub(crate) violation: Option<(&'static str, String)>,
}

pub(crate) const HOLDERS_TOGETHER: &str = "two holders are inside together";
pub(crate) const WAITER_FOR_SLOT: &str = "a waiter waits because all slots are taken";
pub(crate) const WAITER_FOR_ORPHAN: &str = "a waiter waits for a command whose guard is dead";
pub(crate) const STALE_REMOVED: &str = "holders that are gone are removed";
pub(crate) const WAITER_PASSED: &str = "a guard under its owner's lease passes a waiter";
pub(crate) const RECORD_REPLACED: &str =
    "a record is replaced between its judgement and its removal";
pub(crate) const WAITER_FOR_FREEZE: &str = "a waiter waits for the end of a freeze";
pub(crate) const WAITER_FOR_LEASE: &str = "a waiter waits for the end of a lease";
pub(crate) const WAITER_FOR_WRITER: &str = "a waiter waits for a file to be filled";
pub(crate) const LOCK_BROKEN: &str =
    "a holder is inside beside a process whose lock was broken by force";

impl Configuration {
    /// Checks every reachable state.
    ///
    /// It uses one thread, so that it reports the shortest path to a violation.
    pub(crate) fn run(self) -> CheckOutcome {
        let Self { name, ref roles, foreign, bounds, expected_cases } = self;
        let began = Instant::now();
        let protocol = ProtocolModel { initial_states: initial_states(roles, foreign), bounds };
        let initial_states = protocol.initial_states.len();
        let checker = protocol.checker().finish_when(HasDiscoveries::AnyFailures);
        let checker = checker.spawn_bfs().join();
        let states = checker.unique_state_count();
        report(&format!(
            "{name}: {states} states from {initial_states} initial states, {} steps, longest path {}, {:.1} s",
            checker.state_count(),
            checker.max_depth(),
            began.elapsed().as_secs_f32()
        ));
        let mut discoveries = checker.discoveries();
        let violation =
            PROPERTIES.iter().find_map(|property| Some((*property, discoveries.remove(property)?)));
        let violation = violation.map(|(property, path)| (property, describe_path(path)));
        for expected_case in expected_cases.iter().filter(|_| violation.is_none()) {
            assert!(
                discoveries.contains_key(expected_case),
                "{name}: it never happens that {expected_case}"
            );
        }
        CheckOutcome { states, violation }
    }

    /// Checks every state, and fails with the path to the first state that is wrong.
    pub(crate) fn check(self) {
        let name = self.name;
        if let Some((property, path)) = self.run().violation {
            panic!("{name}: it does not hold that {property}\n{path}");
        }
    }
}

#[expect(clippy::print_stdout, reason = "the size of the check is a part of its result")]
pub(crate) fn report(line: &str) {
    println!("{line}");
}

/// All ways to give each process a script. Of those that differ only in the order of processes, one.
pub(crate) fn initial_states(roles: &[AllowedProcessSteps], foreign: ForeignProgram) -> Vec<State> {
    let mut process_lists = vec![Vec::new()];
    for role in roles {
        let scripts = scripts(&role.steps, role.length);
        let with = |process_list: &Vec<Process>, script: &Vec<ProcessScriptStep>| {
            let process = Process::new(role.owner, script.clone());
            process_list.iter().cloned().chain([process]).collect()
        };
        let with_each = |process_list| scripts.iter().map(move |script| with(process_list, script));
        process_lists = process_lists.iter().flat_map(with_each).collect();
    }
    let mut known = HashSet::new();
    let states = process_lists
        .into_iter()
        .map(|process_list| State::new(MemoryRoot::new(foreign), process_list));
    states.filter(|state| known.insert(canonical_form(state))).collect()
}

/// All scripts of this length. A process may stop at any time, so shorter scripts are covered.
fn scripts(steps: &[ProcessScriptStep], length: usize) -> Vec<Vec<ProcessScriptStep>> {
    (0..length).fold(vec![Vec::new()], |scripts, _| {
        let longer = |script: &Vec<ProcessScriptStep>| -> Vec<Vec<ProcessScriptStep>> {
            steps.iter().map(|step| script.iter().copied().chain([*step]).collect()).collect()
        };
        scripts.iter().flat_map(longer).collect()
    })
}

struct ProtocolModel {
    initial_states: Vec<State>,
    bounds: EnvironmentEventBounds,
}

const EXCLUSION: &str = "the modes of all holders are compatible";
const CAPACITY: &str = "a record has no more holders than slots";
pub(crate) const NO_MISSED_WAKEUP: &str = "no waiter sleeps that could enter";
const NEWCOMER_ENTERS: &str =
    "a newcomer enters when all processes are dead and all times are over";
const READERS: &str = "no reader takes a living guard for gone";
const ORDER: &str = "the first in the queue enters first";
const FENCES: &str = "fences rise";
const SAFEKEEPING: &str = "no process removes a lock that it may not remove";
const FAILURES: &str = "a failed operation changes nothing, a released lock is gone";
const UNDISTURBED_SLEEP: &str = "a waiter sleeps until something happens";

const PROPERTIES: [&str; 10] = [
    EXCLUSION,
    CAPACITY,
    NO_MISSED_WAKEUP,
    NEWCOMER_ENTERS,
    READERS,
    ORDER,
    FENCES,
    SAFEKEEPING,
    FAILURES,
    UNDISTURBED_SLEEP,
];

/// A property and its name.
type NamedProperty<M> = (&'static str, fn(&M, &State) -> bool);

impl Model for ProtocolModel {
    type State = State;
    type Action = Transition;

    fn init_states(&self) -> Vec<State> {
        self.initial_states.clone()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Transition>) {
        transitions(state, self.bounds, actions);
    }

    fn next_state(&self, _: &State, action: Transition) -> Option<State> {
        Some(action.next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let always: [NamedProperty<Self>; 10] = [
            (EXCLUSION, |_, state| invariants::find_conflicting_holders(state).is_none()),
            (CAPACITY, |_, state| invariants::find_overfull_record(state).is_none()),
            (NO_MISSED_WAKEUP, |_, state| invariants::find_missed_wakeup(state).is_none()),
            (NEWCOMER_ENTERS, |_, state| invariants::find_refused_newcomer(state).is_none()),
            (READERS, |_, state| {
                invariants::find_misjudged_guard(state).is_none() && state.keeps(Guarantee::Readers)
            }),
            (ORDER, |_, state| state.keeps(Guarantee::Order)),
            (FENCES, |_, state| state.keeps(Guarantee::Fences)),
            (SAFEKEEPING, |_, state| state.keeps(Guarantee::Safekeeping)),
            (FAILURES, |_, state| state.keeps(Guarantee::Failures)),
            (UNDISTURBED_SLEEP, |_, state| state.keeps(Guarantee::Sleep)),
        ];
        let sometimes: [NamedProperty<Self>; 10] = [
            (HOLDERS_TOGETHER, |_, state| count_protected(state) > 1),
            (WAITER_FOR_SLOT, |_, state| {
                any_waiter_for(state, |it| matches!(it, Obstacle::Full(..)))
            }),
            (WAITER_FOR_ORPHAN, |_, state| {
                has_orphaned_command(state) && any_waiter_for(state, |_| true)
            }),
            (STALE_REMOVED, |_, state| state.observed_case == Some(ObservedCase::StaleBroken)),
            (WAITER_PASSED, |_, state| state.observed_case == Some(ObservedCase::PassedUnderLease)),
            (RECORD_REPLACED, |_, state| state.observed_case == Some(ObservedCase::Replaced)),
            (WAITER_FOR_FREEZE, |_, state| {
                any_waiter_for(state, |it| matches!(it, Obstacle::Frozen(_)))
            }),
            (WAITER_FOR_LEASE, |_, state| {
                any_waiter_for(state, |it| matches!(it, Obstacle::Held(_)))
            }),
            (WAITER_FOR_WRITER, |_, state| {
                any_waiter_for(state, |it| matches!(it, Obstacle::Corrupted(_)))
            }),
            (LOCK_BROKEN, |_, state| {
                count_protected(state) > 0 && state.any_inside(|it| it.broken)
            }),
        ];
        let always = always.into_iter().map(|(name, holds)| Property::always(name, holds));
        let sometimes = sometimes.into_iter().map(|(name, is)| Property::sometimes(name, is));
        always.chain(sometimes).collect()
    }
}

fn count_protected(state: &State) -> usize {
    let inside = state.processes.iter().filter_map(Process::inside);
    inside.filter(|it| it.is_protected()).count()
}

fn has_orphaned_command(state: &State) -> bool {
    state.any_inside(|it| it.is_protected() && !it.supervisor)
}

fn any_waiter_for(state: &State, what: impl Fn(&Obstacle) -> bool) -> bool {
    state.processes.iter().any(|process| match &process.phase {
        Phase::Waiting { obstacle: Some(obstacle), .. } => what(obstacle),
        _ => false,
    })
}

/// The same step in several modes.
pub(crate) fn in_modes(
    modes: &[LockMode],
    step: impl Fn(LockMode) -> ProcessScriptStep,
) -> Vec<ProcessScriptStep> {
    modes.iter().map(|mode| step(*mode)).collect()
}
