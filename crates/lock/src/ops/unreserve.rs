use super::{
    ReservationError,
    standing::{durability, event, read, tidy},
};
use crate::{
    audit::{AuditEvent, AuditEventKind},
    caller::Caller,
    pattern::Pattern,
    reservation::{Reservation, ReservationEntry, ReservationSlot, is_own, reduced},
    store::{
        Durability, LockStoreError, RecordPutMode, ReservationReader, ReservationSection,
        ReservationStore,
    },
};

/// What to give back.
#[derive(Clone, Debug, Default)]
pub struct UnreserveRequest {
    /// The reservation with this id alone; `None` for all of the caller's.
    pub id: Option<String>,
    /// These patterns, in a group for each argument; `None` for all patterns.
    pub patterns: Option<Vec<Vec<Pattern>>>,
    /// Also those of others, and what is no record.
    pub force: bool,
}

/// What was given back of one reservation.
#[derive(Clone, Debug)]
pub struct ReservationReduction {
    /// The reservation as it was.
    pub before: Reservation,
    /// The patterns that were given back.
    pub given_back: Vec<Pattern>,
    /// The patterns that remain.
    pub rest: Vec<Pattern>,
}

/// The outcome of giving back.
#[derive(Debug)]
#[must_use]
pub enum UnreserveOutcome {
    /// It is done.
    Done {
        /// What was given back, one entry for each reservation; empty where the caller had none.
        parts: Vec<ReservationReduction>,
        /// Patterns that were given back and that another reservation of the caller covers still, with its pattern.
        uncut: Vec<(Pattern, Pattern)>,
        /// It took effect, but could not be logged.
        unlogged: Option<LockStoreError>,
        /// It took effect, but a power cut may undo it.
        unsynced: Option<LockStoreError>,
        /// Where all was to be given back: what cannot be read and stays, and may be the caller's.
        faults: Vec<ReservationError>,
    },
    /// What was no record was removed.
    Cleared {
        /// It took effect, but could not be logged.
        unlogged: Option<LockStoreError>,
        /// It took effect, but a power cut may undo it.
        unsynced: Option<LockStoreError>,
    },
    /// Nothing like this is reserved; the first pattern, or the id, for which that holds.
    NotFound(String),
    /// Another has reserved it.
    NotYours(Box<Reservation>),
    /// A pattern to give back is part of a larger one of the caller, which cannot be cut.
    Uncut {
        /// What was to be given back.
        asked: Pattern,
        /// What stands.
        standing: Pattern,
    },
}

/// Gives back reservations of the caller, or parts of them: all that is asked for, or nothing.
///
/// # Errors
/// [`ReservationError`] when the state cannot be read or changed.
pub fn unreserve<S: ReservationStore>(
    store: &S,
    request: &UnreserveRequest,
    caller: &Caller,
) -> Result<UnreserveOutcome, ReservationError> {
    store.within_reservations(|section| unreserve_within(section, request, caller))
}

fn unreserve_within<C: ReservationSection>(
    section: &mut C,
    request: &UnreserveRequest,
    caller: &Caller,
) -> Result<UnreserveOutcome, ReservationError> {
    if let Some(outcome) = clear(section, request, caller)? {
        return Ok(outcome);
    }
    let all = read(section, caller)?;
    tidy(section, caller, &all.over);
    match unreserve_readable(section, request, (caller, &all.live))? {
        UnreserveOutcome::NotFound(what) => {
            match all.faults.into_iter().find(|it| may_be(it, request)) {
                // Doubt is no proof that nothing is reserved.
                Some(fault) => Err(fault),
                None => Ok(UnreserveOutcome::NotFound(what)),
            }
        }
        UnreserveOutcome::Done { parts, uncut, unlogged, unsynced, .. } => {
            let is_all = request.patterns.is_none() && request.id.is_none();
            let faults = if is_all { all.faults } else { Vec::new() };
            Ok(UnreserveOutcome::Done { parts, uncut, unlogged, unsynced, faults })
        }
        outcome => Ok(outcome),
    }
}

/// Whether what cannot be read may be what is to be given back.
fn may_be(fault: &ReservationError, request: &UnreserveRequest) -> bool {
    let (ReservationError::Newer { name, .. }
    | ReservationError::Corrupted { name, .. }
    | ReservationError::Unreadable { name, .. }) = fault
    else {
        return true;
    };
    request.id.as_ref().is_none_or(|id| name == id || name.strip_suffix(".json") == Some(id))
}

/// In the section: gives back reservations that can be read.
fn unreserve_readable<C: ReservationSection>(
    section: &mut C,
    request: &UnreserveRequest,
    (caller, live): (&Caller, &[Reservation]),
) -> Result<UnreserveOutcome, ReservationError> {
    let is_named = |it: &&Reservation| request.id.as_ref().is_none_or(|id| id == it.id.as_str());
    let named: Vec<&Reservation> = live.iter().filter(is_named).collect();
    let is_mine = |it: &Reservation| is_own(&caller.identity, &it.owner, it.agent_id.as_ref());
    let (own, others): (Vec<&Reservation>, Vec<&Reservation>) =
        named.into_iter().partition(|it| request.force || is_mine(it));
    if let (Some(id), [], others) = (&request.id, own.as_slice(), others.as_slice()) {
        return Ok(others.first().map_or_else(
            || UnreserveOutcome::NotFound(id.clone()),
            |it| UnreserveOutcome::NotYours(Box::new((*it).clone())),
        ));
    }
    if let Some(refusal) = refusal(request, &own, &others) {
        return Ok(refusal);
    }
    let back = request.patterns.as_ref().map(|groups| groups.concat());
    give_back(section, caller, &own, back.as_deref())
}

/// Why a request cannot be carried out, if it names a pattern that is not to be had.
fn refusal(
    request: &UnreserveRequest,
    own: &[&Reservation],
    others: &[&Reservation],
) -> Option<UnreserveOutcome> {
    request.patterns.iter().flatten().find_map(|group| {
        let reductions: Vec<_> = own.iter().map(|it| reduced(it.terms(), group)).collect();
        if reductions.iter().any(|it| !it.given_back.is_empty()) {
            return None;
        }
        if let Some((asked, standing)) = reductions.into_iter().flat_map(|it| it.uncut).next() {
            return Some(UnreserveOutcome::Uncut { asked, standing });
        }
        let overlaps = |it: &&&Reservation| {
            it.patterns.iter().any(|one| group.iter().any(|two| one.overlaps(two)))
        };
        if let Some(another) = others.iter().find(overlaps) {
            return Some(UnreserveOutcome::NotYours(Box::new((*another).clone())));
        }
        Some(UnreserveOutcome::NotFound(group.first().map(ToString::to_string).unwrap_or_default()))
    })
}

/// In the section: takes patterns out of reservations, or all of them. Each reservation changes in one step.
fn give_back<C: ReservationSection>(
    section: &mut C,
    caller: &Caller,
    own: &[&Reservation],
    back: Option<&[Pattern]>,
) -> Result<UnreserveOutcome, ReservationError> {
    let (mut parts, mut uncut) = (Vec::new(), Vec::new());
    let (mut unlogged, mut unsynced) = (None, None);
    for record in own {
        let reduction = reduced(record.terms(), back.unwrap_or(&record.patterns));
        uncut.extend(reduction.uncut);
        if reduction.given_back.is_empty() {
            continue;
        }
        let durability = durability(record);
        if reduction.rest.is_empty() {
            let removed = section.remove(&record.id, durability);
            unsynced = unless_it_stands(section, removed, |it| is_record(it, record))?.or(unsynced);
        } else {
            let rest = Reservation { patterns: reduction.rest.clone(), ..(*record).clone() };
            section.put(&rest, RecordPutMode::Over, durability)?;
        }
        let changed = Reservation { patterns: reduction.given_back.clone(), ..(*record).clone() };
        let event = event(AuditEventKind::Unreserve, &changed, caller);
        let event = with_holder(event, record, caller);
        unlogged = unlogged.or(section.log(&event, durability).err());
        parts.push(ReservationReduction {
            before: (*record).clone(),
            given_back: reduction.given_back,
            rest: reduction.rest,
        });
    }
    Ok(UnreserveOutcome::Done { parts, uncut, unlogged, unsynced, faults: Vec::new() })
}

/// The error of a removal that took effect: what was given back stays so. One that did not is the caller's error.
fn unless_it_stands(
    reader: &impl ReservationReader,
    removed: Result<(), LockStoreError>,
    is_it: impl Fn(&ReservationEntry) -> bool,
) -> Result<Option<LockStoreError>, LockStoreError> {
    let Err(error) = removed else { return Ok(None) };
    match reader.reservations() {
        Ok(all) if !all.iter().any(is_it) => Ok(Some(error)),
        _ => Err(error),
    }
}

fn is_record(entry: &ReservationEntry, record: &Reservation) -> bool {
    matches!(&entry.slot, ReservationSlot::Record(it) if it.id == record.id)
}

fn with_holder(event: AuditEvent, record: &Reservation, caller: &Caller) -> AuditEvent {
    if is_own(&caller.identity, &record.owner, record.agent_id.as_ref()) {
        return event;
    }
    event.with("holder_owner", record.owner.as_str()).with("forced", true)
}

/// In the section: removes by force what stands in a record's place and is no record that this program can read.
fn clear<C: ReservationSection>(
    section: &mut C,
    request: &UnreserveRequest,
    caller: &Caller,
) -> Result<Option<UnreserveOutcome>, ReservationError> {
    let (Some(id), true) = (&request.id, request.force) else { return Ok(None) };
    let is_named = |it: &ReservationEntry| {
        it.name == **id || it.name.to_str().and_then(|name| name.strip_suffix(".json")) == Some(id)
    };
    let found = section.reservations()?.into_iter().find(is_named);
    let Some(entry) = found.filter(|it| !matches!(it.slot, ReservationSlot::Record(_))) else {
        return Ok(None);
    };
    let cleared = section.clear(&entry.name);
    let unsynced = unless_it_stands(section, cleared, |it| it.name == entry.name)?;
    let event = AuditEvent::without_name(AuditEventKind::Unreserve, caller)
        .with("reservation", id.as_str())
        .with("forced", true);
    let unlogged = section.log(&event, Durability::Synced).err();
    Ok(Some(UnreserveOutcome::Cleared { unlogged, unsynced }))
}
