//! The processes: the steps of each, and its present phase.

use crate::model::memory_root::{NAME, TICK};
use lokt_lock::{
    caller::Caller,
    ops::{LockGrantKind, LockRequest, UnlockForce},
    record::{HoldKind, LockRecord},
    rules::{Obstacle, OwnerSource, QueuePlace},
    words::{AgentId, LockMode, Owner, ProcessLocation},
};
use std::sync::{Arc, LazyLock};

/// One step of a process's script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessScriptStep {
    /// Runs a command under a lock, with an announced life of some ticks.
    Guard(LockMode, Option<u8>),
    /// The same, but without a wait.
    GuardNow(LockMode),
    /// Takes a lease for some ticks, or without an end.
    Lease(LockMode, Option<u8>),
    Unlock(UnlockForce),
    /// Removes locks and freezes that are over.
    Prune,
    /// Freezes for one tick.
    Freeze,
    /// Removes a freeze: any freeze if true (by force), else only the caller's.
    Unfreeze(bool),
}

#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// The index of its owner.
    pub(crate) owner: usize,
    /// The remaining steps, the next one last. It stays there while the process waits or is inside.
    pub(crate) script: Vec<ProcessScriptStep>,
    pub(crate) phase: Phase,
}

#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// About to begin the next step.
    Idle,
    /// In the queue and asleep, or awake if there is no obstacle.
    Waiting {
        place: QueuePlace,
        obstacle: Option<Arc<Obstacle>>,
    },
    Inside(EnteredGuard),
    /// Dead, or finished.
    Gone,
}

/// A guard that has entered.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each flag is independent of the others")]
pub(crate) struct EnteredGuard {
    pub(crate) record: Arc<LockRecord>,
    pub(crate) place: QueuePlace,
    pub(crate) kind: LockGrantKind,
    /// Whether it knows that its lock is lost.
    pub(crate) lost: bool,
    /// Whether the guard itself lives.
    pub(crate) supervisor: bool,
    /// Whether any process of its command lives.
    pub(crate) command: bool,
    /// Whether the command's main process has ended, so that the rest of it is no longer protected.
    pub(crate) main_process_ended: bool,
    /// Whether its lock was broken by force.
    pub(crate) broken: bool,
}

impl ProcessScriptStep {
    /// The mode of the lock that a step acquires, if it acquires one.
    pub(crate) fn mode(self) -> Option<LockMode> {
        match self {
            Self::Guard(mode, _) | Self::GuardNow(mode) | Self::Lease(mode, _) => Some(mode),
            _ => None,
        }
    }
}

impl Process {
    pub(crate) fn new(owner: usize, mut script: Vec<ProcessScriptStep>) -> Self {
        script.reverse();
        Self { owner, script, phase: Phase::Idle }
    }

    /// The next step, or the present one.
    pub(crate) fn step(&self) -> ProcessScriptStep {
        *self.script.last().unwrap()
    }

    /// Ends the present step.
    pub(crate) fn finish_step(&mut self) {
        self.script.pop();
        self.phase = Phase::Idle;
    }

    pub(crate) fn finish(&mut self) {
        self.script.clear();
        self.phase = Phase::Gone;
    }

    pub(crate) fn inside(&self) -> Option<&EnteredGuard> {
        match &self.phase {
            Phase::Inside(inside) => Some(inside),
            _ => None,
        }
    }

    pub(crate) fn inside_mut(&mut self) -> Option<&mut EnteredGuard> {
        match &mut self.phase {
            Phase::Inside(inside) => Some(inside),
            _ => None,
        }
    }
}

impl EnteredGuard {
    /// Whether it relies on no conflicting holder being inside.
    pub(crate) fn is_protected(&self) -> bool {
        (self.supervisor || self.command) && !self.main_process_ended && !self.broken
    }

    /// Whether the record names its own acquisition.
    pub(crate) fn has_record(&self) -> bool {
        self.kind == LockGrantKind::Taken
    }
}

/// The callers, one for each owner; the last is a newcomer.
///
/// Their location is unknown, so the library concludes nothing from pids: the processes of the model do not
/// exist on this machine.
static CALLERS: LazyLock<Vec<Caller>> = LazyLock::new(|| (0..=NEWCOMER).map(caller).collect());

/// The owner of no process in the model.
pub(crate) const NEWCOMER: usize = 5;

fn caller(owner: usize) -> Caller {
    let name = Owner::new(format!("owner-{owner}")).unwrap();
    let agent = AgentId::new("agent");
    let mut caller = Caller::current(Some(name), OwnerSource::Given, agent);
    caller.here = ProcessLocation { host: "model".into(), boot_id: String::new(), pid_ns: 0 };
    caller
}

pub(crate) fn caller_of(owner: usize) -> &'static Caller {
    &CALLERS[owner]
}

/// The lock request of a step, if the step acquires a lock.
pub(crate) fn request_of(owner: usize, step: ProcessScriptStep) -> Option<LockRequest<'static>> {
    let (mode, hold, ticks) = match step {
        ProcessScriptStep::Guard(mode, ticks) => (mode, HoldKind::Guard, ticks),
        ProcessScriptStep::GuardNow(mode) => (mode, HoldKind::Guard, None),
        ProcessScriptStep::Lease(mode, ticks) => (mode, HoldKind::Lease, ticks),
        _ => return None,
    };
    let caller = caller_of(owner);
    Some(LockRequest {
        name: &NAME,
        caller,
        mode,
        hold,
        pid: caller.pid,
        ttl: ticks.map(|ticks| TICK * u32::from(ticks)),
        metadata: None,
        command: Vec::new(),
        held: Vec::new(),
    })
}
