//! One state of the model, and how the next one follows from an operation.

use crate::model::{
    fault::{self, Fault, Promise},
    operation::{Act, Outcome, Run, is_force},
    process::{Inside, Phase, Process},
    vigil::{is_blind, is_over},
    world::{Content, Doing, World},
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
    pub(crate) world: World,
    pub(crate) processes: Vec<Process>,
    /// The leases that somebody was told of having, and that stand.
    pub(crate) leases: Vec<Lease>,
    /// The highest fence that anybody was given.
    pub(crate) highest: Fence,
    /// What the last step did that must not be.
    pub(crate) fault: Option<Fault>,
    /// What the last step was an example of.
    pub(crate) witnessed: Option<Witnessed>,
}

/// A lease that its owner counts on.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) id: LockId,
    pub(crate) owner: usize,
    pub(crate) mode: LockMode,
    pub(crate) until: Option<Timestamp>,
}

/// Something that a run must come by, or it would prove too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Witnessed {
    /// Holders that are gone were taken out of the way.
    StaleBroken,
    /// A guard entered under its owner's lease, past somebody who waits.
    PassedUnderLease,
    /// What was to be removed was not any more what was judged.
    Replaced,
}

impl State {
    pub(crate) fn new(world: World, processes: Vec<Process>) -> Self {
        Self {
            world,
            processes,
            leases: Vec::new(),
            highest: Fence::default(),
            fault: None,
            witnessed: None,
        }
    }

    /// The state after an operation that ran to its end.
    pub(crate) fn after(&self, index: usize, act: Act, run: &Run) -> Self {
        let mut next = Self { world: run.world.clone(), ..self.clone() };
        next.fault = fault::of_run(self, (index, act), run);
        next.witnessed = self.witness((index, act), run);
        next.conclude((index, act), &run.outcome);
        if let (Outcome::Blocked(_, obstacle), false) = (&run.outcome, run.tape.befell) {
            next.expect_sleep(obstacle);
        }
        next.settle(self, index, act);
        next
    }

    /// The state where the process died right after one of the changes that an operation made.
    pub(crate) fn crashed(&self, index: usize, act: Act, world: World) -> Self {
        let mut next = Self { world, fault: None, witnessed: None, ..self.clone() };
        if let (Act::Release, Some(inside)) = (act, next.processes[index].inside_mut()) {
            inside.over = true;
        }
        next.kill_supervisor(index);
        next.settle(self, index, act);
        next
    }

    /// The state after something that is no operation.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = Self { fault: None, witnessed: None, ..self.clone() };
        change(&mut next);
        next.tidy();
        next
    }

    /// Whether an acquisition is that of a guard that counts on it.
    pub(crate) fn is_protected(&self, id: &LockId) -> bool {
        let inside = self.processes.iter().filter_map(Process::inside);
        inside.filter(|it| it.is_protected()).any(|it| it.place.lock_id == *id)
    }

    pub(crate) fn any_inside(&self, is: impl Fn(&Inside) -> bool) -> bool {
        self.processes.iter().filter_map(Process::inside).any(is)
    }

    /// Whether the last step kept a promise.
    pub(crate) fn keeps(&self, promise: Promise) -> bool {
        self.fault.as_ref().is_none_or(|fault| fault.promise != promise)
    }

    /// The process itself dies; its command lives on.
    pub(crate) fn kill_supervisor(&mut self, index: usize) {
        self.world.supervisor_dies(index);
        let process = &mut self.processes[index];
        match process.inside_mut() {
            Some(inside) if inside.command => {
                inside.supervisor = false;
                process.script.truncate(0);
            }
            _ => process.ends(),
        }
    }

    /// The last process of a command ends.
    pub(crate) fn kill_command(&mut self, index: usize) {
        self.world.command_dies(index);
        if let Some(inside) = self.processes[index].inside_mut() {
            inside.command = false;
        }
    }

    fn conclude(&mut self, (index, act): (usize, Act), outcome: &Outcome) {
        match outcome {
            Outcome::Entered { record, place, kind } => {
                self.highest = self.highest.max(record.fence.unwrap_or_default());
                match place {
                    Some(place) => self.enters(index, (record, place), *kind),
                    None => self.has_lease(index, record),
                }
            }
            Outcome::Blocked(place, obstacle) => {
                let obstacle = Some(Arc::new(obstacle.clone()));
                self.processes[index].phase = Phase::Waiting { place: place.clone(), obstacle };
            }
            Outcome::Renewed => self.lease_above_lives_on(index),
            Outcome::Lost if act == Act::FindLost => {
                self.processes[index].inside_mut().unwrap().lost = true;
            }
            _ if matches!(act, Act::Beat | Act::FindLost) => {}
            _ => self.processes[index].goes_on(),
        }
    }

    fn enters(
        &mut self,
        index: usize,
        (record, place): (&Arc<LockRecord>, &QueuePlace),
        kind: lokt_lock::ops::AcquisitionMethod,
    ) {
        self.world.command_starts(place);
        self.processes[index].phase = Phase::Inside(Inside {
            record: Arc::clone(record),
            place: place.clone(),
            kind,
            lost: false,
            supervisor: true,
            command: true,
            over: false,
            broken: false,
        });
    }

    fn has_lease(&mut self, index: usize, record: &LockRecord) {
        let process = &mut self.processes[index];
        let (owner, id) = (process.owner, record.lock_id.clone().unwrap());
        process.goes_on();
        self.leases.retain(|lease| lease.id != id);
        self.leases.push(Lease { id, owner, mode: record.mode, until: record.expiry() });
    }

    /// A guard has extended the life of the lease that it is under.
    fn lease_above_lives_on(&mut self, index: usize) {
        let inside = self.processes[index].inside().unwrap();
        let id = inside.record.lock_id.clone().unwrap();
        let lease = self.world.record().and_then(|record| record.holder(&id)).cloned();
        let lease = lease.filter(|_| !inside.has_record());
        if let Some(lease) = lease {
            let owner = self.processes[index].owner;
            self.leases.retain(|lease| lease.id != id);
            self.leases.push(Lease { id, owner, mode: lease.mode, until: lease.expiry() });
        }
    }

    /// Who was blocked just now has something to wait for that is not over already, and that will be told.
    fn expect_sleep(&mut self, obstacle: &Obstacle) {
        if is_blind(obstacle) {
            self.fault =
                Some(Fault::sleepless("waits for what nothing tells the end of", obstacle));
        } else if is_over(&self.world, obstacle) {
            self.fault = Some(Fault::sleepless("is woken at once, and blocked again", obstacle));
        }
    }

    /// What follows from an operation for others, and whether it may.
    fn settle(&mut self, before: &Self, index: usize, act: Act) {
        let force = is_force(&before.processes[index], act);
        if force {
            self.break_by_force();
        }
        if self.fault.is_none() {
            self.fault = fault::of_change(before, self, (index, act), force);
        }
        // Whether it may be gone was the question before; now nobody counts on it any more.
        let world = &self.world;
        self.leases.retain(|it| !before.world.has_holder(&it.id) || world.has_holder(&it.id));
        self.tidy();
    }

    /// Those whose tickets were taken away know that they may not be alone; leases are gone with the record.
    fn break_by_force(&mut self) {
        let world = &self.world;
        for inside in self.processes.iter_mut().filter_map(Process::inside_mut) {
            inside.broken |= world.file(&inside.place).is_none();
        }
        let theirs = world.is_foreign() || matches!(world.lock, Content::Empty(_));
        if !theirs && world.foreign_counts() {
            self.world.foreign.does = Doing::Nothing;
        }
    }

    /// Brings states that differ in nothing that matters into one form.
    fn tidy(&mut self) {
        let Self { world, processes, leases, .. } = self;
        for process in &mut *processes {
            match &mut process.phase {
                Phase::Waiting { obstacle, .. } => {
                    let over = obstacle.as_deref().is_none_or(|it| is_over(world, it));
                    *obstacle = obstacle.take().filter(|_| !over);
                }
                Phase::Inside(inside) if is_forgotten(world, inside) => process.ends(),
                Phase::Idle if process.script.is_empty() => process.ends(),
                _ => {}
            }
        }
        leases.retain(|lease| lease.until.is_none_or(|until| until > world.now()));
        let lapsed = world.foreign.does == Doing::Holding && !world.foreign_counts();
        if lapsed && !world.is_foreign() {
            // It finds out when it looks.
            world.foreign.does = Doing::Nothing;
        }
    }

    fn witness(&self, (index, act): (usize, Act), run: &Run) -> Option<Witnessed> {
        if run.tape.replaced {
            return Some(Witnessed::Replaced);
        }
        let Outcome::Entered { kind, .. } = &run.outcome else { return None };
        let removed = |what: &(&str, World)| what.0 == "removing a record";
        if *kind == lokt_lock::ops::AcquisitionMethod::UnderLease {
            let passed = fault::passed(self, (index, act)).next().is_some();
            return passed.then_some(Witnessed::PassedUnderLease);
        }
        let broke =
            run.tape.changes.iter().any(removed) && matches!(self.world.lock, Content::Record(_));
        broke.then_some(Witnessed::StaleBroken)
    }
}

/// Whether nothing of a guard can matter any more.
fn is_forgotten(world: &World, inside: &Inside) -> bool {
    let lives = inside.supervisor || inside.command;
    let unseen = inside.over || inside.broken;
    !lives || (!inside.supervisor && unseen && world.file(&inside.place).is_none())
}
