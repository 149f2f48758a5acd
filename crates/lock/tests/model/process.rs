//! The processes: what each wants to do, and how far it is.

use crate::model::world::{NAME, TICK};
use lokt_lock::{
    caller::Caller,
    ops::{AcquisitionMethod, LockRequest, UnlockForce},
    record::{HoldKind, LockRecord},
    rules::{Obstacle, OwnerSource, QueuePlace},
    words::{AgentId, LockMode, Owner, ProcessLocation},
};
use std::sync::{Arc, LazyLock};

/// One thing that a process wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Runs a command under a lock, with an announced life of so many ticks.
    Guard(LockMode, Option<u8>),
    /// The same, but does not wait for it.
    GuardNow(LockMode),
    /// Takes a lease for so many ticks, or without end.
    Lease(LockMode, Option<u8>),
    Unlock(UnlockForce),
    /// Clears away what binds nobody any more.
    Prune,
    /// For one tick.
    Freeze,
    /// By force, or only what is mine.
    Unfreeze(bool),
}

#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// Which of the owners it works for.
    pub(crate) owner: usize,
    /// What is left to do, the next thing last. While it waits or is inside, that is what it does.
    pub(crate) script: Vec<Step>,
    pub(crate) phase: Phase,
}

#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// About to begin the next step.
    Idle,
    /// In line, asleep; without an obstacle once it has been woken.
    Waiting {
        place: QueuePlace,
        obstacle: Option<Arc<Obstacle>>,
    },
    Inside(Inside),
    /// Dead, or done.
    Gone,
}

/// A guard that has entered.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is true or false of a guard by itself")]
pub(crate) struct Inside {
    pub(crate) record: Arc<LockRecord>,
    pub(crate) place: QueuePlace,
    pub(crate) kind: AcquisitionMethod,
    /// Whether it knows that its lock is lost.
    pub(crate) lost: bool,
    /// Whether the guard itself lives.
    pub(crate) supervisor: bool,
    /// Whether any process of its command does.
    pub(crate) command: bool,
    /// Whether the command's own end has come, so that what is left of it protects nothing.
    pub(crate) over: bool,
    /// Whether its place was taken from it by force.
    pub(crate) broken: bool,
}

impl Step {
    /// In which mode a lock is asked for, where one is.
    pub(crate) fn mode(self) -> Option<LockMode> {
        match self {
            Self::Guard(mode, _) | Self::GuardNow(mode) | Self::Lease(mode, _) => Some(mode),
            _ => None,
        }
    }
}

impl Process {
    pub(crate) fn new(owner: usize, mut script: Vec<Step>) -> Self {
        script.reverse();
        Self { owner, script, phase: Phase::Idle }
    }

    /// What it is about to do, or doing.
    pub(crate) fn step(&self) -> Step {
        *self.script.last().unwrap()
    }

    /// Ends the present step.
    pub(crate) fn goes_on(&mut self) {
        self.script.pop();
        self.phase = Phase::Idle;
    }

    pub(crate) fn ends(&mut self) {
        self.script.clear();
        self.phase = Phase::Gone;
    }

    pub(crate) fn inside(&self) -> Option<&Inside> {
        match &self.phase {
            Phase::Inside(inside) => Some(inside),
            _ => None,
        }
    }

    pub(crate) fn inside_mut(&mut self) -> Option<&mut Inside> {
        match &mut self.phase {
            Phase::Inside(inside) => Some(inside),
            _ => None,
        }
    }
}

impl Inside {
    /// Whether it counts on nobody being inside that it does not get on with.
    pub(crate) fn is_protected(&self) -> bool {
        (self.supervisor || self.command) && !self.over && !self.broken
    }

    /// Whether its own acquisition is what the record names.
    pub(crate) fn has_record(&self) -> bool {
        self.kind == AcquisitionMethod::Taken
    }
}

/// The callers, one for each owner; the last is a newcomer that nobody knows.
///
/// Where they run cannot be told, so nothing is concluded from pids: a process of the model is none of this
/// machine.
static CALLERS: LazyLock<Vec<Caller>> = LazyLock::new(|| (0..=NEWCOMER).map(caller).collect());

/// The owner that no process works for.
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

/// What an owner asks for, where a step asks for a lock.
pub(crate) fn request(owner: usize, step: Step) -> Option<LockRequest<'static>> {
    let (mode, hold, ticks) = match step {
        Step::Guard(mode, ticks) => (mode, HoldKind::Guard, ticks),
        Step::GuardNow(mode) => (mode, HoldKind::Guard, None),
        Step::Lease(mode, ticks) => (mode, HoldKind::Lease, ticks),
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
