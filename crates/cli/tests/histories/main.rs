//! Random histories of several owners. Each step is a real call, a real process or a real file. After each
//! step, a comparison with what the documentation promises.
//!
//! * [`step`]: the possible steps, and how likely each is.
//! * [`resolved_step`]: a step with the guard it applies to, and its command line.
//! * [`model`]: the expected state of names, without files and processes. [`admission`], [`locking`],
//!   [`unlocking`], [`queue`] and [`queries`] apply steps to it, and [`expected`] is the outcome of a step.
//! * [`real_system`]: the same steps with real processes and files.
//! * [`comparison`]: the expected and the real outcome next to each other.
//! * [`script`]: a history as a shell script, which every failure prints.
//! * [`regressions`]: histories that found a fault once.
//!
//! `PROPTEST_CASES` sets the number of histories that each property tries.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must stop, and say where"
)]

mod admission;
mod comparison;
mod expected;
mod locking;
mod model;
mod queries;
mod queue;
mod real_system;
mod regressions;
mod resolved_step;
mod script;
mod step;
mod unlocking;

use comparison::{compare, compare_events, compare_files, compare_losses, is_loss};
use expected::ExpectedOutcome;
use model::{ExpectedAuditEvent, Model};
use proptest::{
    prelude::*,
    test_runner::{Config, FileFailurePersistence},
};
use real_system::RealSystem;
use resolved_step::{ResolvedStep, final_queries};
use script::ReproductionScript;
use std::env;
use step::Step;

/// The number of histories that a property tries by default.
const CASES: u32 = 150;

/// The same for histories that wait, because they take longer.
const WAITING_CASES: u32 = 60;

/// Seeds of histories that found a fault. They are tried before all others.
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

/// A history that is running.
struct RunningHistory {
    real_system: RealSystem,
    model: Model,
    script: ReproductionScript,
    /// The number of events in the log so far.
    events: usize,
    /// The losses that must be in the log.
    losses: Vec<ExpectedAuditEvent>,
}

impl RunningHistory {
    fn new() -> Self {
        let (real_system, model, script) =
            (RealSystem::new(), Model::default(), ReproductionScript::new());
        Self { real_system, model, script, events: 0, losses: Vec::new() }
    }

    fn run_step(&mut self, resolved: ResolvedStep) -> Result<(), String> {
        self.real_system.refresh_young_files(&self.model);
        let before = self.model.clone();
        let expected = self.model.apply(resolved);
        let position = self.model.guard_position(resolved);
        self.script.add(resolved, (&before, position), expected.code);
        let done =
            self.real_system.catch_panic(|real_system| real_system.run_step(resolved, position))?;
        compare(resolved.step, &expected, &done)?;
        let (ended, events) = self.model.retry_waiters();
        for wait in ended {
            self.script.end_wait(&wait);
            let expected_end =
                wait.failed.map_or_else(ExpectedOutcome::default, |(code, stderr)| {
                    ExpectedOutcome::fails(code, stderr)
                });
            let await_command = expected_end.code == 0;
            let done = self
                .real_system
                .catch_panic(|real_system| real_system.end_wait(wait.guard, await_command))?;
            compare(resolved.step, &expected_end, &done)?;
        }
        let expected = expected.with_events(events);
        let events = self.real_system.sandbox.events();
        compare_events(&events[self.events..], &expected.events)?;
        self.losses.extend(expected.events.iter().filter(|event| is_loss(event)).cloned());
        compare_losses(&events, &self.losses)?;
        self.events = events.len();
        compare_files(&self.real_system, &self.model)
    }

    /// Runs all steps that are possible, and then queries everything.
    fn run(steps: &[Step]) -> Result<Self, String> {
        let mut history = Self::new();
        for step in steps.iter().copied().chain(final_queries()) {
            let Some(resolved) = history.model.resolve(step) else { continue };
            if let Err(what) = history.run_step(resolved) {
                let script = history.script.text();
                return Err(format!("{what}\n\nthe last line of this script fails:\n\n{script}"));
            }
        }
        Ok(history)
    }
}

fn check_history(steps: &[Step]) -> Result<(), TestCaseError> {
    RunningHistory::run(steps).map(drop).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn histories_of_owners_match_the_documentation(steps in step::histories_of_owners()) {
        check_history(&steps)?;
    }

    #[test]
    fn histories_with_faults_match_the_documentation(steps in step::histories_with_faults()) {
        check_history(&steps)?;
    }
}

proptest! {
    #![proptest_config(config(WAITING_CASES))]

    #[test]
    fn a_waiter_enters_as_soon_as_nothing_blocks_it(steps in step::histories_with_queue()) {
        check_history(&steps)?;
    }
}
