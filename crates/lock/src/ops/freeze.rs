use super::{
    LockOperationError,
    snapshot::{readable, unread},
    unlock::unless_it_stands,
};
use crate::{
    audit::{AuditEvent, AuditEventKind},
    caller::Caller,
    record::{HoldKind, LockRecord, RecordSlot},
    store::{
        Durability, LockRecordKind, LockStore, LockStoreError, NameSection, RecordPutMode,
        RecordRemoveOutcome,
    },
    words::{Fence, LockId, LockMode, LockName, Timestamp},
};

use std::time::Duration;

/// The outcome of ordering a freeze.
#[derive(Debug, PartialEq)]
#[must_use]
pub enum FreezeOutcome {
    /// It is in force.
    Done(Box<LockRecord>),
    /// Another has frozen the name already.
    ByAnother(Box<LockRecord>),
}

/// The outcome of lifting a freeze.
#[derive(Debug)]
#[must_use]
pub enum UnfreezeOutcome {
    /// The name can be taken again.
    Done {
        /// It took effect, but could not be logged.
        unlogged: Option<LockStoreError>,
        /// It took effect, but a power cut may undo it.
        unsynced: Option<LockStoreError>,
    },
    /// It was not frozen.
    NotFound,
    /// Another has frozen it.
    NotYours(Box<LockRecord>),
}

/// Blocks new holders of `name` for `ttl`. The current holder keeps it. The caller's own freeze is replaced.
///
/// # Errors
/// [`LockOperationError`] when the state cannot be read or changed.
pub fn freeze<S: LockStore>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    ttl: Duration,
) -> Result<FreezeOutcome, LockOperationError> {
    store.within(name, |section| freeze_within(section, caller, ttl))
}

fn freeze_within<C: NameSection>(
    section: &mut C,
    caller: &Caller,
    ttl: Duration,
) -> Result<FreezeOutcome, LockOperationError> {
    let name = section.name().clone();
    if let slot @ RecordSlot::Newer(_) = section.slot(LockRecordKind::Lock) {
        readable(slot, "lock", &name)?;
    }
    let before = readable(section.slot(LockRecordKind::Freeze), "freeze", &name)?;
    let in_force = before.as_ref().filter(|before| !section.is_over(before));
    if let Some(another) = in_force.filter(|it| !caller.identity.owns(it)) {
        return Ok(FreezeOutcome::ByAnother(Box::new(another.clone())));
    }
    let record = order(&name, caller, ttl, section.store().now());
    // The freeze that is there is over or the caller's own, so it can be replaced.
    let _ =
        section.put(LockRecordKind::Freeze, &record, RecordPutMode::Over, Durability::Synced)?;
    let event = AuditEvent::new(AuditEventKind::Freeze, &name, caller).about(&record);
    if let Err(error) = section.log(&event, Durability::Synced) {
        // What cannot be logged does not happen. The first failure is the one to tell of.
        take_back(section, &record, before.as_ref());
        return Err(error.into());
    }
    Ok(FreezeOutcome::Done(Box::new(record)))
}

/// Puts back what stood there before a freeze.
fn take_back<C: NameSection>(section: &mut C, record: &LockRecord, before: Option<&LockRecord>) {
    let taken_back = if let Some(before) = before {
        section
            .put(LockRecordKind::Freeze, before, RecordPutMode::Over, Durability::Synced)
            .map(|_| ())
    } else {
        let slot = RecordSlot::Record(Box::new(record.clone()));
        section.remove(LockRecordKind::Freeze, &slot, Durability::Synced).map(|_| ())
    };
    // There is nothing more to be done where this fails too.
    drop(taken_back);
}

fn order(name: &LockName, caller: &Caller, ttl: Duration, now: Timestamp) -> LockRecord {
    let pid = nix::unistd::getppid().as_raw();
    let mut record = LockRecord {
        version: crate::record::FORMAT_VERSION,
        name: name.clone(),
        lock_id: crate::sys::random_bytes().map(LockId::from_random).ok(),
        owner: caller.identity.owner.clone(),
        host: Some(caller.here.host.clone()),
        pid: (pid > 0).then_some(pid),
        pid_start: caller.start_of(pid),
        agent_id: Some(caller.identity.agent.clone()),
        acquired: now,
        ttl_sec: None,
        expires_at: None,
        metadata: None,
        hold: None::<HoldKind>,
        fence: None::<Fence>,
        command: None,
        boot_id: None,
        pid_ns: None,
        held_since: None,
        mode: LockMode::Exclusive,
        co_holders: Vec::new(),
        unknown: Vec::new(),
    };
    record.set_lifetime(Some(ttl), now);
    record
}

/// Lifts a freeze: the caller's own, or by `force` any, also one that is corrupted or of a newer version.
///
/// # Errors
/// [`LockOperationError`] when the state cannot be read or changed.
pub fn unfreeze<S: LockStore>(
    store: &S,
    name: &LockName,
    caller: &Caller,
    force: bool,
) -> Result<UnfreezeOutcome, LockOperationError> {
    store.within(name, |section| unfreeze_within(section, caller, force))
}

fn unfreeze_within<C: NameSection>(
    section: &mut C,
    caller: &Caller,
    force: bool,
) -> Result<UnfreezeOutcome, LockOperationError> {
    let slot = section.slot(LockRecordKind::Freeze);
    let over = |freeze: &LockRecord| section.is_over(freeze);
    if matches!(slot, RecordSlot::Absent) || slot.record().is_some_and(over) {
        return Ok(UnfreezeOutcome::NotFound);
    }
    let kind = if force {
        AuditEventKind::ForceUnfreeze
    } else {
        match readable(slot.clone(), "freeze", section.name())? {
            Some(freeze) if !caller.identity.owns(&freeze) => {
                return Ok(UnfreezeOutcome::NotYours(Box::new(freeze)));
            }
            Some(_) => AuditEventKind::Unfreeze,
            None => return Ok(UnfreezeOutcome::NotFound),
        }
    };
    lift(section, caller, slot, kind)
}

fn lift<C: NameSection>(
    section: &mut C,
    caller: &Caller,
    mut slot: RecordSlot,
    kind: AuditEventKind,
) -> Result<UnfreezeOutcome, LockOperationError> {
    let name = section.name().clone();
    let mut event = AuditEvent::new(kind, &name, caller);
    if let Some(record) = slot.record() {
        event = event.about(record).with_holder(record);
    }
    let mut unsynced = None;
    // Behind the caller's own freeze, one in the old place may come to light.
    while !matches!(slot, RecordSlot::Absent) {
        let removed = match section.remove(LockRecordKind::Freeze, &slot, Durability::Synced) {
            Ok(removed) => removed,
            Err(error) => {
                unsynced = Some(unless_it_stands(section, LockRecordKind::Freeze, error)?);
                RecordRemoveOutcome::Done
            }
        };
        if removed == RecordRemoveOutcome::Replaced {
            // What could not be read before can be now: it was not replaced, only not seen.
            unread(&slot, "freeze", &name)?;
            break;
        }
        slot = section.slot(LockRecordKind::Freeze);
    }
    let unlogged = section.log(&event, Durability::Synced).err();
    Ok(UnfreezeOutcome::Done { unlogged, unsynced })
}
