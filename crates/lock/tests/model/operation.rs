//! The operations of the library, as a process of the model runs them.

use crate::model::{
    process::{Inside, Phase, Process, Step, caller_of, request},
    section::MemoryTicket,
    store::{MemoryStore, Mishap, Tape},
    world::{NAME, TICK, World},
};
use lokt_lock::{
    ops::{
        AcquireAttemptOutcome, AcquisitionMethod, GuardRenewOutcome, LockGrant,
        LockLossCheckOutcome, LockOperationError, ReleaseOutcome, UnlockForce, attempt, freeze,
        lose, prune, release, renew, unfreeze, unlock,
    },
    record::LockRecord,
    rules::{Obstacle, QueuePlace},
    store::{LockRecordKind, Ticket},
};
use std::sync::Arc;

/// What a process does in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Begins its next step.
    Begin,
    /// Tries again to get in.
    TryAgain,
    /// Gives its place in the queue up.
    GiveUp,
    /// A guard: gives its lock back.
    Release,
    /// A guard: extends its lock's announced life.
    Beat,
    /// A guard: finds out that its lock is lost.
    FindLost,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Entered {
        record: Arc<LockRecord>,
        place: Option<QueuePlace>,
        kind: AcquisitionMethod,
    },
    Blocked(QueuePlace, Obstacle),
    /// Nothing more is to be done, or to be had.
    Done,
    Renewed,
    /// The lock is another's, or nobody's.
    Lost,
    Failed(LockOperationError),
}

/// An operation that was run: its outcome, the world after it, and what was noted.
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) world: World,
    pub(crate) tape: Tape,
}

/// Runs an operation of a process on a copy of the world.
pub(crate) fn run(
    world: &World,
    (index, process): (usize, &Process),
    act: Act,
    mishap: Mishap,
) -> Run {
    let store = MemoryStore::new(world.clone(), index, mishap);
    let outcome = perform(&store, process, act);
    let (world, tape) = store.into_parts();
    Run { outcome, world, tape }
}

fn perform(store: &MemoryStore, process: &Process, act: Act) -> Outcome {
    match (&process.phase, act) {
        (Phase::Idle, Act::Begin) => begin(store, process),
        (Phase::Waiting { place, .. }, Act::TryAgain) => {
            let ticket = MemoryTicket::taken_up(store, place);
            try_to_enter(store, process, Some(ticket))
        }
        (Phase::Waiting { place, .. }, Act::GiveUp) => {
            MemoryTicket::taken_up(store, place).leave();
            Outcome::Done
        }
        (Phase::Inside(inside), Act::Release) => give_back(store, process, inside),
        (Phase::Inside(inside), Act::Beat) => beat(store, process, inside),
        (Phase::Inside(inside), Act::FindLost) => find_lost(store, process, inside),
        (phase, act) => unreachable!("{act:?} in {phase:?}"),
    }
}

fn begin(store: &MemoryStore, process: &Process) -> Outcome {
    let caller = caller_of(process.owner);
    match process.step() {
        Step::Guard(..) | Step::Lease(..) => try_to_enter(store, process, None),
        Step::GuardNow(_) => enter_now(store, process),
        Step::Unlock(might) => done(unlock(store, &NAME, caller, might)),
        Step::Prune => {
            prune(store, &NAME, LockRecordKind::Lock, caller);
            prune(store, &NAME, LockRecordKind::Freeze, caller);
            Outcome::Done
        }
        Step::Freeze => done(freeze(store, &NAME, caller, TICK)),
        Step::Unfreeze(force) => done(unfreeze(store, &NAME, caller, force)),
    }
}

fn done<T>(result: Result<T, LockOperationError>) -> Outcome {
    result.map_or_else(Outcome::Failed, |_| Outcome::Done)
}

/// One turn of the loop in `acquire`: the attempt, and what becomes of the ticket after it.
fn try_to_enter(
    store: &MemoryStore,
    process: &Process,
    mut ticket: Option<MemoryTicket>,
) -> Outcome {
    let request = request(process.owner, process.step()).unwrap();
    let attempted = attempt(store, &request, Some(&mut ticket));
    if let Ok(AcquireAttemptOutcome::Blocked(obstacle)) = attempted {
        let ticket = ticket.expect("who is blocked stands in the queue");
        return Outcome::Blocked(ticket.put_down(), obstacle);
    }
    ticket.into_iter().for_each(Ticket::leave);
    concluded(attempted)
}

/// `acquire` of one who does not want to wait.
fn enter_now(store: &MemoryStore, process: &Process) -> Outcome {
    concluded(attempt(store, &request(process.owner, process.step()).unwrap(), None))
}

fn concluded(
    attempted: Result<AcquireAttemptOutcome<MemoryTicket>, LockOperationError>,
) -> Outcome {
    match attempted {
        Ok(AcquireAttemptOutcome::Entered(grant)) => entered(grant),
        Ok(AcquireAttemptOutcome::Blocked(_)) | Err(LockOperationError::OtherSlots { .. }) => {
            Outcome::Done
        }
        Err(error) => Outcome::Failed(error),
    }
}

fn entered(grant: LockGrant<MemoryTicket>) -> Outcome {
    let place = grant.ticket.map(MemoryTicket::put_down);
    Outcome::Entered { record: Arc::from(grant.record), place, kind: grant.kind }
}

/// The grant that a guard was given.
pub(crate) fn grant(store: &MemoryStore, inside: &Inside) -> LockGrant<MemoryTicket> {
    LockGrant {
        record: Box::new((*inside.record).clone()),
        ticket: Some(MemoryTicket::taken_up(store, &inside.place)),
        kind: inside.kind,
        lost: inside.lost,
    }
}

fn give_back(store: &MemoryStore, process: &Process, inside: &Inside) -> Outcome {
    match release(store, grant(store, inside), caller_of(process.owner)) {
        Ok(ReleaseOutcome::Done { .. }) => Outcome::Done,
        Ok(ReleaseOutcome::Lost) => Outcome::Lost,
        Err(error) => Outcome::Failed(error),
    }
}

fn beat(store: &MemoryStore, process: &Process, inside: &Inside) -> Outcome {
    let grant = grant(store, inside);
    let renewed = renew(store, &grant, caller_of(process.owner));
    grant.ticket.map(MemoryTicket::put_down);
    match renewed {
        Ok(GuardRenewOutcome::Done) => Outcome::Renewed,
        Ok(GuardRenewOutcome::Lost) => Outcome::Lost,
        Err(error) => Outcome::Failed(error),
    }
}

fn find_lost(store: &MemoryStore, process: &Process, inside: &Inside) -> Outcome {
    let mut grant = grant(store, inside);
    let loss = lose(store, &mut grant, caller_of(process.owner));
    let is_marked = grant.lost;
    grant.ticket.map(MemoryTicket::put_down);
    match loss {
        Ok(LockLossCheckOutcome::None | LockLossCheckOutcome::Doubtful) => Outcome::Done,
        Ok(LockLossCheckOutcome::Lost { .. }) => {
            assert!(is_marked, "a grant that is lost is marked");
            Outcome::Lost
        }
        Err(error) => Outcome::Failed(error),
    }
}

/// Whether a step breaks locks by force.
pub(crate) fn is_force(process: &Process, act: Act) -> bool {
    act == Act::Begin && process.script.last() == Some(&Step::Unlock(UnlockForce::Force))
}
