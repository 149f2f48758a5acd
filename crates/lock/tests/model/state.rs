//! One state of the model, and the next one after an operation.

use crate::model::{
    memory_root::{ForeignPhase, LockRecordFileContent, MemoryRoot},
    obstacle_watch::{is_never_signaled, is_over},
    operation::{CompletedOperationRun, OperationOutcome, ProcessOperation, is_force},
    process::{EnteredGuard, Phase, Process},
    violation::{self, Guarantee, StepViolation},
};
use lokt_lock::{
    record::LockRecord,
    rules::{Obstacle, QueuePlace},
    words::{Fence, LockId, LockMode, Timestamp},
};
use std::sync::Arc;

/// The store, the processes, and what the model remembers to judge them.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) root: MemoryRoot,
    pub(crate) processes: Vec<Process>,
    /// The leases that were granted and still stand.
    pub(crate) leases: Vec<Lease>,
    /// The highest fence that any process got.
    pub(crate) highest_fence: Fence,
    /// The guarantee that the last step violated.
    pub(crate) violation: Option<StepViolation>,
    /// The case that the last step was an example of.
    pub(crate) observed_case: Option<ObservedCase>,
}

/// A lease that its owner relies on.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) id: LockId,
    pub(crate) owner: usize,
    pub(crate) mode: LockMode,
    pub(crate) until: Option<Timestamp>,
}

/// A case that a check must reach, or it would prove too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObservedCase {
    /// Holders that are gone were removed.
    StaleBroken,
    /// A guard entered under its owner's lease, past a waiter.
    PassedUnderLease,
    /// The record to remove was not the judged one any more.
    Replaced,
}

impl State {
    pub(crate) fn new(root: MemoryRoot, processes: Vec<Process>) -> Self {
        Self {
            root,
            processes,
            leases: Vec::new(),
            highest_fence: Fence::default(),
            violation: None,
            observed_case: None,
        }
    }

    /// The state after an operation that ran to its end.
    pub(crate) fn after_operation(
        &self,
        index: usize,
        action: ProcessOperation,
        run: &CompletedOperationRun,
    ) -> Self {
        let mut next = Self { root: run.root.clone(), ..self.clone() };
        next.violation = violation::violation_of_operation(self, (index, action), run);
        next.observed_case = self.observe_case((index, action), run);
        next.apply_outcome((index, action), &run.outcome);
        if let (OperationOutcome::Blocked(_, obstacle), false) = (&run.outcome, run.trace.happened)
        {
            next.check_sleep(obstacle);
        }
        next.apply_to_others(self, index, action);
        next
    }

    /// The state after the process died right after a change of its operation.
    pub(crate) fn after_crash(
        &self,
        index: usize,
        action: ProcessOperation,
        root: MemoryRoot,
    ) -> Self {
        let mut next = Self { root, violation: None, observed_case: None, ..self.clone() };
        if let (ProcessOperation::Release, Some(inside)) =
            (action, next.processes[index].inside_mut())
        {
            inside.main_process_ended = true;
        }
        next.kill_supervisor(index);
        next.apply_to_others(self, index, action);
        next
    }

    /// The state after something that is no operation.
    pub(crate) fn after_change(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = Self { violation: None, observed_case: None, ..self.clone() };
        change(&mut next);
        next.normalize();
        next
    }

    /// Whether an acquisition belongs to a guard that relies on it.
    pub(crate) fn is_protected(&self, id: &LockId) -> bool {
        let inside = self.processes.iter().filter_map(Process::inside);
        inside.filter(|it| it.is_protected()).any(|it| it.place.lock_id == *id)
    }

    pub(crate) fn any_inside(&self, is: impl Fn(&EnteredGuard) -> bool) -> bool {
        self.processes.iter().filter_map(Process::inside).any(is)
    }

    /// Whether the last step kept a guarantee.
    pub(crate) fn keeps(&self, guarantee: Guarantee) -> bool {
        self.violation.as_ref().is_none_or(|violation| violation.guarantee != guarantee)
    }

    /// The process itself dies; its command lives on.
    pub(crate) fn kill_supervisor(&mut self, index: usize) {
        self.root.supervisor_dies(index);
        let process = &mut self.processes[index];
        match process.inside_mut() {
            Some(inside) if inside.command => {
                inside.supervisor = false;
                process.script.truncate(0);
            }
            _ => process.finish(),
        }
    }

    /// The last process of a command ends.
    pub(crate) fn kill_command(&mut self, index: usize) {
        self.root.command_dies(index);
        if let Some(inside) = self.processes[index].inside_mut() {
            inside.command = false;
        }
    }

    fn apply_outcome(
        &mut self,
        (index, action): (usize, ProcessOperation),
        outcome: &OperationOutcome,
    ) {
        match outcome {
            OperationOutcome::Entered { record, place, kind } => {
                self.highest_fence = self.highest_fence.max(record.fence.unwrap_or_default());
                match place {
                    Some(place) => self.start_guard(index, (record, place), *kind),
                    None => self.add_lease(index, record),
                }
            }
            OperationOutcome::Blocked(place, obstacle) => {
                let obstacle = Some(Arc::new(obstacle.clone()));
                self.processes[index].phase = Phase::Waiting { place: place.clone(), obstacle };
            }
            OperationOutcome::Renewed => self.update_enclosing_lease(index),
            OperationOutcome::Lost if action == ProcessOperation::FindLost => {
                self.processes[index].inside_mut().unwrap().lost = true;
            }
            _ if matches!(action, ProcessOperation::Heartbeat | ProcessOperation::FindLost) => {}
            _ => self.processes[index].finish_step(),
        }
    }

    fn start_guard(
        &mut self,
        index: usize,
        (record, place): (&Arc<LockRecord>, &QueuePlace),
        kind: lokt_lock::ops::LockGrantKind,
    ) {
        self.root.command_starts(place);
        self.processes[index].phase = Phase::Inside(EnteredGuard {
            record: Arc::clone(record),
            place: place.clone(),
            kind,
            lost: false,
            supervisor: true,
            command: true,
            main_process_ended: false,
            broken: false,
        });
    }

    fn add_lease(&mut self, index: usize, record: &LockRecord) {
        let process = &mut self.processes[index];
        let (owner, id) = (process.owner, record.lock_id.clone().unwrap());
        process.finish_step();
        self.leases.retain(|lease| lease.id != id);
        self.leases.push(Lease { id, owner, mode: record.mode, until: record.expiry() });
    }

    /// A guard has extended the lease that it is under.
    fn update_enclosing_lease(&mut self, index: usize) {
        let inside = self.processes[index].inside().unwrap();
        let id = inside.record.lock_id.clone().unwrap();
        let lease = self.root.record().and_then(|record| record.holder(&id)).cloned();
        let lease = lease.filter(|_| !inside.has_record());
        if let Some(lease) = lease {
            let owner = self.processes[index].owner;
            self.leases.retain(|lease| lease.id != id);
            self.leases.push(Lease { id, owner, mode: lease.mode, until: lease.expiry() });
        }
    }

    /// Checks that the obstacle of a blocked process still stands, and that its end will wake the process.
    fn check_sleep(&mut self, obstacle: &Obstacle) {
        if is_never_signaled(obstacle) {
            self.violation = Some(StepViolation::useless_sleep(
                "waits for an end that nothing signals",
                obstacle,
            ));
        } else if is_over(&self.root, obstacle) {
            self.violation =
                Some(StepViolation::useless_sleep("is woken at once, and blocked again", obstacle));
        }
    }

    /// Applies what an operation means for the other processes, and checks whether it may.
    fn apply_to_others(&mut self, before: &Self, index: usize, action: ProcessOperation) {
        let force = is_force(&before.processes[index], action);
        if force {
            self.mark_broken_locks();
        }
        if self.violation.is_none() {
            self.violation = violation::violation_of_change(before, self, (index, action), force);
        }
        // `violation_of_change` has checked whether a lease may be gone. Now no owner relies on it any more.
        let root = &self.root;
        self.leases.retain(|it| !before.root.has_holder(&it.id) || root.has_holder(&it.id));
        self.normalize();
    }

    /// Guards whose tickets were removed know that they may not be alone. Leases are gone with the record.
    fn mark_broken_locks(&mut self) {
        let root = &self.root;
        for inside in self.processes.iter_mut().filter_map(Process::inside_mut) {
            inside.broken |= root.ticket_file(&inside.place).is_none();
        }
        let theirs =
            root.has_foreign_record() || matches!(root.lock, LockRecordFileContent::Empty(_));
        if !theirs && root.foreign_relies_on_record() {
            self.root.foreign.phase = ForeignPhase::Nothing;
        }
    }

    /// Brings states that differ in nothing that matters into one form.
    fn normalize(&mut self) {
        let Self { root, processes, leases, .. } = self;
        for process in &mut *processes {
            match &mut process.phase {
                Phase::Waiting { obstacle, .. } => {
                    let over = obstacle.as_deref().is_none_or(|it| is_over(root, it));
                    *obstacle = obstacle.take().filter(|_| !over);
                }
                Phase::Inside(inside) if has_no_effect(root, inside) => process.finish(),
                Phase::Idle if process.script.is_empty() => process.finish(),
                _ => {}
            }
        }
        leases.retain(|lease| lease.until.is_none_or(|until| until > root.now()));
        let lapsed =
            root.foreign.phase == ForeignPhase::Holding && !root.foreign_relies_on_record();
        if lapsed && !root.has_foreign_record() {
            // It finds out at its next look.
            root.foreign.phase = ForeignPhase::Nothing;
        }
    }

    fn observe_case(
        &self,
        (index, action): (usize, ProcessOperation),
        run: &CompletedOperationRun,
    ) -> Option<ObservedCase> {
        if run.trace.replaced {
            return Some(ObservedCase::Replaced);
        }
        let OperationOutcome::Entered { kind, .. } = &run.outcome else { return None };
        let removed = |what: &(&str, MemoryRoot)| what.0 == "removing a record";
        if *kind == lokt_lock::ops::LockGrantKind::UnderLease {
            let has_passed = violation::earlier_waiters(self, (index, action)).next().is_some();
            return has_passed.then_some(ObservedCase::PassedUnderLease);
        }
        let broke = run.trace.changes.iter().any(removed)
            && matches!(self.root.lock, LockRecordFileContent::Record(_));
        broke.then_some(ObservedCase::StaleBroken)
    }
}

/// Whether a guard has no effect any more.
fn has_no_effect(root: &MemoryRoot, inside: &EnteredGuard) -> bool {
    let lives = inside.supervisor || inside.command;
    let unseen = inside.main_process_ended || inside.broken;
    !lives || (!inside.supervisor && unseen && root.ticket_file(&inside.place).is_none())
}
