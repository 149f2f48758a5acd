//! Fifty agents that reserve random paths at once, in two worktrees: exclusive and shared, in both scopes, for short
//! and long times, tied to processes, waiting, giving back parts. Their calls and the processes that they tie
//! reservations to are killed at random.
//!
//! `history.rs` is the oracle. It knows only what the agents know for certain from the outputs and the clock, and has
//! an overlap without automata: `pattern.rs` tries all paths of a small tree.
//!
//! `LOKT_STRESS_SECONDS=600 cargo nextest run -p lokt-cli -E 'binary(reservations_stress)'` goes on for ten minutes,
//! with other seeds each time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]
#![expect(clippy::indexing_slicing, reason = "a field that is missing fails the test")]
#![expect(clippy::print_stdout, reason = "the documentation quotes the numbers")]

mod agent;
mod history;
mod pattern;
mod random;

use agent::Agent;
use history::{History, OutcomeCounts};
use lokt_testkit::Sandbox;
use random::RandomNumbers;
use std::{
    env, fs,
    sync::Mutex,
    thread,
    time::{Duration, Instant, SystemTime},
};

const AGENTS: u64 = 50;
/// What each agent does in the runs of all tests, and in longer ones.
const FEW_ROUNDS: usize = 2;
const MANY_ROUNDS: usize = 10;
/// Seeds of runs that every run of the tests repeats. One that found a fault stays here.
const SEEDS: [u64; 2] = [1, 0x9e37_79b9_7f4a_7c15];

/// A repository with two worktrees, and what its agents have seen.
pub(crate) struct Project {
    it: Sandbox,
    history: Mutex<History>,
}

impl Project {
    fn new() -> Self {
        let it = Sandbox::in_memory(env!("CARGO_BIN_EXE_lokt"));
        let line = "set -e; git init -q tree0; cd tree0
            git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first
            git worktree add -q ../tree1";
        it.shell(line).in_time().ok();
        Self { it, history: Mutex::default() }
    }

    /// Everything has ended: nothing is reserved, and no dead waiter is in the way.
    fn assert_nothing_left(&self) {
        let last = |line: &str| {
            let folder = self.it.folder().join("tree0");
            self.it.lokt(line.split(' ')).owner("last").folder(folder).in_time()
        };
        let reserved = last("reservations --json").ok().json();
        assert_eq!(reserved, serde_json::json!([]), "no reservation is left over");
        last("reserve .").ok();
        let waiters = fs::read_dir(self.it.root().join("reservation-waiters"));
        assert_eq!(waiters.into_iter().flatten().count(), 0, "no place of a waiter is left over");
    }
}

fn run(seed: u64, rounds: usize) -> History {
    let project = Project::new();
    thread::scope(|scope| {
        for number in 0..AGENTS {
            let project = &project;
            let numbers = RandomNumbers::new(seed, number);
            scope.spawn(move || Agent::new(project, number, numbers).run(rounds));
        }
    });
    project.assert_nothing_left();
    project.history.into_inner().unwrap()
}

/// Makes a run, and returns how often what happened.
fn check(seed: u64, rounds: usize) -> OutcomeCounts {
    let history = run(seed, rounds);
    println!("seed {seed}: {}", history.counts);
    let broken = history.violations();
    assert!(broken.is_empty(), "seed {seed}: {} violations:\n{}", broken.len(), broken.join("\n"));
    history.counts
}

#[test]
fn no_two_conflicting_reservations_ever_stand_together() {
    let runs = SEEDS.into_iter().map(|seed| check(seed, FEW_ROUNDS));
    let all: OutcomeCounts = runs.fold(OutcomeCounts::default(), OutcomeCounts::plus);
    assert!(all.has_all_kinds(), "the test is about all kinds of outcomes: {all}");
}

#[test]
fn the_same_for_as_long_as_it_is_asked_for() {
    let seconds = env::var("LOKT_STRESS_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    while Instant::now() < end {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        check(u64::from(now.subsec_nanos()) | now.as_secs() << 32, MANY_ROUNDS);
    }
}
