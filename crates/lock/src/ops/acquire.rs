use super::{
    LockOperationError, LockRequest, enter::AcquireAttempt, section_view::LockAdmissionInputReader,
};
use crate::{
    record::LockRecord,
    rules::{AdmissionDecision, Obstacle, decide},
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
    let mut section = store.section(request.name)?;
    loop {
        let slot = store.peek(request.name, LockRecordKind::Lock);
        let line = store.line(request.name)?;
        if ticket.as_ref().is_some_and(|ticket| !line.contains(ticket.place())) {
            // The line was deleted (most likely with the whole root): join its end again.
            *ticket = None;
        }
        let mine = ticket.as_ref().map(|ticket| ticket.place().number);
        let inputs =
            LockAdmissionInputReader::new(request, &line, mine, &slot).inputs(&mut section)?;
        let mut turn = AcquireAttempt { section: &mut section, request, line: &line };
        match decide(request.purpose(), inputs) {
            AdmissionDecision::Blocked(obstacle) => {
                if queueing && ticket.is_none() {
                    *ticket = Some(turn.draw(false)?);
                }
                return Ok(AcquireAttemptOutcome::Blocked(obstacle));
            }
            AdmissionDecision::OtherSlots(theirs) => {
                let (name, asked) = (request.name.clone(), request.mode);
                return Err(LockOperationError::OtherSlots { name, asked, theirs });
            }
            AdmissionDecision::Enter(how) => {
                if let Some(grant) = turn.enter(ticket, how, &slot)? {
                    return Ok(AcquireAttemptOutcome::Entered(grant));
                }
                // A program that knows no latch was faster: look again.
            }
        }
    }
}
