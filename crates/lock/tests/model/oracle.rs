//! What must be true of every state. Each function gives what is wrong, in words.

use crate::model::{
    operation::grant,
    process::{NEWCOMER, Phase, Process, Step, caller_of, request},
    section::MemoryTicket,
    state::State,
    store::{MemoryStore, Mishap},
    world::{Doing, NAME, World},
};
use lokt_lock::{
    ops::{AcquireAttemptOutcome, look, stands},
    record::{HoldKind, LockRecord},
    rules::{LockRecordVerdict, Obstacle},
    words::{LockId, LockMode},
};

/// Somebody who counts on nobody being inside that it does not get on with.
struct Member {
    who: String,
    mode: LockMode,
    /// The acquisition that it is, or the lease that it is under.
    lease: Option<LockId>,
}

fn members(state: &State) -> Vec<Member> {
    let inside = state.processes.iter().enumerate().filter_map(|(index, process)| {
        let inside = process.inside().filter(|it| it.is_protected())?;
        let lease = inside.record.lock_id.clone().filter(|_| !inside.has_record());
        Some(Member { who: format!("guard {index}"), mode: inside.place.mode, lease })
    });
    let leases = state.leases.iter().map(|lease| Member {
        who: format!("lease {}", lease.id),
        mode: lease.mode,
        lease: Some(lease.id.clone()),
    });
    let counts = state.world.foreign.does == Doing::Holding && state.world.foreign_counts();
    let foreign = counts.then(|| Member {
        who: "another program".to_owned(),
        mode: LockMode::Exclusive,
        lease: None,
    });
    inside.chain(leases).chain(foreign).collect()
}

/// Two who do not get on with each other, or more than there are slots.
pub(crate) fn crowd(state: &State) -> Option<String> {
    let members = members(state);
    for (index, one) in members.iter().enumerate() {
        for other in members.iter().skip(index + 1) {
            let under = one.lease.is_some() && one.lease == other.lease;
            if !under && !one.mode.gets_on_with(other.mode) {
                return Some(format!("{} and {} are inside", one.who, other.who));
            }
        }
    }
    let slots = members.iter().find_map(|member| member.mode.slots())?.get() as usize;
    let taken = members.iter().filter(|member| member.mode.slots().is_some()).count();
    (taken > slots).then(|| format!("{taken} are inside of {slots} slots"))
}

/// Somebody who sleeps on, though a try would let it in.
pub(crate) fn sleeper(state: &State) -> Option<String> {
    let asleep = |it: &(usize, &Process)| may_oversleep(state, it.0);
    let mut asleep = state.processes.iter().enumerate().filter(asleep);
    let (index, process) = asleep.find(|(_, process)| would_enter(state, process))?;
    Some(format!("process {index} sleeps, and could enter: {:?}", process.phase))
}

/// Whether a process sleeps, and nobody on the way out of whose way it is woken is about to act.
///
/// One that waits for a slot behind another that waits for one is told when that one enters or goes. While
/// that one is awake, it may sleep on although there is a slot for it too.
fn may_oversleep(state: &State, index: usize) -> bool {
    let Phase::Waiting { obstacle: Some(obstacle), .. } = &state.processes[index].phase else {
        return false;
    };
    match &**obstacle {
        Obstacle::Ahead(place) if place.mode.slots().is_some() && !place.entered => {
            let before = state.world.file(place).map(|file| file.drawer);
            before.is_none_or(|before| may_oversleep(state, before))
        }
        _ => true,
    }
}

fn would_enter(state: &State, process: &Process) -> bool {
    let Phase::Waiting { place, .. } = &process.phase else { return false };
    let store = MemoryStore::new(state.world.clone(), 0, Mishap::None);
    let request = request(process.owner, process.step()).unwrap();
    let mut ticket = Some(MemoryTicket::taken_up(&store, place));
    let attempted = lokt_lock::ops::attempt(&store, &request, Some(&mut ticket));
    matches!(attempted, Ok(AcquireAttemptOutcome::Entered(_)))
}

/// A newcomer who is refused when nobody is left and all times are over. A record without an end that hangs on
/// no process stays.
pub(crate) fn wedge(state: &State) -> Option<String> {
    let mut world = state.world.clone();
    for index in 0..state.processes.len() {
        world.supervisor_dies(index);
        world.command_dies(index);
    }
    world.ticks = 100;
    let endless = |it: &LockRecord| it.hold != Some(HoldKind::Guard) && it.expiry().is_none();
    if world.record().is_some_and(|record| record.holders().any(endless)) {
        return None;
    }
    let store = MemoryStore::new(world, NEWCOMER, Mishap::None);
    let request = request(NEWCOMER, Step::Guard(LockMode::Exclusive, None)).unwrap();
    match lokt_lock::ops::attempt(&store, &request, None) {
        Ok(AcquireAttemptOutcome::Entered(_)) => None,
        Ok(AcquireAttemptOutcome::Blocked(obstacle)) => {
            Some(format!("a newcomer is blocked: {obstacle:?}"))
        }
        Err(error) => Some(format!("a newcomer fails: {error}")),
    }
}

/// A living guard that is taken for gone by who looks from outside, or by itself.
pub(crate) fn misjudged(state: &State) -> Option<String> {
    let lives = |id: &LockId| state.is_protected(id);
    if let Some(id) = taken_for_gone(&state.world, &lives) {
        return Some(format!("a reader takes the living guard {id} for gone"));
    }
    let inside = state.processes.iter().filter_map(Process::inside);
    let mut inside = inside.filter(|it| it.supervisor && it.command);
    let wrong = inside.find(|it| {
        let store = MemoryStore::new(state.world.clone(), 0, Mishap::None);
        let grant = grant(&store, it);
        let found = stands(&store, &grant);
        grant.ticket.map(MemoryTicket::put_down);
        let id = it.record.lock_id.as_ref().unwrap();
        found != (state.world.has_holder(id) && state.world.file(&it.place).is_some())
    })?;
    Some(format!("a guard is wrong about whether its lock stands: {wrong:?}"))
}

/// The first holder that lives and is found to be gone.
pub(crate) fn taken_for_gone(world: &World, lives: &impl Fn(&LockId) -> bool) -> Option<LockId> {
    let guarded = |record: &LockRecord| record.holders().any(|it| it.hold == Some(HoldKind::Guard));
    if !world.record().is_some_and(guarded) {
        return None;
    }
    let store = MemoryStore::new(world.clone(), NEWCOMER, Mishap::None);
    let sight = look(&store, &NAME, caller_of(NEWCOMER));
    sight.holders().find_map(|(holder, verdict)| {
        let id = holder.lock_id.clone().filter(|id| lives(id))?;
        let guard = holder.hold == Some(HoldKind::Guard);
        (guard && matches!(verdict, LockRecordVerdict::Stale(_))).then_some(id)
    })
}
