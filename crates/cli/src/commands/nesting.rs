//! Guards inside guards: what a command is told of the locks around it, and how a guard in there knows
//! that it is inside.

use crate::{context::Context, env, failure::Failure};
use lokt_lock::{
    guard::{GuardError, SpawnError},
    record::Record,
    rules::OwnerSource,
    store::{RecordKind, Store},
    words::{LockId, LockName},
};
use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt,
    process,
};

/// A lock around this process: its name, and the acquisition of its guard.
pub(super) type Around = (LockName, LockId);

/// The locks around this process, outermost first, as its guards said.
pub(super) fn held() -> Vec<Around> {
    let list = env::text(env::HELD).ok().flatten().unwrap_or_default();
    let pair = |pair: &str| {
        let (name, id) = pair.split_once('=')?;
        Some((LockName::new(name).ok()?, LockId::from_record(id)?))
    };
    list.split(',').filter_map(pair).collect()
}

/// The acquisition of `name` that this process is inside of. What the environment says is not believed:
/// a process that outlived its guard must stand in line like everybody.
pub(super) fn inside(context: &Context, name: &LockName, held: &[Around]) -> Option<LockId> {
    let (_, id) = held.iter().find(|(held, _)| held == name)?;
    let line = context.store.line(name).unwrap_or_default();
    let place = line.iter().find(|place| place.entered && place.lock_id == *id)?;
    context.store.lives(name, place).then(|| id.clone())
}

/// Runs a command inside a guard of the same name: waiting for oneself would never end. Comes back only
/// with a failure.
pub(super) fn run_straight_through(
    context: &Context,
    name: &LockName,
    id: &LockId,
    words: &[OsString],
) -> Failure {
    let program = words.first().map_or(OsStr::new(""), OsString::as_os_str);
    let mut command = process::Command::new(program);
    command.args(words.iter().skip(1));
    command.env(env::NAME, name.as_str()).env(env::LOCK_ID, id.as_str());
    let slot = context.store.peek(name, RecordKind::Lock);
    if let Some(fence) = slot.record().and_then(|record| record.fence) {
        command.env(env::FENCE, fence.to_string());
    }
    let source = command.exec();
    let program = program.to_string_lossy().into_owned();
    let error = match source.kind() {
        io::ErrorKind::NotFound => SpawnError::NotFound(program),
        _ => SpawnError::NotExecutable { program, source },
    };
    GuardError::from(error).into()
}

/// This process's environment, with what a command is told of its lock.
pub(super) fn environment<'a>(
    context: &Context,
    record: &Record,
    held: impl Iterator<Item = &'a Around>,
) -> Vec<(OsString, OsString)> {
    let owner = context.caller.identity.owner.to_string();
    let derived = context.caller.identity.source == OwnerSource::Derived;
    let held: Vec<String> = held.map(|(name, id)| format!("{name}={id}")).collect();
    let told = [
        (env::NAME, Some(record.name.to_string())),
        (env::LOCK_ID, record.lock_id.as_ref().map(ToString::to_string)),
        (env::FENCE, record.fence.map(|fence| fence.to_string())),
        (env::OWNER_DERIVED, derived.then(|| owner.clone())),
        (env::OWNER, Some(owner)),
        (env::HELD, Some(held.join(","))),
    ];
    let is_told = |key: &OsStr| told.iter().any(|(told, _)| key == *told);
    let inherited = std::env::vars_os().filter(|(key, _)| !is_told(key));
    let told = told.iter().filter_map(|(key, value)| Some((key.into(), value.as_ref()?.into())));
    inherited.chain(told).collect()
}
