//! All transitions that a state allows.

use crate::model::{
    memory_root::{ForeignPhase, ForeignStep},
    operation::{CompletedOperationRun, OperationOutcome, ProcessOperation, run_operation},
    process::{Phase, Process, ProcessScriptStep},
    state::State,
    store::InjectedStoreEvent,
};
use lokt_lock::ops::stands;
use std::fmt;

/// What can happen in addition to the steps of the processes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EnvironmentEventBounds {
    /// The last tick of the clock.
    pub(crate) ticks: u8,
    /// Whether the calls of the store fail.
    pub(crate) failures: bool,
    /// Whether other processes die within an operation.
    pub(crate) deaths: bool,
}

/// Something that happens, and the state after it.
#[derive(Clone)]
pub(crate) struct Transition {
    pub(crate) what: TransitionKind,
    pub(crate) next: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransitionKind {
    /// An operation of a process, and the event that is injected into it.
    Action(usize, ProcessOperation, Option<ProcessScriptStep>, InjectedStoreEvent),
    /// An operation whose process dies right after a change. Changes are counted from one.
    Crash(usize, ProcessOperation, Option<ProcessScriptStep>, usize, &'static str),
    /// An idle process ends.
    Ends(usize),
    /// A waiter dies, or a guard that leaves its command alive.
    Dies(usize),
    /// The last process of a guarded command ends.
    CommandEnds(usize),
    Tick,
    Foreign(ForeignStep),
}

impl PartialEq for Transition {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

impl fmt::Debug for Transition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(formatter)
    }
}

/// Collects the transitions of a state.
pub(crate) struct TransitionFinder<'a> {
    state: &'a State,
    bounds: EnvironmentEventBounds,
    found: &'a mut Vec<Transition>,
}

/// Finds all transitions of a state. A state with a violation has none.
pub(crate) fn transitions(
    state: &State,
    bounds: EnvironmentEventBounds,
    found: &mut Vec<Transition>,
) {
    if state.violation.is_some() {
        return;
    }
    let mut transitions = TransitionFinder { state, bounds, found };
    for (index, process) in state.processes.iter().enumerate() {
        transitions.process_transitions(index, process);
    }
    transitions.clock_transitions();
    for step in ForeignStep::ALL {
        let mut root = state.root.clone();
        if root.foreign_step(step) {
            transitions
                .push(TransitionKind::Foreign(step), state.after_change(|next| next.root = root));
        }
    }
}

impl TransitionFinder<'_> {
    fn push(&mut self, what: TransitionKind, next: State) {
        self.found.push(Transition { what, next });
    }

    fn process_transitions(&mut self, index: usize, process: &Process) {
        match &process.phase {
            Phase::Gone => {}
            Phase::Idle => {
                self.operation_transitions(index, ProcessOperation::Begin);
                let finish = self.state.after_change(|next| next.processes[index].finish());
                self.push(TransitionKind::Ends(index), finish);
            }
            Phase::Waiting { .. } => {
                self.operation_transitions(index, ProcessOperation::TryAgain);
                self.operation_transitions(index, ProcessOperation::GiveUp);
                self.push_death(index);
            }
            Phase::Inside(_) => self.guard_transitions(index, process),
        }
    }

    fn guard_transitions(&mut self, index: usize, process: &Process) {
        let Some(inside) = process.inside() else { return };
        if inside.supervisor {
            // If the command lives, its main process has ended and left others behind.
            self.operation_transitions(index, ProcessOperation::Release);
            self.push_death(index);
            if inside.record.ttl_sec.is_some()
                && !inside.lost
                && self.heartbeat_changes_record(index)
            {
                self.operation_transitions(index, ProcessOperation::Heartbeat);
            }
            if !inside.lost && self.guard_notices_loss(index) {
                self.operation_transitions(index, ProcessOperation::FindLost);
            }
        }
        if inside.command {
            let next = self.state.after_change(|next| next.kill_command(index));
            self.push(TransitionKind::CommandEnds(index), next);
        }
    }

    fn push_death(&mut self, index: usize) {
        let next = self.state.after_change(|next| next.kill_supervisor(index));
        self.push(TransitionKind::Dies(index), next);
    }

    /// Whether a heartbeat would change more than the file's age.
    fn heartbeat_changes_record(&self, index: usize) -> bool {
        let inside = self.state.processes[index].inside().unwrap();
        let id = inside.record.lock_id.as_ref().unwrap();
        let record = self.state.root.record();
        let end = record.and_then(|record| record.holder(id)).and_then(|it| it.expires_at);
        let ttl = std::time::Duration::from_secs(inside.record.ttl_sec.unwrap_or_default());
        end.is_some_and(|end| end < self.state.root.now().saturating_add(ttl))
    }

    fn guard_notices_loss(&self, index: usize) -> bool {
        use crate::model::{operation::grant_of, section::MemoryTicket, store::MemoryStore};
        let store = MemoryStore::new(self.state.root.clone(), index, InjectedStoreEvent::None);
        let grant = grant_of(&store, self.state.processes[index].inside().unwrap());
        let found = stands(&store, &grant);
        grant.ticket.map(MemoryTicket::keep_open);
        !found
    }

    fn clock_transitions(&mut self) {
        let filling = self.state.root.foreign.phase == ForeignPhase::Filling;
        if self.state.root.ticks < self.bounds.ticks && !filling {
            let next = self.state.after_change(|next| next.root.ticks += 1);
            self.push(TransitionKind::Tick, next);
        }
    }

    /// An operation that runs to its end, one that crashes after each change, and one with each injection.
    fn operation_transitions(&mut self, index: usize, action: ProcessOperation) {
        let plain = self.run(index, action, InjectedStoreEvent::None);
        self.push_crashes(index, action, &plain);
        self.push_completion(index, action, InjectedStoreEvent::None, &plain);
        for injection in self.injections(index, &plain) {
            let run = self.run(index, action, injection);
            if run.trace.happened {
                self.push_completion(index, action, injection, &run);
            }
        }
    }

    fn run(
        &self,
        index: usize,
        action: ProcessOperation,
        injection: InjectedStoreEvent,
    ) -> CompletedOperationRun {
        run_operation(&self.state.root, (index, &self.state.processes[index]), action, injection)
    }

    fn push_completion(
        &mut self,
        index: usize,
        action: ProcessOperation,
        injection: InjectedStoreEvent,
        run: &CompletedOperationRun,
    ) {
        let step = self.step(index, action);
        // A failure that stops nothing changes nothing.
        let failed = matches!(run.outcome, OperationOutcome::Failed(_));
        if !failed
            && matches!(injection, InjectedStoreEvent::Failure(_))
            && run.trace.changes.is_empty()
        {
            return;
        }
        let next = match injection {
            InjectedStoreEvent::Death(_, who) => {
                let before = self.state.after_change(|next| {
                    next.kill_command(who);
                    next.kill_supervisor(who);
                });
                before.after_operation(index, action, run)
            }
            _ => self.state.after_operation(index, action, run),
        };
        self.push(TransitionKind::Action(index, action, step, injection), next);
    }

    fn push_crashes(
        &mut self,
        index: usize,
        action: ProcessOperation,
        run: &CompletedOperationRun,
    ) {
        let step = self.step(index, action);
        for (at, (what, root)) in run.trace.changes.iter().enumerate() {
            let next = self.state.after_crash(index, action, root.clone());
            self.push(TransitionKind::Crash(index, action, step, at + 1, what), next);
        }
    }

    fn step(&self, index: usize, action: ProcessOperation) -> Option<ProcessScriptStep> {
        let script = &self.state.processes[index].script;
        script.last().copied().filter(|_| action == ProcessOperation::Begin)
    }

    /// The events that can happen within an operation, given its run without any. An event before its first
    /// access is the same as one before the operation.
    fn injections(&self, actor: usize, plain: &CompletedOperationRun) -> Vec<InjectedStoreEvent> {
        let root = &self.state.root;
        let foreign = root.foreign.budget > 0 || root.foreign.phase != ForeignPhase::Nothing;
        let record_accesses = if foreign { 1..plain.trace.record_accesses.max(1) } else { 0..0 };
        let steps = |at| ForeignStep::ALL.map(|step| InjectedStoreEvent::Foreign(at, step));
        let ticks = root.ticks < self.bounds.ticks && root.foreign.phase != ForeignPhase::Filling;
        let clock_readings = if ticks { 1..plain.trace.clock_readings.max(1) } else { 0..0 };
        let failures = if self.bounds.failures { 0..plain.trace.fallible_calls } else { 0..0 };
        let all =
            record_accesses.flat_map(steps).chain(clock_readings.map(InjectedStoreEvent::Tick));
        let probes = if self.bounds.deaths { 1..plain.trace.ticket_probes.max(1) } else { 0..0 };
        let others = self.state.processes.iter().enumerate().filter(|(index, process)| {
            *index != actor && matches!(process.phase, Phase::Waiting { .. } | Phase::Inside(_))
        });
        let deaths = others
            .flat_map(|(who, _)| probes.clone().map(move |at| InjectedStoreEvent::Death(at, who)));
        all.chain(failures.map(InjectedStoreEvent::Failure)).chain(deaths).collect()
    }
}
