//! What a single step must not do.

use crate::model::{
    invariants,
    memory_root::{ForeignPhase, LockRecordFileContent, MemoryRoot, TicketFile},
    operation::{CompletedOperationRun, OperationOutcome, ProcessOperation},
    process::{EnteredGuard, Phase, ProcessScriptStep},
    state::State,
};
use lokt_lock::{
    ops::{LockGrantKind, UnlockForce},
    record::{HoldKind, LockRecord},
    rules::Obstacle,
    words::LockId,
};

/// A guarantee that a step violates, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepViolation {
    pub(crate) guarantee: Guarantee,
    pub(crate) description: String,
}

/// The guarantees that a single step keeps or violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarantee {
    /// The first in the queue enters first.
    Order,
    /// Fences rise.
    Fences,
    /// No process removes a lock that it may not remove.
    Safekeeping,
    /// A failed operation changes nothing, and no operation fails without a reason.
    Failures,
    /// A waiter sleeps until something happens.
    Sleep,
    /// No reader is told that a living guard is gone.
    Readers,
}

impl StepViolation {
    fn new(guarantee: Guarantee, description: impl Into<String>) -> Self {
        Self { guarantee, description: description.into() }
    }

    pub(crate) fn useless_sleep(what: &str, obstacle: &Obstacle) -> Self {
        Self::new(Guarantee::Sleep, format!("a waiter {what}: {obstacle:?}"))
    }
}

/// The guarantee that an operation violates by itself.
pub(crate) fn violation_of_operation(
    before: &State,
    actor: (usize, ProcessOperation),
    run: &CompletedOperationRun,
) -> Option<StepViolation> {
    let of_outcome = match &run.outcome {
        OperationOutcome::Entered { record, kind, .. } => {
            earlier_waiter_overtaken(before, actor, *kind).or_else(|| match kind {
                LockGrantKind::Taken => {
                    slot_of_earlier_waiter_taken(before, actor, (&run.root, record))
                        .or_else(|| fence_not_risen(before, record))
                }
                _ => None,
            })
        }
        OperationOutcome::Failed(error) if !run.trace.happened => {
            Some(StepViolation::new(Guarantee::Failures, format!("an operation failed: {error}")))
        }
        OperationOutcome::Failed(_)
            if matches!(actor.1, ProcessOperation::Begin | ProcessOperation::TryAgain) =>
        {
            held_after_failure(before, &run.root)
        }
        OperationOutcome::Done | OperationOutcome::Lost
            if actor.1 == ProcessOperation::Release && !run.trace.happened =>
        {
            left_after_release(before, actor.0, &run.root)
        }
        _ => None,
    };
    of_outcome.or_else(|| if run.trace.happened { None } else { reader_misled(before, actor, run) })
}

fn fence_not_risen(before: &State, record: &LockRecord) -> Option<StepViolation> {
    let risen = record.fence.is_some_and(|fence| fence > before.highest_fence);
    let description =
        || format!("fence {:?} was given after {:?}", record.fence, before.highest_fence);
    (!risen).then(|| StepViolation::new(Guarantee::Fences, description()))
}

/// The queue number of the acting process; a newcomer is behind all.
fn queue_number(before: &State, index: usize) -> u64 {
    match &before.processes[index].phase {
        Phase::Waiting { place, .. } => place.number,
        _ => u64::MAX,
    }
}

/// The live waiting tickets with a lower number than the acting process.
pub(crate) fn earlier_waiters(
    before: &State,
    (index, _): (usize, ProcessOperation),
) -> impl Iterator<Item = &TicketFile> {
    let mine = queue_number(before, index);
    let line = before.root.queue.iter();
    line.filter(move |it| !it.place.entered && it.lives() && it.place.number < mine)
}

/// No process enters before an earlier live waiter with a conflicting mode. A guard under its owner's lease
/// may, but not before a waiter of the same owner.
fn earlier_waiter_overtaken(
    before: &State,
    actor: (usize, ProcessOperation),
    kind: LockGrantKind,
) -> Option<StepViolation> {
    let process = &before.processes[actor.0];
    let mode = process.step().mode()?;
    let first = earlier_waiters(before, actor).find(|it| match kind {
        // No process of the model runs inside another's guard.
        LockGrantKind::Renewed | LockGrantKind::Nested => false,
        LockGrantKind::UnderLease => {
            before.processes[it.creator].owner == process.owner && !mode.gets_on_with(it.place.mode)
        }
        LockGrantKind::Taken => !mode.gets_on_with(it.place.mode),
    });
    first.map(|it| {
        let description = format!(
            "process {} entered before {} with number {}",
            actor.0, it.creator, it.place.number
        );
        StepViolation::new(Guarantee::Order, description)
    })
}

/// A process that enters a slot leaves one slot for each earlier waiter for a slot.
fn slot_of_earlier_waiter_taken(
    before: &State,
    actor: (usize, ProcessOperation),
    (after, record): (&MemoryRoot, &LockRecord),
) -> Option<StepViolation> {
    let slots = record.mode.slots()?.get() as usize;
    let waiting = earlier_waiters(before, actor).filter(|it| it.place.mode == record.mode).count();
    let guards = after.queue.iter().filter(|it| it.place.entered && it.lives()).count();
    let is_lease =
        |it: &&LockRecord| it.hold == Some(HoldKind::Lease) && !it.is_expired(after.now());
    let leases = after.record().map_or(0, |record| record.holders().filter(is_lease).count());
    let all = waiting + guards + leases;
    let description =
        || format!("of {slots} slots, {guards} guards and {leases} leases, {waiting} came earlier");
    (all > slots).then(|| StepViolation::new(Guarantee::Order, description()))
}

/// After a failed acquisition, the record does not name it.
fn held_after_failure(before: &State, after: &MemoryRoot) -> Option<StepViolation> {
    let known =
        |record: &LockRecord| record.lock_id.as_ref().is_none_or(|id| before.root.has_holder(id));
    let record = after.record().filter(|_| !after.has_foreign_record())?;
    let new = record.holders().find(|holder| !known(holder))?;
    Some(StepViolation::new(Guarantee::Failures, format!("failed, but holds: {:?}", new.lock_id)))
}

/// After a release, neither the record nor the queue has anything of the guard.
fn left_after_release(before: &State, index: usize, after: &MemoryRoot) -> Option<StepViolation> {
    let inside = before.processes[index].inside()?;
    let kept =
        after.has_holder(&inside.place.lock_id) || after.ticket_file(&inside.place).is_some();
    kept.then(|| StepViolation::new(Guarantee::Failures, "a release left something behind"))
}

/// The guarantee that a step violates by what it removes.
pub(crate) fn violation_of_change(
    before: &State,
    after: &State,
    (index, action): (usize, ProcessOperation),
    force: bool,
) -> Option<StepViolation> {
    if force {
        return None;
    }
    guard_removed(before, after, (index, action))
        .or_else(|| lease_removed(before, after, (index, action)))
        .or_else(|| foreign_record_removed(after))
}

fn guard_removed(
    before: &State,
    after: &State,
    (index, action): (usize, ProcessOperation),
) -> Option<StepViolation> {
    let is_protected = |inside: &&EnteredGuard| inside.is_protected();
    for (owner, process) in before.processes.iter().enumerate() {
        if owner == index && action == ProcessOperation::Release {
            continue;
        }
        let Some(inside) = process.inside().filter(is_protected) else { continue };
        let id = &inside.place.lock_id;
        let record = inside.has_record() && is_removed(before, after, id);
        let ticket = before.root.ticket_file(&inside.place).is_some()
            && after.root.ticket_file(&inside.place).is_none();
        if record || ticket {
            let what = if record { "record" } else { "ticket" };
            let description = format!("the {what} of the living guard {owner} was removed");
            return Some(StepViolation::new(Guarantee::Safekeeping, description));
        }
    }
    None
}

fn is_removed(before: &State, after: &State, id: &LockId) -> bool {
    before.root.has_holder(id) && !after.root.has_holder(id)
}

/// A lease ends by its time or by its owner, who does not remove it while a living guard is under it.
fn lease_removed(
    before: &State,
    after: &State,
    (index, action): (usize, ProcessOperation),
) -> Option<StepViolation> {
    let actor = &before.processes[index];
    let unlocks = action == ProcessOperation::Begin
        && actor.script.last() == Some(&ProcessScriptStep::Unlock(UnlockForce::Own));
    let now = after.root.now();
    let stands = |until: Option<_>| until.is_none_or(|until| until > now);
    let gone =
        before.leases.iter().find(|it| stands(it.until) && is_removed(before, after, &it.id))?;
    let under = |inside: &EnteredGuard| {
        inside.is_protected() && !inside.has_record() && inside.record.is_of(&gone.id)
    };
    let guarded = before.any_inside(under);
    if unlocks && actor.owner == gone.owner && !guarded {
        return None;
    }
    let guarded = if guarded { " from under a living guard" } else { "" };
    let description = format!("a standing lease of owner {} was removed{guarded}", gone.owner);
    Some(StepViolation::new(Guarantee::Safekeeping, description))
}

/// The record of a program that does not use the latch stays until its time is over, or until that program
/// removes it.
fn foreign_record_removed(after: &State) -> Option<StepViolation> {
    let root = &after.root;
    let there = match root.foreign.phase {
        ForeignPhase::Filling => matches!(root.lock, LockRecordFileContent::Empty(_)),
        _ => root.has_foreign_record(),
    };
    let gone = root.foreign_relies_on_record() && !there;
    gone.then(|| StepViolation::new(Guarantee::Safekeeping, "another program's record was removed"))
}

/// Whether a reader at a moment within an operation takes a living guard for gone.
fn reader_misled(
    before: &State,
    (index, _): (usize, ProcessOperation),
    run: &CompletedOperationRun,
) -> Option<StepViolation> {
    let mine = format!("{index}-");
    let known = |id: &LockId| before.root.has_holder(id) && !before.is_protected(id);
    let lives =
        |id: &LockId| before.is_protected(id) || (id.as_str().starts_with(&mine) && !known(id));
    run.trace.changes.iter().find_map(|(what, root)| {
        let id = invariants::first_living_holder_taken_for_gone(root, &lives)?;
        let description = format!("after {what}, a reader takes the living guard {id} for gone");
        Some(StepViolation::new(Guarantee::Readers, description))
    })
}
