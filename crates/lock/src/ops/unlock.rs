use super::{
    LockOperationError,
    snapshot::{LazyLockVerdictFacts, entered, readable, unread},
    unlocked_guards::{UnlockedGuard, unlocked_guards},
};
use crate::{
    audit::{AuditEvent, AuditEventKind},
    caller::Caller,
    record::{HoldKind, LockRecord, RecordSlot},
    rules::{HoldState, Liveness, LockRecordVerdict, QueuePlace, StalenessCause, judge},
    store::{
        Durability, LockRecordKind, LockStore, LockStoreError, NameReader, NameSection,
        RecordPutMode, RecordPutOutcome, RecordRemoveOutcome,
    },
    sys,
    words::{Fence, LockMode, LockName, ProcessPresence},
};

/// How much an unlocking caller is willing to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlockForce {
    /// Nothing: give back only the caller's own lock.
    Own,
    /// What is provably stale, abandoned or corrupted.
    Stale,
    /// Anything.
    Force,
}

/// The outcome of an unlock.
#[derive(Debug)]
#[must_use]
pub enum UnlockOutcome {
    /// The name is free.
    Done {
        /// The guards that held it, or ran under it, and have lost it.
        guards: Vec<UnlockedGuard>,
        /// It took effect, but could not be logged.
        unlogged: Option<LockStoreError>,
        /// It took effect, but a power cut may undo it.
        unsynced: Option<LockStoreError>,
    },
    /// It was free before.
    NotFound,
    /// It is another's.
    NotYours(Box<LockRecord>),
    /// A guard lives, or what is left of it; its processes have the lock, not its owner's commands.
    GuardLives {
        /// The guard's process, where it is known.
        pid: Option<i32>,
        /// Whether that process lives.
        supervisor: Liveness,
        /// Whether it is a guard of the caller.
        is_mine: bool,
    },
    /// Nothing proves that it is stale.
    NotStale {
        /// The record, where there is one.
        record: Option<Box<LockRecord>>,
        /// How it is held.
        holding: Option<HoldState>,
    },
    /// It is held, but by none of the acquisitions that were meant.
    OtherFence(Option<Box<LockRecord>>),
}

/// Frees a name, as far as the caller may and is willing to.
///
/// # Errors
/// [`LockOperationError`] when the state cannot be read or changed. [`UnlockForce::Force`] also frees a name whose
/// record is corrupted or of a newer version, [`UnlockForce::Stale`] a corrupted one.
pub fn unlock<S: LockStore>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    might: UnlockForce,
) -> Result<UnlockOutcome, LockOperationError> {
    unlock_any(store, name, caller, (might, None))
}

/// Frees a name of the acquisitions with these fences, as far as the caller may and is willing to. An acquisition that
/// came after the caller looked has another fence, and is left as it is: fences are compared in the section in which
/// the record is changed. Of several holders, the others stay.
///
/// # Errors
/// As [`unlock`], and where the fence of the record there cannot be read.
pub fn unlock_only<S: LockStore>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    might: UnlockForce,
    only: &[Fence],
) -> Result<UnlockOutcome, LockOperationError> {
    unlock_any(store, name, caller, (might, Some(only)))
}

fn unlock_any<S: LockStore>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    (might, only): (UnlockForce, Option<&[Fence]>),
) -> Result<UnlockOutcome, LockOperationError> {
    store.within(name, |section| unlock_within(section, caller, (might, only)))
}

fn unlock_within<C: NameSection>(
    section: &mut C,
    caller: &Caller,
    (might, only): (UnlockForce, Option<&[Fence]>),
) -> Result<UnlockOutcome, LockOperationError> {
    let name = section.name().clone();
    let slot = section.slot(LockRecordKind::Lock);
    let inside = entered(section)?;
    let seen = UnlockCheck { name: &name, slot: &slot, inside: &inside, caller, only };
    if let Some(refused) = seen.refused_for_fence()? {
        return Ok(refused);
    }
    let permission = match might {
        UnlockForce::Force => Ok(seen.forced()),
        UnlockForce::Stale => seen.stale(section)?,
        UnlockForce::Own => seen.own(section)?,
    };
    match permission {
        Err(refused) => Ok(refused),
        Ok(None) => Ok(UnlockOutcome::NotFound),
        Ok(Some(breaking)) => {
            let inside =
                if might == UnlockForce::Force { seen.inside_of(&breaking) } else { Vec::new() };
            break_open(section, caller, &slot, (&breaking, &inside))
        }
    }
}

/// What is to be taken off a name.
struct UnlockPlan {
    /// The holders that lose it, and what that is called.
    holders: Vec<(AuditEventKind, LockRecord)>,
    /// The record of the holders that keep it.
    rest: Option<LockRecord>,
    /// How it is called where there is no record to read.
    kind: AuditEventKind,
}

/// What may be taken off, or why nothing may. `None`: there is nothing to unlock.
type UnlockPlanOutcome = Result<Option<UnlockPlan>, UnlockOutcome>;

/// What an unlocking caller sees in the section.
struct UnlockCheck<'a> {
    name: &'a LockName,
    slot: &'a RecordSlot,
    inside: &'a [QueuePlace],
    caller: &'a Caller,
    /// The fences of the acquisitions that are meant, where not all are.
    only: Option<&'a [Fence]>,
}

impl UnlockCheck<'_> {
    fn is_meant(&self, holder: &LockRecord) -> bool {
        self.only.is_none_or(|only| holder.fence.is_some_and(|fence| only.contains(&fence)))
    }

    /// The refusal where the name is held, but by no acquisition that is meant.
    fn refused_for_fence(&self) -> Result<Option<UnlockOutcome>, LockOperationError> {
        if self.only.is_none() {
            return Ok(None);
        }
        let record = readable(self.slot.clone(), "lock", self.name)?;
        let refused = match record {
            Some(record) if !record.holders().any(|it| self.is_meant(it)) => {
                Some(UnlockOutcome::OtherFence(Some(Box::new(record))))
            }
            // A guard whose record was deleted keeps its lock, but nothing shows its fence.
            None if !self.inside.is_empty() => Some(UnlockOutcome::OtherFence(None)),
            _ => None,
        };
        Ok(refused)
    }

    /// The tickets of those that lose the name. All that are in a lock of one holder are in through that holder.
    fn inside_of(&self, breaking: &UnlockPlan) -> Vec<QueuePlace> {
        let exclusive = self.slot.record().is_none_or(|it| it.mode == LockMode::Exclusive);
        let loses = |place: &&QueuePlace| {
            let mut losers = breaking.holders.iter();
            self.only.is_none() || exclusive || losers.any(|(_, it)| it.is_of(&place.lock_id))
        };
        self.inside.iter().filter(loses).cloned().collect()
    }

    fn forced(&self) -> Option<UnlockPlan> {
        let kind = match self.slot {
            RecordSlot::Absent if self.inside.is_empty() => return None,
            RecordSlot::Corrupted(_) => AuditEventKind::CorruptBreak,
            _ => AuditEventKind::ForceBreak,
        };
        let holders = self.slot.record().cloned().into_iter().flat_map(LockRecord::into_holders);
        let (meant, rest): (Vec<LockRecord>, Vec<LockRecord>) =
            holders.partition(|it| self.is_meant(it));
        let holders = meant.into_iter().map(|holder| (kind, holder)).collect();
        Some(UnlockPlan { holders, rest: LockRecord::of_holders(rest), kind })
    }

    fn stale<R: NameReader>(&self, reader: &R) -> Result<UnlockPlanOutcome, LockOperationError> {
        if let RecordSlot::Corrupted(corruption) = self.slot {
            return Ok(if corruption.may_be_filling() {
                Err(UnlockOutcome::NotStale { record: None, holding: None })
            } else {
                let kind = AuditEventKind::CorruptBreak;
                Ok(Some(UnlockPlan { holders: Vec::new(), rest: None, kind }))
            });
        }
        let Some(record) = readable(self.slot.clone(), "lock", self.name)? else {
            return Ok(Ok(None));
        };
        let (mut gone, mut standing) = (Vec::new(), Vec::new());
        for (holder, verdict) in self.judged(reader, record) {
            match verdict {
                LockRecordVerdict::Held(holding) if !self.is_meant(&holder) => {
                    standing.push((holder, holding));
                }
                LockRecordVerdict::Stale(why) => {
                    gone.push((AuditEventKind::of_staleness(why), holder));
                }
                LockRecordVerdict::Held(HoldState::Abandoned) => {
                    gone.push((AuditEventKind::StaleBreak, holder));
                }
                LockRecordVerdict::Held(holding) => standing.push((holder, holding)),
            }
        }
        if gone.is_empty() {
            let (record, holding) = standing.into_iter().next().unzip();
            return Ok(Err(UnlockOutcome::NotStale { record: record.map(Box::new), holding }));
        }
        let rest = LockRecord::of_holders(standing.into_iter().map(|(holder, _)| holder));
        Ok(Ok(Some(UnlockPlan { holders: gone, rest, kind: AuditEventKind::StaleBreak })))
    }

    fn own<R: NameReader>(&self, reader: &R) -> Result<UnlockPlanOutcome, LockOperationError> {
        let Some(record) = readable(self.slot.clone(), "lock", self.name)? else {
            // A guard whose record was deleted keeps its lock.
            let lives = self.inside.first().map(|place| self.guard_lives(reader, place));
            return Ok(lives.map_or(Ok(None), Err));
        };
        let expired = |verdict| verdict == LockRecordVerdict::Stale(StalenessCause::Expired);
        let judged = self.judged(reader, record.clone());
        let (first, held) = (judged.first().cloned(), judged.into_iter());
        let held: Vec<(LockRecord, LockRecordVerdict)> =
            held.filter(|(_, it)| !expired(*it)).collect();
        let is_mine = |it: &LockRecord| self.caller.identity.owns(it) && self.is_meant(it);
        let mine: Vec<&(LockRecord, LockRecordVerdict)> =
            held.iter().filter(|(holder, _)| is_mine(holder)).collect();
        // Of several that are the caller's own, a lease is what can be given back.
        let is_guard =
            |(holder, _): &&&(LockRecord, LockRecordVerdict)| holder.hold == Some(HoldKind::Guard);
        let chosen = mine.iter().find(|it| !is_guard(it)).or(mine.first());
        let Some((holder, verdict)) = chosen.copied() else {
            let others = held.first().or(first.as_ref()).filter(|(_, it)| !expired(*it));
            return Ok(match others {
                Some((other, _)) => Err(UnlockOutcome::NotYours(Box::new(other.clone()))),
                None => Ok(None),
            });
        };
        if let Some(refused) = self.refused_for_guard(reader, holder, *verdict) {
            return Ok(Err(refused));
        }
        let rest = match &holder.lock_id {
            Some(id) => record.without(id),
            None => None,
        };
        let holders = vec![(AuditEventKind::Release, holder.clone())];
        Ok(Ok(Some(UnlockPlan { holders, rest, kind: AuditEventKind::Release })))
    }

    /// The refusal where a guard keeps its owner from giving a lock back: the holder itself, or one that runs
    /// under it.
    fn refused_for_guard<R: NameReader>(
        &self,
        reader: &R,
        holder: &LockRecord,
        verdict: LockRecordVerdict,
    ) -> Option<UnlockOutcome> {
        if holder.hold == Some(HoldKind::Guard) {
            let supervisor = match verdict {
                LockRecordVerdict::Stale(_) => return None,
                LockRecordVerdict::Held(HoldState::Orphaned) => Liveness::Dead,
                LockRecordVerdict::Held(_) => Liveness::Alive,
            };
            return Some(UnlockOutcome::GuardLives { pid: holder.pid, supervisor, is_mine: true });
        }
        // Beside a lease that others share, guards are in on their own account.
        let under = self.inside.first().filter(|_| holder.mode == LockMode::Exclusive)?;
        Some(self.guard_lives(reader, under))
    }

    fn guard_lives<R: NameReader>(&self, reader: &R, place: &QueuePlace) -> UnlockOutcome {
        let text = reader.ticket_text(place);
        let pid = text.as_ref().map(|text| text.pid);
        let me = &self.caller.identity;
        let guard = text.and_then(|text| text.identity());
        let is_mine = guard.is_some_and(|it| me.is(&it.owner, Some(&it.agent)));
        // A ticket does not say in which pid namespace its pid has a meaning: that it is not here proves nothing.
        let is_here = pid.is_none_or(|pid| sys::probe(pid) != ProcessPresence::Absent);
        let supervisor = if is_here { Liveness::Alive } else { Liveness::Unknown };
        UnlockOutcome::GuardLives { pid, supervisor, is_mine }
    }

    fn judged<R: NameReader>(
        &self,
        reader: &R,
        record: LockRecord,
    ) -> Vec<(LockRecord, LockRecordVerdict)> {
        let judge_one = |holder: LockRecord| {
            let verdict = judge(&holder, &LazyLockVerdictFacts::new(reader, self.caller));
            (holder, verdict)
        };
        record.into_holders().into_iter().map(judge_one).collect()
    }
}

/// Takes holders off a name, and by force the tickets of the guards that are in: their processes keep them
/// locked, but no caller finds them any more, and their waiters are woken.
fn break_open<C: NameSection>(
    section: &mut C,
    caller: &Caller,
    slot: &RecordSlot,
    (breaking, inside): (&UnlockPlan, &[QueuePlace]),
) -> Result<UnlockOutcome, LockOperationError> {
    let name = section.name().clone();
    let unsynced = match take_off(section, slot, breaking) {
        Ok(true) => None,
        Ok(false) => {
            // What could not be read before can be now: it was not replaced, only not seen.
            unread(slot, "lock", &name)?;
            let record = section.slot(LockRecordKind::Lock).into_record().map(Box::new);
            return Ok(UnlockOutcome::NotStale { record, holding: None });
        }
        Err(error) => Some(unless_it_stands(section, LockRecordKind::Lock, error)?),
    };
    let holders: Vec<&LockRecord> = breaking.holders.iter().map(|(_, holder)| holder).collect();
    let guards = unlocked_guards(section, caller, &holders, inside);
    let mut unlogged = None;
    for event in events(&name, caller, breaking) {
        unlogged = section.log(&event, Durability::Synced).err().or(unlogged);
    }
    for place in inside {
        section.drop_place(place)?;
    }
    Ok(UnlockOutcome::Done { guards, unlogged, unsynced })
}

/// The error of a removal that took effect: what was given back stays so. One that did not is the caller's
/// error.
pub(super) fn unless_it_stands<C: NameSection>(
    section: &C,
    kind: LockRecordKind,
    error: LockStoreError,
) -> Result<LockStoreError, LockStoreError> {
    match section.slot(kind) {
        RecordSlot::Absent => Ok(error),
        _ => Err(error),
    }
}

/// Whether the record could be changed: not, where another program has put its own in place.
fn take_off<C: NameSection>(
    section: &mut C,
    slot: &RecordSlot,
    breaking: &UnlockPlan,
) -> Result<bool, LockStoreError> {
    Ok(match &breaking.rest {
        None => {
            section.remove(LockRecordKind::Lock, slot, Durability::Synced)?
                == RecordRemoveOutcome::Done
        }
        Some(rest) => {
            section.put(LockRecordKind::Lock, rest, RecordPutMode::Over, Durability::Synced)?
                == RecordPutOutcome::Done
        }
    })
}

fn events(name: &LockName, caller: &Caller, breaking: &UnlockPlan) -> Vec<AuditEvent> {
    let of_holder = |(kind, holder): &(AuditEventKind, LockRecord)| {
        let event = AuditEvent::new(*kind, name, caller).about(holder);
        if *kind == AuditEventKind::Release { event } else { event.with_holder(holder) }
    };
    if breaking.holders.is_empty() {
        return vec![AuditEvent::new(breaking.kind, name, caller)];
    }
    breaking.holders.iter().map(of_holder).collect()
}
