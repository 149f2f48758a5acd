//! Runs the library's operations for a process of the model.

use crate::model::{
    memory_root::{MemoryRoot, NAME, TICK},
    process::{EnteredGuard, Phase, Process, ProcessScriptStep, caller_of, request_of},
    section::MemoryTicket,
    store::{InjectedStoreEvent, MemoryStore, StoreCallTrace},
};
use lokt_lock::{
    ops::{
        AcquireAttemptOutcome, GuardRenewOutcome, LockGrant, LockGrantKind, LockLossCheckOutcome,
        LockOperationError, ReleaseOutcome, UnlockForce, attempt, freeze, lose, prune, release,
        renew, unfreeze, unlock,
    },
    record::LockRecord,
    rules::{Obstacle, QueuePlace},
    store::{LockRecordKind, Ticket},
};
use std::sync::Arc;

/// The operations of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessOperation {
    /// Begins the next step.
    Begin,
    /// A waiter tries to enter again.
    TryAgain,
    /// A waiter leaves the queue.
    GiveUp,
    /// A guard releases its lock.
    Release,
    /// A guard extends the announced life of its lock.
    Heartbeat,
    /// A guard finds that its lock is lost.
    FindLost,
}

/// The outcome of an operation.
#[derive(Debug)]
pub(crate) enum OperationOutcome {
    Entered {
        record: Arc<LockRecord>,
        place: Option<QueuePlace>,
        kind: LockGrantKind,
    },
    Blocked(QueuePlace, Obstacle),
    /// Nothing is left to do, or nothing can be had.
    Done,
    Renewed,
    /// The lock has another holder, or none.
    Lost,
    Failed(LockOperationError),
}

/// An operation that has run: its outcome, the root after it, and its trace.
pub(crate) struct CompletedOperationRun {
    pub(crate) outcome: OperationOutcome,
    pub(crate) root: MemoryRoot,
    pub(crate) trace: StoreCallTrace,
}

/// Runs an operation of a process on a copy of the root.
pub(crate) fn run_operation(
    root: &MemoryRoot,
    (index, process): (usize, &Process),
    action: ProcessOperation,
    injection: InjectedStoreEvent,
) -> CompletedOperationRun {
    let store = MemoryStore::new(root.clone(), index, injection);
    let outcome = perform(&store, process, action);
    let (root, trace) = store.into_parts();
    CompletedOperationRun { outcome, root, trace }
}

fn perform(store: &MemoryStore, process: &Process, action: ProcessOperation) -> OperationOutcome {
    match (&process.phase, action) {
        (Phase::Idle, ProcessOperation::Begin) => begin(store, process),
        (Phase::Waiting { place, .. }, ProcessOperation::TryAgain) => {
            let ticket = MemoryTicket::reopened(store, place);
            try_to_enter(store, process, Some(ticket))
        }
        (Phase::Waiting { place, .. }, ProcessOperation::GiveUp) => {
            MemoryTicket::reopened(store, place).leave();
            OperationOutcome::Done
        }
        (Phase::Inside(inside), ProcessOperation::Release) => release_lock(store, process, inside),
        (Phase::Inside(inside), ProcessOperation::Heartbeat) => renew_lock(store, process, inside),
        (Phase::Inside(inside), ProcessOperation::FindLost) => mark_lost(store, process, inside),
        (phase, action) => unreachable!("{action:?} in {phase:?}"),
    }
}

fn begin(store: &MemoryStore, process: &Process) -> OperationOutcome {
    let caller = caller_of(process.owner);
    match process.step() {
        ProcessScriptStep::Guard(..) | ProcessScriptStep::Lease(..) => {
            try_to_enter(store, process, None)
        }
        ProcessScriptStep::GuardNow(_) => enter_now(store, process),
        ProcessScriptStep::Unlock(might) => outcome_of_result(unlock(store, &NAME, caller, might)),
        ProcessScriptStep::Prune => {
            prune(store, &NAME, LockRecordKind::Lock, caller);
            prune(store, &NAME, LockRecordKind::Freeze, caller);
            OperationOutcome::Done
        }
        ProcessScriptStep::Freeze => outcome_of_result(freeze(store, &NAME, caller, TICK)),
        ProcessScriptStep::Unfreeze(force) => {
            outcome_of_result(unfreeze(store, &NAME, caller, force))
        }
    }
}

fn outcome_of_result<T>(result: Result<T, LockOperationError>) -> OperationOutcome {
    result.map_or_else(OperationOutcome::Failed, |_| OperationOutcome::Done)
}

/// One pass of the loop in `acquire`: the attempt, and what follows for the ticket.
fn try_to_enter(
    store: &MemoryStore,
    process: &Process,
    mut ticket: Option<MemoryTicket>,
) -> OperationOutcome {
    let request = request_of(process.owner, process.step()).unwrap();
    let attempted = attempt(store, &request, Some(&mut ticket));
    if let Ok(AcquireAttemptOutcome::Blocked(obstacle)) = attempted {
        let ticket = ticket.expect("a blocked process is in the queue");
        return OperationOutcome::Blocked(ticket.keep_open(), obstacle);
    }
    ticket.into_iter().for_each(Ticket::leave);
    outcome_of_attempt(attempted)
}

/// `acquire` without a wait.
fn enter_now(store: &MemoryStore, process: &Process) -> OperationOutcome {
    outcome_of_attempt(attempt(store, &request_of(process.owner, process.step()).unwrap(), None))
}

fn outcome_of_attempt(
    attempted: Result<AcquireAttemptOutcome<MemoryTicket>, LockOperationError>,
) -> OperationOutcome {
    match attempted {
        Ok(AcquireAttemptOutcome::Entered(grant)) => outcome_of_grant(grant),
        Ok(AcquireAttemptOutcome::Blocked(_)) | Err(LockOperationError::OtherSlots { .. }) => {
            OperationOutcome::Done
        }
        Err(error) => OperationOutcome::Failed(error),
    }
}

fn outcome_of_grant(grant: LockGrant<MemoryTicket>) -> OperationOutcome {
    let place = grant.ticket.map(MemoryTicket::keep_open);
    OperationOutcome::Entered { record: Arc::from(grant.record), place, kind: grant.kind }
}

/// The grant of a guard that has entered.
pub(crate) fn grant_of(store: &MemoryStore, inside: &EnteredGuard) -> LockGrant<MemoryTicket> {
    LockGrant {
        record: Box::new((*inside.record).clone()),
        ticket: Some(MemoryTicket::reopened(store, &inside.place)),
        kind: inside.kind,
        lost: inside.lost,
        previous_end: None,
    }
}

fn release_lock(store: &MemoryStore, process: &Process, inside: &EnteredGuard) -> OperationOutcome {
    match release(store, grant_of(store, inside), caller_of(process.owner)) {
        Ok(ReleaseOutcome::Done { .. }) => OperationOutcome::Done,
        Ok(ReleaseOutcome::Lost) => OperationOutcome::Lost,
        Err(error) => OperationOutcome::Failed(error),
    }
}

fn renew_lock(store: &MemoryStore, process: &Process, inside: &EnteredGuard) -> OperationOutcome {
    let grant = grant_of(store, inside);
    let renewed = renew(store, &grant, caller_of(process.owner));
    grant.ticket.map(MemoryTicket::keep_open);
    match renewed {
        Ok(GuardRenewOutcome::Done) => OperationOutcome::Renewed,
        Ok(GuardRenewOutcome::Lost) => OperationOutcome::Lost,
        Err(error) => OperationOutcome::Failed(error),
    }
}

fn mark_lost(store: &MemoryStore, process: &Process, inside: &EnteredGuard) -> OperationOutcome {
    let mut grant = grant_of(store, inside);
    let loss = lose(store, &mut grant, caller_of(process.owner));
    let is_marked = grant.lost;
    grant.ticket.map(MemoryTicket::keep_open);
    match loss {
        Ok(LockLossCheckOutcome::None | LockLossCheckOutcome::Doubtful) => OperationOutcome::Done,
        Ok(LockLossCheckOutcome::Lost { .. }) => {
            assert!(is_marked, "a lost grant is marked");
            OperationOutcome::Lost
        }
        Err(error) => OperationOutcome::Failed(error),
    }
}

/// Whether an operation breaks locks by force.
pub(crate) fn is_force(process: &Process, action: ProcessOperation) -> bool {
    action == ProcessOperation::Begin
        && process.script.last() == Some(&ProcessScriptStep::Unlock(UnlockForce::Force))
}
