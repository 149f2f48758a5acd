//! A request of the program, in one line of JSON. docs/commands.md describes its fields, which are a contract.

use crate::{failure::CliFailure, locking::nesting::EnclosingLock};
use lokt_lock::{
    ops::WaitLimit,
    words::{LockId, LockMode, LockName},
};
use serde::Deserialize;
use std::{num::NonZeroU32, time::Duration};

/// The fields of a line. A field that this version does not know is an error: it may be a condition.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HoldRequestJson {
    lock: Vec<String>,
    shared: bool,
    slots: Option<NonZeroU32>,
    wait_ms: Option<u64>,
    ttl_ms: Option<u64>,
    command: Vec<String>,
    held: Vec<String>,
    unlock: bool,
}

/// A request.
#[derive(Debug)]
pub(super) enum HoldRequest {
    /// Take locks.
    Lock(LockOrder),
    /// Give back what is held.
    Unlock,
}

/// Which locks to take, and how.
#[derive(Debug)]
pub(super) struct LockOrder {
    /// The names, each once.
    pub(super) names: Vec<LockName>,
    /// The mode of all of them.
    pub(super) mode: LockMode,
    /// How long to wait for all of them together.
    pub(super) wait_limit: WaitLimit,
    /// The lifetime to announce.
    pub(super) ttl: Option<Duration>,
    /// What the records show as the command.
    pub(super) command: Vec<String>,
    /// The locks that the program holds already, where it asks.
    pub(super) held: Vec<EnclosingLock>,
}

impl HoldRequest {
    /// Reads a line.
    ///
    /// # Errors
    /// A usage failure that says what is wrong.
    pub(super) fn read(line: &[u8]) -> Result<Self, CliFailure> {
        let fields: HoldRequestJson = serde_json::from_slice(line)
            .map_err(|error| CliFailure::usage(format!("the request is not valid: {error}")))?;
        match (fields.lock.is_empty(), fields.unlock) {
            (true, true) => Ok(Self::Unlock),
            (false, false) => Ok(Self::Lock(LockOrder::of(fields)?)),
            _ => {
                Err(CliFailure::usage("a request has either the names in \"lock\", or \"unlock\""))
            }
        }
    }
}

impl LockOrder {
    fn of(fields: HoldRequestJson) -> Result<Self, CliFailure> {
        let mode = match (fields.shared, fields.slots) {
            (false, None) => LockMode::Exclusive,
            (true, None) => LockMode::Shared,
            (false, Some(slots)) => LockMode::Slots(slots),
            (true, Some(_)) => {
                return Err(CliFailure::usage("\"shared\" and \"slots\" exclude each other"));
            }
        };
        if fields.ttl_ms == Some(0) {
            return Err(CliFailure::usage("\"ttl_ms\" must be more than 0"));
        }
        Ok(Self {
            names: names(fields.lock)?,
            mode,
            wait_limit: fields
                .wait_ms
                .map_or(WaitLimit::None, |limit| WaitLimit::For(Duration::from_millis(limit))),
            ttl: fields.ttl_ms.map(Duration::from_millis),
            command: fields.command,
            held: fields.held.iter().filter_map(|pair| enclosing(pair)).collect(),
        })
    }
}

/// The names, of which none may be there twice: the request would wait for itself.
fn names(texts: Vec<String>) -> Result<Vec<LockName>, CliFailure> {
    let mut names = Vec::new();
    for text in texts {
        let name = LockName::new(text).map_err(|error| CliFailure::usage(error.to_string()))?;
        if names.contains(&name) {
            return Err(CliFailure::usage(format!("lock {:?} is named twice", name.as_str())));
        }
        names.push(name);
    }
    Ok(names)
}

/// A pair as in `LOKT_HELD`. Anything else is left out: the program then waits like any other.
fn enclosing(pair: &str) -> Option<EnclosingLock> {
    let (name, id) = pair.split_once('=')?;
    Some((LockName::new(name).ok()?, LockId::from_record(id)?))
}
