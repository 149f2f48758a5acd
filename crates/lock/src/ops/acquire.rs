use super::{
    OperationError, Request, lease,
    look::{StoreWitness, freeze_in_force},
};
use crate::{
    audit::{Event, EventKind},
    record::{Hold, Record, Slot},
    rules::{
        Decision, Entering, Obstacle, Occupant, Place, Purpose, Scene, Staleness, Verdict, decide,
        judge, nearest_ahead,
    },
    store::{Durability, Placed, Put, Removed, Section, Shelf, Store, StoreError, Ticket},
    words::{Fence, LockId, Timestamp},
};

/// What somebody has who got in.
#[derive(Debug)]
#[must_use = "a grant that is dropped holds on; it must be released"]
pub struct Grant<T> {
    /// The record that stands: my own, or that of the lease I entered under.
    pub record: Record,
    /// The proof of life; only guards have one.
    pub ticket: Option<T>,
    /// In which way I got in.
    pub kind: GrantKind,
}

/// In which way somebody got in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// The lock was taken; the record is mine.
    Taken,
    /// My own lease was renewed.
    Renewed,
    /// A guard under my own lease, whose record stays when the guard leaves.
    UnderLease,
}

/// What came of one try.
#[derive(Debug)]
pub enum Attempt<T> {
    /// I am in.
    Entered(Grant<T>),
    /// I am not; this is in the way.
    Blocked(Obstacle),
}

/// Tries once, in one section, to get in. With `line`, one who is blocked stands in line afterwards: the
/// ticket is left there, to be given to the next try.
///
/// # Errors
/// [`OperationError`] when the state cannot be made out or changed; then nothing has changed but that dead
/// tickets may be gone.
pub fn attempt<S: Store>(
    store: &S,
    request: &Request<'_>,
    line: Option<&mut Option<S::Ticket>>,
) -> Result<Attempt<S::Ticket>, OperationError> {
    let mut none = None;
    let queueing = line.is_some();
    let ticket = line.unwrap_or(&mut none);
    let mut section = store.section(request.name)?;
    loop {
        let slot = section.store().peek(request.name, Shelf::Lock);
        let scene = survey(&mut section, request, ticket, &slot)?;
        match decide(request.purpose(), scene) {
            Decision::Blocked(obstacle) => {
                if queueing && ticket.is_none() {
                    *ticket = Some(draw(&mut section, request, false)?);
                }
                return Ok(Attempt::Blocked(obstacle));
            }
            Decision::Enter(how) => {
                if let Some(grant) = enter(&mut section, request, ticket, (how, &slot))? {
                    return Ok(Attempt::Entered(grant));
                }
                // A program that knows no latch was faster: look again.
            }
        }
    }
}

/// Gathers what admission depends on.
fn survey<C: Section>(
    section: &mut C,
    request: &Request<'_>,
    ticket: &mut Option<<C::Store as Store>::Ticket>,
    slot: &Slot,
) -> Result<Scene, OperationError> {
    let line = section.store().line(request.name)?;
    if ticket
        .as_ref()
        .is_some_and(|ticket| !line.contains(ticket.place()))
    {
        // Somebody deleted the line (the whole root, most likely): stand at its end again.
        *ticket = None;
    }
    let mine = ticket.as_ref().map(|ticket| ticket.place().number);
    let occupant = occupant(section.store(), request, slot)?;
    let freeze = freeze_in_force(section.store(), request.name)?.map(Box::new);
    let ahead = ahead(section, request, &line, mine, &occupant)?;
    Ok(Scene {
        occupant,
        freeze,
        ahead,
    })
}

fn occupant<S: Store>(
    store: &S,
    request: &Request<'_>,
    slot: &Slot,
) -> Result<Occupant, OperationError> {
    if let Slot::Corrupted(corruption) = slot
        && (corruption.may_be_filling() || corruption.is_provably_free())
    {
        return Ok(Occupant::Corrupted(corruption.clone()));
    }
    let Some(record) = super::look::readable(slot.clone(), "lock", request.name)? else {
        return Ok(Occupant::Nobody);
    };
    let witness = StoreWitness::new(store, request.name, request.caller);
    let record = Box::new(record);
    Ok(match judge(&record, &witness) {
        Verdict::Stale(why) => Occupant::Stale(record, why),
        Verdict::Held(_) if may_renew(request, &record) => Occupant::MyLease(record),
        Verdict::Held(_) => Occupant::Holder(record),
    })
}

/// Whether a standing record is a lease that this request may renew or work under.
///
/// A record of another program does not say whether a guard holds it. Renewing it for its owner is what
/// that program would do; entering beside it is not.
fn may_renew(request: &Request<'_>, record: &Record) -> bool {
    let lease = match record.hold {
        Some(Hold::Lease | Hold::Process) => true,
        None => request.purpose() == Purpose::Lease,
        Some(Hold::Guard | Hold::Other(_)) => false,
    };
    lease && request.caller.identity.owns(record)
}

/// The nearest live place ahead that is in the way. The dead ones on the way there are removed.
///
/// Under my own lease, those who wait for that lease to end are not in my way: they wait for me.
fn ahead<C: Section>(
    section: &mut C,
    request: &Request<'_>,
    line: &[Place],
    mine: Option<u64>,
    occupant: &Occupant,
) -> Result<Option<Place>, OperationError> {
    let store = section.store();
    let mut dead = Vec::new();
    let found = nearest_ahead(line, mine, |place| {
        let lives = store.lives(request.name, place);
        if !lives {
            dead.push(place.clone());
        }
        lives && !waits_for_my_lease(store, request, place, occupant)
    });
    for place in dead {
        section.drop_place(&place)?;
    }
    Ok(found)
}

fn waits_for_my_lease<S: Store>(
    store: &S,
    request: &Request<'_>,
    place: &Place,
    occupant: &Occupant,
) -> bool {
    let Occupant::MyLease(lease) = occupant else {
        return false;
    };
    let identity = || store.ticket_text(request.name, place)?.identity();
    !place.entered && identity().is_some_and(|identity| !identity.owns(lease))
}

/// Makes a decision to enter so. `None` where another program was faster.
fn enter<C: Section>(
    section: &mut C,
    request: &Request<'_>,
    ticket: &mut Option<<C::Store as Store>::Ticket>,
    (how, slot): (Entering, &Slot),
) -> Result<Option<Grant<<C::Store as Store>::Ticket>>, OperationError> {
    match how {
        Entering::Renewing(record) => lease::renew_own(section, request, *record).map(Some),
        Entering::UnderLease(record) => {
            let ticket = Some(admitted(section, request, ticket.take())?);
            log(section, request, &record, Some("under_lease"))?;
            Ok(Some(Grant {
                record: *record,
                ticket,
                kind: GrantKind::UnderLease,
            }))
        }
        Entering::Fresh => take(section, request, ticket, Fence::default()),
        Entering::Replacing(why) => {
            if !clear_away(section, request, slot, why)? {
                return Ok(None);
            }
            let floor = slot
                .record()
                .and_then(|record| record.fence)
                .unwrap_or_default();
            take(section, request, ticket, floor)
        }
    }
}

/// Removes what binds nobody any more, and says so in the log. False where something else stands there.
fn clear_away<C: Section>(
    section: &mut C,
    request: &Request<'_>,
    slot: &Slot,
    why: Option<Staleness>,
) -> Result<bool, OperationError> {
    if section.remove(Shelf::Lock, slot, Durability::Volatile)? == Removed::Replaced {
        return Ok(false);
    }
    let kind = match why {
        Some(Staleness::Expired) => EventKind::AutoPrune,
        Some(Staleness::HolderGone) => EventKind::StaleBreak,
        None => EventKind::CorruptBreak,
    };
    let mut event = Event::new(kind, request.name, request.caller);
    if let Some(record) = slot.record() {
        event = event.about(record).with_holder(record);
    }
    section.store().log(&event, Durability::Volatile)?;
    Ok(true)
}

/// Takes a name that nothing stands on.
///
/// The ticket comes before the record: a reader that finds a guard's record must find its ticket alive.
/// Whatever fails here takes back what was done before it.
fn take<C: Section>(
    section: &mut C,
    request: &Request<'_>,
    waiting: &mut Option<<C::Store as Store>::Ticket>,
    floor: Fence,
) -> Result<Option<Grant<<C::Store as Store>::Ticket>>, OperationError> {
    let now = Timestamp::now();
    let fence = section.next_fence(floor, now)?;
    let fresh = match (request.purpose(), &waiting) {
        (Purpose::Guard, None) => Some(draw(section, request, true)?),
        _ => None,
    };
    let id = match fresh.as_ref().or(waiting.as_ref()) {
        Some(ticket) => ticket.place().lock_id.clone(),
        None => new_id()?,
    };
    let record = request.record(&id, fence, now);
    let placed = section.put(Shelf::Lock, &record, Put::New, durability(request));
    if !matches!(placed, Ok(Placed::Done)) {
        fresh.into_iter().for_each(Ticket::leave);
        return placed.map(|_| None).map_err(OperationError::from);
    }
    let ticket = finish(section, request, fresh.or(waiting.take()), &record)?;
    Ok(Some(Grant {
        record,
        ticket,
        kind: GrantKind::Taken,
    }))
}

/// Marks the ticket and logs. A failure gives the lock back: nobody will know of having it.
fn finish<C: Section>(
    section: &mut C,
    request: &Request<'_>,
    mut ticket: Option<<C::Store as Store>::Ticket>,
    record: &Record,
) -> Result<Option<<C::Store as Store>::Ticket>, OperationError> {
    let marked = match (&mut ticket, request.purpose()) {
        (Some(ticket), Purpose::Guard) if !ticket.place().entered => section.enter(ticket),
        _ => Ok(()),
    };
    let logged = marked
        .map_err(OperationError::from)
        .and_then(|()| log(section, request, record, None));
    if let Err(error) = logged {
        let slot = Slot::Record(Box::new(record.clone()));
        // The first failure is the one to tell of.
        let _ = section.remove(Shelf::Lock, &slot, Durability::Volatile);
        ticket.into_iter().for_each(Ticket::leave);
        return Err(error);
    }
    match request.purpose() {
        Purpose::Guard => Ok(ticket),
        Purpose::Lease => {
            // A lease lives by its record; the place in line was only for waiting.
            ticket.into_iter().for_each(Ticket::leave);
            Ok(None)
        }
    }
}

/// A guard's ticket, marked as admitted.
fn admitted<C: Section>(
    section: &mut C,
    request: &Request<'_>,
    waiting: Option<<C::Store as Store>::Ticket>,
) -> Result<<C::Store as Store>::Ticket, OperationError> {
    let Some(mut ticket) = waiting else {
        return draw(section, request, true);
    };
    section.enter(&mut ticket)?;
    Ok(ticket)
}

fn draw<C: Section>(
    section: &mut C,
    request: &Request<'_>,
    entered: bool,
) -> Result<<C::Store as Store>::Ticket, OperationError> {
    Ok(section.enqueue(&new_id()?, &request.ticket_text(), entered)?)
}

fn new_id() -> Result<LockId, OperationError> {
    Ok(LockId::random().map_err(|source| StoreError::NoRandomness { source })?)
}

fn log<C: Section>(
    section: &C,
    request: &Request<'_>,
    record: &Record,
    note: Option<&str>,
) -> Result<(), OperationError> {
    let mut event = Event::new(EventKind::Acquire, request.name, request.caller).about(record);
    if let Some(fence) = record.fence {
        event = event.with("fence", fence.get());
    }
    if let Some(note) = note {
        event = event.with(note, true);
    }
    Ok(section.store().log(&event, durability(request))?)
}

/// A guard is gone after a power cut, and with it its lock; a lease is not.
fn durability(request: &Request<'_>) -> Durability {
    match request.purpose() {
        Purpose::Guard => Durability::Volatile,
        Purpose::Lease => Durability::Synced,
    }
}
