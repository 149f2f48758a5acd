//! The canonical form of a state, as bytes: two states have the same form if they differ in nothing that
//! matters.
//!
//! Left out are: the letters of ids and owners, and the numbers of tickets, of which only order and
//! equality count; fences, which no decision depends on; which process is which, if both have the same
//! script; and everything about processes that are gone.

use crate::model::{
    memory_root::{LockRecordFileContent, MemoryRoot, TICK, time},
    process::{EnteredGuard, Phase, Process, ProcessScriptStep, caller_of},
    state::{Lease, State},
    violation::StepViolation,
};
use lokt_lock::{
    ops::{LockGrantKind, UnlockForce},
    record::{HoldKind, LockRecord},
    rules::{Obstacle, QueuePlace},
    words::{LockId, LockMode, Timestamp},
};
use std::hash::{Hash, Hasher};

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write(&canonical_form(self));
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        canonical_form(self) == canonical_form(other)
    }
}

/// Writes a form, and numbers ids and owners in the order in which they occur.
struct CanonicalWriter<'a> {
    bytes: Vec<u8>,
    ids: Vec<&'a str>,
    owners: Vec<&'a str>,
    /// The processes, in the order in which they are written.
    order: Vec<usize>,
}

/// Returns the canonical form of a state.
pub(crate) fn canonical_form(state: &State) -> Vec<u8> {
    let mut order: Vec<usize> = (0..state.processes.len()).collect();
    order.sort_by_cached_key(|index| sort_key(state, &state.processes[*index]));
    let bytes = Vec::with_capacity(160);
    let mut writer = CanonicalWriter { bytes, ids: Vec::new(), owners: Vec::new(), order };
    for index in writer.order.clone() {
        writer.process(state, &state.processes[index]);
    }
    writer.root(&state.root);
    for lease in &state.leases {
        writer.lease(lease);
    }
    writer.violation(state.violation.as_ref());
    writer.bytes.push(state.observed_case.map_or(0, |it| it as u8 + 1));
    writer.bytes
}

/// The sort key of a process: everything about it that names no other process.
fn sort_key(state: &State, process: &Process) -> (u8, Vec<u8>, usize, usize) {
    let mut script = Vec::new();
    process.script.iter().for_each(|step| script.extend(encode_step(*step)));
    let (phase, place) = match &process.phase {
        Phase::Idle => (0, None),
        Phase::Waiting { place, .. } => (1, Some(place)),
        Phase::Inside(inside) => (2 + encode_guard_flags(inside), Some(&inside.place)),
        Phase::Gone => (255, None),
    };
    let position = |place: &QueuePlace| state.root.queue.iter().position(|it| it.place == *place);
    let holder = state.root.record().and_then(|record| {
        record.holders().position(|it| it.owner.as_str() == owner_name(process.owner))
    });
    let position = place.and_then(position).unwrap_or(usize::MAX);
    (phase, script, position, holder.unwrap_or(usize::MAX))
}

fn encode_guard_flags(inside: &EnteredGuard) -> u8 {
    let flags =
        [inside.supervisor, inside.command, inside.main_process_ended, inside.broken, inside.lost];
    flags.into_iter().fold(0, |bits, flag| bits << 1 | u8::from(flag))
}

fn encode_step(step: ProcessScriptStep) -> [u8; 3] {
    match step {
        ProcessScriptStep::Guard(mode, ticks) => [1, encode_mode(mode), encode_ticks(ticks)],
        ProcessScriptStep::GuardNow(mode) => [6, encode_mode(mode), 0],
        ProcessScriptStep::Prune => [7, 0, 0],
        ProcessScriptStep::Lease(mode, ticks) => [2, encode_mode(mode), encode_ticks(ticks)],
        ProcessScriptStep::Unlock(UnlockForce::Own) => [3, 0, 0],
        ProcessScriptStep::Unlock(UnlockForce::Stale) => [3, 1, 0],
        ProcessScriptStep::Unlock(UnlockForce::Force) => [3, 2, 0],
        ProcessScriptStep::Freeze => [4, 0, 0],
        ProcessScriptStep::Unfreeze(force) => [5, u8::from(force), 0],
    }
}

fn encode_ticks(ticks: Option<u8>) -> u8 {
    ticks.map_or(u8::MAX, |ticks| ticks)
}

fn encode_mode(mode: LockMode) -> u8 {
    match mode {
        LockMode::Exclusive => 0,
        LockMode::Shared => 1,
        LockMode::Slots(slots) => 1 + u8::try_from(slots.get()).unwrap(),
    }
}

/// How many ticks after the start a time is. Every time of the model is a whole number of ticks.
fn encode_time(at: Option<Timestamp>) -> u8 {
    at.map_or(u8::MAX, |at| {
        let seconds = at.since(time(0)).as_secs() / TICK.as_secs();
        u8::try_from(seconds).unwrap()
    })
}

/// The name of an owner, as records and tickets contain it.
fn owner_name(owner: usize) -> &'static str {
    caller_of(owner).identity.owner.as_str()
}

impl<'a> CanonicalWriter<'a> {
    fn push(&mut self, bytes: impl IntoIterator<Item = u8>) {
        self.bytes.extend(bytes);
    }

    fn id(&mut self, id: &'a LockId) {
        let index = index_of_name(&mut self.ids, id.as_str());
        self.bytes.push(index);
    }

    fn owner(&mut self, owner: &'a str) {
        let index = index_of_name(&mut self.owners, owner);
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
                self.push([3, encode_guard_flags(inside), encode_mode(inside.place.mode)]);
                self.push([u8::from(inside.kind == LockGrantKind::UnderLease)]);
                self.id(&inside.place.lock_id);
                inside.record.lock_id.iter().for_each(|id| self.id(id));
                self.push([encode_seconds(inside.record.ttl_sec)]);
            }
        }
        self.owner(owner_name(process.owner));
        self.push([u8::try_from(process.script.len()).unwrap()]);
        process.script.iter().for_each(|step| self.push(encode_step(*step)));
    }

    /// The obstacle of a waiter. It still stands, so leases and freezes in it are the ones in the root.
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
                self.push([encode_time(record.as_ref().and_then(|it| it.next_end()))]);
                self.push([u8::from(record.as_ref().is_some_and(|it| it.has_lease()))]);
            }
            Some(Obstacle::Held(record)) => {
                self.push([3, encode_time(record.next_end())]);
                self.push([u8::from(state.root.record() == Some(&**record))]);
            }
            Some(Obstacle::Frozen(_)) => self.push([4]),
            Some(Obstacle::Corrupted(_)) => self.push([5]),
        }
    }

    fn root(&mut self, root: &'a MemoryRoot) {
        self.push([root.ticks, root.foreign.phase as u8, root.foreign.budget]);
        self.push([u8::from(root.foreign.expires), root.foreign.until.unwrap_or(u8::MAX)]);
        match &root.lock {
            LockRecordFileContent::Nothing => self.push([0]),
            LockRecordFileContent::Empty(since) => self.push([1, *since]),
            LockRecordFileContent::Record(record) => {
                let holders: Vec<&LockRecord> = record.holders().collect();
                self.push([2, u8::try_from(holders.len()).unwrap()]);
                for holder in holders {
                    self.holder(holder);
                }
            }
        }
        if let Some(freeze) = root.freeze.as_deref() {
            self.holder_of_freeze(freeze);
        }
        self.push([255]);
        for file in &root.queue {
            self.id(&file.place.lock_id);
            let creator = self.order.iter().position(|index| *index == file.creator).unwrap();
            let flags = [file.place.entered, file.supervisor, file.command];
            let flags = flags.into_iter().fold(0, |bits, flag| bits << 1 | u8::from(flag));
            let creator = if file.lives() { u8::try_from(creator).unwrap() } else { u8::MAX };
            self.push([flags, encode_mode(file.place.mode), creator]);
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
        self.push([hold, encode_mode(holder.mode), encode_seconds(holder.ttl_sec)]);
        self.push([encode_time(holder.expiry())]);
    }

    fn holder_of_freeze(&mut self, freeze: &'a LockRecord) {
        self.push([1, encode_time(freeze.expiry())]);
        self.owner(freeze.owner.as_str());
    }

    fn lease(&mut self, lease: &'a Lease) {
        self.id(&lease.id);
        self.owner(owner_name(lease.owner));
        self.push([encode_mode(lease.mode), encode_time(lease.until)]);
    }

    fn violation(&mut self, violation: Option<&StepViolation>) {
        self.push([violation.map_or(0, |violation| violation.guarantee as u8 + 1)]);
    }
}

fn encode_seconds(seconds: Option<u64>) -> u8 {
    seconds.map_or(u8::MAX, |seconds| u8::try_from(seconds).unwrap())
}

/// The index of a name among the known ones. Adds it if it is new.
fn index_of_name<'a>(names: &mut Vec<&'a str>, name: &'a str) -> u8 {
    let index = names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    });
    u8::try_from(index).unwrap()
}
