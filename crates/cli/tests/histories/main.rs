//! Random histories of what several owners do, each step a real call, a real process or a real file, and
//! after each step the question whether it came to what the documentation promises.
//!
//! * [`step`]: what may happen, and how likely.
//! * [`turn`]: a step as it is taken, and as it is typed.
//! * [`model`]: what is true of names, without files and processes; [`taking`], [`giving`] and [`telling`]
//!   say how it goes on, and [`expected`] what a step must come to.
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
mod world;

use check::{compare, compare_events, compare_files};
use model::Model;
use proptest::{
    prelude::*,
    test_runner::{Config, FileFailurePersistence},
};
use shell::Script;
use std::{
    any::Any,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
};
use step::Step;
use turn::{Turn, last_looks};
use world::World;

/// How many histories each property tries, where nobody says.
const CASES: u32 = 150;

/// Seeds of histories that found something, tried again before all others.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories/regressions.txt");

fn config() -> Config {
    let default = Config::default();
    Config {
        cases: if env::var_os("PROPTEST_CASES").is_some() { default.cases } else { CASES },
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
}

impl History {
    fn new() -> Self {
        let (world, model, script) = (World::new(), Model::default(), Script::new());
        Self { world, model, script, events: 0 }
    }

    fn take(&mut self, turn: Turn) -> Result<(), String> {
        self.world.keep_young(&self.model);
        let before = self.model.clone();
        let expected = self.model.take(turn);
        self.script.add(turn, &before, expected.code);
        let world = &mut self.world;
        let done = catch_unwind(AssertUnwindSafe(|| world.take(turn, expected.code == 0)));
        let done = done.map_err(|panic| told(&*panic))?;
        compare(turn.step, &expected, &done)?;
        let events = self.world.it.events();
        compare_events(&events[self.events..], &expected.events)?;
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

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|&it| it.to_owned())).unwrap_or_default()
}

fn holds(steps: &[Step]) -> Result<(), TestCaseError> {
    History::run(steps).map(drop).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn owners_get_what_is_promised_whatever_they_do(steps in step::among_owners()) {
        holds(&steps)?;
    }

    #[test]
    fn it_holds_among_other_programs_and_mishaps(steps in step::with_mishaps()) {
        holds(&steps)?;
    }
}
