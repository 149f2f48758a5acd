//! One operation, run once for each fault, and what is examined after each run.

use crate::range;
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

/// An operation, and what must hold after it, whatever call of it was the last or failed.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    /// What it is called in the report.
    pub(crate) name: &'static str,
    /// What it is run with.
    pub(crate) words: &'static [&'static str],
    /// Makes the root that each run finds a copy of.
    pub(crate) before: fn(&Sandbox),
    /// What it ends with where nothing disturbs it.
    pub(crate) code: i32,
    /// Only the calls from the first with this text on: those before are another operation's.
    pub(crate) from: &'static str,
    /// Runs it to its end, in the company that it needs. Gives who of that is still there.
    pub(crate) play: fn(&Sandbox, Lokt) -> (Done, Option<Running>),
    /// Examines what somebody else finds afterwards.
    pub(crate) next: fn(&Sandbox, &mut Aftermath),
    /// Fewer faults than this cannot be all.
    pub(crate) least: usize,
}

/// What a run left behind.
pub(crate) struct Aftermath {
    pub(crate) done: Done,
    pub(crate) companion: Option<Running>,
    /// Killed, not failed.
    pub(crate) killed: bool,
    /// A guarded command was started.
    pub(crate) spawned: bool,
}

impl Aftermath {
    pub(crate) fn succeeded(&self) -> bool {
        self.done.code == Some(0)
    }

    /// It said that it could not.
    pub(crate) fn failed(&self) -> bool {
        !self.killed && !self.succeeded()
    }

    /// Nobody told of a guarded command's end.
    pub(crate) fn command_may_live(&self) -> bool {
        self.spawned && !self.succeeded()
    }
}

/// How often to look for a run that is as short as most.
const TRIES: usize = 20;

/// How many runs were hit.
#[derive(Default)]
struct Tally {
    kills: AtomicUsize,
    errors: AtomicUsize,
    missed: AtomicUsize,
    /// In milliseconds.
    longest: AtomicU64,
    broken: Mutex<Vec<String>>,
}

/// Runs each operation once for each of its faults, and prints how many there were. Fails where a run broke
/// what must hold, and names each.
pub(crate) fn examine(operations: &[Operation]) {
    let broken: Vec<String> = operations.iter().flat_map(Operation::examine).collect();
    assert!(broken.is_empty(), "{} broke what must hold:\n{}", broken.len(), broken.join("\n"));
}

impl Operation {
    fn examine(&self) -> Vec<String> {
        let began = Instant::now();
        let model = sandbox();
        (self.before)(&model);
        let calls = self.calls(&model);
        let points = range::points(&calls);
        let tally = Tally::default();
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(point) = points.get(next.fetch_add(1, Relaxed)) {
                let hit = self.perform(&model, std::slice::from_ref(point), &tally);
                tally.missed.fetch_add(usize::from(hit.is_none()), Relaxed);
            }
        };
        let workers = thread::available_parallelism().map_or(1, usize::from) * 2;
        thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
        self.find_the_end(&model, &calls, &tally);
        self.report(tally, calls.len(), began.elapsed())
    }

    /// Goes on behind the last call of each kind, until a run is not hit any more.
    fn find_the_end(&self, model: &Sandbox, calls: &[range::Call], tally: &Tally) {
        let mut beyond = range::beyond(calls);
        while let Some(hit) = self.perform(model, &beyond, tally) {
            let of_that_kind = beyond.iter_mut().filter(|it| it.call == hit);
            of_that_kind.for_each(|it| it.number += 1);
        }
    }

    /// The calls that are to be hit, as an undisturbed run makes them.
    fn calls(&self, model: &Sandbox) -> Vec<range::Call> {
        let mut tries = 0;
        let (it, done, companion) = loop {
            tries += 1;
            let it = sandbox();
            it.copy_root_of(model);
            let (done, companion) = (self.play)(&it, it.traced(&[], self.words.iter().copied()));
            assert_eq!(done.code, Some(self.code), "{} as such: {done:#?}", self.name);
            if tries == TRIES || !is_observed(&it.trace()) {
                break (it, done, companion);
            }
        };
        let calls = range::calls(&it.trace());
        let mut aftermath = Aftermath { done, companion, killed: false, spawned: true };
        (self.next)(&it, &mut aftermath);
        range::from(&calls, self.from).to_vec()
    }

    /// One run with faults, of which the first that comes counts: the kind of call that was hit. `None` where
    /// the run made no such call.
    fn perform(&self, model: &Sandbox, injections: &[Injection], tally: &Tally) -> Option<String> {
        let run = catch_unwind(AssertUnwindSafe(|| self.run(model, injections, tally)));
        let hit = run.unwrap_or_else(|panic| {
            let text = format!("{injections:?}: {}", text_of(&*panic));
            tally.broken.lock().expect("no panic in a push").push(text);
            None
        })?;
        let counter = match injections.first()?.fault {
            Fault::Kill => &tally.kills,
            Fault::Error(_) => &tally.errors,
        };
        counter.fetch_add(1, Relaxed);
        Some(hit)
    }

    fn run(&self, model: &Sandbox, injections: &[Injection], tally: &Tally) -> Option<String> {
        let it = sandbox();
        it.copy_root_of(model);
        let traced = it.traced(injections, self.words.iter().copied());
        let began = Instant::now();
        let (done, companion) = (self.play)(&it, traced);
        tally.longest.fetch_max(milliseconds(began.elapsed()), Relaxed);
        let trace = it.trace();
        let killed = done.signal == Some(9);
        crate::oracle::sound(&it, &done, is_deaf(&trace));
        let mut aftermath = Aftermath { done, companion, killed, spawned: has_spawned(&trace) };
        (self.next)(&it, &mut aftermath);
        // A killed program's last call is the last that is told of.
        let hit = if killed { range::calls(&trace).pop() } else { None };
        hit.or_else(|| range::calls(injected(&trace)?).pop()).map(|call| call.name)
    }

    /// Prints the figures, and gives what is not as it should be.
    fn report(&self, tally: Tally, calls: usize, took: Duration) -> Vec<String> {
        let Self { name, least, .. } = self;
        let figure = |counter: &AtomicUsize| counter.load(Relaxed);
        let (kills, errors, missed) =
            (figure(&tally.kills), figure(&tally.errors), figure(&tally.missed));
        let (hits, longest) = (kills + errors, tally.longest.load(Relaxed));
        println!(
            "{name}: {hits} faults ({kills} kills, {errors} errors) at {calls} calls, {missed} missed; \
             longest run {longest} ms; {took:.1?}"
        );
        let mut broken = tally.broken.into_inner().expect("no panic in a push");
        if hits < *least || missed * 10 > hits {
            broken
                .push(format!("{hits} faults are not all that there are, {missed} did not happen"));
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

/// Whether what failed is to write to stderr.
pub(crate) fn is_deaf(trace: &[String]) -> bool {
    injected(trace).is_some_and(|lines| lines[0].starts_with("write(2,"))
}

/// Whether a traced run has started another process.
pub(crate) fn has_spawned(trace: &[String]) -> bool {
    let spawns = |line: &&String| line.contains("CLONE_VFORK");
    let pid =
        |line: &String| line.rsplit_once(" = ").is_some_and(|(_, pid)| pid.parse::<i32>().is_ok());
    trace.iter().filter(spawns).any(pid)
}

/// Whether a guard's command has run for so long that it got an observer, which most runs have not.
fn is_observed(trace: &[String]) -> bool {
    trace.iter().any(|line| line.contains("CLONE_CHILD_SETTID"))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}
