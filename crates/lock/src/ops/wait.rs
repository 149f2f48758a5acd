use super::{
    AttemptOutcome, Grant, LockRequest, OperationError, attempt, deadlock_search::refuse_deadlock,
    snapshot::look,
};
use crate::{
    audit::{Event, EventKind},
    record::LockRecord,
    rules::{Obstacle, QueuePlace, TicketContent},
    store::{Durability, ObstacleWatch, RecordKind, Store, Ticket},
    words::{LockName, Timestamp},
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

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
    Entered(Grant<T>),
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
/// [`OperationError`] when the state cannot be read or changed; the caller is not queued then.
pub fn acquire<S: Store>(
    store: &S,
    request: &LockRequest<'_>,
    wait_limit: WaitLimit,
    observer: &mut dyn WaitObserver,
) -> Result<AcquireOutcome<S::Ticket>, OperationError> {
    match wait_limit {
        WaitLimit::None => match attempt(store, request, None)? {
            AttemptOutcome::Entered(grant) => Ok(AcquireOutcome::Entered(grant)),
            AttemptOutcome::Blocked(obstacle) => Ok(deny(store, request, obstacle, None)),
        },
        WaitLimit::For(limit) => {
            let mut ticket = None;
            let wait = WaitSession { store, request, began: Instant::now(), limit };
            let outcome = wait.run(&mut ticket, observer);
            ticket.into_iter().for_each(Ticket::leave);
            outcome
        }
    }
}

struct WaitSession<'a, S> {
    store: &'a S,
    request: &'a LockRequest<'a>,
    began: Instant,
    limit: Duration,
}

/// Why a pause ended.
enum PauseEnd {
    Over,
    TimedOut,
    Interrupted,
}

impl<S: Store> WaitSession<'_, S> {
    fn run(
        &self,
        ticket: &mut Option<S::Ticket>,
        observer: &mut dyn WaitObserver,
    ) -> Result<AcquireOutcome<S::Ticket>, OperationError> {
        let mut reported: Option<Obstacle> = None;
        let mut checked = false;
        loop {
            // Whatever wakes a waiter, and however often: after its time it tries once more, and that is all.
            let is_last = checked && self.left().is_zero();
            let obstacle = match attempt(self.store, self.request, Some(ticket))? {
                AttemptOutcome::Entered(grant) => return Ok(AcquireOutcome::Entered(grant)),
                AttemptOutcome::Blocked(obstacle) if is_last => return Ok(self.give_up(obstacle)),
                AttemptOutcome::Blocked(obstacle) => obstacle,
            };
            if !checked {
                refuse_deadlock(self.store, self.request, ticket)
                    .inspect_err(|_| self.leave_word(&obstacle, "deadlock"))?;
                checked = true;
            }
            let mut watch = self.store.watch(self.request.name, &obstacle)?;
            if watch.doze(self.left()) {
                continue;
            }
            if reported.as_ref() != Some(&obstacle) {
                observer.waiting(&self.standing(&obstacle, ticket.as_ref()));
                reported = Some(obstacle.clone());
            }
            match self.pause((&obstacle, &mut watch), ticket.as_ref(), observer)? {
                PauseEnd::Over => {}
                PauseEnd::Interrupted => {
                    self.leave_word(&obstacle, "interrupted");
                    return Ok(AcquireOutcome::Interrupted);
                }
                PauseEnd::TimedOut => return Ok(self.give_up(obstacle)),
            }
        }
    }

    fn give_up(&self, obstacle: Obstacle) -> AcquireOutcome<S::Ticket> {
        deny(self.store, self.request, obstacle, Some(self.began.elapsed()))
    }

    fn leave_word(&self, obstacle: &Obstacle, why: &str) {
        log_unanswered(self.store, self.request, (obstacle, self.began.elapsed()), why);
    }

    /// Sleeps until the obstacle may be gone, reporting to the observer from time to time.
    fn pause(
        &self,
        (obstacle, watch): (&Obstacle, &mut S::ObstacleWatch),
        ticket: Option<&S::Ticket>,
        observer: &mut dyn WaitObserver,
    ) -> Result<PauseEnd, OperationError> {
        let mut due = Some(Instant::now());
        loop {
            let now = Instant::now();
            let is_due = due.is_some_and(|at| at <= now);
            if is_due && watch.look() {
                return Ok(PauseEnd::Over);
            }
            if is_due {
                due = watch.patience(Timestamp::now()).map(|left| now + left);
            }
            let left = self.left();
            if left.is_zero() {
                return Ok(PauseEnd::TimedOut);
            }
            let until_due = due.map(|at| at.saturating_duration_since(now));
            let sleep = [Some(left), until_due, observer.interval()].into_iter().flatten().min();
            match sleep_on(watch, observer.interruption(), sleep)? {
                WakeReason::Watch if watch.is_over() => return Ok(PauseEnd::Over),
                WakeReason::Observer if observer.is_interrupted() => {
                    return Ok(PauseEnd::Interrupted);
                }
                WakeReason::Time if observer.interval().is_some() => {
                    observer.waiting(&self.standing(obstacle, ticket));
                }
                WakeReason::Watch | WakeReason::Observer | WakeReason::Time => {}
            }
        }
    }

    /// How much of the time is left.
    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.began.elapsed())
    }

    fn standing(&self, obstacle: &Obstacle, ticket: Option<&S::Ticket>) -> QueueStanding {
        let name = self.request.name;
        let mine = ticket.map_or(u64::MAX, |ticket| ticket.place().number);
        let is_ahead = |place: &&QueuePlace| place.entered || place.number < mine;
        let line = self.store.line(name).unwrap_or_default();
        let ahead = line.iter().filter(is_ahead).filter(|place| self.store.lives(name, place));
        QueueStanding {
            name: name.clone(),
            obstacle: obstacle.clone(),
            holder: self.store.peek(name, RecordKind::Lock).into_record(),
            before: text_in_the_way(self.store, self.request, obstacle),
            ahead: ahead.count(),
            waited: self.began.elapsed(),
        }
    }
}

/// What the ticket in the way says, where one is.
fn text_in_the_way<S: Store>(
    store: &S,
    request: &LockRequest<'_>,
    obstacle: &Obstacle,
) -> Option<TicketContent> {
    match obstacle {
        Obstacle::Ahead(place) => store.ticket_text(request.name, place),
        Obstacle::Full(inside, _) => store.ticket_text(request.name, inside.last()?),
        _ => None,
    }
}

/// By what a sleep was ended.
enum WakeReason {
    Watch,
    Observer,
    Time,
}

fn sleep_on(
    watch: &impl ObstacleWatch,
    interruption: Option<BorrowedFd<'_>>,
    limit: Option<Duration>,
) -> Result<WakeReason, OperationError> {
    let sources = watch.sources();
    let all = interruption.iter().chain(&sources);
    let mut fds: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    match poll(&mut fds, timeout(limit)) {
        Ok(0) => return Ok(WakeReason::Time),
        Ok(_) => {}
        // A signal interrupted the sleep: look at everything again.
        Err(Errno::EINTR) => return Ok(WakeReason::Observer),
        Err(errno) => {
            return Err(OperationError::Wait { source: errno.into() });
        }
    }
    let reported = interruption.is_some() && fds.first().and_then(PollFd::any) == Some(true);
    Ok(if reported { WakeReason::Observer } else { WakeReason::Watch })
}

/// poll(2) counts whole milliseconds; rounding up keeps it from waking too early and spinning.
fn timeout(limit: Option<Duration>) -> PollTimeout {
    let Some(limit) = limit else {
        return PollTimeout::NONE;
    };
    let milliseconds = limit.as_micros().div_ceil(1000).min(1_000_000_000);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}

fn deny<S: Store>(
    store: &S,
    request: &LockRequest<'_>,
    obstacle: Obstacle,
    waited: Option<Duration>,
) -> AcquireOutcome<S::Ticket> {
    let denial = denial(store, request, obstacle, waited);
    // The refusal is what the caller must hear of; a log that cannot be written must not hide that.
    let _ = store.log(&event(request, &denial), Durability::Volatile);
    AcquireOutcome::Denied(Box::new(denial))
}

/// Logs a wait that did not end by its time limit, so that a reader of the log sees the waiter, the name and
/// the duration.
pub(super) fn log_unanswered<S: Store>(
    store: &S,
    request: &LockRequest<'_>,
    (obstacle, waited): (&Obstacle, Duration),
    why: &str,
) {
    let denial = denial(store, request, obstacle.clone(), Some(waited));
    let event = event(request, &denial).with(why, true);
    let _ = store.log(&event, Durability::Volatile);
}

fn denial<S: Store>(
    store: &S,
    request: &LockRequest<'_>,
    obstacle: Obstacle,
    waited: Option<Duration>,
) -> Denial {
    let holder = look(store, request.name, request.caller).held();
    let ahead = text_in_the_way(store, request, &obstacle);
    Denial { obstacle, holder, ahead, waited }
}

fn event(request: &LockRequest<'_>, denial: &Denial) -> Event {
    let kind = match denial.obstacle {
        Obstacle::Frozen(_) => EventKind::FreezeDeny,
        _ => EventKind::Deny,
    };
    let event = Event::new(kind, request.name, request.caller);
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
