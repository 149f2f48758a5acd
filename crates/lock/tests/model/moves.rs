//! All that can happen next.

use crate::model::{
    operation::{Act, Outcome, Run, run},
    process::{Phase, Process, Step},
    state::State,
    store::Mishap,
    world::{Doing, ForeignStep},
};
use lokt_lock::ops::stands;
use std::fmt;

/// What can happen beyond what processes do anyway.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    /// How far the clock goes.
    pub(crate) ticks: u8,
    /// Whether the verbs of the store fail.
    pub(crate) failures: bool,
}

/// Something that happens, and the state after it.
#[derive(Clone)]
pub(crate) struct Move {
    pub(crate) what: What,
    pub(crate) next: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// An operation of a process, and what befalls it.
    Act(usize, Act, Option<Step>, Mishap),
    /// An operation, right after a change of which the process dies; counted from one.
    Crash(usize, Act, Option<Step>, usize, &'static str),
    /// A process that does nothing ends.
    Ends(usize),
    /// A process dies: one that waits, or a guard beside its command.
    Dies(usize),
    /// The last process of a guarded command ends.
    CommandEnds(usize),
    Tick,
    Foreign(ForeignStep),
}

impl PartialEq for Move {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

impl fmt::Debug for Move {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(formatter)
    }
}

/// Gathers what can happen in a state.
pub(crate) struct Moves<'a> {
    state: &'a State,
    bounds: Bounds,
    found: &'a mut Vec<Move>,
}

/// Finds all that can happen next. Nothing follows on a fault.
pub(crate) fn moves(state: &State, bounds: Bounds, found: &mut Vec<Move>) {
    if state.fault.is_some() {
        return;
    }
    let mut moves = Moves { state, bounds, found };
    for (index, process) in state.processes.iter().enumerate() {
        moves.of_process(index, process);
    }
    moves.of_time();
    for step in ForeignStep::ALL {
        let mut world = state.world.clone();
        if world.foreign_step(step) {
            moves.push(What::Foreign(step), state.changed(|next| next.world = world));
        }
    }
}

impl Moves<'_> {
    fn push(&mut self, what: What, next: State) {
        self.found.push(Move { what, next });
    }

    fn of_process(&mut self, index: usize, process: &Process) {
        match &process.phase {
            Phase::Gone => {}
            Phase::Idle => {
                self.operation(index, Act::Begin);
                let ends = self.state.changed(|next| next.processes[index].ends());
                self.push(What::Ends(index), ends);
            }
            Phase::Waiting { .. } => {
                self.operation(index, Act::TryAgain);
                self.operation(index, Act::GiveUp);
                self.dies(index);
            }
            Phase::Inside(_) => self.of_guard(index, process),
        }
    }

    fn of_guard(&mut self, index: usize, process: &Process) {
        let Some(inside) = process.inside() else { return };
        if inside.supervisor {
            // With a command that lives, this is one that left processes behind.
            self.operation(index, Act::Release);
            self.dies(index);
            if inside.record.ttl_sec.is_some() && !inside.lost && self.beat_changes(index) {
                self.operation(index, Act::Beat);
            }
            if !inside.lost && self.seems_lost(index) {
                self.operation(index, Act::FindLost);
            }
        }
        if inside.command {
            let next = self.state.changed(|next| next.kill_command(index));
            self.push(What::CommandEnds(index), next);
        }
    }

    fn dies(&mut self, index: usize) {
        let next = self.state.changed(|next| next.kill_supervisor(index));
        self.push(What::Dies(index), next);
    }

    /// Whether a heartbeat would change more than the file's age.
    fn beat_changes(&self, index: usize) -> bool {
        let inside = self.state.processes[index].inside().unwrap();
        let id = inside.record.lock_id.as_ref().unwrap();
        let record = self.state.world.record();
        let end = record.and_then(|record| record.holder(id)).and_then(|it| it.expires_at);
        let ttl = std::time::Duration::from_secs(inside.record.ttl_sec.unwrap_or_default());
        end.is_some_and(|end| end < self.state.world.now().saturating_add(ttl))
    }

    fn seems_lost(&self, index: usize) -> bool {
        use crate::model::{operation::grant, section::MemoryTicket, store::MemoryStore};
        let store = MemoryStore::new(self.state.world.clone(), index, Mishap::None);
        let grant = grant(&store, self.state.processes[index].inside().unwrap());
        let found = stands(&store, &grant);
        grant.ticket.map(MemoryTicket::put_down);
        !found
    }

    fn of_time(&mut self) {
        let filling = self.state.world.foreign.does == Doing::Filling;
        if self.state.world.ticks < self.bounds.ticks && !filling {
            let next = self.state.changed(|next| next.world.ticks += 1);
            self.push(What::Tick, next);
        }
    }

    /// An operation as a whole, with a crash after each of its changes, and with what can befall it.
    fn operation(&mut self, index: usize, act: Act) {
        let plain = self.run(index, act, Mishap::None);
        self.crashes(index, act, &plain);
        self.whole(index, act, Mishap::None, &plain);
        for mishap in self.mishaps(&plain) {
            let run = self.run(index, act, mishap);
            if run.tape.befell {
                self.whole(index, act, mishap, &run);
            }
        }
    }

    fn run(&self, index: usize, act: Act, mishap: Mishap) -> Run {
        run(&self.state.world, (index, &self.state.processes[index]), act, mishap)
    }

    fn whole(&mut self, index: usize, act: Act, mishap: Mishap, run: &Run) {
        let step = self.step(index, act);
        // A failure in vain, of what is not needed, is none.
        let failed = matches!(run.outcome, Outcome::Failed(_));
        if !failed && matches!(mishap, Mishap::Failure(_)) && run.tape.changes.is_empty() {
            return;
        }
        self.push(What::Act(index, act, step, mishap), self.state.after(index, act, run));
    }

    fn crashes(&mut self, index: usize, act: Act, run: &Run) {
        let step = self.step(index, act);
        for (at, (what, world)) in run.tape.changes.iter().enumerate() {
            let next = self.state.crashed(index, act, world.clone());
            self.push(What::Crash(index, act, step, at + 1, what), next);
        }
    }

    fn step(&self, index: usize, act: Act) -> Option<Step> {
        let script = &self.state.processes[index].script;
        script.last().copied().filter(|_| act == Act::Begin)
    }

    /// What can befall an operation that went like this without. What comes before all of it comes before the
    /// operation.
    fn mishaps(&self, plain: &Run) -> Vec<Mishap> {
        let world = &self.state.world;
        let foreign = world.foreign.budget > 0 || world.foreign.does != Doing::Nothing;
        let touches = if foreign { 1..plain.tape.touches.max(1) } else { 0..0 };
        let steps = |at| ForeignStep::ALL.map(|step| Mishap::Foreign(at, step));
        let ticks = world.ticks < self.bounds.ticks && world.foreign.does != Doing::Filling;
        let readings = if ticks { 1..plain.tape.readings.max(1) } else { 0..0 };
        let failures = if self.bounds.failures { 0..plain.tape.chances } else { 0..0 };
        let all = touches.flat_map(steps).chain(readings.map(Mishap::Tick));
        all.chain(failures.map(Mishap::Failure)).collect()
    }
}
