use super::{
    ReservationError,
    reservation_change::{ReservationChange, apply_all},
    standing::{durability, event, read_and_tidy},
    yielding::{parted, quiet_edits},
};
use crate::{
    audit::AuditEventKind,
    caller::Caller,
    pattern::Pattern,
    record::{HoldKind, whole_seconds},
    reservation::{
        PatternConflict, RESERVATION_FORMAT_VERSION, Reservation, ReservationConflictTerms,
        ReservationId, ReservationMode, ReservationOrigin, ReservationScope, WaitingReservation,
        conflicts, extended, free_of, is_extension, is_own,
    },
    store::{LockStoreError, ReservationReader, ReservationStore},
    words::Timestamp,
};
use serde_json::Value;
use std::time::Duration;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct ReservationRequest<'a> {
    /// The caller.
    pub caller: &'a Caller,
    /// What is to be reserved: all of it, or nothing.
    pub patterns: Vec<Pattern>,
    /// Where it is to count.
    pub scope: ReservationScope,
    /// Whether it can be shared.
    pub mode: ReservationMode,
    /// For how long.
    pub ttl: Duration,
    /// Why, for people.
    pub reason: Option<String>,
    /// What makes it.
    pub origin: ReservationOrigin,
    /// A lease, or tied to `pid` as well.
    pub hold: HoldKind,
    /// The process that it is tied to, or for people only.
    pub pid: i32,
}

/// The outcome of a request.
#[derive(Debug)]
#[must_use]
pub enum ReserveOutcome {
    /// All is reserved.
    Reserved {
        /// The record.
        record: Box<Reservation>,
        /// It was there before, and has been extended.
        is_extended: bool,
    },
    /// Nothing is reserved.
    Denied(Box<ReservationDenial>),
    /// The wait was interrupted; nothing is reserved.
    Interrupted,
}

/// Why a request was refused.
#[derive(Clone, Debug)]
pub struct ReservationDenial {
    /// The reservations of others that conflict, each with the patterns that do.
    pub standing: Vec<(Reservation, Vec<PatternConflict>)>,
    /// The earlier waiters whose requests conflict.
    pub waiting: Vec<(WaitingReservation, Vec<PatternConflict>)>,
    /// What of the request is free.
    pub free: Vec<Pattern>,
    /// When that was found out.
    pub seen: Timestamp,
    /// How long the caller waited; `None` if it did not want to wait.
    pub waited: Option<Duration>,
}

impl ReservationDenial {
    /// The owners of what conflicts, each once.
    fn owners(&self) -> Value {
        let standing = self.standing.iter().map(|(it, _)| it.owner.as_str());
        let waiting = self.waiting.iter().map(|(it, _)| it.identity.owner.as_str());
        let mut owners: Vec<&str> = standing.chain(waiting).collect();
        owners.sort_unstable();
        owners.dedup();
        owners.into()
    }
}

/// What a look in the section has found.
pub(super) enum ReserveAttempt {
    Reserved { record: Box<Reservation>, is_extended: bool },
    Blocked(Box<ReservationDenial>),
}

/// Reserves all patterns of a request, or none, without waiting.
///
/// A reservation that another made for an edit stands in the way no more if its last edit has ended a while ago and
/// `has_no_change` says of its file that git tracks it and that nothing in it is uncommitted. That is asked outside of
/// the section, and counts only if the reservation is the same afterwards.
///
/// # Errors
/// [`ReservationError`] when the state cannot be read or changed; then nothing has changed.
pub fn reserve<S: ReservationStore>(
    store: &S,
    request: &ReservationRequest<'_>,
    has_no_change: &mut dyn FnMut(&Reservation) -> bool,
) -> Result<ReserveOutcome, ReservationError> {
    let mut yielding = Vec::new();
    loop {
        let attempted = store.within_reservations(|section| {
            let live = read_and_tidy(section, request.caller)?;
            let waiting = section.waiting()?;
            let (yielding, waited) = (yielding.as_slice(), None);
            let seen = ReservationsSeen { live, waiting: &waiting, yielding, waited };
            attempt(store, section, request, seen)
        })?;
        match attempted {
            ReserveAttempt::Reserved { record, is_extended } => {
                return Ok(ReserveOutcome::Reserved { record, is_extended });
            }
            ReserveAttempt::Blocked(denial) => match quiet_edits(&denial, has_no_change) {
                Some(quiet) if yielding.is_empty() => yielding = quiet,
                _ => {
                    log_denial(store, request, &denial);
                    return Ok(ReserveOutcome::Denied(denial));
                }
            },
        }
    }
}

/// What the decision about a request depends on, as read in the section.
pub(super) struct ReservationsSeen<'a> {
    pub(super) live: Vec<Reservation>,
    /// The waiters ahead.
    pub(super) waiting: &'a [WaitingReservation],
    /// The live reservations that are given up if they are in the way.
    pub(super) yielding: &'a [Reservation],
    /// How long the caller has waited; `None` if it does not wait.
    pub(super) waited: Option<Duration>,
}

/// In the section: decides about a request, and reserves if nothing conflicts except `seen.yielding`.
pub(super) fn attempt<S: ReservationStore>(
    store: &S,
    section: &mut S::ReservationSection<'_>,
    request: &ReservationRequest<'_>,
    seen: ReservationsSeen<'_>,
) -> Result<ReserveAttempt, ReservationError> {
    let (live, given_up) = parted(seen.live, seen.yielding);
    let live = live.as_slice();
    let asked = new_record(store, request)?;
    let denial = compare(request, &asked, live, seen.waiting);
    if !denial.standing.is_empty() || !denial.waiting.is_empty() {
        return Ok(ReserveAttempt::Blocked(Box::new(denial)));
    }
    let identity = &request.caller.identity;
    let own = live
        .iter()
        .find(|it| is_own(identity, &it.owner, it.agent_id.as_ref()) && is_extension(it, &asked));
    let record = match own {
        None => Reservation { patterns: extended(&[], &asked.patterns), ..asked },
        Some(own) => extension(own, &asked, request.ttl),
    };
    let event = event(AuditEventKind::Reserve, &record, request.caller).waited(seen.waited);
    let event = if own.is_some() { event.with("extended", true) } else { event };
    let change = ReservationChange {
        before: own.cloned(),
        durability: durability(&record),
        event: Some(event),
        now: record,
    };
    apply_all(section, request.caller, &given_up, std::slice::from_ref(&change))?;
    let ReservationChange { now, before, .. } = change;
    Ok(ReserveAttempt::Reserved { record: Box::new(now), is_extended: before.is_some() })
}

/// The conflicts of a request with what stands and with the waiters ahead.
pub(super) fn compare(
    request: &ReservationRequest<'_>,
    asked: &Reservation,
    live: &[Reservation],
    waiting: &[WaitingReservation],
) -> ReservationDenial {
    let identity = &request.caller.identity;
    let is_mine = |it: &Reservation| is_own(identity, &it.owner, it.agent_id.as_ref());
    let conflicting = |it: &Reservation| {
        let found = conflicts(asked.terms(), it.terms());
        (!found.is_empty()).then(|| (it.clone(), found))
    };
    let standing: Vec<_> = live.iter().filter(|it| !is_mine(it)).filter_map(conflicting).collect();
    let new = not_had(request, asked, live);
    let terms = ReservationConflictTerms { patterns: &new, ..asked.terms() };
    let ahead = |it: &WaitingReservation| {
        let found = conflicts(terms, it.terms());
        (!found.is_empty()).then(|| (it.clone(), found))
    };
    let is_another =
        |it: &&WaitingReservation| !is_own(identity, &it.identity.owner, Some(&it.identity.agent));
    let waiting: Vec<_> = waiting.iter().filter(is_another).filter_map(ahead).collect();
    let found = || standing.iter().flat_map(|it| &it.1).chain(waiting.iter().flat_map(|it| &it.1));
    let free = free_of(&asked.patterns, found());
    ReservationDenial { free, standing, waiting, seen: asked.acquired, waited: None }
}

/// The patterns of a request that the caller does not have already. What it has, it keeps past all waiters.
pub(super) fn not_had(
    request: &ReservationRequest<'_>,
    asked: &Reservation,
    live: &[Reservation],
) -> Vec<Pattern> {
    let identity = &request.caller.identity;
    let is_mine = |it: &&Reservation| is_own(identity, &it.owner, it.agent_id.as_ref());
    let own: Vec<&Reservation> = live.iter().filter(is_mine).collect();
    let is_had = |pattern: &Pattern| own.iter().any(|it| includes(it, asked, pattern));
    asked.patterns.iter().filter(|it| !is_had(it)).cloned().collect()
}

/// Whether a reservation of the caller gives it all that it asks for with a pattern.
fn includes(own: &Reservation, asked: &Reservation, pattern: &Pattern) -> bool {
    let scope = own.scope == ReservationScope::Repository || own.scope == asked.scope;
    let mode = own.mode == ReservationMode::Exclusive || own.mode == asked.mode;
    scope && mode && own.patterns.iter().any(|it| it.contains(pattern))
}

/// A reservation of the caller with the patterns of a request, and its lifetime.
fn extension(own: &Reservation, asked: &Reservation, ttl: Duration) -> Reservation {
    let mut record = own.clone();
    record.patterns = extended(&own.patterns, &asked.patterns);
    record.reason = asked.reason.clone().or_else(|| own.reason.clone());
    record.prolong(ttl, asked.acquired);
    record
}

pub(super) fn new_record<S: ReservationStore>(
    store: &S,
    request: &ReservationRequest<'_>,
) -> Result<Reservation, LockStoreError> {
    let (caller, now) = (request.caller, store.now());
    Ok(Reservation {
        version: RESERVATION_FORMAT_VERSION,
        id: new_id(store)?,
        owner: caller.identity.owner.clone(),
        agent_id: Some(caller.identity.agent.clone()),
        host: Some(caller.here.host.clone()),
        pid: (request.pid > 0).then_some(request.pid),
        pid_start: caller.start_of(request.pid),
        boot_id: (!caller.here.boot_id.is_empty()).then(|| caller.here.boot_id.clone()),
        pid_ns: Some(caller.here.pid_ns),
        hold: request.hold.clone(),
        acquired: now,
        ttl_sec: Some(whole_seconds(request.ttl)),
        expires_at: Some(now.saturating_add(request.ttl)),
        held_since: None,
        scope: request.scope.clone(),
        mode: request.mode.clone(),
        patterns: request.patterns.clone(),
        reason: request.reason.clone(),
        origin: request.origin.clone(),
        edit: None,
        unknown: Vec::new(),
    })
}

/// A new id. It has the form that an id must have.
pub(super) fn new_id<S: ReservationStore>(store: &S) -> Result<ReservationId, LockStoreError> {
    let id = store.new_id()?;
    let broken = || LockStoreError::NoRandomness { source: std::io::ErrorKind::InvalidData.into() };
    ReservationId::new(id.as_str()).map_err(|_| broken())
}

/// A refusal stands, even if it cannot be logged.
pub(super) fn log_denial<S: ReservationStore>(
    store: &S,
    request: &ReservationRequest<'_>,
    denial: &ReservationDenial,
) {
    let patterns = serde_json::to_value(&request.patterns).unwrap_or(Value::Null);
    let event = crate::audit::AuditEvent::without_name(AuditEventKind::ReserveDeny, request.caller)
        .lasting(Some(whole_seconds(request.ttl)))
        .with("patterns", patterns)
        .with("mode", request.mode.as_str())
        .with("scope", request.scope.as_str())
        .with("origin", request.origin.as_str())
        .with("holders", denial.owners())
        .waited(denial.waited);
    let _ = store.log(&event);
}
