use super::{Grant, GrantKind, OperationError, Request, acquire::TicketOf, lifetime};
use crate::{
    audit::{Event, EventKind},
    record::{Hold, Record, Slot},
    rules::{Entering, Gone, Mode, Place, Purpose},
    store::{Durability, Placed, Put, RecordKind, Removed, Section, Store, StoreError, Ticket},
    words::{Fence, Timestamp},
};
use std::time::Duration;

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
            Entering::Renewing(lease) => self.renew(&lease, slot).map(Some),
            Entering::UnderLease(record) => {
                self.enter_under(record, ticket.take(), GrantKind::UnderLease).map(Some)
            }
            Entering::Nested(record) => {
                self.enter_under(record, ticket.take(), GrantKind::Nested).map(Some)
            }
            Entering::Fresh => self.take(ticket, Beside::Nobody(&[])),
            Entering::Replacing(gone) if self.clear_away(slot, &gone)? => {
                self.take(ticket, Beside::Nobody(&gone))
            }
            Entering::Replacing(_) => Ok(None),
            Entering::Joining(record, gone) => self.take(ticket, Beside::Others(&record, &gone)),
        }
    }

    /// Draws a ticket at the end of the line.
    pub(super) fn draw(&mut self, entered: bool) -> Result<TicketOf<C>, OperationError> {
        let id = self.section.store().new_id()?;
        let place = Place { entered, ..Place::at_end_of(self.line, id, self.request.mode) };
        Ok(self.section.enqueue(place, &self.request.ticket_text())?)
    }

    /// Takes a name that nothing stands on, or a place beside others.
    ///
    /// The ticket comes before the record: a reader that finds a guard's record must find its ticket
    /// alive. Whatever fails here takes back what was done before it.
    fn take(
        &mut self,
        waiting: &mut Option<TicketOf<C>>,
        beside: Beside<'_>,
    ) -> Result<Option<Grant<TicketOf<C>>>, OperationError> {
        let now = self.section.store().now();
        let waited = waiting.as_ref().and_then(|ticket| self.waited(ticket, now));
        let fence = self.section.next_fence(beside.fence(), now)?;
        let fresh = match (self.request.purpose(), &waiting) {
            (Purpose::Guard, None) => Some(self.draw(true)?),
            _ => None,
        };
        let id = match fresh.as_ref().or(waiting.as_ref()) {
            Some(ticket) => ticket.place().lock_id.clone(),
            None => self.section.store().new_id()?,
        };
        let record = Box::new(self.request.record(&id, fence, now));
        let placed = self.put_beside(&record, beside);
        if !matches!(placed, Ok(Placed::Done)) {
            fresh.into_iter().for_each(Ticket::leave);
            return placed.map(|_| None).map_err(OperationError::from);
        }
        let ticket = self.finish(fresh.or(waiting.take()), (&record, waited), beside)?;
        Ok(Some(Grant { record, ticket, kind: GrantKind::Taken, lost: false }))
    }

    fn put_beside(&mut self, record: &Record, beside: Beside<'_>) -> Result<Placed, StoreError> {
        let (put, whole) = match beside {
            Beside::Nobody(_) => (Put::New, Some(record.clone())),
            Beside::Others(others, _) => {
                (Put::Over, Record::of_holders([others.clone(), record.clone()]))
            }
        };
        let whole = whole.as_ref().unwrap_or(record);
        self.section.put(RecordKind::Lock, whole, put, durability_of(whole))
    }

    /// Marks the ticket and logs. A failure gives the lock back: nobody will know of having it.
    fn finish(
        &mut self,
        mut ticket: Option<TicketOf<C>>,
        (record, waited): (&Record, Option<Duration>),
        beside: Beside<'_>,
    ) -> Result<Option<TicketOf<C>>, OperationError> {
        let marked = match (&mut ticket, self.request.purpose()) {
            (Some(ticket), Purpose::Guard) if !ticket.place().entered => self.section.enter(ticket),
            _ => Ok(()),
        };
        let logged = marked
            .and_then(|()| match beside {
                Beside::Nobody(_) => Ok(()),
                Beside::Others(_, gone) => self.log_gone(gone),
            })
            .map_err(OperationError::from)
            .and_then(|()| self.log(record, None, waited));
        if let Err(error) = logged {
            self.take_back(record, beside);
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

    /// Undoes what [`put_beside`](Self::put_beside) did. There is a first failure already, which is the one
    /// to tell of.
    fn take_back(&mut self, record: &Record, beside: Beside<'_>) {
        match beside {
            Beside::Nobody(_) => {
                let slot = Slot::Record(Box::new(record.clone()));
                let _ = self.section.remove(RecordKind::Lock, &slot, durability_of(record));
            }
            Beside::Others(others, _) => drop(self.put_over(others)),
        }
    }

    /// Enters under the caller's own lease, or inside the caller's own guard: a ticket, and the record as it
    /// stands.
    fn enter_under(
        &mut self,
        record: Box<Record>,
        waiting: Option<TicketOf<C>>,
        kind: GrantKind,
    ) -> Result<Grant<TicketOf<C>>, OperationError> {
        let now = self.section.store().now();
        let waited = waiting.as_ref().and_then(|ticket| self.waited(ticket, now));
        let ticket = match waiting {
            None => self.draw(true)?,
            Some(mut ticket) => {
                self.section.enter(&mut ticket)?;
                ticket
            }
        };
        match self.log(&record, kind.note(), waited) {
            Ok(()) => Ok(Grant { record, ticket: Some(ticket), kind, lost: false }),
            Err(error) => {
                ticket.leave();
                Err(error)
            }
        }
    }

    /// Renews the caller's own lease: a new life, and new metadata where some is given. The acquisition
    /// stays the same one, with its id and its fence.
    fn renew(&mut self, lease: &Record, slot: &Slot) -> Result<Grant<TicketOf<C>>, OperationError> {
        let request = self.request;
        let mut renewed = lease.clone();
        if renewed.lock_id.is_none() {
            // Another program made it. What is mine from now on must be told from what may come in its place.
            renewed.lock_id = Some(self.section.store().new_id()?);
        }
        let ttl = request.ttl.or_else(|| lifetime(lease));
        renewed.renew(ttl, self.section.store().now());
        if request.metadata.is_some() {
            renewed.metadata.clone_from(&request.metadata);
        } else {
            // Somebody asked for the name of a result: it is theirs now, and no later result's.
            renewed.unmark_as_result();
        }
        match request.hold {
            Hold::Process => request.name_process(&mut renewed, Hold::Process),
            // For people: the process that called last.
            _ if lease.hold == Some(Hold::Lease) => {
                request.name_process(&mut renewed, Hold::Lease);
            }
            // What another program or another request tied to a process stays tied to it.
            _ => {}
        }
        let before = slot.record().unwrap_or(lease);
        self.put_over(&replaced(before, lease, &renewed))?;
        let event = Event::new(EventKind::Renew, request.name, request.caller).about(&renewed);
        if let Err(error) = self.section.store().log(&event, Durability::Synced) {
            // What cannot be logged does not happen. The first failure is the one to tell of.
            let _ = self.put_over(before);
            return Err(error.into());
        }
        let record = Box::new(renewed);
        Ok(Grant { record, ticket: None, kind: GrantKind::Renewed, lost: false })
    }

    /// Replaces a record that I may change: nothing can be in the way of that.
    fn put_over(&mut self, record: &Record) -> Result<(), StoreError> {
        let durability = durability_of(record);
        self.section.put(RecordKind::Lock, record, Put::Over, durability).map(|_| ())
    }

    /// Removes what binds nobody any more, and says so in the log. False where something else stands
    /// there.
    fn clear_away(&mut self, slot: &Slot, gone: &[Gone]) -> Result<bool, OperationError> {
        if self.section.remove(RecordKind::Lock, slot, Durability::Volatile)? == Removed::Replaced {
            return Ok(false);
        }
        if gone.is_empty() {
            let kind = EventKind::CorruptBreak;
            let event = Event::new(kind, self.request.name, self.request.caller);
            self.section.store().log(&event, Durability::Volatile)?;
        }
        self.log_gone(gone)?;
        Ok(true)
    }

    /// Says in the log whose locks ended without being given back.
    fn log_gone(&self, gone: &[Gone]) -> Result<(), StoreError> {
        let Request { name, caller, .. } = *self.request;
        gone.iter().try_for_each(|Gone { holder, why }| {
            let kind = EventKind::of_staleness(*why);
            let event = Event::new(kind, name, caller).about(holder).with_holder(holder);
            self.section.store().log(&event, Durability::Volatile)
        })
    }

    /// How long the one who enters has stood in line, by what its ticket says of its arrival.
    fn waited(&self, ticket: &TicketOf<C>, now: Timestamp) -> Option<Duration> {
        let text = self.section.store().ticket_text(self.request.name, ticket.place())?;
        Some(now.since(text.arrived()?))
    }

    fn log(
        &self,
        record: &Record,
        note: Option<&str>,
        waited: Option<Duration>,
    ) -> Result<(), OperationError> {
        let Request { name, caller, .. } = *self.request;
        let mut event = Event::new(EventKind::Acquire, name, caller).about(record);
        if let Some(fence) = record.fence {
            event = event.with("fence", fence.get());
        }
        if record.mode != Mode::Exclusive {
            event = event.with("mode", record.mode.as_str());
        }
        if let Some(note) = note {
            event = event.with(note, true);
        }
        let event = event.waited(waited).running(&self.request.command);
        let durability = match self.request.purpose() {
            Purpose::Guard => Durability::Volatile,
            Purpose::Lease => durability_of(record),
        };
        Ok(self.section.store().log(&event, durability)?)
    }
}

/// What one who enters finds there.
#[derive(Clone, Copy)]
enum Beside<'a> {
    /// Nobody; these stood there before.
    Nobody(&'a [Gone]),
    /// The holders of this record, from which these are to be taken out.
    Others(&'a Record, &'a [Gone]),
}

impl Beside<'_> {
    /// The highest fence that the record tells of.
    fn fence(self) -> Fence {
        let (others, gone) = match self {
            Beside::Nobody(gone) => (None, gone),
            Beside::Others(others, gone) => (Some(others), gone),
        };
        let gone = gone.iter().filter_map(|it| it.holder.fence);
        let others = others.into_iter().flat_map(Record::holders).filter_map(|it| it.fence);
        gone.chain(others).max().unwrap_or_default()
    }
}

/// A record in which one holder is replaced.
fn replaced(record: &Record, before: &Record, now: &Record) -> Record {
    let mut whole = record.clone();
    let change = |it: &mut Record| {
        let co_holders = std::mem::take(&mut it.co_holders);
        *it = Record { co_holders, ..now.clone() };
    };
    match &before.lock_id {
        Some(id) if whole.update(id, change) => whole,
        // A record of another program names no acquisition, and knows one holder only.
        _ => now.clone(),
    }
}

/// A guard is gone after a power cut, and with it its lock; a lease is not. A result may be gone, as its content
/// may: then it is made again.
pub(super) fn durability_of(record: &Record) -> Durability {
    if record.has_lease() && record.result().is_none() {
        Durability::Synced
    } else {
        Durability::Volatile
    }
}
