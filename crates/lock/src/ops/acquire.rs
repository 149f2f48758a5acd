use super::{
    OperationError, Request,
    enter::Turn,
    look::{StoreWitness, freeze_in_force, readable},
};
use crate::{
    record::{Hold, Record, Slot},
    rules::{
        Decision, Obstacle, Occupant, Place, Purpose, Scene, Verdict, decide, judge, nearest_ahead,
    },
    store::{RecordKind, Section, Store, Ticket},
};

/// What somebody has who got in.
#[derive(Debug)]
#[must_use = "a grant that is dropped holds on; it must be released"]
pub struct Grant<T> {
    /// The record that stands: my own, or that of the lease I entered under.
    pub record: Box<Record>,
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

/// The ticket of a store's line.
pub(super) type TicketOf<C> = <<C as Section>::Store as Store>::Ticket;

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
        let slot = store.peek(request.name, RecordKind::Lock);
        let line = store.line(request.name)?;
        if ticket.as_ref().is_some_and(|ticket| !line.contains(ticket.place())) {
            // Somebody deleted the line (the whole root, most likely): stand at its end again.
            *ticket = None;
        }
        let mine = ticket.as_ref().map(|ticket| ticket.place().number);
        let scene = survey(&mut section, request, (&line, mine), &slot)?;
        let mut turn = Turn { section: &mut section, request, line: &line };
        match decide(request.purpose(), scene) {
            Decision::Blocked(obstacle) => {
                if queueing && ticket.is_none() {
                    *ticket = Some(turn.draw(false)?);
                }
                return Ok(Attempt::Blocked(obstacle));
            }
            Decision::Enter(how) => {
                if let Some(grant) = turn.enter(ticket, how, &slot)? {
                    return Ok(Attempt::Entered(grant));
                }
                // A program that knows no latch was faster: look again.
            }
        }
    }
}

/// Gathers what admission depends on, in the order in which it can end the question: somebody ahead makes
/// everything else irrelevant, unless the lock is the caller's own lease.
fn survey<C: Section>(
    section: &mut C,
    request: &Request<'_>,
    (line, mine): (&[Place], Option<u64>),
    slot: &Slot,
) -> Result<Scene, OperationError> {
    if let Slot::Newer(_) = slot {
        readable(slot.clone(), "lock", request.name)?;
    }
    // Judged once: what stands in one sentence and has expired in the next would pass those in line.
    let known = slot.record().filter(|it| may_renew(request, it));
    let known = known.map(|record| (record, verdict(section.store(), request, record)));
    let lease = known.and_then(|(it, verdict)| matches!(verdict, Verdict::Held(_)).then_some(it));
    let ahead = ahead(section, request, (line, mine), lease)?;
    if ahead.is_some() && lease.is_none() {
        return Ok(Scene { occupant: Occupant::Nobody, freeze: None, ahead });
    }
    let occupant = occupant(section.store(), request, slot, known.map(|(_, verdict)| verdict))?;
    let freeze = freeze_in_force(section.store(), request.name)?.map(Box::new);
    Ok(Scene { occupant, freeze, ahead })
}

fn occupant<S: Store>(
    store: &S,
    request: &Request<'_>,
    slot: &Slot,
    known: Option<Verdict>,
) -> Result<Occupant, OperationError> {
    if let Slot::Corrupted(corruption) = slot
        && (corruption.may_be_filling() || corruption.is_provably_free())
    {
        return Ok(Occupant::Corrupted(corruption.clone()));
    }
    let Some(record) = readable(slot.clone(), "lock", request.name)? else {
        return Ok(Occupant::Nobody);
    };
    let verdict = known.unwrap_or_else(|| verdict(store, request, &record));
    let record = Box::new(record);
    Ok(match verdict {
        Verdict::Stale(why) => Occupant::Stale(record, why),
        Verdict::Held(_) if may_renew(request, &record) => Occupant::MyLease(record),
        Verdict::Held(_) => Occupant::Holder(record),
    })
}

fn verdict<S: Store>(store: &S, request: &Request<'_>, record: &Record) -> Verdict {
    judge(record, &StoreWitness::new(store, request.name, request.caller))
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
    (line, mine): (&[Place], Option<u64>),
    my_lease: Option<&Record>,
) -> Result<Option<Place>, OperationError> {
    let store = section.store();
    let mut dead = Vec::new();
    let found = nearest_ahead(line, mine, |place| {
        let lives = store.lives(request.name, place);
        if !lives {
            dead.push(place.clone());
        }
        lives && !my_lease.is_some_and(|lease| waits_for(store, request, place, lease))
    });
    for place in dead {
        section.drop_place(&place)?;
    }
    Ok(found)
}

/// Whether a place waits for a lease to end, rather than to work under it.
fn waits_for<S: Store>(store: &S, request: &Request<'_>, place: &Place, lease: &Record) -> bool {
    let identity = || store.ticket_text(request.name, place)?.identity();
    !place.entered && identity().is_some_and(|identity| !identity.owns(lease))
}
