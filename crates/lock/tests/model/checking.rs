//! The model as the checker sees it, and the run of one configuration.

use crate::model::{
    canon::canon,
    fault::Promise,
    moves::{Bounds, Move, moves},
    oracle,
    process::{Phase, Process, Step},
    state::{State, Witnessed},
    trace::tell,
    world::{Foreign, World},
};
use lokt_lock::{rules::Obstacle, words::LockMode};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::{collections::HashSet, time::Instant};

/// Who takes part, and what can happen.
pub(crate) struct Configuration {
    pub(crate) name: &'static str,
    pub(crate) roles: Vec<Role>,
    pub(crate) foreign: Foreign,
    pub(crate) bounds: Bounds,
    /// What must come about in some state, or the run would prove too little.
    pub(crate) sights: &'static [&'static str],
}

/// A process that does up to so many things, any of these in any order.
#[derive(Clone)]
pub(crate) struct Role {
    pub(crate) owner: usize,
    pub(crate) steps: Vec<Step>,
    pub(crate) length: usize,
}

/// What a run found.
pub(crate) struct Found {
    pub(crate) states: usize,
    /// The promise that was broken, and the way there.
    pub(crate) broken: Option<(&'static str, String)>,
}

pub(crate) const COMPANY: &str = "two are inside together";
pub(crate) const FULL: &str = "somebody waits because all slots are taken";
pub(crate) const ORPHAN: &str = "somebody waits for a command whose guard is dead";
pub(crate) const STALE: &str = "holders that are gone are taken out of the way";
pub(crate) const PASSED: &str = "a guard under its owner's lease passes one who waits";
pub(crate) const REPLACED: &str = "what is to be removed is not what was judged any more";
pub(crate) const FROZEN: &str = "somebody waits for the end of a freeze";
pub(crate) const HELD: &str = "somebody waits for the end of a lease";
pub(crate) const FILLING: &str = "somebody waits for a file to be filled";
pub(crate) const BROKEN: &str = "somebody is inside beside one whose lock was broken by force";

impl Configuration {
    /// Checks every state that can be reached.
    ///
    /// One thread, so that the way to a fault is the shortest one.
    pub(crate) fn run(self) -> Found {
        let Self { name, ref roles, foreign, bounds, sights } = self;
        let began = Instant::now();
        let protocol = Protocol { begin: beginnings(roles, foreign), bounds };
        let beginnings = protocol.begin.len();
        let checker = protocol.checker().finish_when(HasDiscoveries::AnyFailures);
        let checker = checker.spawn_bfs().join();
        let states = checker.unique_state_count();
        report(&format!(
            "{name}: {states} states from {beginnings} beginnings, {} steps, at most {} in a row, {:.1} s",
            checker.state_count(),
            checker.max_depth(),
            began.elapsed().as_secs_f32()
        ));
        let mut discoveries = checker.discoveries();
        let broken =
            PROMISES.iter().find_map(|promise| Some((*promise, discoveries.remove(promise)?)));
        let broken = broken.map(|(promise, path)| (promise, tell(path)));
        for sight in sights.iter().filter(|_| broken.is_none()) {
            assert!(discoveries.contains_key(sight), "{name}: it never comes about that {sight}");
        }
        Found { states, broken }
    }

    /// Checks every state, and stops with the story of the first that must not be.
    pub(crate) fn holds(self) {
        let name = self.name;
        if let Some((promise, story)) = self.run().broken {
            panic!("{name}: it is not so that {promise}\n{story}");
        }
    }
}

#[expect(clippy::print_stdout, reason = "what was explored is a part of the result")]
pub(crate) fn report(line: &str) {
    println!("{line}");
}

/// All ways to give each role a script; those that are the same but for who is who, once.
pub(crate) fn beginnings(roles: &[Role], foreign: Foreign) -> Vec<State> {
    let mut casts = vec![Vec::new()];
    for role in roles {
        let scripts = scripts(&role.steps, role.length);
        let with = |cast: &Vec<Process>, script: &Vec<Step>| {
            let process = Process::new(role.owner, script.clone());
            cast.iter().cloned().chain([process]).collect()
        };
        let with_each = |cast| scripts.iter().map(move |script| with(cast, script));
        casts = casts.iter().flat_map(with_each).collect();
    }
    let mut known = HashSet::new();
    let states = casts.into_iter().map(|cast| State::new(World::new(foreign), cast));
    states.filter(|state| known.insert(canon(state))).collect()
}

/// All scripts of this length. A process may stop at any time, so shorter ones are among them.
fn scripts(steps: &[Step], length: usize) -> Vec<Vec<Step>> {
    (0..length).fold(vec![Vec::new()], |scripts, _| {
        let longer = |script: &Vec<Step>| -> Vec<Vec<Step>> {
            steps.iter().map(|step| script.iter().copied().chain([*step]).collect()).collect()
        };
        scripts.iter().flat_map(longer).collect()
    })
}

struct Protocol {
    begin: Vec<State>,
    bounds: Bounds,
}

const EXCLUSION: &str = "those who are inside get on with each other";
pub(crate) const WAKING: &str = "nobody sleeps who could enter";
const FREEDOM: &str = "a newcomer gets in when all are dead and all times over";
const READING: &str = "nobody who looks takes a living guard for gone";
const ORDER: &str = "who came first enters first";
const FENCES: &str = "fences rise";
const SAFEKEEPING: &str = "what stands is removed by nobody who may not";
const FAILURES: &str = "what failed has not happened, what was given back is gone";
const SLEEP: &str = "a waiter sleeps until something happens";

const PROMISES: [&str; 9] =
    [EXCLUSION, WAKING, FREEDOM, READING, ORDER, FENCES, SAFEKEEPING, FAILURES, SLEEP];

/// A property and its name.
type Named<M> = (&'static str, fn(&M, &State) -> bool);

impl Model for Protocol {
    type State = State;
    type Action = Move;

    fn init_states(&self) -> Vec<State> {
        self.begin.clone()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Move>) {
        moves(state, self.bounds, actions);
    }

    fn next_state(&self, _: &State, action: Move) -> Option<State> {
        Some(action.next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let always: [Named<Self>; 9] = [
            (EXCLUSION, |_, state| oracle::crowd(state).is_none()),
            (WAKING, |_, state| oracle::sleeper(state).is_none()),
            (FREEDOM, |_, state| oracle::wedge(state).is_none()),
            (READING, |_, state| {
                oracle::misjudged(state).is_none() && state.keeps(Promise::Readers)
            }),
            (ORDER, |_, state| state.keeps(Promise::Order)),
            (FENCES, |_, state| state.keeps(Promise::Fences)),
            (SAFEKEEPING, |_, state| state.keeps(Promise::Safekeeping)),
            (FAILURES, |_, state| state.keeps(Promise::Failures)),
            (SLEEP, |_, state| state.keeps(Promise::Sleep)),
        ];
        let sometimes: [Named<Self>; 10] = [
            (COMPANY, |_, state| protected(state) > 1),
            (FULL, |_, state| awaits(state, |it| matches!(it, Obstacle::Full(..)))),
            (ORPHAN, |_, state| orphaned(state) && awaits(state, |_| true)),
            (STALE, |_, state| state.witnessed == Some(Witnessed::StaleBroken)),
            (PASSED, |_, state| state.witnessed == Some(Witnessed::PassedUnderLease)),
            (REPLACED, |_, state| state.witnessed == Some(Witnessed::Replaced)),
            (FROZEN, |_, state| awaits(state, |it| matches!(it, Obstacle::Frozen(_)))),
            (HELD, |_, state| awaits(state, |it| matches!(it, Obstacle::Held(_)))),
            (FILLING, |_, state| awaits(state, |it| matches!(it, Obstacle::Corrupted(_)))),
            (BROKEN, |_, state| protected(state) > 0 && state.any_inside(|it| it.broken)),
        ];
        let always = always.into_iter().map(|(name, holds)| Property::always(name, holds));
        let sometimes = sometimes.into_iter().map(|(name, is)| Property::sometimes(name, is));
        always.chain(sometimes).collect()
    }
}

fn protected(state: &State) -> usize {
    let inside = state.processes.iter().filter_map(Process::inside);
    inside.filter(|it| it.is_protected()).count()
}

fn orphaned(state: &State) -> bool {
    state.any_inside(|it| it.is_protected() && !it.supervisor)
}

fn awaits(state: &State, what: impl Fn(&Obstacle) -> bool) -> bool {
    state.processes.iter().any(|process| match &process.phase {
        Phase::Waiting { obstacle: Some(obstacle), .. } => what(obstacle),
        _ => false,
    })
}

/// Steps of one kind in several modes.
pub(crate) fn in_modes(modes: &[LockMode], step: impl Fn(LockMode) -> Step) -> Vec<Step> {
    modes.iter().map(|mode| step(*mode)).collect()
}
