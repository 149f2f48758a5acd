//! What becomes of the files that a session has reserved for edits, as its harness reports what it does.

use super::{
    ReservationError,
    standing::{event, read_if, tidy},
};
use crate::{
    audit::AuditEventKind,
    caller::Caller,
    reservation::{
        EditChange, EditEnd, EditState, Reservation, ReservationEntry, ReservationOrigin,
        ReservationSlot, SessionActivity, end_edit, keep_edit,
    },
    store::{
        Durability, LockStoreError, RecordPutMode, ReservationReader, ReservationSection,
        ReservationStore,
    },
    words::{AgentId, Timestamp},
};

/// What an agent does, for the files that its session has reserved for edits.
#[derive(Clone, Copy, Debug)]
pub enum EditEvent<'a> {
    /// It does something else than edit.
    Activity(SessionActivity),
    /// An edit has ended.
    EditEnded {
        /// The files, absolute, as the harness names them.
        files: &'a [String],
        /// How it ended.
        how: EditEnd,
        /// The tool call, where the harness names its calls.
        call: Option<&'a str>,
    },
    /// Its turn has ended, or the next one begins: no edit of this agent is under way.
    TurnEnded,
    /// The agent, a subagent, has ended.
    SubagentEnded,
    /// The session has ended.
    SessionEnded,
}

/// Changes what a session has reserved for edits, as its event wants it. `file_state` says what a file is like now.
///
/// A session that has reserved nothing costs no section.
///
/// # Errors
/// [`ReservationError`] when the state cannot be read or changed. What was changed before that stands.
pub fn note_edit_event<S: ReservationStore>(
    store: &S,
    caller: &Caller,
    event: EditEvent<'_>,
    file_state: &dyn Fn(&str) -> Option<String>,
) -> Result<(), ReservationError> {
    let is_mine = |it: &Reservation| is_of_session(caller, it);
    let has_mine = |entry: &ReservationEntry| match &entry.slot {
        ReservationSlot::Record(it) => is_mine(it),
        _ => false,
    };
    if !store.reservation_reader().reservations_if(&is_mine)?.iter().any(has_mine) {
        return Ok(());
    }
    store.within_reservations(|section| {
        note_within(section, caller, (event, store.now()), file_state)
    })
}

fn note_within<C: ReservationSection>(
    section: &mut C,
    caller: &Caller,
    (event, now): (EditEvent<'_>, Timestamp),
    file_state: &dyn Fn(&str) -> Option<String>,
) -> Result<(), ReservationError> {
    let is_mine = |it: &Reservation| is_of_session(caller, it);
    let all = read_if(section, caller, &is_mine)?;
    tidy(section, caller, &all.over);
    let mine: Vec<&Reservation> = all.live.iter().filter(|it| is_mine(it)).collect();
    for record in &mine {
        let Some(state) = &record.edit else { continue };
        let changed = match outcome(caller, (record, state), (event, now), file_state) {
            EditChange::None => None,
            EditChange::GivenBack => {
                give_back(section, caller, record)?;
                continue;
            }
            EditChange::Changed(state, end) => Some(with_state(record, *state, (end, now))),
        };
        if matches!(event, EditEvent::SubagentEnded) && is_of_agent(caller, record) {
            let record = changed.unwrap_or_else(|| (*record).clone());
            pass_on(section, (caller, now), (&record, &mine))?;
        } else if let Some(record) = changed {
            section.put(&record, RecordPutMode::Over, Durability::Volatile)?;
        }
    }
    Ok(())
}

/// What an event does to one reservation of the session.
fn outcome(
    caller: &Caller,
    (record, state): (&Reservation, &EditState),
    (event, now): (EditEvent<'_>, Timestamp),
    file_state: &dyn Fn(&str) -> Option<String>,
) -> EditChange {
    let times = (now, record.expiry().unwrap_or(now));
    let is_mine = is_of_agent(caller, record);
    let is_kept = is_kept_by(caller, record);
    let keep = |activity| {
        if is_kept { keep_edit(state, times, activity) } else { EditChange::None }
    };
    let settled = || match end_edit(state, times, (EditEnd::Unknown, None), file_state) {
        EditChange::None => keep_edit(state, times, SessionActivity::CallEnds),
        change => change,
    };
    match event {
        EditEvent::Activity(activity) => keep(activity),
        EditEvent::EditEnded { files, how, call } if is_mine && files.contains(&state.file) => {
            end_edit(state, times, (how, call), file_state)
        }
        EditEvent::EditEnded { .. } => keep(SessionActivity::CallEnds),
        EditEvent::TurnEnded | EditEvent::SubagentEnded if is_mine => settled(),
        EditEvent::TurnEnded | EditEvent::SubagentEnded => keep(SessionActivity::Event),
        EditEvent::SessionEnded => EditChange::GivenBack,
    }
}

/// Whether a reservation was made for an edit of the caller's session.
pub(super) fn is_of_session(caller: &Caller, record: &Reservation) -> bool {
    record.origin == ReservationOrigin::Edit
        && record.owner == caller.identity.owner
        && record.agent_id.as_ref().map(AgentId::session) == Some(caller.identity.agent.session())
}

/// Whether an event of the caller keeps a reservation of its session: its own, and for a subagent also what the session
/// has, which waits for it. What another subagent has is kept by that one alone: its end may never be told.
pub(super) fn is_kept_by(caller: &Caller, record: &Reservation) -> bool {
    let agent = record.agent_id.as_ref();
    is_of_agent(caller, record) || agent == Some(&caller.identity.agent.session())
}

fn is_of_agent(caller: &Caller, record: &Reservation) -> bool {
    record.agent_id.as_ref() == Some(&caller.identity.agent)
}

pub(super) fn with_state(
    record: &Reservation,
    state: EditState,
    (end, now): (Timestamp, Timestamp),
) -> Reservation {
    let mut changed = Reservation { edit: Some(state), ..record.clone() };
    if record.expiry() != Some(end) {
        changed.end_at(end, now);
    }
    changed
}

fn give_back<C: ReservationSection>(
    section: &mut C,
    caller: &Caller,
    record: &Reservation,
) -> Result<(), LockStoreError> {
    section.remove(&record.id, Durability::Volatile)?;
    section.log(&event(AuditEventKind::Unreserve, record, caller), Durability::Volatile)
}

/// Gives a reservation of a subagent to its session. Where the session has one of that file, the later of the two
/// stays.
fn pass_on<C: ReservationSection>(
    section: &mut C,
    (caller, now): (&Caller, Timestamp),
    (record, all): (&Reservation, &[&Reservation]),
) -> Result<(), LockStoreError> {
    let session = caller.identity.agent.session();
    let is_same = |it: &&&Reservation| {
        it.agent_id.as_ref() == Some(&session)
            && it.scope == record.scope
            && it.patterns == record.patterns
    };
    let passed = Reservation { agent_id: Some(session.clone()), ..record.clone() };
    let Some(there) = all.iter().find(is_same) else {
        return section.put(&passed, RecordPutMode::Over, Durability::Volatile);
    };
    // Its own edit is under way: that state stays, and so does the longer time.
    let is_busy = there.edit.as_ref().is_some_and(|it| !it.is_confirmed);
    let mut kept =
        Reservation { id: there.id.clone(), ..if is_busy { (**there).clone() } else { passed } };
    let end = record.expiry().max(there.expiry());
    if let Some(end) = end.filter(|it| kept.expiry() != Some(*it)) {
        kept.end_at(end, now);
    }
    section.put(&kept, RecordPutMode::Over, Durability::Volatile)?;
    section.remove(&record.id, Durability::Volatile)
}
