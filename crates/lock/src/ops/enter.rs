use super::{
    LockGrant, LockGrantKind, LockOperationError, LockRequest, acquire::StoreTicket, lifetime,
};
use crate::{
    audit::{AuditEvent, AuditEventKind},
    record::{HoldKind, LockRecord, RecordSlot},
    rules::{LockAdmissionPlan, QueuePlace, RequestedGuardOrLease, StaleHolder},
    store::{
        Durability, LockRecordKind, LockStore, LockStoreError, NameSection, RecordPutMode,
        RecordPutOutcome, RecordRemoveOutcome, Ticket,
    },
    words::{Fence, LockMode, Timestamp},
};
use std::time::Duration;

/// The moment in which a caller may enter: the section, the request, and the line as it is.
pub(super) struct AcquireAttempt<'a, C> {
    pub(super) section: &'a mut C,
    pub(super) request: &'a LockRequest<'a>,
    pub(super) line: &'a [QueuePlace],
}

impl<C: NameSection> AcquireAttempt<'_, C> {
    /// Makes a decision to enter so. `None` where another program was faster.
    ///
    /// The grant has a ticket only if one was drawn here. A ticket with which the caller waited stays with the caller
    /// until the section is over.
    pub(super) fn enter(
        &mut self,
        waiting: Option<&mut StoreTicket<C>>,
        how: LockAdmissionPlan,
        slot: &RecordSlot,
    ) -> Result<Option<LockGrant<StoreTicket<C>>>, LockOperationError> {
        match how {
            LockAdmissionPlan::Renewing(lease) => self.renew(&lease, slot).map(Some),
            LockAdmissionPlan::UnderLease(record) => {
                self.enter_under(record, waiting, LockGrantKind::UnderLease).map(Some)
            }
            LockAdmissionPlan::Nested(record) => {
                self.enter_under(record, waiting, LockGrantKind::Nested).map(Some)
            }
            LockAdmissionPlan::Fresh => self.take(waiting, LiveAndStaleHolders::Departed(&[])),
            LockAdmissionPlan::Replacing(gone) if self.clear_away(slot, &gone)? => {
                self.take(waiting, LiveAndStaleHolders::Departed(&gone))
            }
            LockAdmissionPlan::Replacing(_) => Ok(None),
            LockAdmissionPlan::Joining(record, gone) => {
                self.take(waiting, LiveAndStaleHolders::Others(&record, &gone))
            }
        }
    }

    /// Draws a ticket at the end of the line.
    pub(super) fn draw(&mut self, entered: bool) -> Result<StoreTicket<C>, LockOperationError> {
        let id = self.section.store().new_id()?;
        let place =
            QueuePlace { entered, ..QueuePlace::at_end_of(self.line, id, self.request.mode) };
        Ok(self.section.enqueue(place, &self.request.ticket_text())?)
    }

    /// Takes a name that nothing stands on, or a place beside others.
    ///
    /// The ticket comes before the record: a reader that finds a guard's record must find its ticket
    /// alive. Whatever fails here takes back what was done before it.
    fn take(
        &mut self,
        waiting: Option<&mut StoreTicket<C>>,
        beside: LiveAndStaleHolders<'_>,
    ) -> Result<Option<LockGrant<StoreTicket<C>>>, LockOperationError> {
        let now = self.section.store().now();
        let waited = waiting.as_deref().and_then(|ticket| self.waited(ticket, now));
        let fence = self.section.next_fence(beside.fence(), now)?;
        let mut drawn = match (self.request.purpose(), &waiting) {
            (RequestedGuardOrLease::Guard, None) => Some(self.draw(true)?),
            _ => None,
        };
        let id = match drawn.as_ref().or(waiting.as_deref()) {
            Some(ticket) => ticket.place().lock_id.clone(),
            None => self.section.store().new_id()?,
        };
        let record = Box::new(self.request.record(&id, fence, now));
        let placed = self.put_beside(&record, beside);
        if !matches!(placed, Ok(RecordPutOutcome::Done)) {
            if let Some(ticket) = &mut drawn {
                self.section.withdraw(ticket);
            }
            return placed.map(|_| None).map_err(LockOperationError::from);
        }
        self.finish(drawn.as_mut().or(waiting), (&record, waited), beside)?;
        Ok(Some(LockGrant::new(record, drawn, LockGrantKind::Taken)))
    }

    fn put_beside(
        &mut self,
        record: &LockRecord,
        beside: LiveAndStaleHolders<'_>,
    ) -> Result<RecordPutOutcome, LockStoreError> {
        let (put, whole) = match beside {
            LiveAndStaleHolders::Departed(_) => (RecordPutMode::New, Some(record.clone())),
            LiveAndStaleHolders::Others(others, _) => {
                (RecordPutMode::Over, LockRecord::of_holders([others.clone(), record.clone()]))
            }
        };
        let whole = whole.as_ref().unwrap_or(record);
        self.section.put(LockRecordKind::Lock, whole, put, durability_of(whole))
    }

    /// Marks the ticket and logs. A failure gives the lock back: the caller does not learn that it had it.
    fn finish(
        &mut self,
        mut ticket: Option<&mut StoreTicket<C>>,
        (record, waited): (&LockRecord, Option<Duration>),
        beside: LiveAndStaleHolders<'_>,
    ) -> Result<(), LockOperationError> {
        let marked = match (&mut ticket, self.request.purpose()) {
            (Some(ticket), RequestedGuardOrLease::Guard) if !ticket.place().entered => {
                self.section.enter(ticket)
            }
            _ => Ok(()),
        };
        let logged = marked
            .and_then(|()| match beside {
                LiveAndStaleHolders::Departed(_) => Ok(()),
                LiveAndStaleHolders::Others(_, gone) => self.log_gone(gone),
            })
            .map_err(LockOperationError::from)
            .and_then(|()| self.log(record, None, waited));
        if logged.is_err() {
            self.take_back(record, beside);
        }
        // A lease lives by its record; the place in the queue was only for waiting.
        let is_lease = self.request.purpose() == RequestedGuardOrLease::Lease;
        if let Some(ticket) = ticket.filter(|_| logged.is_err() || is_lease) {
            self.section.withdraw(ticket);
        }
        logged
    }

    /// Undoes what [`put_beside`](Self::put_beside) did. There is a first failure already, which is the one
    /// to tell of.
    fn take_back(&mut self, record: &LockRecord, beside: LiveAndStaleHolders<'_>) {
        match beside {
            LiveAndStaleHolders::Departed(_) => {
                let slot = RecordSlot::Record(Box::new(record.clone()));
                let _ = self.section.remove(LockRecordKind::Lock, &slot, durability_of(record));
            }
            LiveAndStaleHolders::Others(others, _) => drop(self.put_over(others)),
        }
    }

    /// Enters under the caller's own lease, or inside the caller's own guard: a ticket, and the record as it
    /// stands.
    fn enter_under(
        &mut self,
        record: Box<LockRecord>,
        mut waiting: Option<&mut StoreTicket<C>>,
        kind: LockGrantKind,
    ) -> Result<LockGrant<StoreTicket<C>>, LockOperationError> {
        let now = self.section.store().now();
        let waited = waiting.as_deref().and_then(|ticket| self.waited(ticket, now));
        let mut drawn = match &mut waiting {
            None => Some(self.draw(true)?),
            Some(ticket) => {
                self.section.enter(ticket)?;
                None
            }
        };
        let logged = self.log(&record, kind.note(), waited);
        if logged.is_err() {
            drawn.iter_mut().chain(waiting).for_each(|ticket| self.section.withdraw(ticket));
        }
        logged.map(|()| LockGrant::new(record, drawn, kind))
    }

    /// Renews the caller's own lease: a new life, and new metadata where some is given. The acquisition
    /// stays the same one, with its id and its fence.
    fn renew(
        &mut self,
        lease: &LockRecord,
        slot: &RecordSlot,
    ) -> Result<LockGrant<StoreTicket<C>>, LockOperationError> {
        let request = self.request;
        let mut renewed = lease.clone();
        if renewed.lock_id.is_none() {
            // Another program made it. From now on, the caller's record must differ from any that may come in
            // its place.
            renewed.lock_id = Some(self.section.store().new_id()?);
        }
        let ttl = request.ttl.or_else(|| lifetime(lease));
        renewed.renew(ttl, self.section.store().now());
        if request.metadata.is_some() {
            renewed.metadata.clone_from(&request.metadata);
        } else {
            // The caller asked for the name of a result: it belongs to the caller now, and to no later result.
            renewed.unmark_as_result();
        }
        match request.hold {
            HoldKind::Process => request.name_process(&mut renewed, HoldKind::Process),
            // For people: the process that called last.
            _ if lease.hold == Some(HoldKind::Lease) => {
                request.name_process(&mut renewed, HoldKind::Lease);
            }
            // What another program or another request tied to a process stays tied to it.
            _ => {}
        }
        let before = slot.record().unwrap_or(lease);
        self.put_over(&replaced(before, lease, &renewed))?;
        let event =
            AuditEvent::new(AuditEventKind::Renew, request.name, request.caller).about(&renewed);
        if let Err(error) = self.section.log(&event, Durability::Synced) {
            // What cannot be logged does not happen. The first failure is the one to tell of.
            let _ = self.put_over(before);
            return Err(error.into());
        }
        let record = Box::new(renewed);
        let previous_end = lease.expiry();
        Ok(LockGrant { previous_end, ..LockGrant::new(record, None, LockGrantKind::Renewed) })
    }

    /// Replaces a record that the caller may change: nothing can be in the way of that.
    fn put_over(&mut self, record: &LockRecord) -> Result<(), LockStoreError> {
        let durability = durability_of(record);
        self.section.put(LockRecordKind::Lock, record, RecordPutMode::Over, durability).map(|_| ())
    }

    /// Removes a stale record, and says so in the log. False if another record is in its place.
    fn clear_away(
        &mut self,
        slot: &RecordSlot,
        gone: &[StaleHolder],
    ) -> Result<bool, LockOperationError> {
        if self.section.remove(LockRecordKind::Lock, slot, Durability::Volatile)?
            == RecordRemoveOutcome::Replaced
        {
            return Ok(false);
        }
        if gone.is_empty() {
            let kind = AuditEventKind::CorruptBreak;
            let event = AuditEvent::new(kind, self.request.name, self.request.caller);
            self.section.log(&event, Durability::Volatile)?;
        }
        self.log_gone(gone)?;
        Ok(true)
    }

    /// Logs the holders that ended without giving their locks back.
    fn log_gone(&mut self, gone: &[StaleHolder]) -> Result<(), LockStoreError> {
        let LockRequest { name, caller, .. } = *self.request;
        gone.iter().try_for_each(|StaleHolder { holder, why }| {
            let kind = AuditEventKind::of_staleness(*why);
            let event = AuditEvent::new(kind, name, caller).about(holder).with_holder(holder);
            self.section.log(&event, Durability::Volatile)
        })
    }

    /// How long the caller has stood in the queue, by what its ticket says of its arrival.
    fn waited(&self, ticket: &StoreTicket<C>, now: Timestamp) -> Option<Duration> {
        let text = self.section.ticket_text(ticket.place())?;
        Some(now.since(text.arrived()?))
    }

    fn log(
        &mut self,
        record: &LockRecord,
        note: Option<&str>,
        waited: Option<Duration>,
    ) -> Result<(), LockOperationError> {
        let LockRequest { name, caller, .. } = *self.request;
        let mut event = AuditEvent::new(AuditEventKind::Acquire, name, caller).about(record);
        if let Some(fence) = record.fence {
            event = event.with("fence", fence.get());
        }
        if record.mode != LockMode::Exclusive {
            event = event.with("mode", record.mode.as_str());
        }
        if let Some(note) = note {
            event = event.with(note, true);
        }
        let event = event.waited(waited).running(&self.request.command);
        let durability = match self.request.purpose() {
            RequestedGuardOrLease::Guard => Durability::Volatile,
            RequestedGuardOrLease::Lease => durability_of(record),
        };
        Ok(self.section.log(&event, durability)?)
    }
}

/// What a caller finds when it enters.
#[derive(Clone, Copy)]
enum LiveAndStaleHolders<'a> {
    /// There is no holder; these were there before.
    Departed(&'a [StaleHolder]),
    /// The holders of this record, from which these are to be taken out.
    Others(&'a LockRecord, &'a [StaleHolder]),
}

impl LiveAndStaleHolders<'_> {
    /// The highest fence that the record tells of.
    fn fence(self) -> Fence {
        let (others, gone) = match self {
            LiveAndStaleHolders::Departed(gone) => (None, gone),
            LiveAndStaleHolders::Others(others, gone) => (Some(others), gone),
        };
        let gone = gone.iter().filter_map(|it| it.holder.fence);
        let others = others.into_iter().flat_map(LockRecord::holders).filter_map(|it| it.fence);
        gone.chain(others).max().unwrap_or_default()
    }
}

/// A record in which one holder is replaced.
fn replaced(record: &LockRecord, before: &LockRecord, now: &LockRecord) -> LockRecord {
    let mut whole = record.clone();
    let change = |it: &mut LockRecord| {
        let co_holders = std::mem::take(&mut it.co_holders);
        *it = LockRecord { co_holders, ..now.clone() };
    };
    match &before.lock_id {
        Some(id) if whole.update(id, change) => whole,
        // A record of another program names no acquisition, and knows one holder only.
        _ => now.clone(),
    }
}

/// A guard is gone after a power cut, and with it its lock; a lease is not. A result may be gone, as its content
/// may: then it is made again.
pub(super) fn durability_of(record: &LockRecord) -> Durability {
    if record.has_lease() && record.result().is_none() {
        Durability::Synced
    } else {
        Durability::Volatile
    }
}
