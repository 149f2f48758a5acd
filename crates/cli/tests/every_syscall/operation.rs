//! One operation, run once for each fault, and the checks after each run.

use crate::injection_points;
use lokt_testkit::{Done, Fault, Injection, Lokt, Running, Sandbox};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

/// An operation, and what must hold after it, whichever of its calls was the last or failed.
#[derive(Clone, Copy)]
pub(crate) struct FaultInjectionCase {
    /// Its name in the report.
    pub(crate) name: &'static str,
    /// Its arguments.
    pub(crate) arguments: &'static [&'static str],
    /// Prepares a root; each run gets a copy of it.
    pub(crate) prepare: fn(&Sandbox),
    /// Its exit code without a fault.
    pub(crate) code: i32,
    /// Faults are injected only from the first call with this text on. Earlier calls belong to another
    /// operation.
    pub(crate) from: &'static str,
    /// Runs it to its end, with the other processes that it needs. Returns the guard that still runs.
    pub(crate) scenario: fn(&Sandbox, Lokt) -> (Done, Option<Running>),
    /// Checks what another caller finds afterwards.
    pub(crate) check: fn(&Sandbox, &mut RunOutcome),
    /// The test fails with fewer faults than this, because some must have been missed.
    pub(crate) min_faults: usize,
}

/// The outcome of a run.
pub(crate) struct RunOutcome {
    pub(crate) done: Done,
    pub(crate) other_guard: Option<Running>,
    /// Whether it was killed, in contrast to an error.
    pub(crate) killed: bool,
    /// Whether a guarded command was started.
    pub(crate) spawned: bool,
}

impl RunOutcome {
    pub(crate) fn succeeded(&self) -> bool {
        self.done.code == Some(0)
    }

    /// Whether it reported an error.
    pub(crate) fn failed(&self) -> bool {
        !self.killed && !self.succeeded()
    }

    /// Whether a guarded command may still run, because no guard reported its end.
    pub(crate) fn command_may_live(&self) -> bool {
        self.spawned && !self.succeeded()
    }
}

/// How often to try for a run that is as short as most.
const TRIES: usize = 20;

/// The number of runs, by their faults.
#[derive(Default)]
struct RunCounts {
    kills: AtomicUsize,
    errors: AtomicUsize,
    missed: AtomicUsize,
    /// The longest run, in milliseconds.
    longest: AtomicU64,
    broken: Mutex<Vec<String>>,
}

/// Runs each operation once for each of its faults, and prints their number. Fails with a list of the runs
/// that broke an invariant.
pub(crate) fn check_all(operations: &[FaultInjectionCase]) {
    let broken: Vec<String> = operations.iter().flat_map(FaultInjectionCase::check_all).collect();
    assert!(broken.is_empty(), "{} runs broke an invariant:\n{}", broken.len(), broken.join("\n"));
}

impl FaultInjectionCase {
    fn check_all(&self) -> Vec<String> {
        let began = Instant::now();
        let template = sandbox();
        (self.prepare)(&template);
        let calls = self.calls(&template);
        let points = injection_points::points_of(&calls);
        let counts = RunCounts::default();
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(point) = points.get(next.fetch_add(1, Relaxed)) {
                let hit = self.run_with_faults(&template, std::slice::from_ref(point), &counts);
                counts.missed.fetch_add(usize::from(hit.is_none()), Relaxed);
            }
        };
        let workers = thread::available_parallelism().map_or(1, usize::from) * 2;
        thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
        self.probe_beyond_last_calls(&template, &calls, &counts);
        self.report(counts, calls.len(), began.elapsed())
    }

    /// Probes behind the last call of each kind until a run is not hit any more.
    fn probe_beyond_last_calls(
        &self,
        template: &Sandbox,
        calls: &[injection_points::SystemCall],
        counts: &RunCounts,
    ) {
        let mut beyond = injection_points::points_beyond(calls);
        while let Some(hit) = self.run_with_faults(template, &beyond, counts) {
            let of_that_kind = beyond.iter_mut().filter(|it| it.call == hit);
            of_that_kind.for_each(|it| it.number += 1);
        }
    }

    /// The calls for injections, from a run without a fault.
    fn calls(&self, template: &Sandbox) -> Vec<injection_points::SystemCall> {
        let mut tries = 0;
        let (it, done, other_guard) = loop {
            tries += 1;
            let it = sandbox();
            it.copy_root_of(template);
            let (done, other_guard) =
                (self.scenario)(&it, it.traced(&[], self.arguments.iter().copied()));
            assert_eq!(done.code, Some(self.code), "{} as such: {done:#?}", self.name);
            if tries == TRIES || !has_group_observer(&it.trace()) {
                break (it, done, other_guard);
            }
        };
        let calls = injection_points::parse_trace(&it.trace());
        let mut outcome = RunOutcome { done, other_guard, killed: false, spawned: true };
        (self.check)(&it, &mut outcome);
        injection_points::calls_from(&calls, self.from).to_vec()
    }

    /// Runs the operation with faults, of which the first that happens counts. Returns the kind of call that
    /// was hit, or `None` if the run made no such call.
    fn run_with_faults(
        &self,
        template: &Sandbox,
        injections: &[Injection],
        counts: &RunCounts,
    ) -> Option<String> {
        let run = catch_unwind(AssertUnwindSafe(|| self.run(template, injections, counts)));
        let hit = run.unwrap_or_else(|panic| {
            let text = format!("{injections:?}: {}", panic_text(&*panic));
            counts.broken.lock().expect("no panic in a push").push(text);
            None
        })?;
        let counter = match injections.first()?.fault {
            Fault::Kill => &counts.kills,
            Fault::Error(_) => &counts.errors,
        };
        counter.fetch_add(1, Relaxed);
        Some(hit)
    }

    fn run(
        &self,
        template: &Sandbox,
        injections: &[Injection],
        counts: &RunCounts,
    ) -> Option<String> {
        let it = sandbox();
        it.copy_root_of(template);
        let traced = it.traced(injections, self.arguments.iter().copied());
        let began = Instant::now();
        let (done, other_guard) = (self.scenario)(&it, traced);
        counts.longest.fetch_max(milliseconds(began.elapsed()), Relaxed);
        let trace = it.trace();
        let killed = done.signal == Some(9);
        crate::invariants::check_invariants(&it, &done, stderr_write_failed(&trace));
        let mut outcome = RunOutcome { done, other_guard, killed, spawned: has_spawned(&trace) };
        (self.check)(&it, &mut outcome);
        // The last call in the trace is the last call of a killed program.
        let hit = if killed { injection_points::parse_trace(&trace).pop() } else { None };
        hit.or_else(|| injection_points::parse_trace(injected(&trace)?).pop()).map(|call| call.name)
    }

    /// Prints the numbers, and returns the failures.
    fn report(&self, counts: RunCounts, calls: usize, took: Duration) -> Vec<String> {
        let Self { name, min_faults, .. } = self;
        let figure = |counter: &AtomicUsize| counter.load(Relaxed);
        let (kills, errors, missed) =
            (figure(&counts.kills), figure(&counts.errors), figure(&counts.missed));
        let (hits, longest) = (kills + errors, counts.longest.load(Relaxed));
        println!(
            "{name}: {hits} faults ({kills} kills, {errors} errors) at {calls} calls, {missed} missed; \
             longest run {longest} ms; {took:.1?}"
        );
        let mut broken = counts.broken.into_inner().expect("no panic in a push");
        if hits < *min_faults || missed * 10 > hits {
            broken.push(format!("only {hits} faults happened, and {missed} were missed"));
        }
        broken.into_iter().map(|text| format!("{name}: {text}")).collect()
    }
}

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::in_memory(env!("CARGO_BIN_EXE_lokt"))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The call that failed.
fn injected(trace: &[String]) -> Option<&[String]> {
    let at = trace.iter().position(|line| line.contains("(INJECTED)"))?;
    trace.get(at..=at)
}

/// Whether the failed call is a write to stderr.
pub(crate) fn stderr_write_failed(trace: &[String]) -> bool {
    injected(trace).is_some_and(|lines| lines[0].starts_with("write(2,"))
}

/// Whether a traced run has started another process.
pub(crate) fn has_spawned(trace: &[String]) -> bool {
    let spawns = |line: &&String| line.contains("CLONE_VFORK");
    let pid =
        |line: &String| line.rsplit_once(" = ").is_some_and(|(_, pid)| pid.parse::<i32>().is_ok());
    trace.iter().filter(spawns).any(pid)
}

/// Whether a guard's command ran so long that it got a group observer. Most runs are shorter.
fn has_group_observer(trace: &[String]) -> bool {
    trace.iter().any(|line| line.contains("CLONE_CHILD_SETTID"))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}
