use super::{
    OperationError,
    look::{StoreWitness, entered, readable, unread},
};
use crate::{
    audit::{Event, EventKind},
    record::{Hold, Record, Slot},
    rules::{Holding, Liveness, Mode, Place, Presence, Staleness, Verdict, judge},
    store::{Durability, Placed, Put, RecordKind, Removed, Section, Store, StoreError},
    sys::{self, Caller},
    words::{Fence, LockName},
};

/// How much somebody who unlocks is willing to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Might {
    /// Nothing: give back what is mine.
    Own,
    /// What is provably stale, abandoned or corrupted.
    Stale,
    /// Anything.
    Force,
}

/// What came of an unlock.
#[derive(Debug)]
#[must_use]
pub enum Unlocked {
    /// The name is free.
    Done {
        /// It took effect, but could not be logged.
        unlogged: Option<StoreError>,
        /// It took effect, but a power cut may undo it.
        unsynced: Option<StoreError>,
    },
    /// It was free before.
    NotFound,
    /// It is another's.
    NotYours(Box<Record>),
    /// A guard lives, or what is left of it; its processes have the lock, not its owner's commands.
    GuardLives {
        /// The guard's process, where it is known.
        pid: Option<i32>,
        /// Whether that process lives.
        supervisor: Liveness,
    },
    /// Nothing proves that it is stale.
    NotStale {
        /// The record, where there is one.
        record: Option<Box<Record>>,
        /// How it is held.
        holding: Option<Holding>,
    },
    /// It is held, but by none of the acquisitions that were meant.
    OtherFence(Option<Box<Record>>),
}

/// Frees a name, as far as the caller may and is willing to.
///
/// # Errors
/// [`OperationError`] when the state cannot be made out or changed. [`Might::Force`] also frees a name whose
/// record is corrupted or of a newer version, [`Might::Stale`] a corrupted one.
pub fn unlock<S: Store>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    might: Might,
) -> Result<Unlocked, OperationError> {
    unlock_any(store, name, caller, (might, None))
}

/// Frees a name of the acquisitions with these fences, as far as the caller may and is willing to. An acquisition that
/// came after the caller looked has another fence, and is left as it is: fences are compared in the section in which
/// the record is changed. Of several holders, the others stay.
///
/// # Errors
/// As [`unlock`], and where the fence of what stands there cannot be read.
pub fn unlock_only<S: Store>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    might: Might,
    only: &[Fence],
) -> Result<Unlocked, OperationError> {
    unlock_any(store, name, caller, (might, Some(only)))
}

fn unlock_any<S: Store>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    (might, only): (Might, Option<&[Fence]>),
) -> Result<Unlocked, OperationError> {
    let mut section = store.section(name)?;
    let slot = section.store().peek(name, RecordKind::Lock);
    let inside = entered(section.store(), name)?;
    let seen = Seen { name, slot: &slot, inside: &inside, caller, only };
    if let Some(refused) = seen.refused_for_fence()? {
        return Ok(refused);
    }
    let permission = match might {
        Might::Force => Ok(seen.forced()),
        Might::Stale => seen.stale(section.store())?,
        Might::Own => seen.own(section.store())?,
    };
    match permission {
        Err(refused) => Ok(refused),
        Ok(None) => Ok(Unlocked::NotFound),
        Ok(Some(breaking)) => {
            let inside = if might == Might::Force { seen.inside_of(&breaking) } else { Vec::new() };
            break_open(&mut section, caller, &slot, (&breaking, &inside))
        }
    }
}

/// What is to be taken off a name.
struct Breaking {
    /// The holders that lose it, and what that is called.
    holders: Vec<(EventKind, Record)>,
    /// The record of those who keep it.
    rest: Option<Record>,
    /// How it is called where there is no record to read.
    kind: EventKind,
}

/// What may be taken off, or why nothing may. `None`: there is nothing to unlock.
type Permission = Result<Option<Breaking>, Unlocked>;

/// What one who unlocks sees in the section.
struct Seen<'a> {
    name: &'a LockName,
    slot: &'a Slot,
    inside: &'a [Place],
    caller: &'a Caller,
    /// The fences of the acquisitions that are meant, where not all are.
    only: Option<&'a [Fence]>,
}

impl Seen<'_> {
    fn is_meant(&self, holder: &Record) -> bool {
        self.only.is_none_or(|only| holder.fence.is_some_and(|fence| only.contains(&fence)))
    }

    /// The refusal where the name is held, but by no acquisition that is meant.
    fn refused_for_fence(&self) -> Result<Option<Unlocked>, OperationError> {
        if self.only.is_none() {
            return Ok(None);
        }
        let record = readable(self.slot.clone(), "lock", self.name)?;
        let refused = match record {
            Some(record) if !record.holders().any(|it| self.is_meant(it)) => {
                Some(Unlocked::OtherFence(Some(Box::new(record))))
            }
            // A guard whose record was deleted keeps its lock, but nothing tells its fence.
            None if !self.inside.is_empty() => Some(Unlocked::OtherFence(None)),
            _ => None,
        };
        Ok(refused)
    }

    /// The tickets of those that lose the name. All that are in a lock of one holder are in through that holder.
    fn inside_of(&self, breaking: &Breaking) -> Vec<Place> {
        let exclusive = self.slot.record().is_none_or(|it| it.mode == Mode::Exclusive);
        let loses = |place: &&Place| {
            let mut losers = breaking.holders.iter();
            self.only.is_none() || exclusive || losers.any(|(_, it)| it.is_of(&place.lock_id))
        };
        self.inside.iter().filter(loses).cloned().collect()
    }

    fn forced(&self) -> Option<Breaking> {
        let kind = match self.slot {
            Slot::Absent if self.inside.is_empty() => return None,
            Slot::Corrupted(_) => EventKind::CorruptBreak,
            _ => EventKind::ForceBreak,
        };
        let holders = self.slot.record().cloned().into_iter().flat_map(Record::into_holders);
        let (meant, rest): (Vec<Record>, Vec<Record>) = holders.partition(|it| self.is_meant(it));
        let holders = meant.into_iter().map(|holder| (kind, holder)).collect();
        Some(Breaking { holders, rest: Record::of_holders(rest), kind })
    }

    fn stale<S: Store>(&self, store: &S) -> Result<Permission, OperationError> {
        if let Slot::Corrupted(corruption) = self.slot {
            return Ok(if corruption.may_be_filling() {
                Err(Unlocked::NotStale { record: None, holding: None })
            } else {
                let kind = EventKind::CorruptBreak;
                Ok(Some(Breaking { holders: Vec::new(), rest: None, kind }))
            });
        }
        let Some(record) = readable(self.slot.clone(), "lock", self.name)? else {
            return Ok(Ok(None));
        };
        let (mut gone, mut standing) = (Vec::new(), Vec::new());
        for (holder, verdict) in self.judged(store, record) {
            match verdict {
                Verdict::Held(holding) if !self.is_meant(&holder) => {
                    standing.push((holder, holding))
                }
                Verdict::Stale(why) => gone.push((EventKind::of_staleness(why), holder)),
                Verdict::Held(Holding::Abandoned) => gone.push((EventKind::StaleBreak, holder)),
                Verdict::Held(holding) => standing.push((holder, holding)),
            }
        }
        if gone.is_empty() {
            let (record, holding) = standing.into_iter().next().unzip();
            return Ok(Err(Unlocked::NotStale { record: record.map(Box::new), holding }));
        }
        let rest = Record::of_holders(standing.into_iter().map(|(holder, _)| holder));
        Ok(Ok(Some(Breaking { holders: gone, rest, kind: EventKind::StaleBreak })))
    }

    fn own<S: Store>(&self, store: &S) -> Result<Permission, OperationError> {
        let Some(record) = readable(self.slot.clone(), "lock", self.name)? else {
            // A guard whose record was deleted keeps its lock.
            let lives = self.inside.first().map(|place| self.guard_lives(store, place));
            return Ok(lives.map_or(Ok(None), Err));
        };
        let expired = |verdict| verdict == Verdict::Stale(Staleness::Expired);
        let judged = self.judged(store, record.clone());
        let (first, held) = (judged.first().cloned(), judged.into_iter());
        let held: Vec<(Record, Verdict)> = held.filter(|(_, it)| !expired(*it)).collect();
        let is_mine = |it: &Record| self.caller.identity.owns(it) && self.is_meant(it);
        let mine: Vec<&(Record, Verdict)> =
            held.iter().filter(|(holder, _)| is_mine(holder)).collect();
        // Of several that are mine, a lease is what can be given back.
        let is_guard = |(holder, _): &&&(Record, Verdict)| holder.hold == Some(Hold::Guard);
        let chosen = mine.iter().find(|it| !is_guard(it)).or(mine.first());
        let Some((holder, verdict)) = chosen.copied() else {
            let others = held.first().or(first.as_ref()).filter(|(_, it)| !expired(*it));
            return Ok(match others {
                Some((other, _)) => Err(Unlocked::NotYours(Box::new(other.clone()))),
                None => Ok(None),
            });
        };
        if let Some(refused) = self.refused_for_guard(store, holder, *verdict) {
            return Ok(Err(refused));
        }
        let rest = match &holder.lock_id {
            Some(id) => record.without(id),
            None => None,
        };
        let holders = vec![(EventKind::Release, holder.clone())];
        Ok(Ok(Some(Breaking { holders, rest, kind: EventKind::Release })))
    }

    /// The refusal where a guard keeps its owner from giving a lock back: the holder itself, or one that runs
    /// under it.
    fn refused_for_guard<S: Store>(
        &self,
        store: &S,
        holder: &Record,
        verdict: Verdict,
    ) -> Option<Unlocked> {
        if holder.hold == Some(Hold::Guard) {
            let supervisor = match verdict {
                Verdict::Stale(_) => return None,
                Verdict::Held(Holding::Orphaned) => Liveness::Dead,
                Verdict::Held(_) => Liveness::Alive,
            };
            return Some(Unlocked::GuardLives { pid: holder.pid, supervisor });
        }
        // Beside a lease that others share, guards are in on their own account.
        let under = self.inside.first().filter(|_| holder.mode == Mode::Exclusive)?;
        Some(self.guard_lives(store, under))
    }

    fn guard_lives<S: Store>(&self, store: &S, place: &Place) -> Unlocked {
        let pid = store.ticket_text(self.name, place).map(|text| text.pid);
        // A ticket does not say in which pid namespace its pid has a meaning: that it is not here proves nothing.
        let is_here = pid.is_none_or(|pid| sys::probe(pid) != Presence::Absent);
        let supervisor = if is_here { Liveness::Alive } else { Liveness::Unknown };
        Unlocked::GuardLives { pid, supervisor }
    }

    fn judged<S: Store>(&self, store: &S, record: Record) -> Vec<(Record, Verdict)> {
        let judge_one = |holder: Record| {
            let verdict = judge(&holder, &StoreWitness::new(store, self.name, self.caller));
            (holder, verdict)
        };
        record.into_holders().into_iter().map(judge_one).collect()
    }
}

/// Takes holders off a name, and by force the tickets of the guards that are in: their processes keep them
/// locked, but nobody finds them any more, and who waits for them is woken.
fn break_open<C: Section>(
    section: &mut C,
    caller: &Caller,
    slot: &Slot,
    (breaking, inside): (&Breaking, &[Place]),
) -> Result<Unlocked, OperationError> {
    let name = section.name().clone();
    let unsynced = match take_off(section, slot, breaking) {
        Ok(true) => None,
        Ok(false) => {
            // What could not be read before can be now: it was not replaced, only not seen.
            unread(slot, "lock", &name)?;
            let record = section.store().peek(&name, RecordKind::Lock).into_record().map(Box::new);
            return Ok(Unlocked::NotStale { record, holding: None });
        }
        Err(error) => Some(unless_it_stands(section, RecordKind::Lock, error)?),
    };
    let mut unlogged = None;
    for event in events(&name, caller, breaking) {
        unlogged = section.store().log(&event, Durability::Synced).err().or(unlogged);
    }
    for place in inside {
        section.drop_place(place)?;
    }
    Ok(Unlocked::Done { unlogged, unsynced })
}

/// The error of a removal that took effect: what was given back stays so. One that did not is the caller's
/// error.
pub(super) fn unless_it_stands<C: Section>(
    section: &C,
    kind: RecordKind,
    error: StoreError,
) -> Result<StoreError, StoreError> {
    match section.store().peek(section.name(), kind) {
        Slot::Absent => Ok(error),
        _ => Err(error),
    }
}

/// Whether the record could be changed: not, where another program has put its own in place.
fn take_off<C: Section>(
    section: &mut C,
    slot: &Slot,
    breaking: &Breaking,
) -> Result<bool, StoreError> {
    Ok(match &breaking.rest {
        None => section.remove(RecordKind::Lock, slot, Durability::Synced)? == Removed::Done,
        Some(rest) => {
            section.put(RecordKind::Lock, rest, Put::Over, Durability::Synced)? == Placed::Done
        }
    })
}

fn events(name: &LockName, caller: &Caller, breaking: &Breaking) -> Vec<Event> {
    let of_holder = |(kind, holder): &(EventKind, Record)| {
        let event = Event::new(*kind, name, caller).about(holder);
        if *kind == EventKind::Release { event } else { event.with_holder(holder) }
    };
    if breaking.holders.is_empty() {
        return vec![Event::new(breaking.kind, name, caller)];
    }
    breaking.holders.iter().map(of_holder).collect()
}
