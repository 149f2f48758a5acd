use super::{
    ReservationDenial, ReservationError, ReservationRequest, ReserveOutcome,
    pause::WaitDeadline,
    reserve::{
        ReservationsSeen, ReserveAttempt, attempt, compare, log_denial, new_id, new_record, not_had,
    },
    standing::{read, read_and_tidy},
    yielding::quiet_edits,
};
use crate::{
    record::HoldKind,
    reservation::{Reservation, ReservationWaitCycleLink, WaitingReservation, circle},
    store::{ReservationReader, ReservationSection, ReservationStore, ReservationWatch},
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

/// After how long a waiter looks again, whatever is reported: not all ends of processes can be watched.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// After how long a waiter asks again whether what is in the way has been committed.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Accompanies a wait: gets reports of it, and can end it.
pub trait ReservationWaitObserver {
    /// Receives what is in the way: at the first look, at each change, and from time to time.
    fn waiting(&mut self, denial: &ReservationDenial);

    /// A descriptor that becomes readable when the wait may have to end.
    fn interruption(&self) -> Option<BorrowedFd<'_>>;

    /// Whether git tracks the file of an edit that is in the way, and nothing in it is uncommitted: then it is in the
    /// way no more. Asked from time to time.
    fn has_no_change(&mut self, record: &Reservation) -> bool;

    /// Whether the wait is to end now.
    fn is_interrupted(&mut self) -> bool;
}

/// A waiter's request, and its place.
type WaitingPlace<S> = (WaitingReservation, <S as ReservationStore>::ReservationTicket);

/// Reserves all patterns of a request, and waits for them as long as `limit`: first come, first served. A request that
/// overlaps an earlier waiter's waits behind it.
///
/// A process that dies while it waits leaves its place to the kernel; one that dies while it reserves leaves the record
/// or does not.
///
/// # Errors
/// [`ReservationError::Deadlock`] where the wait would never end; else when the state cannot be read or changed.
/// Nothing is reserved then, and the caller does not wait any more.
pub fn reserve_waiting<S: ReservationStore>(
    store: &S,
    request: &ReservationRequest<'_>,
    limit: Duration,
    observer: &mut dyn ReservationWaitObserver,
) -> Result<ReserveOutcome, ReservationError> {
    let clock = WaitDeadline::start(limit);
    let mut watch = store.watch_reservations();
    let mut place: Option<WaitingPlace<S>> = None;
    let mut yielding = quiet_at_first(store, request, observer)?;
    let mut asked = Instant::now();
    loop {
        watch.rearm();
        // Whatever wakes a waiter: after its time it tries once more, and that is all.
        let is_last = place.is_some() && clock.left().is_zero();
        let is_new = place.is_none();
        let mut denial = match look(store, request, &mut place, &std::mem::take(&mut yielding))? {
            ReserveAttempt::Reserved { record, is_extended } => {
                return Ok(ReserveOutcome::Reserved { record, is_extended });
            }
            ReserveAttempt::Blocked(denial) => denial,
        };
        denial.waited = Some(clock.elapsed());
        if is_last {
            drop(place);
            log_denial(store, request, &denial);
            return Ok(ReserveOutcome::Denied(denial));
        }
        observer.waiting(&denial);
        if asked.elapsed() >= ASK_AGAIN {
            asked = Instant::now();
            if let Some(quiet) = quiet_edits(&denial, &mut |it| observer.has_no_change(it)) {
                yielding = quiet;
                continue;
            }
        }
        // The folder of the waiters may have been made just now: look once more before the first sleep.
        if is_new {
            continue;
        }
        watch.watch_processes(&tied_processes(&denial));
        if sleep(&watch, observer, nap(&denial).min(clock.left()))? {
            drop(place);
            log_denial(store, request, &denial);
            return Ok(ReserveOutcome::Interrupted);
        }
    }
}

/// What is in the way of a request before it waits, if all of it may be given up: a wait for that is no circle.
fn quiet_at_first<S: ReservationStore>(
    store: &S,
    request: &ReservationRequest<'_>,
    observer: &mut dyn ReservationWaitObserver,
) -> Result<Vec<Reservation>, ReservationError> {
    let reader = store.reservation_reader();
    let live = read(&reader, request.caller)?.live;
    let waiting = reader.waiting()?;
    let denial = compare(request, &new_record(store, request)?, &live, &waiting);
    Ok(quiet_edits(&denial, &mut |it| observer.has_no_change(it)).unwrap_or_default())
}

/// Reserves, or gives the request its place among the waiters, unless that would close a circle.
fn look<S: ReservationStore>(
    store: &S,
    request: &ReservationRequest<'_>,
    place: &mut Option<WaitingPlace<S>>,
    yielding: &[Reservation],
) -> Result<ReserveAttempt, ReservationError> {
    let looked = store.within_reservations(|section| {
        look_within(store, section, request, (place.as_mut(), yielding))
    })?;
    match looked {
        WaiterLook::Reserved(attempt) => {
            *place = None;
            Ok(attempt)
        }
        WaiterLook::Blocked(denial, drawn) => {
            *place = place.take().or(drawn);
            Ok(ReserveAttempt::Blocked(denial))
        }
        WaiterLook::Circle(denial, circle) => {
            *place = None;
            log_denial(store, request, &denial);
            Err(ReservationError::Deadlock { circle })
        }
    }
}

/// What a waiter has found in a section.
enum WaiterLook<P> {
    Reserved(ReserveAttempt),
    /// It waits, with the place that it has or that it got there.
    Blocked(Box<ReservationDenial>, Option<P>),
    /// It would wait for itself, and waits no more.
    Circle(Box<ReservationDenial>, Vec<ReservationWaitCycleLink>),
}

/// In the section: reserves, or finds what is in the way.
fn look_within<S: ReservationStore>(
    store: &S,
    section: &mut S::ReservationSection<'_>,
    request: &ReservationRequest<'_>,
    (place, yielding): (Option<&mut WaitingPlace<S>>, &[Reservation]),
) -> Result<WaiterLook<WaitingPlace<S>>, ReservationError> {
    let live = read_and_tidy(section, request.caller)?;
    let waiting = section.waiting()?;
    let mine = place.as_ref().map(|(it, _)| it.number);
    let is_ahead = |it: &WaitingReservation| mine.is_none_or(|mine| it.number < mine);
    let ahead: Vec<_> = waiting.iter().filter(|it| is_ahead(it)).cloned().collect();
    let seen = ReservationsSeen {
        live: live.clone(),
        waiting: &ahead,
        yielding,
        waited: place.as_ref().map(|(it, _)| store.now().since(it.since)),
    };
    let attempted = attempt(store, section, request, seen)?;
    let ReserveAttempt::Blocked(denial) = attempted else {
        // The place ends in the section, so that no waiter sees both.
        if let Some((_, ticket)) = place {
            section.withdraw(ticket);
        }
        return Ok(WaiterLook::Reserved(attempted));
    };
    let waiter = match &place {
        Some((waiter, _)) => waiter.clone(),
        None => new_waiter(store, request, &live, &waiting)?,
    };
    let circle = circle(&waiter, &live, &waiting);
    match place {
        place if !circle.is_empty() => {
            if let Some((_, ticket)) = place {
                section.withdraw(ticket);
            }
            Ok(WaiterLook::Circle(denial, circle))
        }
        Some(_) => Ok(WaiterLook::Blocked(denial, None)),
        None => {
            let ticket = section.enqueue(&waiter)?;
            Ok(WaiterLook::Blocked(denial, Some((waiter, ticket))))
        }
    }
}

fn new_waiter<S: ReservationStore>(
    store: &S,
    request: &ReservationRequest<'_>,
    live: &[Reservation],
    waiting: &[WaitingReservation],
) -> Result<WaitingReservation, ReservationError> {
    let asked = new_record(store, request)?;
    let new = not_had(request, &asked, live);
    Ok(WaitingReservation {
        number: waiting.iter().map(|it| it.number).max().unwrap_or(0).saturating_add(1),
        id: new_id(store)?,
        identity: request.caller.identity.clone(),
        pid: Some(request.caller.pid),
        since: store.now(),
        scope: request.scope.clone(),
        mode: request.mode.clone(),
        patterns: if new.is_empty() { asked.patterns } else { new },
    })
}

/// The processes whose end ends a reservation that is in the way.
fn tied_processes(denial: &ReservationDenial) -> Vec<i32> {
    let records = denial.standing.iter().map(|(record, _)| record);
    records.filter(|it| it.hold == HoldKind::Process).filter_map(|it| it.pid).collect()
}

/// How long to sleep, if nothing is reported: until the first reservation that is in the way ends.
fn nap(denial: &ReservationDenial) -> Duration {
    let ends = denial.standing.iter().filter_map(|(record, _)| record.expiry());
    let first = ends.map(|end| end.since(denial.seen) + Duration::from_millis(1)).min();
    first.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)
}

/// Sleeps until a change may have come; true where the wait is to end.
fn sleep(
    watch: &impl ReservationWatch,
    observer: &mut dyn ReservationWaitObserver,
    limit: Duration,
) -> Result<bool, ReservationError> {
    let sources = watch.sources();
    let all = observer.interruption().into_iter().chain(sources);
    let mut fds: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    // Rounded up: poll(2) counts whole milliseconds, and must not wake too early.
    let milliseconds = u16::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
    match poll(&mut fds, PollTimeout::from(milliseconds)) {
        Ok(_) | Err(Errno::EINTR) => Ok(observer.is_interrupted()),
        Err(errno) => Err(ReservationError::Wait { source: errno.into() }),
    }
}
