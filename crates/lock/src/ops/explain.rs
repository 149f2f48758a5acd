use super::{
    LockOperationError,
    snapshot::{freeze_in_force, look_with, readable},
    status_reader::waiters,
};
use crate::{
    caller::Caller,
    record::{LockRecord, RecordCorruption, RecordSlot},
    rules::{
        CallerIdentity, HoldState, LockRecordVerdict, QueuePlace, StalenessCause, TicketContent,
    },
    store::{LockStore, NameReader},
    sys,
    words::LockName,
};
use std::collections::BTreeSet;

/// Why a name can or cannot be taken.
#[derive(Debug)]
pub struct LockExplanation {
    /// Everything that matters, what stands in the way first.
    pub reasons: Vec<ExplanationReason>,
    /// The caller.
    pub identity: CallerIdentity,
}

/// One reason.
#[derive(Debug)]
pub struct ExplanationReason {
    /// What kind of reason.
    pub kind: ExplanationReasonKind,
    /// The record that it is about: of the lock, or of the freeze.
    pub record: Option<LockRecord>,
    /// Whether it keeps any caller from taking the name.
    pub blocks: bool,
}

/// The kinds of reasons.
#[derive(Debug)]
pub enum ExplanationReasonKind {
    /// An operator's freeze.
    Frozen,
    /// Held by another.
    Held {
        /// How.
        holding: HoldState,
        /// The processes that keep a guard's lock, where its supervisor is gone: pid and name.
        keepers: Vec<(i32, String)>,
    },
    /// Held by the caller.
    SelfHeld {
        /// How.
        holding: HoldState,
        /// The processes that keep a guard's lock, where its supervisor is gone: pid and name.
        keepers: Vec<(i32, String)>,
    },
    /// The lifetime has ended: the next taker gets it.
    Expired,
    /// The holder is provably gone: the next taker gets it.
    DeadPid,
    /// The file in the record's place is not a record.
    Corrupted {
        /// What is wrong with it.
        corruption: RecordCorruption,
    },
    /// Others stand in the queue.
    Queued {
        /// Who, in their order.
        waiters: Vec<TicketContent>,
    },
    /// A guard is in without its own record: under its owner's lease, or its record was removed.
    Inside(Option<TicketContent>),
}

impl ExplanationReasonKind {
    /// The word that `why --json` has for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Held { .. } | Self::Inside(_) => "held",
            Self::SelfHeld { .. } => "self_held",
            Self::Expired => "expired",
            Self::DeadPid => "dead_pid",
            Self::Corrupted { .. } => "corrupted",
            Self::Queued { .. } => "queued",
        }
    }
}

impl LockExplanation {
    /// Whether the name could be taken now.
    pub fn is_free(&self) -> bool {
        !self.reasons.iter().any(|reason| reason.blocks)
    }
}

/// Explains the state of a name to the caller.
///
/// # Errors
/// [`LockOperationError`] when a record is of a newer version or cannot be read.
pub fn explain<S: LockStore>(
    store: &S,
    name: &LockName,
    caller: &Caller,
) -> Result<LockExplanation, LockOperationError> {
    let reader = &store.reader(name);
    let mut reasons = Vec::new();
    if let Some(freeze) = freeze_in_force(reader)? {
        reasons.push(ExplanationReason {
            kind: ExplanationReasonKind::Frozen,
            record: Some(freeze),
            blocks: true,
        });
    }
    reasons.extend(of_lock(reader, caller)?);
    let held = reasons.iter().any(|reason| {
        matches!(
            reason.kind,
            ExplanationReasonKind::Held { .. } | ExplanationReasonKind::SelfHeld { .. }
        )
    });
    reasons.extend(of_inside(reader, &reasons));
    let waiters = waiters(reader);
    if !waiters.is_empty() {
        // Those in the queue come first even where nothing stands on the name at this moment.
        reasons.push(ExplanationReason {
            kind: ExplanationReasonKind::Queued { waiters },
            record: None,
            blocks: !held,
        });
    }
    Ok(LockExplanation { reasons, identity: caller.identity.clone() })
}

fn of_lock(
    reader: &impl NameReader,
    caller: &Caller,
) -> Result<Option<ExplanationReason>, LockOperationError> {
    let snapshot = look_with(reader, caller);
    let (verdict, held) = (snapshot.verdict(), snapshot.held());
    if let RecordSlot::Corrupted(corruption) = &snapshot.slot {
        let kind = ExplanationReasonKind::Corrupted { corruption: corruption.clone() };
        let blocks = !corruption.is_provably_free();
        return Ok(Some(ExplanationReason { kind, record: None, blocks }));
    }
    let Some(record) = readable(snapshot.slot, "lock", reader.name())? else {
        return Ok(None);
    };
    // Of several holders, those that are left.
    let record = held.unwrap_or(record);
    let kind = match verdict {
        None | Some(LockRecordVerdict::Stale(StalenessCause::HolderGone)) => {
            ExplanationReasonKind::DeadPid
        }
        Some(LockRecordVerdict::Stale(StalenessCause::Expired)) => ExplanationReasonKind::Expired,
        Some(LockRecordVerdict::Held(holding))
            if record.holders().any(|it| caller.identity.owns(it)) =>
        {
            ExplanationReasonKind::SelfHeld { holding, keepers: keepers(reader, &record, holding) }
        }
        Some(LockRecordVerdict::Held(holding)) => {
            ExplanationReasonKind::Held { holding, keepers: keepers(reader, &record, holding) }
        }
    };
    let blocks = matches!(verdict, Some(LockRecordVerdict::Held(_)));
    Ok(Some(ExplanationReason { kind, record: Some(record), blocks }))
}

/// The processes that keep a lock whose supervisor is gone. Searching all processes is slow, so only then.
fn keepers(
    reader: &impl NameReader,
    record: &LockRecord,
    holding: HoldState,
) -> Vec<(i32, String)> {
    if holding != HoldState::Orphaned {
        return Vec::new();
    }
    let line = reader.line().unwrap_or_default();
    let places = line.iter().filter(|place| record.holder(&place.lock_id).is_some());
    // A process may have the tickets of several holders.
    let pids: BTreeSet<i32> = places.flat_map(|place| reader.keepers(place)).collect();
    pids.into_iter().map(|pid| (pid, sys::name_of(pid).unwrap_or_default())).collect()
}

/// A guard that is in and that the record does not speak of.
fn of_inside(reader: &impl NameReader, known: &[ExplanationReason]) -> Option<ExplanationReason> {
    let spoken_of = |place: &QueuePlace| {
        let records = known.iter().filter_map(|reason| reason.record.as_ref());
        records.into_iter().any(|record| record.holder(&place.lock_id).is_some())
    };
    let line = reader.line().ok()?;
    let inside =
        line.into_iter().find(|place| place.entered && !spoken_of(place) && reader.lives(place))?;
    let kind = ExplanationReasonKind::Inside(reader.ticket_text(&inside));
    Some(ExplanationReason { kind, record: None, blocks: true })
}
