//! What two states have in common that differ in nothing that matters, as bytes.
//!
//! Left out are: the letters of ids and owners, and the numbers of tickets, of which only order and sameness
//! count; fences, which nothing is decided by; which process is which, where they have the same things to do;
//! and everything about processes that are gone.

use crate::model::{
    fault::Fault,
    process::{Inside, Phase, Process, Step, caller_of},
    state::{Lease, State},
    world::{Content, TICK, World, time},
};
use lokt_lock::{
    ops::{AcquisitionMethod, UnlockForce},
    record::{HoldKind, LockRecord},
    rules::{Obstacle, QueuePlace},
    words::{LockId, LockMode, Timestamp},
};
use std::hash::{Hash, Hasher};

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write(&canon(self));
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        canon(self) == canon(other)
    }
}

/// The bytes so far, and the names that were met, in the order in which they were.
struct Canon<'a> {
    bytes: Vec<u8>,
    ids: Vec<&'a str>,
    owners: Vec<&'a str>,
    /// The processes, in the order in which they are written.
    order: Vec<usize>,
}

/// Writes a state.
pub(crate) fn canon(state: &State) -> Vec<u8> {
    let mut order: Vec<usize> = (0..state.processes.len()).collect();
    order.sort_by_cached_key(|index| rank(state, &state.processes[*index]));
    let bytes = Vec::with_capacity(160);
    let mut canon = Canon { bytes, ids: Vec::new(), owners: Vec::new(), order };
    for index in canon.order.clone() {
        canon.process(state, &state.processes[index]);
    }
    canon.world(&state.world);
    for lease in &state.leases {
        canon.lease(lease);
    }
    canon.fault(state.fault.as_ref());
    canon.bytes.push(state.witnessed.map_or(0, |it| it as u8 + 1));
    canon.bytes
}

/// By what processes are put in order: all that can be said of one without naming another.
fn rank(state: &State, process: &Process) -> (u8, Vec<u8>, usize, usize) {
    let mut script = Vec::new();
    process.script.iter().for_each(|step| script.extend(of_step(*step)));
    let (phase, place) = match &process.phase {
        Phase::Idle => (0, None),
        Phase::Waiting { place, .. } => (1, Some(place)),
        Phase::Inside(inside) => (2 + of_inside(inside), Some(&inside.place)),
        Phase::Gone => (255, None),
    };
    let position = |place: &QueuePlace| state.world.line.iter().position(|it| it.place == *place);
    let holder = state.world.record().and_then(|record| {
        record.holders().position(|it| it.owner.as_str() == owner_name(process.owner))
    });
    let position = place.and_then(position).unwrap_or(usize::MAX);
    (phase, script, position, holder.unwrap_or(usize::MAX))
}

fn of_inside(inside: &Inside) -> u8 {
    let flags = [inside.supervisor, inside.command, inside.over, inside.broken, inside.lost];
    flags.into_iter().fold(0, |bits, flag| bits << 1 | u8::from(flag))
}

fn of_step(step: Step) -> [u8; 3] {
    match step {
        Step::Guard(mode, ticks) => [1, of_mode(mode), of_ticks(ticks)],
        Step::GuardNow(mode) => [6, of_mode(mode), 0],
        Step::Prune => [7, 0, 0],
        Step::Lease(mode, ticks) => [2, of_mode(mode), of_ticks(ticks)],
        Step::Unlock(UnlockForce::Own) => [3, 0, 0],
        Step::Unlock(UnlockForce::Stale) => [3, 1, 0],
        Step::Unlock(UnlockForce::Force) => [3, 2, 0],
        Step::Freeze => [4, 0, 0],
        Step::Unfreeze(force) => [5, u8::from(force), 0],
    }
}

fn of_ticks(ticks: Option<u8>) -> u8 {
    ticks.map_or(u8::MAX, |ticks| ticks)
}

fn of_mode(mode: LockMode) -> u8 {
    match mode {
        LockMode::Exclusive => 0,
        LockMode::Shared => 1,
        LockMode::Slots(slots) => 1 + u8::try_from(slots.get()).unwrap(),
    }
}

/// How long after the beginning a time is, in ticks; every time of the model is a whole number of them.
fn of_time(at: Option<Timestamp>) -> u8 {
    at.map_or(u8::MAX, |at| {
        let seconds = at.since(time(0)).as_secs() / TICK.as_secs();
        u8::try_from(seconds).unwrap()
    })
}

/// The name of an owner, as it stands in records and tickets.
fn owner_name(owner: usize) -> &'static str {
    caller_of(owner).identity.owner.as_str()
}

impl<'a> Canon<'a> {
    fn push(&mut self, bytes: impl IntoIterator<Item = u8>) {
        self.bytes.extend(bytes);
    }

    fn id(&mut self, id: &'a LockId) {
        let index = place_in(&mut self.ids, id.as_str());
        self.bytes.push(index);
    }

    fn owner(&mut self, owner: &'a str) {
        let index = place_in(&mut self.owners, owner);
        self.bytes.push(index);
    }

    fn process(&mut self, state: &State, process: &'a Process) {
        match &process.phase {
            Phase::Gone => return self.push([0]),
            Phase::Idle => self.push([1]),
            Phase::Waiting { place, obstacle } => {
                self.push([2]);
                self.id(&place.lock_id);
                self.obstacle(state, obstacle.as_deref());
            }
            Phase::Inside(inside) => {
                self.push([3, of_inside(inside), of_mode(inside.place.mode)]);
                self.push([u8::from(inside.kind == AcquisitionMethod::UnderLease)]);
                self.id(&inside.place.lock_id);
                inside.record.lock_id.iter().for_each(|id| self.id(id));
                self.push([of_seconds(inside.record.ttl_sec)]);
            }
        }
        self.owner(owner_name(process.owner));
        self.push([u8::try_from(process.script.len()).unwrap()]);
        process.script.iter().for_each(|step| self.push(of_step(*step)));
    }

    /// What a waiter waits for. It is not over, so what it says of leases and freezes is what stands there.
    fn obstacle(&mut self, state: &State, obstacle: Option<&'a Obstacle>) {
        match obstacle {
            None => self.push([0]),
            Some(Obstacle::Ahead(place)) => {
                self.push([1]);
                self.id(&place.lock_id);
            }
            Some(Obstacle::Full(inside, record)) => {
                self.push([2, u8::try_from(inside.len()).unwrap()]);
                let mut inside: Vec<&QueuePlace> = inside.iter().collect();
                inside.sort_by_key(|place| place.number);
                for place in inside {
                    self.id(&place.lock_id);
                }
                self.push([of_time(record.as_ref().and_then(|it| it.next_end()))]);
                self.push([u8::from(record.as_ref().is_some_and(|it| it.has_lease()))]);
            }
            Some(Obstacle::Held(record)) => {
                self.push([3, of_time(record.next_end())]);
                self.push([u8::from(state.world.record() == Some(&**record))]);
            }
            Some(Obstacle::Frozen(_)) => self.push([4]),
            Some(Obstacle::Corrupted(_)) => self.push([5]),
        }
    }

    fn world(&mut self, world: &'a World) {
        self.push([world.ticks, world.foreign.does as u8, world.foreign.budget]);
        self.push([u8::from(world.foreign.expires), world.foreign.until.unwrap_or(u8::MAX)]);
        match &world.lock {
            Content::Nothing => self.push([0]),
            Content::Empty(since) => self.push([1, *since]),
            Content::Record(record) => {
                let holders: Vec<&LockRecord> = record.holders().collect();
                self.push([2, u8::try_from(holders.len()).unwrap()]);
                for holder in holders {
                    self.holder(holder);
                }
            }
        }
        if let Some(freeze) = world.freeze.as_deref() {
            self.holder_of_freeze(freeze);
        }
        self.push([255]);
        for file in &world.line {
            self.id(&file.place.lock_id);
            let drawer = self.order.iter().position(|index| *index == file.drawer).unwrap();
            let flags = [file.place.entered, file.supervisor, file.command];
            let flags = flags.into_iter().fold(0, |bits, flag| bits << 1 | u8::from(flag));
            let drawer = if file.lives() { u8::try_from(drawer).unwrap() } else { u8::MAX };
            self.push([flags, of_mode(file.place.mode), drawer]);
            self.owner(&file.text.owner);
        }
        self.push([255]);
    }

    fn holder(&mut self, holder: &'a LockRecord) {
        match &holder.lock_id {
            Some(id) => self.id(id),
            None => self.push([254]),
        }
        self.owner(holder.owner.as_str());
        let hold = match holder.hold {
            Some(HoldKind::Guard) => 0,
            Some(HoldKind::Lease) => 1,
            _ => 2,
        };
        self.push([hold, of_mode(holder.mode), of_seconds(holder.ttl_sec)]);
        self.push([of_time(holder.expiry())]);
    }

    fn holder_of_freeze(&mut self, freeze: &'a LockRecord) {
        self.push([1, of_time(freeze.expiry())]);
        self.owner(freeze.owner.as_str());
    }

    fn lease(&mut self, lease: &'a Lease) {
        self.id(&lease.id);
        self.owner(owner_name(lease.owner));
        self.push([of_mode(lease.mode), of_time(lease.until)]);
    }

    fn fault(&mut self, fault: Option<&Fault>) {
        self.push([fault.map_or(0, |fault| fault.promise as u8 + 1)]);
    }
}

fn of_seconds(seconds: Option<u64>) -> u8 {
    seconds.map_or(u8::MAX, |seconds| u8::try_from(seconds).unwrap())
}

/// Where a name stands among those that were met; at the end, if it is new.
fn place_in<'a>(names: &mut Vec<&'a str>, name: &'a str) -> u8 {
    let index = names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    });
    u8::try_from(index).unwrap()
}
