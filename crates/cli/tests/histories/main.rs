//! Random histories of what several owners do, each step a real call, a real process or a real file, and
//! after each step the question whether it came to what the documentation promises.
//!
//! * [`step`]: what may happen, and how likely.
//! * [`turn`]: a step as it is taken, and as it is typed.
//! * [`model`]: what is true of names, without files and processes; [`admission`], [`taking`], [`giving`],
//!   [`waiting`] and [`telling`] say how it goes on, and [`expected`] what a step must come to.
//! * [`world`]: the same steps for real.
//! * [`check`]: the two next to each other.
//! * [`shell`]: a history as a script, which stands in every failure.
//! * [`known`]: histories that found something once.
//!
//! `PROPTEST_CASES` says how many histories each property tries.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must stop, and say where"
)]

mod admission;
mod check;
mod expected;
mod giving;
mod known;
mod model;
mod shell;
mod step;
mod taking;
mod telling;
mod turn;
mod waiting;
mod world;

use check::{compare, compare_events, compare_files, compare_losses, is_loss};
use expected::Expected;
use model::{Event, Model};
use proptest::{
    prelude::*,
    test_runner::{Config, FileFailurePersistence},
};
use shell::Script;
use std::env;
use step::Step;
use turn::{Turn, last_looks};
use world::World;

/// How many histories a property tries, where nobody says.
const CASES: u32 = 150;

/// The same where they wait, which takes its time.
const WAITING_CASES: u32 = 60;

/// Seeds of histories that found something, tried again before all others.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories/regressions.txt");

fn config(cases: u32) -> Config {
    let default = Config::default();
    Config {
        cases: if env::var_os("PROPTEST_CASES").is_some() { default.cases } else { cases },
        max_shrink_iters: 2000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        ..default
    }
}

/// A history under way.
struct History {
    world: World,
    model: Model,
    script: Script,
    /// How many events the log has had.
    events: usize,
    /// The losses that must be in the log.
    losses: Vec<Event>,
}

impl History {
    fn new() -> Self {
        let (world, model, script) = (World::new(), Model::default(), Script::new());
        Self { world, model, script, events: 0, losses: Vec::new() }
    }

    fn take(&mut self, turn: Turn) -> Result<(), String> {
        self.world.keep_young(&self.model);
        let before = self.model.clone();
        let expected = self.model.take(turn);
        let stay = self.model.stay(turn);
        self.script.add(turn, (&before, stay), expected.code);
        let done = self.world.try_to(|world| world.take(turn, stay))?;
        compare(turn.step, &expected, &done)?;
        let (ended, events) = self.model.settle();
        for wait in ended {
            self.script.end_wait(&wait);
            let must = wait
                .failed
                .map_or_else(Expected::default, |(code, says)| Expected::fails(code, says));
            let gets_in = must.code == 0;
            let done = self.world.try_to(|world| world.end_wait(wait.guard, gets_in))?;
            compare(turn.step, &must, &done)?;
        }
        let expected = expected.and(events);
        let events = self.world.it.events();
        compare_events(&events[self.events..], &expected.events)?;
        self.losses.extend(expected.events.iter().filter(|event| is_loss(event)).cloned());
        compare_losses(&events, &self.losses)?;
        self.events = events.len();
        compare_files(&self.world, &self.model)
    }

    /// Takes all steps that can be taken, and looks at everything in the end.
    fn run(steps: &[Step]) -> Result<Self, String> {
        let mut history = Self::new();
        for step in steps.iter().copied().chain(last_looks()) {
            let Some(turn) = history.model.turn(step) else { continue };
            if let Err(what) = history.take(turn) {
                let script = history.script.text();
                return Err(format!("{what}\n\nthe last line of this goes wrong:\n\n{script}"));
            }
        }
        Ok(history)
    }
}

fn holds(steps: &[Step]) -> Result<(), TestCaseError> {
    History::run(steps).map(drop).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn owners_get_what_is_promised_whatever_they_do(steps in step::among_owners()) {
        holds(&steps)?;
    }

    #[test]
    fn it_holds_among_other_programs_and_mishaps(steps in step::with_mishaps()) {
        holds(&steps)?;
    }
}

proptest! {
    #![proptest_config(config(WAITING_CASES))]

    #[test]
    fn whoever_waits_gets_in_as_soon_as_it_is_their_turn(steps in step::in_line()) {
        holds(&steps)?;
    }
}
