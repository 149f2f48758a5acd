use super::{Grant, GrantKind, OperationError, Request, acquire::TicketOf, lifetime};
use crate::{
    audit::{Event, EventKind},
    record::{Hold, Record, Slot},
    rules::{Entering, Place, Purpose, Staleness},
    store::{Durability, Placed, Put, RecordKind, Removed, Section, Store, StoreError, Ticket},
    words::{Fence, LockId, Timestamp},
};

/// The moment in which somebody may enter: the section, the request, and the line as it is.
pub(super) struct Turn<'a, C> {
    pub(super) section: &'a mut C,
    pub(super) request: &'a Request<'a>,
    pub(super) line: &'a [Place],
}

impl<C: Section> Turn<'_, C> {
    /// Makes a decision to enter so. `None` where another program was faster.
    pub(super) fn enter(
        &mut self,
        ticket: &mut Option<TicketOf<C>>,
        how: Entering,
        slot: &Slot,
    ) -> Result<Option<Grant<TicketOf<C>>>, OperationError> {
        match how {
            Entering::Renewing(record) => self.renew(record).map(Some),
            Entering::UnderLease(record) => self.enter_under(record, ticket.take()).map(Some),
            Entering::Fresh => self.take(ticket, Fence::default()),
            Entering::Replacing(why) if self.clear_away(slot, why)? => {
                let floor = slot.record().and_then(|record| record.fence).unwrap_or_default();
                self.take(ticket, floor)
            }
            Entering::Replacing(_) => Ok(None),
        }
    }

    /// Draws a ticket at the end of the line.
    pub(super) fn draw(&mut self, entered: bool) -> Result<TicketOf<C>, OperationError> {
        let place = Place::at_end_of(self.line, new_id()?, entered);
        Ok(self.section.enqueue(place, &self.request.ticket_text())?)
    }

    /// Takes a name that nothing stands on.
    ///
    /// The ticket comes before the record: a reader that finds a guard's record must find its ticket
    /// alive. Whatever fails here takes back what was done before it.
    fn take(
        &mut self,
        waiting: &mut Option<TicketOf<C>>,
        floor: Fence,
    ) -> Result<Option<Grant<TicketOf<C>>>, OperationError> {
        let now = Timestamp::now();
        let fence = self.section.next_fence(floor, now)?;
        let fresh = match (self.request.purpose(), &waiting) {
            (Purpose::Guard, None) => Some(self.draw(true)?),
            _ => None,
        };
        let id = match fresh.as_ref().or(waiting.as_ref()) {
            Some(ticket) => ticket.place().lock_id.clone(),
            None => new_id()?,
        };
        let record = Box::new(self.request.record(&id, fence, now));
        let placed = self.section.put(RecordKind::Lock, &record, Put::New, self.durability());
        if !matches!(placed, Ok(Placed::Done)) {
            fresh.into_iter().for_each(Ticket::leave);
            return placed.map(|_| None).map_err(OperationError::from);
        }
        let ticket = self.finish(fresh.or(waiting.take()), &record)?;
        Ok(Some(Grant { record, ticket, kind: GrantKind::Taken }))
    }

    /// Marks the ticket and logs. A failure gives the lock back: nobody will know of having it.
    fn finish(
        &mut self,
        mut ticket: Option<TicketOf<C>>,
        record: &Record,
    ) -> Result<Option<TicketOf<C>>, OperationError> {
        let marked = match (&mut ticket, self.request.purpose()) {
            (Some(ticket), Purpose::Guard) if !ticket.place().entered => self.section.enter(ticket),
            _ => Ok(()),
        };
        let logged = marked.map_err(OperationError::from).and_then(|()| self.log(record, None));
        if let Err(error) = logged {
            let slot = Slot::Record(Box::new(record.clone()));
            // The first failure is the one to tell of.
            let _ = self.section.remove(RecordKind::Lock, &slot, Durability::Volatile);
            ticket.into_iter().for_each(Ticket::leave);
            return Err(error);
        }
        match self.request.purpose() {
            Purpose::Guard => Ok(ticket),
            Purpose::Lease => {
                // A lease lives by its record; the place in line was only for waiting.
                ticket.into_iter().for_each(Ticket::leave);
                Ok(None)
            }
        }
    }

    /// Enters under the caller's own lease: a ticket, and the lease's record as it stands.
    fn enter_under(
        &mut self,
        record: Box<Record>,
        waiting: Option<TicketOf<C>>,
    ) -> Result<Grant<TicketOf<C>>, OperationError> {
        let ticket = match waiting {
            None => self.draw(true)?,
            Some(mut ticket) => {
                self.section.enter(&mut ticket)?;
                ticket
            }
        };
        match self.log(&record, Some("under_lease")) {
            Ok(()) => Ok(Grant { record, ticket: Some(ticket), kind: GrantKind::UnderLease }),
            Err(error) => {
                ticket.leave();
                Err(error)
            }
        }
    }

    /// Renews the caller's own lease: a new life, and new metadata where some is given. The acquisition
    /// stays the same one, with its id and its fence.
    fn renew(&mut self, mut record: Box<Record>) -> Result<Grant<TicketOf<C>>, OperationError> {
        let request = self.request;
        let mut renewed = record.clone();
        let ttl = request.ttl.or_else(|| lifetime(&record));
        renewed.set_lifetime(ttl, Timestamp::now());
        if request.metadata.is_some() {
            renewed.metadata.clone_from(&request.metadata);
        }
        match request.hold {
            Hold::Process => request.name_process(&mut renewed, Hold::Process),
            // For people: the process that called last.
            _ if record.hold == Some(Hold::Lease) => {
                request.name_process(&mut renewed, Hold::Lease);
            }
            // What another program or another request tied to a process stays tied to it.
            _ => {}
        }
        let before = std::mem::replace(&mut record, renewed);
        self.put_over(&record)?;
        let event = Event::new(EventKind::Renew, request.name, request.caller).about(&record);
        if let Err(error) = self.section.store().log(&event, Durability::Synced) {
            // What cannot be logged does not happen. The first failure is the one to tell of.
            let _ = self.put_over(&before);
            return Err(error.into());
        }
        Ok(Grant { record, ticket: None, kind: GrantKind::Renewed })
    }

    /// Replaces my own record: nothing can be in the way of that.
    fn put_over(&mut self, record: &Record) -> Result<(), StoreError> {
        self.section.put(RecordKind::Lock, record, Put::Over, Durability::Synced).map(|_| ())
    }

    /// Removes what binds nobody any more, and says so in the log. False where something else stands
    /// there.
    fn clear_away(&mut self, slot: &Slot, why: Option<Staleness>) -> Result<bool, OperationError> {
        if self.section.remove(RecordKind::Lock, slot, Durability::Volatile)? == Removed::Replaced {
            return Ok(false);
        }
        let kind = match why {
            Some(Staleness::Expired) => EventKind::AutoPrune,
            Some(Staleness::HolderGone) => EventKind::StaleBreak,
            None => EventKind::CorruptBreak,
        };
        let mut event = Event::new(kind, self.request.name, self.request.caller);
        if let Some(record) = slot.record() {
            event = event.about(record).with_holder(record);
        }
        self.section.store().log(&event, Durability::Volatile)?;
        Ok(true)
    }

    fn log(&self, record: &Record, note: Option<&str>) -> Result<(), OperationError> {
        let Request { name, caller, .. } = *self.request;
        let mut event = Event::new(EventKind::Acquire, name, caller).about(record);
        if let Some(fence) = record.fence {
            event = event.with("fence", fence.get());
        }
        if let Some(note) = note {
            event = event.with(note, true);
        }
        Ok(self.section.store().log(&event, self.durability())?)
    }

    /// A guard is gone after a power cut, and with it its lock; a lease is not.
    fn durability(&self) -> Durability {
        match self.request.purpose() {
            Purpose::Guard => Durability::Volatile,
            Purpose::Lease => Durability::Synced,
        }
    }
}

fn new_id() -> Result<LockId, OperationError> {
    Ok(LockId::random().map_err(|source| StoreError::NoRandomness { source })?)
}
