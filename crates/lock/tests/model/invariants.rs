//! What must be true of every state. Each function returns the violation, in words.

use crate::model::{
    memory_root::{ForeignPhase, MemoryRoot, NAME},
    operation::grant_of,
    process::{NEWCOMER, Phase, Process, ProcessScriptStep, caller_of, request_of},
    section::MemoryTicket,
    state::State,
    store::{InjectedStoreEvent, MemoryStore},
};
use lokt_lock::{
    ops::{AcquireAttemptOutcome, look, stands},
    record::{HoldKind, LockRecord},
    rules::{LockRecordVerdict, Obstacle},
    words::{LockId, LockMode},
};

/// A holder that relies on no conflicting holder being inside.
struct ExclusionInvariantHolder {
    description: String,
    mode: LockMode,
    /// The lease that it is, or the lease that it is under.
    lease: Option<LockId>,
}

fn protected_holders(state: &State) -> Vec<ExclusionInvariantHolder> {
    let inside = state.processes.iter().enumerate().filter_map(|(index, process)| {
        let inside = process.inside().filter(|it| it.is_protected())?;
        let lease = inside.record.lock_id.clone().filter(|_| !inside.has_record());
        Some(ExclusionInvariantHolder {
            description: format!("guard {index}"),
            mode: inside.place.mode,
            lease,
        })
    });
    let leases = state.leases.iter().map(|lease| ExclusionInvariantHolder {
        description: format!("lease {}", lease.id),
        mode: lease.mode,
        lease: Some(lease.id.clone()),
    });
    let counts =
        state.root.foreign.phase == ForeignPhase::Holding && state.root.foreign_relies_on_record();
    let foreign = counts.then(|| ExclusionInvariantHolder {
        description: "another program".to_owned(),
        mode: LockMode::Exclusive,
        lease: None,
    });
    inside.chain(leases).chain(foreign).collect()
}

/// Finds a record with more holders than slots. Dead holders count too: a caller that takes the slot of a dead holder
/// also removes that holder.
pub(crate) fn find_overfull_record(state: &State) -> Option<String> {
    let record = state.root.record()?;
    let slots = record.mode.slots()?.get() as usize;
    let holders = record.holders().count();
    (holders > slots).then(|| format!("the record of {slots} slots has {holders} holders"))
}

/// Finds two conflicting holders, or more holders than there are slots.
pub(crate) fn find_conflicting_holders(state: &State) -> Option<String> {
    let protected_holders = protected_holders(state);
    for (index, one) in protected_holders.iter().enumerate() {
        for other in protected_holders.iter().skip(index + 1) {
            let under = one.lease.is_some() && one.lease == other.lease;
            if !under && !one.mode.gets_on_with(other.mode) {
                return Some(format!("{} and {} are inside", one.description, other.description));
            }
        }
    }
    let slots = protected_holders.iter().find_map(|member| member.mode.slots())?.get() as usize;
    let taken = protected_holders.iter().filter(|member| member.mode.slots().is_some()).count();
    (taken > slots).then(|| format!("{taken} are inside of {slots} slots"))
}

/// Finds a waiter that sleeps although it could enter.
pub(crate) fn find_missed_wakeup(state: &State) -> Option<String> {
    let asleep = |it: &(usize, &Process)| must_not_oversleep(state, it.0);
    let mut asleep = state.processes.iter().enumerate().filter(asleep);
    let (index, process) = asleep.find(|(_, process)| would_enter_on_retry(state, process))?;
    Some(format!("process {index} sleeps, and could enter: {:?}", process.phase))
}

/// Whether a process sleeps, and no process that would wake it is awake.
///
/// A waiter for a slot may be behind another one. It is woken when that one enters or leaves. Until then,
/// it may sleep although there is a slot for it too.
fn must_not_oversleep(state: &State, index: usize) -> bool {
    let Phase::Waiting { obstacle: Some(obstacle), .. } = &state.processes[index].phase else {
        return false;
    };
    match &**obstacle {
        Obstacle::Ahead(place) if place.mode.slots().is_some() && !place.entered => {
            let before = state.root.ticket_file(place).map(|file| file.creator);
            before.is_none_or(|before| must_not_oversleep(state, before))
        }
        _ => true,
    }
}

fn would_enter_on_retry(state: &State, process: &Process) -> bool {
    let Phase::Waiting { place, .. } = &process.phase else { return false };
    let store = MemoryStore::new(state.root.clone(), 0, InjectedStoreEvent::None);
    let request = request_of(process.owner, process.step()).unwrap();
    let mut ticket = Some(MemoryTicket::reopened(&store, place));
    let attempted = lokt_lock::ops::attempt(&store, &request, Some(&mut ticket));
    matches!(attempted, Ok(AcquireAttemptOutcome::Entered(_)))
}

/// Finds a newcomer that is refused when all processes are dead and all times are over. A record without an
/// end that belongs to no process stays, and is no violation.
pub(crate) fn find_refused_newcomer(state: &State) -> Option<String> {
    let mut root = state.root.clone();
    for index in 0..state.processes.len() {
        root.supervisor_dies(index);
        root.command_dies(index);
    }
    root.ticks = 100;
    let endless = |it: &LockRecord| it.hold != Some(HoldKind::Guard) && it.expiry().is_none();
    if root.record().is_some_and(|record| record.holders().any(endless)) {
        return None;
    }
    let store = MemoryStore::new(root, NEWCOMER, InjectedStoreEvent::None);
    let request =
        request_of(NEWCOMER, ProcessScriptStep::Guard(LockMode::Exclusive, None)).unwrap();
    match lokt_lock::ops::attempt(&store, &request, None) {
        Ok(AcquireAttemptOutcome::Entered(_)) => None,
        Ok(AcquireAttemptOutcome::Blocked(obstacle)) => {
            Some(format!("a newcomer is blocked: {obstacle:?}"))
        }
        Err(error) => Some(format!("a newcomer fails: {error}")),
    }
}

/// Finds a living guard that a reader, or the guard itself, takes for gone.
pub(crate) fn find_misjudged_guard(state: &State) -> Option<String> {
    let lives = |id: &LockId| state.is_protected(id);
    if let Some(id) = first_living_holder_taken_for_gone(&state.root, &lives) {
        return Some(format!("a reader takes the living guard {id} for gone"));
    }
    let inside = state.processes.iter().filter_map(Process::inside);
    let mut inside = inside.filter(|it| it.supervisor && it.command);
    let wrong = inside.find(|it| {
        let store = MemoryStore::new(state.root.clone(), 0, InjectedStoreEvent::None);
        let grant = grant_of(&store, it);
        let found = stands(&store, &grant);
        grant.ticket.map(MemoryTicket::keep_open);
        let id = it.record.lock_id.as_ref().unwrap();
        found != (state.root.has_holder(id) && state.root.ticket_file(&it.place).is_some())
    })?;
    Some(format!("a guard is wrong about whether its lock stands: {wrong:?}"))
}

/// The first living holder that a reader takes for gone.
pub(crate) fn first_living_holder_taken_for_gone(
    root: &MemoryRoot,
    lives: &impl Fn(&LockId) -> bool,
) -> Option<LockId> {
    let guarded = |record: &LockRecord| record.holders().any(|it| it.hold == Some(HoldKind::Guard));
    if !root.record().is_some_and(guarded) {
        return None;
    }
    let store = MemoryStore::new(root.clone(), NEWCOMER, InjectedStoreEvent::None);
    let snapshot = look(&store, &NAME, caller_of(NEWCOMER));
    snapshot.holders().find_map(|(holder, verdict)| {
        let id = holder.lock_id.clone().filter(|id| lives(id))?;
        let guard = holder.hold == Some(HoldKind::Guard);
        (guard && matches!(verdict, LockRecordVerdict::Stale(_))).then_some(id)
    })
}
