use super::{
    LockOperationError, LockRequest,
    snapshot::{LivenessProbe, freeze_in_force, readable, ticket_in},
};
use crate::{
    record::{HoldKind, LockRecord, RecordSlot},
    rules::{
        HoldRequest, JudgedHolder, Liveness, LockAdmissionInputs, LockOccupancy, LockRecordVerdict,
        LockVerdictFacts, QueueObstacle, QueueObstacleQuery, QueuePlace, RequestedGuardOrLease,
        ahead, around, judge, leased, occupant, passes,
    },
    store::{NameReader, NameSection},
    words::{LockId, LockMode},
};
use std::{cell::RefCell, collections::BTreeMap};

/// What a caller sees in the section: all that admission depends on is found out from here.
///
/// Each ticket is probed at most once. With two probes, a holder that dies in between would count as live in
/// the record and as gone in the queue, and the caller would join a full record.
pub(super) struct LockAdmissionInputReader<'a> {
    request: &'a LockRequest<'a>,
    line: &'a [QueuePlace],
    /// The queue position of the caller.
    mine: Option<u64>,
    slot: &'a RecordSlot,
    /// For each probed ticket (its number, mark and id), whether it lives.
    probed: RefCell<BTreeMap<(u64, bool, &'a str), bool>>,
}

impl<'a> LockAdmissionInputReader<'a> {
    pub(super) fn new(
        request: &'a LockRequest<'a>,
        line: &'a [QueuePlace],
        mine: Option<u64>,
        slot: &'a RecordSlot,
    ) -> Self {
        Self { request, line, mine, slot, probed: RefCell::default() }
    }

    /// Gathers what admission depends on, in the order in which it can settle the decision: a waiter ahead
    /// makes everything else irrelevant, unless the lock is the caller's own lease, or has slots.
    pub(super) fn inputs<C: NameSection>(
        &self,
        section: &mut C,
    ) -> Result<LockAdmissionInputs, LockOperationError> {
        if let RecordSlot::Newer(_) = self.slot {
            readable(self.slot.clone(), "lock", self.request.name)?;
        }
        // Judged once: what stands in one sentence and has expired in the next would pass those in the queue.
        let early = self.slot.record().filter(|record| self.must_be_known_early(record));
        let early = early.map(|record| self.judged(section, record));
        let ahead = self.ahead(section, early.as_deref().unwrap_or_default())?;
        if ahead.is_some() && early.is_none() {
            return Ok(LockAdmissionInputs { occupant: LockOccupancy::Free, freeze: None, ahead });
        }
        let occupant = self.occupant(section, early)?;
        let freeze = freeze_in_force(section)?.map(Box::new);
        Ok(LockAdmissionInputs { occupant, freeze, ahead })
    }

    /// Whether what is ahead in the queue is unknown without the record: it may be a lease of the caller, with which
    /// it can pass others, or leases may take slots.
    fn must_be_known_early(&self, record: &LockRecord) -> bool {
        self.request.mode.slots().is_some()
            || self.around().is_some()
            || record.holders().any(|holder| may_renew(self.request, holder))
    }

    /// The record's holders, judged.
    fn judged<R: NameReader>(&self, reader: &R, record: &LockRecord) -> Vec<JudgedHolder> {
        let facts = QueueLockVerdictFacts { reader, view: self };
        let holders = record.clone().into_holders().into_iter();
        let judged = holders.map(|holder| {
            let (verdict, mine) = (judge(&holder, &facts), may_renew(self.request, &holder));
            // Under the caller's lease, the guard around it has no separate record.
            let around = self.around().is_some() && (mine || self.runs_under(&holder));
            JudgedHolder { holder, verdict, mine, around }
        });
        judged.collect()
    }

    fn occupant<R: NameReader>(
        &self,
        reader: &R,
        early: Option<Vec<JudgedHolder>>,
    ) -> Result<LockOccupancy, LockOperationError> {
        if let RecordSlot::Corrupted(corruption) = self.slot
            && (corruption.may_be_filling() || corruption.is_provably_free())
        {
            return Ok(LockOccupancy::Corrupted(corruption.clone()));
        }
        let Some(record) = readable(self.slot.clone(), "lock", self.request.name)? else {
            return Ok(LockOccupancy::Free);
        };
        let holders = early.unwrap_or_else(|| self.judged(reader, &record));
        Ok(occupant(holders, self.claim()))
    }

    /// Whether a ticket of the line lives.
    fn lives<R: NameReader>(&self, reader: &R, place: &'a QueuePlace) -> bool {
        let key = (place.number, place.entered, place.lock_id.as_str());
        let probe = || reader.lives(place);
        *self.probed.borrow_mut().entry(key).or_insert_with(probe)
    }

    fn claim(&self) -> HoldRequest {
        HoldRequest { purpose: self.request.purpose(), mode: self.request.mode }
    }

    /// The obstacle in the queue. Dead tickets on the way there are removed.
    ///
    /// Under the caller's own lease, the waiters for that lease are not in its way: they wait for the caller.
    fn ahead<C: NameSection>(
        &self,
        section: &mut C,
        known: &[JudgedHolder],
    ) -> Result<Option<QueueObstacle>, LockOperationError> {
        let stands =
            |it: &&JudgedHolder| it.mine && matches!(it.verdict, LockRecordVerdict::Held(_));
        let exclusive =
            known.iter().find(stands).filter(|it| it.holder.mode == LockMode::Exclusive);
        let my_lease = exclusive.map(|it| &it.holder);
        let outer = self.around().filter(|outer| self.lives(section, outer));
        let mut dead = Vec::new();
        let asker = QueueObstacleQuery {
            line: self.line,
            mine: self.mine,
            mode: self.request.mode,
            leased: leased(known, self.request.mode),
        };
        let found = ahead(asker, |place| {
            let lives = self.lives(section, place);
            if !lives {
                dead.push(place.clone());
            }
            lives
                && !my_lease.is_some_and(|lease| waits_for(section, place, lease))
                && !outer.is_some_and(|outer| self.passes_inside(section, outer, place))
        });
        for place in dead {
            section.drop_place(&place)?;
        }
        Ok(found)
    }

    /// The acquisition of this name that runs around the caller. A lease is no part of it.
    fn around(&self) -> Option<&'a QueuePlace> {
        if self.request.held.is_empty() || self.request.purpose() == RequestedGuardOrLease::Lease {
            return None;
        }
        around(self.line, &self.request.held_ids())
    }

    fn runs_under(&self, holder: &LockRecord) -> bool {
        let id = holder.lock_id.as_ref();
        id.is_some_and(|id| self.request.held.contains(id))
    }

    fn passes_inside<R: NameReader>(
        &self,
        reader: &R,
        outer: &QueuePlace,
        place: &QueuePlace,
    ) -> bool {
        let held = || Some(reader.ticket_text(place)?.held);
        passes(outer, &self.request.held_ids(), place, held)
    }
}

/// Whether a place waits for a lease to end, rather than to work under it.
fn waits_for(reader: &impl NameReader, place: &QueuePlace, lease: &LockRecord) -> bool {
    let identity = || reader.ticket_text(place)?.identity();
    !place.entered && identity().is_some_and(|identity| !identity.owns(lease))
}

/// Whether a standing record is a lease that this request may renew or work under.
///
/// A record of another program does not say whether a guard holds it. Renewing it for its owner is what
/// that program would do; entering beside it is not.
fn may_renew(request: &LockRequest<'_>, record: &LockRecord) -> bool {
    let lease = match record.hold {
        Some(HoldKind::Lease | HoldKind::Process) => true,
        None => request.purpose() == RequestedGuardOrLease::Lease,
        Some(HoldKind::Guard | HoldKind::Other(_)) => false,
    };
    lease && request.caller.identity.owns(record)
}

/// Knows the line already, which is possible only in the section.
struct QueueLockVerdictFacts<'v, 'a, R> {
    reader: &'v R,
    view: &'v LockAdmissionInputReader<'a>,
}

impl<R: NameReader> LockVerdictFacts for QueueLockVerdictFacts<'_, '_, R> {
    fn is_over(&self, record: &LockRecord) -> bool {
        self.reader.is_over(record)
    }

    fn ticket_lives(&self, id: &LockId) -> bool {
        let place = ticket_in(self.view.line, id);
        place.is_some_and(|place| self.view.lives(self.reader, place))
    }

    /// Guards' processes are not asked here: their tickets alone decide, and there may be many.
    fn process(&self, record: &LockRecord) -> Liveness {
        match record.hold {
            Some(HoldKind::Guard) => Liveness::Unknown,
            _ => LivenessProbe::liveness(self.view.request.caller, record),
        }
    }
}
