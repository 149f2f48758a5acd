use super::{
    LockOperationError, LockRequest, enter::AcquireAttempt, section_view::LockAdmissionInputReader,
};
use crate::{
    record::LockRecord,
    rules::{AdmissionDecision, Obstacle, RequestedGuardOrLease, decide},
    store::{LockRecordKind, LockStore, NameSection, Ticket},
    words::Timestamp,
};

/// What a caller has after it got the lock.
#[derive(Debug)]
#[must_use = "a grant that is dropped holds on; it must be released"]
pub struct LockGrant<T> {
    /// The record of the lock: the caller's own, or that of the lease under which it entered.
    pub record: Box<LockRecord>,
    /// The proof of life; only guards have one.
    pub ticket: Option<T>,
    /// How the caller got in.
    pub kind: LockGrantKind,
    /// Whether it was found to be lost, and that has been logged.
    pub lost: bool,
    /// When the lease would have ended, had it not been renewed; `None` also for a lease without an end.
    pub previous_end: Option<Timestamp>,
}

impl<T> LockGrant<T> {
    /// A grant that is not lost, and not of a renewed lease.
    pub(super) fn new(record: Box<LockRecord>, ticket: Option<T>, kind: LockGrantKind) -> Self {
        Self { record, ticket, kind, lost: false, previous_end: None }
    }
}

/// How a caller got the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockGrantKind {
    /// The lock was taken; the record is the caller's own.
    Taken,
    /// My own lease was renewed.
    Renewed,
    /// A guard under the caller's own lease, whose record stays when the guard leaves.
    UnderLease,
    /// A guard inside another of the same name. Its ticket keeps others out even when the outer one is gone;
    /// the record is the outer one's business.
    Nested,
}

impl LockGrantKind {
    /// What an event says of it.
    pub(super) const fn note(self) -> Option<&'static str> {
        match self {
            Self::Taken | Self::Renewed => None,
            Self::UnderLease => Some("under_lease"),
            Self::Nested => Some("nested"),
        }
    }
}

/// The outcome of one try.
#[derive(Debug)]
pub enum AcquireAttemptOutcome<T> {
    /// The caller is in.
    Entered(LockGrant<T>),
    /// The caller is not; this is in the way.
    Blocked(Obstacle),
}

/// The ticket of a store's line.
pub(super) type StoreTicket<C> = <<C as NameSection>::Store as LockStore>::Ticket;

/// Tries once, in one section, to get in. With `line`, a caller that is blocked stands in the queue afterwards: the
/// ticket is left there, to be given to the next try.
///
/// # Errors
/// [`LockOperationError`] when the state cannot be read or changed; then nothing has changed but that dead
/// tickets may be gone.
pub fn attempt<S: LockStore>(
    store: &S,
    request: &LockRequest<'_>,
    line: Option<&mut Option<S::Ticket>>,
) -> Result<AcquireAttemptOutcome<S::Ticket>, LockOperationError> {
    let mut none = None;
    let queueing = line.is_some();
    let ticket = line.unwrap_or(&mut none);
    let decided = store
        .within(request.name, |section| attempt_within(section, request, (queueing, ticket)))?;
    match decided {
        AttemptDecision::Blocked(obstacle, drawn) => {
            *ticket = ticket.take().or(drawn);
            Ok(AcquireAttemptOutcome::Blocked(obstacle))
        }
        AttemptDecision::Entered(mut grant)
            if request.purpose() == RequestedGuardOrLease::Guard =>
        {
            grant.ticket = grant.ticket.or_else(|| ticket.take());
            Ok(AcquireAttemptOutcome::Entered(grant))
        }
        AttemptDecision::Entered(grant) => {
            // After the section, as this wakes the next waiter, which enters it.
            ticket.take().into_iter().for_each(Ticket::leave);
            Ok(AcquireAttemptOutcome::Entered(grant))
        }
    }
}

/// What was decided in a section. Tickets in it were drawn there.
enum AttemptDecision<T> {
    Entered(LockGrant<T>),
    Blocked(Obstacle, Option<T>),
}

/// In the section: enters, or draws a ticket if the caller wants to stand in the queue and does not.
fn attempt_within<C: NameSection>(
    section: &mut C,
    request: &LockRequest<'_>,
    (queueing, ticket): (bool, &mut Option<StoreTicket<C>>),
) -> Result<AttemptDecision<StoreTicket<C>>, LockOperationError> {
    loop {
        let slot = section.slot(LockRecordKind::Lock);
        let line = section.line()?;
        if ticket.as_ref().is_some_and(|ticket| !line.contains(ticket.place())) {
            // The line was deleted (most likely with the whole root): join its end again.
            *ticket = None;
        }
        let mine = ticket.as_ref().map(|ticket| ticket.place().number);
        let inputs = LockAdmissionInputReader::new(request, &line, mine, &slot).inputs(section)?;
        let mut entry = AcquireAttempt { section, request, line: &line };
        match decide(request.purpose(), inputs) {
            AdmissionDecision::Blocked(obstacle) => {
                let is_new = queueing && ticket.is_none();
                let drawn = if is_new { Some(entry.draw(false)?) } else { None };
                return Ok(AttemptDecision::Blocked(obstacle, drawn));
            }
            AdmissionDecision::OtherSlots(theirs) => {
                let (name, asked) = (request.name.clone(), request.mode);
                return Err(LockOperationError::OtherSlots { name, asked, theirs });
            }
            AdmissionDecision::Enter(how) => {
                if let Some(grant) = entry.enter(ticket.as_mut(), how, &slot)? {
                    return Ok(AttemptDecision::Entered(grant));
                }
                // A program that knows no latch was faster: look again.
            }
        }
    }
}
