//! Reserving files for edits, as hooks of a harness ask for it.

use super::{
    ReservationDenial, ReservationError, ReservationRequest,
    edit_events::{is_kept_by, is_of_session, with_state},
    reservation_change::{ReservationChange, apply_all},
    reserve::{log_denial, new_record},
    standing::{event, read_and_tidy, read_and_tidy_if},
    yielding::{parted, quiet_edits},
};
use crate::{
    audit::AuditEventKind,
    caller::Caller,
    pattern::Pattern,
    record::HoldKind,
    reservation::{
        EDIT_TTL, EditChange, EditState, EditTargetKind, Reservation, ReservationConflictTerms,
        ReservationMode, ReservationOrigin, ReservationScope, SessionActivity, WaitingReservation,
        begin_edit, conflicts, is_own, is_own_for_edit, keep_edit,
    },
    store::{
        Durability, LockStoreError, RecordPutMode, ReservationReader, ReservationSection,
        ReservationStore,
    },
    words::Timestamp,
};

/// A file that is about to be edited, in one project.
#[derive(Clone, Debug)]
pub struct EditTarget {
    /// Its path, under all its names.
    pub patterns: Vec<Pattern>,
    /// The worktree that it is in.
    pub scope: ReservationScope,
    /// The file, absolute, as the harness names it.
    pub file: String,
    /// A file or a folder.
    pub kind: EditTargetKind,
    /// What it is like now. Only equality counts.
    pub file_state: Option<String>,
}

/// An edit that is about to begin.
#[derive(Clone, Debug)]
pub struct EditRequest<'a> {
    /// The caller; its agent may be a subagent.
    pub caller: &'a Caller,
    /// What it changes: all of it is reserved, or nothing.
    pub targets: Vec<EditTarget>,
    /// The tool call, where the harness names its calls.
    pub call: Option<String>,
    /// The process of the harness, whose end is the end of the reservation; `None` where it is not known.
    pub harness_pid: Option<i32>,
}

/// The outcome of asking for an edit.
#[derive(Debug)]
#[must_use]
pub enum EditOutcome {
    /// All of it is reserved.
    Reserved(Vec<EditReservation>),
    /// Nothing is reserved.
    Denied(Box<ReservationDenial>),
}

/// A reservation that was made or changed for an edit, and what was there before.
#[derive(Clone, Debug)]
pub struct EditReservation(ReservationChange);

/// Reserves the files of an edit, or none of them.
///
/// A reservation that another made for an edit stands in the way no more if its last edit has ended a while ago and
/// `has_no_change` says of its file that git tracks it and that nothing in it is uncommitted. That is asked outside of
/// the section, and counts only if the reservation is the same afterwards.
///
/// # Errors
/// [`ReservationError`] when the state cannot be read or changed; then nothing has changed.
pub fn reserve_edit<S: ReservationStore>(
    store: &S,
    request: &EditRequest<'_>,
    has_no_change: &dyn Fn(&Reservation) -> bool,
) -> Result<EditOutcome, ReservationError> {
    let mut denial = match attempt(store, request, &[])? {
        EditOutcome::Denied(denial) => denial,
        reserved @ EditOutcome::Reserved(_) => return Ok(reserved),
    };
    if let Some(quiet) = quiet_edits(&denial, &mut |it| has_no_change(it)) {
        denial = match attempt(store, request, &quiet)? {
            EditOutcome::Denied(denial) => denial,
            reserved @ EditOutcome::Reserved(_) => return Ok(reserved),
        };
    }
    let standing = denial.standing.iter().flat_map(|(_, found)| found);
    let found: Vec<_> = standing.chain(denial.waiting.iter().flat_map(|(_, it)| it)).collect();
    let is_denied = |it: &&EditTarget| found.iter().any(|found| it.patterns.contains(&found.asked));
    for target in request.targets.iter().filter(is_denied) {
        log_denial(store, &plain(request, target), &denial);
    }
    Ok(EditOutcome::Denied(denial))
}

/// In a section: decides about an edit, and reserves its files if nothing conflicts but what `yielding` has.
fn attempt<S: ReservationStore>(
    store: &S,
    request: &EditRequest<'_>,
    yielding: &[Reservation],
) -> Result<EditOutcome, ReservationError> {
    store.within_reservations(|section| attempt_within(store, section, request, yielding))
}

fn attempt_within<S: ReservationStore>(
    store: &S,
    section: &mut S::ReservationSection<'_>,
    request: &EditRequest<'_>,
    yielding: &[Reservation],
) -> Result<EditOutcome, ReservationError> {
    let asked = request.targets.iter().map(|it| asked(store, request, it));
    let asked = asked.collect::<Result<Vec<Reservation>, _>>()?;
    // Reservations of others count only if they conflict with these files.
    let is_in_conflict = |it: &Reservation| {
        asked.iter().any(|asked| !conflicts(asked.terms(), it.terms()).is_empty())
    };
    let is_wanted = |it: &Reservation| is_of_session(request.caller, it) || is_in_conflict(it);
    let live = read_and_tidy_if(section, request.caller, &is_wanted)?;
    let waiting = section.waiting()?;
    let (live, given_up) = parted(live, yielding);
    let denial = compare(request, (&asked, store.now()), &live, &waiting);
    if !denial.standing.is_empty() || !denial.waiting.is_empty() {
        return Ok(EditOutcome::Denied(Box::new(denial)));
    }
    let targets = request.targets.iter().zip(asked);
    let change = |(target, asked)| edit_change((request, target), asked, &live, store.now());
    let changes: Vec<ReservationChange> = targets.map(change).collect();
    apply_all(section, request.caller, &given_up, &changes)?;
    renew(section, (request.caller, &changes), &live, store.now())?;
    Ok(EditOutcome::Reserved(changes.into_iter().map(EditReservation).collect()))
}

/// In the section: renews what the session has reserved for other edits.
fn renew<C: ReservationSection>(
    section: &mut C,
    (caller, made): (&Caller, &[ReservationChange]),
    live: &[Reservation],
    now: Timestamp,
) -> Result<(), LockStoreError> {
    let is_made = |it: &Reservation| made.iter().any(|made| made.now.id == it.id);
    let is_other =
        |it: &&Reservation| is_of_session(caller, it) && is_kept_by(caller, it) && !is_made(it);
    let others = live.iter().filter(is_other);
    for record in others {
        let Some(state) = &record.edit else { continue };
        let times = (now, record.expiry().unwrap_or(now));
        if let EditChange::Changed(state, end) = keep_edit(state, times, SessionActivity::Event) {
            let renewed = with_state(record, *state, (end, now));
            section.put(&renewed, RecordPutMode::Over, Durability::Volatile)?;
        }
    }
    Ok(())
}

/// What stands in the way of an edit: reservations of others, and others that wait for what the caller does not have.
fn compare(
    request: &EditRequest<'_>,
    (asked, seen): (&[Reservation], Timestamp),
    live: &[Reservation],
    waiting: &[WaitingReservation],
) -> ReservationDenial {
    let identity = &request.caller.identity;
    let mut denial = ReservationDenial {
        standing: Vec::new(),
        waiting: Vec::new(),
        free: Vec::new(),
        seen,
        waited: None,
    };
    for asked in asked {
        let found = |terms: ReservationConflictTerms<'_>| conflicts(asked.terms(), terms);
        let is_mine = |it: &Reservation| is_own_for_edit(identity, it);
        let with_conflicts = |it: &Reservation| {
            let found = found(it.terms());
            (!found.is_empty() && !is_mine(it)).then(|| (it.clone(), found))
        };
        denial.standing.extend(live.iter().filter_map(with_conflicts));
        let gives_it =
            |it: &Reservation| it.scope.meets(&asked.scope) && has(it, asked) && is_mine(it);
        if waiting.is_empty() || live.iter().any(gives_it) {
            continue;
        }
        let is_another = |it: &WaitingReservation| {
            !is_own(identity, &it.identity.owner, Some(&it.identity.agent))
        };
        let with_conflicts = |it: &WaitingReservation| {
            let found = found(it.terms());
            (!found.is_empty() && is_another(it)).then(|| (it.clone(), found))
        };
        denial.waiting.extend(waiting.iter().filter_map(with_conflicts));
    }
    denial
}

/// Whether a reservation of the caller covers all names of the file.
fn has(mine: &Reservation, asked: &Reservation) -> bool {
    let covers = |name: &Pattern| mine.patterns.iter().any(|it| it.contains(name));
    mine.mode == ReservationMode::Exclusive && asked.patterns.iter().all(covers)
}

/// A new reservation of one file, or a change of the one that this agent has.
fn edit_change(
    (request, target): (&EditRequest<'_>, &EditTarget),
    asked: Reservation,
    live: &[Reservation],
    time: Timestamp,
) -> ReservationChange {
    let is_same = |it: &&Reservation| {
        it.owner == asked.owner
            && it.agent_id == asked.agent_id
            && it.scope == asked.scope
            && it.patterns == asked.patterns
            && it.edit.is_some()
    };
    let durability = Durability::Volatile;
    let before = live.iter().find(is_same);
    let Some((before, state)) = before.and_then(|it| Some((it, it.edit.as_ref()?))) else {
        let state = asked.edit.clone().map(|it| EditState { call: request.call.clone(), ..it });
        let now = Reservation { edit: state, ..asked };
        let event = Some(event(AuditEventKind::Reserve, &now, request.caller));
        return ReservationChange { now, before: None, durability, event };
    };
    let (call, file_state) = (request.call.clone(), target.file_state.clone());
    let edit = begin_edit(state, before.expiry(), call, file_state);
    let mut now = Reservation {
        edit: Some(EditState { kind: target.kind, ..edit }),
        id: before.id.clone(),
        acquired: before.acquired,
        ttl_sec: before.ttl_sec,
        expires_at: before.expires_at,
        held_since: before.held_since,
        reason: before.reason.clone(),
        unknown: before.unknown.clone(),
        ..asked
    };
    now.prolong(EDIT_TTL, time);
    ReservationChange { now, before: Some(before.clone()), durability, event: None }
}

/// Takes back what was reserved for an edit that will not be made. A reservation that has changed since stays.
///
/// # Errors
/// [`ReservationError`] when the state cannot be read or changed.
pub fn cancel_edit<S: ReservationStore>(
    store: &S,
    caller: &Caller,
    made: &[EditReservation],
) -> Result<(), ReservationError> {
    store.within_reservations(|section| {
        let live = read_and_tidy(section, caller)?;
        for EditReservation(made) in made.iter().filter(|it| live.contains(&it.0.now)) {
            made.undo(section)?;
            if made.before.is_none() {
                let event = event(AuditEventKind::Unreserve, &made.now, caller);
                section.log(&event, Durability::Volatile)?;
            }
        }
        Ok(())
    })
}

fn plain<'a>(request: &EditRequest<'a>, target: &EditTarget) -> ReservationRequest<'a> {
    ReservationRequest {
        caller: request.caller,
        patterns: target.patterns.clone(),
        scope: target.scope.clone(),
        mode: ReservationMode::Exclusive,
        ttl: EDIT_TTL,
        reason: None,
        origin: ReservationOrigin::Edit,
        hold: if request.harness_pid.is_some() { HoldKind::Process } else { HoldKind::Lease },
        pid: request.harness_pid.unwrap_or(0),
    }
}

/// The reservation that an edit needs for one of its files.
fn asked<S: ReservationStore>(
    store: &S,
    request: &EditRequest<'_>,
    target: &EditTarget,
) -> Result<Reservation, LockStoreError> {
    let record = new_record(store, &plain(request, target))?;
    let state = EditState::new(target.file.clone(), target.kind);
    let edit = Some(EditState { file_state: target.file_state.clone(), ..state });
    Ok(Reservation { edit, ..record })
}
