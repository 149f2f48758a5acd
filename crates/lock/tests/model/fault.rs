//! What no single step may do.

use crate::model::{
    operation::{Act, Outcome, Run},
    oracle,
    process::{Inside, Phase, Step},
    state::State,
    world::{Content, Doing, TicketFile, World},
};
use lokt_lock::{
    ops::{AcquisitionMethod, UnlockForce},
    record::{HoldKind, LockRecord},
    rules::Obstacle,
    words::LockId,
};

/// A promise that a step broke, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) promise: Promise,
    pub(crate) how: String,
}

/// The promises that are kept or broken by single steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Who came first enters first.
    Order,
    /// Fences rise.
    Fences,
    /// What stands is removed by nobody who may not.
    Safekeeping,
    /// What failed has not happened; and nothing fails without a reason.
    Failures,
    /// A waiter sleeps until something happens.
    Sleep,
    /// Nobody who only looks is told that a living guard is gone.
    Readers,
}

impl Fault {
    fn new(promise: Promise, how: impl Into<String>) -> Self {
        Self { promise, how: how.into() }
    }

    pub(crate) fn sleepless(what: &str, obstacle: &Obstacle) -> Self {
        Self::new(Promise::Sleep, format!("a waiter {what}: {obstacle:?}"))
    }
}

/// What an operation breaks by itself.
pub(crate) fn of_run(before: &State, actor: (usize, Act), run: &Run) -> Option<Fault> {
    let of_outcome = match &run.outcome {
        Outcome::Entered { record, kind, .. } => {
            overtaken(before, actor, *kind).or_else(|| match kind {
                AcquisitionMethod::Taken => too_many(before, actor, (&run.world, record))
                    .or_else(|| no_rise(before, record)),
                _ => None,
            })
        }
        Outcome::Failed(error) if !run.tape.befell => {
            Some(Fault::new(Promise::Failures, format!("an operation failed: {error}")))
        }
        Outcome::Failed(_) if matches!(actor.1, Act::Begin | Act::TryAgain) => {
            holds_after_failure(before, &run.world)
        }
        Outcome::Done | Outcome::Lost if actor.1 == Act::Release && !run.tape.befell => {
            keeps_something(before, actor.0, &run.world)
        }
        _ => None,
    };
    of_outcome.or_else(|| if run.tape.befell { None } else { misled(before, actor, run) })
}

fn no_rise(before: &State, record: &LockRecord) -> Option<Fault> {
    let risen = record.fence.is_some_and(|fence| fence > before.highest);
    let how = || format!("fence {:?} was given after {:?}", record.fence, before.highest);
    (!risen).then(|| Fault::new(Promise::Fences, how()))
}

/// The number in the queue of the one who acts; a newcomer is behind all.
fn number(before: &State, index: usize) -> u64 {
    match &before.processes[index].phase {
        Phase::Waiting { place, .. } => place.number,
        _ => u64::MAX,
    }
}

/// The live tickets that wait and have a lower number than the one who acts.
pub(crate) fn passed(
    before: &State,
    (index, _): (usize, Act),
) -> impl Iterator<Item = &TicketFile> {
    let mine = number(before, index);
    let line = before.world.line.iter();
    line.filter(move |it| !it.place.entered && it.lives() && it.place.number < mine)
}

/// Nobody enters before one who came earlier, lives, waits and does not get on with it. A guard under its
/// owner's lease may, but not before one of the same owner.
fn overtaken(before: &State, actor: (usize, Act), kind: AcquisitionMethod) -> Option<Fault> {
    let process = &before.processes[actor.0];
    let mode = process.step().mode()?;
    let first = passed(before, actor).find(|it| match kind {
        // No process of the model runs inside another's guard.
        AcquisitionMethod::Renewed | AcquisitionMethod::Nested => false,
        AcquisitionMethod::UnderLease => {
            before.processes[it.drawer].owner == process.owner && !mode.gets_on_with(it.place.mode)
        }
        AcquisitionMethod::Taken => !mode.gets_on_with(it.place.mode),
    });
    first.map(|it| {
        let how = format!(
            "process {} entered before {} with number {}",
            actor.0, it.drawer, it.place.number
        );
        Fault::new(Promise::Order, how)
    })
}

/// Whoever takes a slot leaves one for each who came earlier and waits for one.
fn too_many(
    before: &State,
    actor: (usize, Act),
    (after, record): (&World, &LockRecord),
) -> Option<Fault> {
    let slots = record.mode.slots()?.get() as usize;
    let waiting = passed(before, actor).filter(|it| it.place.mode == record.mode).count();
    let guards = after.line.iter().filter(|it| it.place.entered && it.lives()).count();
    let is_lease =
        |it: &&LockRecord| it.hold == Some(HoldKind::Lease) && !it.is_expired(after.now());
    let leases = after.record().map_or(0, |record| record.holders().filter(is_lease).count());
    let all = waiting + guards + leases;
    let how =
        || format!("of {slots} slots, {guards} guards and {leases} leases, {waiting} came earlier");
    (all > slots).then(|| Fault::new(Promise::Order, how()))
}

/// Whose acquisition failed must not be named by the record.
fn holds_after_failure(before: &State, after: &World) -> Option<Fault> {
    let known =
        |record: &LockRecord| record.lock_id.as_ref().is_none_or(|id| before.world.has_holder(id));
    let record = after.record().filter(|_| !after.is_foreign())?;
    let new = record.holders().find(|holder| !known(holder))?;
    Some(Fault::new(Promise::Failures, format!("failed, but holds: {:?}", new.lock_id)))
}

/// A guard that has given its lock back has nothing of it any more.
fn keeps_something(before: &State, index: usize, after: &World) -> Option<Fault> {
    let inside = before.processes[index].inside()?;
    let kept = after.has_holder(&inside.place.lock_id) || after.file(&inside.place).is_some();
    kept.then(|| Fault::new(Promise::Failures, "a release left something behind"))
}

/// What a step took away from others.
pub(crate) fn of_change(
    before: &State,
    after: &State,
    (index, act): (usize, Act),
    force: bool,
) -> Option<Fault> {
    if force {
        return None;
    }
    guard_lost(before, after, (index, act))
        .or_else(|| lease_lost(before, after, (index, act)))
        .or_else(|| foreign_lost(after))
}

fn guard_lost(before: &State, after: &State, (index, act): (usize, Act)) -> Option<Fault> {
    let protected = |inside: &&Inside| inside.is_protected();
    for (owner, process) in before.processes.iter().enumerate() {
        if owner == index && act == Act::Release {
            continue;
        }
        let Some(inside) = process.inside().filter(protected) else { continue };
        let id = &inside.place.lock_id;
        let record = inside.has_record() && lost(before, after, id);
        let ticket =
            before.world.file(&inside.place).is_some() && after.world.file(&inside.place).is_none();
        if record || ticket {
            let what = if record { "record" } else { "ticket" };
            let how = format!("the {what} of the living guard {owner} was removed");
            return Some(Fault::new(Promise::Safekeeping, how));
        }
    }
    None
}

fn lost(before: &State, after: &State, id: &LockId) -> bool {
    before.world.has_holder(id) && !after.world.has_holder(id)
}

/// A lease ends by its time, or by its owner, who does not take it from under a living guard.
fn lease_lost(before: &State, after: &State, (index, act): (usize, Act)) -> Option<Fault> {
    let actor = &before.processes[index];
    let unlocks = act == Act::Begin && actor.script.last() == Some(&Step::Unlock(UnlockForce::Own));
    let now = after.world.now();
    let stands = |until: Option<_>| until.is_none_or(|until| until > now);
    let gone = before.leases.iter().find(|it| stands(it.until) && lost(before, after, &it.id))?;
    let under = |inside: &Inside| {
        inside.is_protected() && !inside.has_record() && inside.record.is_of(&gone.id)
    };
    let guarded = before.any_inside(under);
    if unlocks && actor.owner == gone.owner && !guarded {
        return None;
    }
    let guarded = if guarded { " from under a living guard" } else { "" };
    let how = format!("a standing lease of owner {} was removed{guarded}", gone.owner);
    Some(Fault::new(Promise::Safekeeping, how))
}

/// The record of a program that knows no latch is there until its time has come, or it removes it.
fn foreign_lost(after: &State) -> Option<Fault> {
    let world = &after.world;
    let there = match world.foreign.does {
        Doing::Filling => matches!(world.lock, Content::Empty(_)),
        _ => world.is_foreign(),
    };
    let gone = world.foreign_counts() && !there;
    gone.then(|| Fault::new(Promise::Safekeeping, "another program's record was removed"))
}

/// Whether somebody who reads at a moment within an operation takes a living guard for one that is gone.
fn misled(before: &State, (index, _): (usize, Act), run: &Run) -> Option<Fault> {
    let mine = format!("{index}-");
    let known = |id: &LockId| before.world.has_holder(id) && !before.is_protected(id);
    let lives =
        |id: &LockId| before.is_protected(id) || (id.as_str().starts_with(&mine) && !known(id));
    run.tape.changes.iter().find_map(|(what, world)| {
        let id = oracle::taken_for_gone(world, &lives)?;
        let how = format!("after {what}, a reader takes the living guard {id} for gone");
        Some(Fault::new(Promise::Readers, how))
    })
}
