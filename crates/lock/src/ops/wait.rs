use super::{
    AcquireAttemptOutcome, LockGrant, LockOperationError, LockRequest, attempt,
    deadlock_search::refuse_deadlock,
    pause::{ObstacleWaitOutcome, WaitDeadline, pause},
    snapshot::look_with,
};
use crate::{
    audit::{AuditEvent, AuditEventKind},
    record::LockRecord,
    rules::{Obstacle, QueuePlace, TicketContent},
    store::{LockRecordKind, LockStore, NameReader, ObstacleWatch, Ticket},
    words::LockName,
};
use std::{os::fd::BorrowedFd, time::Duration};

/// How long a caller is ready to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitLimit {
    /// Not at all.
    None,
    /// In line, this long.
    For(Duration),
}

/// The outcome of asking for a lock.
#[derive(Debug)]
#[must_use]
pub enum AcquireOutcome<T> {
    /// The caller has the lock.
    Entered(LockGrant<T>),
    /// It is not.
    Denied(Box<Denial>),
    /// The wait was interrupted; the caller is not queued any more.
    Interrupted,
}

/// Why a caller was refused, with what is known of the holder.
#[derive(Debug)]
pub struct Denial {
    /// What is in the way.
    pub obstacle: Obstacle,
    /// The record that is there; `None` if a waiter ahead has not taken the lock yet.
    pub holder: Option<LockRecord>,
    /// What the nearest ticket ahead says, where one is in the way.
    pub ahead: Option<TicketContent>,
    /// How long the caller waited before it gave up; `None` if it did not want to wait.
    pub waited: Option<Duration>,
}

/// The position of a waiter.
#[derive(Debug)]
pub struct QueueStanding {
    /// The name that is waited for.
    pub name: LockName,
    /// What is in the way.
    pub obstacle: Obstacle,
    /// The record that stands.
    pub holder: Option<LockRecord>,
    /// What the ticket in the way says, where one is.
    pub before: Option<TicketContent>,
    /// How many live tickets are ahead, the holder's included.
    pub ahead: usize,
    /// How long the wait has lasted.
    pub waited: Duration,
}

/// Accompanies a wait: gets reports of it, and can end it.
pub trait WaitObserver {
    /// Receives the waiter's position: when the wait turns out not to be over in a moment, when the obstacle
    /// changes, and every [`interval`](Self::interval).
    fn waiting(&mut self, standing: &QueueStanding);

    /// How often to repeat the report; `None` is never.
    fn interval(&self) -> Option<Duration>;

    /// A descriptor that becomes readable when the wait may have to end.
    fn interruption(&self) -> Option<BorrowedFd<'_>>;

    /// Whether the wait is to end now; asked when the descriptor is readable.
    fn is_interrupted(&mut self) -> bool;
}

/// Asks for a lock, and waits in the queue for it as long as `wait_limit` says.
///
/// # Errors
/// [`LockOperationError`] when the state cannot be read or changed; the caller is not queued then.
pub fn acquire<S: LockStore>(
    store: &S,
    request: &LockRequest<'_>,
    wait_limit: WaitLimit,
    observer: &mut dyn WaitObserver,
) -> Result<AcquireOutcome<S::Ticket>, LockOperationError> {
    match wait_limit {
        WaitLimit::None => match attempt(store, request, None)? {
            AcquireAttemptOutcome::Entered(grant) => Ok(AcquireOutcome::Entered(grant)),
            AcquireAttemptOutcome::Blocked(obstacle) => Ok(deny(store, request, obstacle, None)),
        },
        WaitLimit::For(limit) => {
            let mut ticket = None;
            let wait = WaitSession { store, request, clock: WaitDeadline::start(limit) };
            let outcome = wait.run(&mut ticket, observer);
            ticket.into_iter().for_each(Ticket::leave);
            outcome
        }
    }
}

struct WaitSession<'a, S> {
    store: &'a S,
    request: &'a LockRequest<'a>,
    clock: WaitDeadline,
}

impl<S: LockStore> WaitSession<'_, S> {
    fn run(
        &self,
        ticket: &mut Option<S::Ticket>,
        observer: &mut dyn WaitObserver,
    ) -> Result<AcquireOutcome<S::Ticket>, LockOperationError> {
        let mut reported: Option<Obstacle> = None;
        let mut checked = false;
        loop {
            // Whatever wakes a waiter, and however often: after its time it tries once more, and that is all.
            let is_last = checked && self.clock.left().is_zero();
            let obstacle = match attempt(self.store, self.request, Some(ticket))? {
                AcquireAttemptOutcome::Entered(grant) => return Ok(AcquireOutcome::Entered(grant)),
                AcquireAttemptOutcome::Blocked(obstacle) if is_last => {
                    return Ok(self.give_up(obstacle));
                }
                AcquireAttemptOutcome::Blocked(obstacle) => obstacle,
            };
            if !checked {
                refuse_deadlock(self.store, self.request, ticket)
                    .inspect_err(|_| self.leave_word(&obstacle, "deadlock"))?;
                checked = true;
            }
            let mut watch = self.store.watch(self.request.name, &obstacle)?;
            if watch.doze(self.clock.left()) {
                continue;
            }
            if reported.as_ref() != Some(&obstacle) {
                observer.waiting(&self.standing(&obstacle, ticket.as_ref()));
                reported = Some(obstacle.clone());
            }
            let standing = || self.standing(&obstacle, ticket.as_ref());
            match pause(&mut watch, &self.clock, observer, standing)? {
                ObstacleWaitOutcome::Over => {}
                ObstacleWaitOutcome::Interrupted => {
                    self.leave_word(&obstacle, "interrupted");
                    return Ok(AcquireOutcome::Interrupted);
                }
                ObstacleWaitOutcome::TimedOut => return Ok(self.give_up(obstacle)),
            }
        }
    }

    fn give_up(&self, obstacle: Obstacle) -> AcquireOutcome<S::Ticket> {
        deny(self.store, self.request, obstacle, Some(self.clock.elapsed()))
    }

    fn leave_word(&self, obstacle: &Obstacle, why: &str) {
        log_unanswered(self.store, self.request, (obstacle, self.clock.elapsed()), why);
    }

    fn standing(&self, obstacle: &Obstacle, ticket: Option<&S::Ticket>) -> QueueStanding {
        let name = self.request.name;
        let mine = ticket.map_or(u64::MAX, |ticket| ticket.place().number);
        let is_ahead = |place: &&QueuePlace| place.entered || place.number < mine;
        let reader = self.store.reader(name);
        let line = reader.line().unwrap_or_default();
        let ahead = line.iter().filter(is_ahead).filter(|place| reader.lives(place));
        QueueStanding {
            name: name.clone(),
            obstacle: obstacle.clone(),
            holder: reader.slot(LockRecordKind::Lock).into_record(),
            before: text_in_the_way(&reader, obstacle),
            ahead: ahead.count(),
            waited: self.clock.elapsed(),
        }
    }
}

/// What the ticket in the way says, where one is.
fn text_in_the_way(reader: &impl NameReader, obstacle: &Obstacle) -> Option<TicketContent> {
    match obstacle {
        Obstacle::Ahead(place) => reader.ticket_text(place),
        Obstacle::Full(inside, _) => reader.ticket_text(inside.last()?),
        _ => None,
    }
}

fn deny<S: LockStore>(
    store: &S,
    request: &LockRequest<'_>,
    obstacle: Obstacle,
    waited: Option<Duration>,
) -> AcquireOutcome<S::Ticket> {
    let denial = denial(store, request, obstacle, waited);
    // The refusal is what the caller must hear of; a log that cannot be written must not hide that.
    let _ = store.log(&event(request, &denial));
    AcquireOutcome::Denied(Box::new(denial))
}

/// Logs a wait that did not end by its time limit, so that a reader of the log sees the waiter, the name and
/// the duration.
pub(super) fn log_unanswered<S: LockStore>(
    store: &S,
    request: &LockRequest<'_>,
    (obstacle, waited): (&Obstacle, Duration),
    why: &str,
) {
    let denial = denial(store, request, obstacle.clone(), Some(waited));
    let event = event(request, &denial).with(why, true);
    let _ = store.log(&event);
}

fn denial<S: LockStore>(
    store: &S,
    request: &LockRequest<'_>,
    obstacle: Obstacle,
    waited: Option<Duration>,
) -> Denial {
    let reader = store.reader(request.name);
    let holder = look_with(&reader, request.caller).held();
    let ahead = text_in_the_way(&reader, &obstacle);
    Denial { obstacle, holder, ahead, waited }
}

fn event(request: &LockRequest<'_>, denial: &Denial) -> AuditEvent {
    let kind = match denial.obstacle {
        Obstacle::Frozen(_) => AuditEventKind::FreezeDeny,
        _ => AuditEventKind::Deny,
    };
    let event = AuditEvent::new(kind, request.name, request.caller);
    let event = event.waited(denial.waited);
    let record = match &denial.obstacle {
        Obstacle::Frozen(freeze) => Some(&**freeze),
        _ => denial.holder.as_ref(),
    };
    let event = match record {
        Some(record) => event.with_holder(record),
        None => event,
    };
    event.running(&request.command)
}
