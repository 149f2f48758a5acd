//! Guards inside guards: the variables that tell a command which locks enclose it, and how an inner guard knows
//! that it is inside.
//!
//! A guard sets `LOKT_HELD` for its command: `name=lock-id` pairs with commas between them, one for
//! each lock around the command. An inner `lokt` compares these pairs with the tickets in the
//! queue. The pairs that name a living ticket are trusted, all others are ignored.
//!
//! The variables about the innermost guard (`LOKT_NAME`, `LOKT_LOCK_ID`, `LOKT_FENCE`) describe
//! only the locks which that guard took or found around itself. A script passes the fence to the
//! store that it writes to.

use crate::{context::CommandContext, env, failure::CliFailure, project_store::ProjectTicket};
use lokt_lock::{
    guard::{GuardError, GuardedCommand},
    ops::LockGrant,
    record::LockRecord,
    rules::OwnerSource,
    store::{LockRecordKind, LockStore, NameReader, Ticket},
    words::{Fence, LockId, LockMode, LockName},
};
use std::ffi::{OsStr, OsString};

/// A lock around this process: its name, and the acquisition of its guard.
///
/// The id is the one in the file name of the guard's ticket, so it is valid for as long as that
/// ticket lives, also after another process has rewritten the record.
pub(crate) type EnclosingLock = (LockName, LockId);

/// A lock that a command runs under, as its variables name it.
///
/// It comes from the record of a lock that this process took, or from [`inside`], if an enclosing
/// guard has the lock already.
#[derive(Clone, Debug)]
pub(crate) struct InheritedLock {
    /// The name of the lock, for `LOKT_NAME`.
    pub(crate) name: LockName,
    /// The id of the acquisition, for `LOKT_LOCK_ID`; `None` if the record was written by a program
    /// that gives no ids.
    pub(crate) id: Option<LockId>,
    /// The fence of the acquisition, for `LOKT_FENCE`; `None` if the record has no fence, or could
    /// not be read.
    pub(crate) fence: Option<Fence>,
}

impl InheritedLock {
    /// Of a lock that was taken.
    ///
    /// The values are those of the record, so under a lease of the caller they are those of the
    /// lease.
    pub(crate) fn of(record: &LockRecord) -> Self {
        Self { name: record.name.clone(), id: record.lock_id.clone(), fence: record.fence }
    }
}

/// The locks around a command: those around this process, and those that it took.
///
/// Those that this process took come last. A grant without a ticket (a lease) is left out: it has
/// no process that an inner guard could find.
pub(crate) fn with(
    held: &[EnclosingLock],
    grants: &[LockGrant<ProjectTicket>],
) -> Vec<EnclosingLock> {
    let mine = grants.iter().filter_map(|grant| {
        let id = grant.ticket.as_ref()?.place().lock_id.clone();
        Some((grant.record.name.clone(), id))
    });
    held.iter().cloned().chain(mine).collect()
}

/// The locks around this process, outermost first, as its guards said in `LOKT_HELD`.
///
/// Pairs that are no valid name and id are left out, and a value that is not UTF-8 counts as empty:
/// an inner guard then simply takes its place in the queue.
pub(crate) fn held() -> Vec<EnclosingLock> {
    let list = env::text(env::HELD).ok().flatten().unwrap_or_default();
    let pair = |pair: &str| {
        let (name, id) = pair.split_once('=')?;
        Some((LockName::new(name).ok()?, LockId::from_record(id)?))
    };
    list.split(',').filter_map(pair).collect()
}

/// The enclosing lock of `name`, if it is shared and is as much as the caller requests: then there is nothing
/// to take. The environment alone is no proof: a process that outlived its
/// guard must wait in the queue like any other.
///
/// Inside an exclusive lock there may be other guards that must be excluded, so that lock is requested as usual.
///
/// Returns `None` for an exclusive request, if no enclosing guard has the name, if its ticket has
/// another mode, and if that ticket is dead. The fence is read from the record at this moment.
pub(crate) fn inside(
    context: &CommandContext,
    name: &LockName,
    mode: LockMode,
    held: &[EnclosingLock],
) -> Option<InheritedLock> {
    if mode == LockMode::Exclusive {
        return None;
    }
    let (_, id) = held.iter().find(|(held, _)| held == name)?;
    let reader = context.store.reader(name);
    let line = reader.line().unwrap_or_default();
    let place = line.iter().find(|place| place.entered && place.lock_id == *id)?;
    if !(place.mode == mode && reader.lives(place)) {
        return None;
    }
    let slot = reader.slot(LockRecordKind::Lock);
    let fence = slot.record().and_then(|record| record.holder(id)?.fence);
    Some(InheritedLock { name: name.clone(), id: Some(id.clone()), fence })
}

/// Runs a command inside guards of the same names: a wait for its own guard would never end. Returns only on
/// failure.
///
/// Calls execve(2) with the words, so the command keeps this process's pid, open files and signals.
/// No guard stands between the enclosing guard and the command, which the enclosing one already
/// supervises.
pub(crate) fn run_straight_through(told: &[InheritedLock], words: &[OsString]) -> CliFailure {
    let environment = with_variables(&of_locks(told));
    let command =
        GuardedCommand { words: words.to_vec(), environment, ..GuardedCommand::default() };
    GuardError::from(command.replace_process()).into()
}

/// The variables about the locks of a command. For several locks, the values are in the order of the names, with
/// commas between them.
///
/// A value is `None`, and the variable is then removed, if one of the locks does not have it: a
/// list with a gap could not be matched with the names.
fn of_locks(told: &[InheritedLock]) -> [(&'static str, Option<String>); 3] {
    let list = |values: Vec<Option<String>>| {
        values.into_iter().collect::<Option<Vec<String>>>().map(|values| values.join(","))
    };
    [
        (env::NAME, list(told.iter().map(|it| Some(it.name.to_string())).collect())),
        (env::LOCK_ID, list(told.iter().map(|it| Some(it.id.as_ref()?.to_string())).collect())),
        (env::FENCE, list(told.iter().map(|it| Some(it.fence?.to_string())).collect())),
    ]
}

/// This process's environment, with the variables about the locks of a command.
///
/// Besides the variables of [`of_locks`] these are the owner (`LOKT_OWNER`), so that `lokt` in the
/// command acts as the same owner, a mark that this owner was derived and not chosen by a person
/// (`LOKT_OWNER_DERIVED`), and `held` for [`held()`].
pub(crate) fn environment(
    context: &CommandContext,
    told: &[InheritedLock],
    held: &[EnclosingLock],
) -> Vec<(OsString, OsString)> {
    with_variables(&variables(context, told, held))
}

/// The variables of [`environment`] alone. `None` removes one that was inherited.
pub(crate) fn variables(
    context: &CommandContext,
    told: &[InheritedLock],
    held: &[EnclosingLock],
) -> Vec<(&'static str, Option<String>)> {
    let owner = context.caller.identity.owner.to_string();
    let derived = context.caller.identity.source == OwnerSource::Derived;
    let held: Vec<String> = held.iter().map(|(name, id)| format!("{name}={id}")).collect();
    let of_owner = [
        (env::OWNER_DERIVED, derived.then(|| owner.clone())),
        (env::OWNER, Some(owner)),
        (env::HELD, Some(held.join(","))),
    ];
    of_locks(told).into_iter().chain(of_owner).collect()
}

/// This process's environment, with some variables set or removed.
///
/// `None` removes a variable that was inherited: an outer guard's value must not stand for this
/// one's locks.
fn with_variables(told: &[(&str, Option<String>)]) -> Vec<(OsString, OsString)> {
    let is_told = |key: &OsStr| told.iter().any(|(told, _)| key == *told);
    let inherited = std::env::vars_os().filter(|(key, _)| !is_told(key));
    let told = told.iter().filter_map(|(key, value)| Some((key.into(), value.as_ref()?.into())));
    inherited.chain(told).collect()
}
