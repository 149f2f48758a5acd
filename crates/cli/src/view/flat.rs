//! A holder or a freeze as flat fields of JSON; the names are a contract, the same in every answer.
//!
//! Ages and remaining times are whole seconds, points in time are RFC 3339 texts. `json_fields.rs`
//! lists the same names for `capabilities`.

use lokt_lock::{
    caller::Caller,
    record::LockRecord,
    rules::{Liveness, TicketContent},
    words::Timestamp,
};
use serde::Serialize;

/// The holder of a lock. What is not known is null.
///
/// `holder_pid_status` is `alive`, `dead` or `unknown`; the last also where the process is not
/// visible from here. `holder_acquired_ts` changes when a lease is renewed, `holder_held_since`
/// does not.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the JSON")]
pub(crate) struct HolderJsonFields {
    holder_owner: Option<String>,
    holder_mine: Option<bool>,
    holder_host: Option<String>,
    holder_pid: Option<i32>,
    holder_agent_id: Option<String>,
    holder_age_sec: Option<u64>,
    holder_ttl_sec: Option<u64>,
    holder_remaining_sec: Option<u64>,
    holder_expired: Option<bool>,
    holder_pid_status: &'static str,
    holder_acquired_ts: Option<String>,
    holder_held_since: Option<String>,
    holder_expires_at: Option<String>,
    holder_command: Option<Vec<String>>,
}

impl HolderJsonFields {
    /// From its record, else from its ticket.
    /// A ticket has an owner, a process and an agent, and nothing about times, so those fields are
    /// null then.
    pub(crate) fn of(
        record: Option<&LockRecord>,
        ticket: Option<&TicketContent>,
        caller: &Caller,
        now: Timestamp,
    ) -> Self {
        let ticket = ticket.filter(|_| record.is_none());
        let text = |field: fn(&TicketContent) -> String| ticket.map(field);
        let agent_id = |it: &LockRecord| it.agent_id.as_ref().map(ToString::to_string);
        let end = record.and_then(LockRecord::expiry);
        Self {
            holder_owner: record.map(|it| it.owner.to_string()).or(text(|it| it.owner.clone())),
            holder_mine: record.map(|it| caller.identity.owns(it)),
            holder_host: record.and_then(|it| it.host.clone()),
            holder_pid: record.and_then(|it| it.pid).or(ticket.map(|it| it.pid)),
            holder_agent_id: record.and_then(agent_id).or(text(|it| it.agent_id.clone())),
            holder_age_sec: record.map(|it| now.since(it.since()).as_secs()),
            holder_ttl_sec: record.and_then(|it| it.ttl_sec),
            holder_remaining_sec: end.map(|end| end.since(now).as_secs()),
            holder_expired: record.map(|it| it.is_expired(now)),
            holder_pid_status: record.map_or(Liveness::Unknown, |it| caller.liveness(it)).as_str(),
            holder_acquired_ts: record.map(|it| it.acquired.to_string()),
            holder_held_since: record.map(|it| it.since().to_string()),
            holder_expires_at: end.map(|end| end.to_string()),
            holder_command: record.and_then(|it| it.command.clone()),
        }
    }
}

/// A freeze: no caller may take the name.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the JSON")]
pub(crate) struct FreezeJsonFields {
    freeze_owner: String,
    freeze_host: Option<String>,
    freeze_pid: Option<i32>,
    freeze_agent_id: Option<String>,
    freeze_age_sec: u64,
    freeze_ttl_sec: Option<u64>,
    freeze_remaining_sec: Option<u64>,
    freeze_expires_at: Option<String>,
}

impl FreezeJsonFields {
    /// The freeze as it is at a time.
    pub(crate) fn of(record: &LockRecord, now: Timestamp) -> Self {
        Self {
            freeze_owner: record.owner.to_string(),
            freeze_host: record.host.clone(),
            freeze_pid: record.pid,
            freeze_agent_id: record.agent_id.as_ref().map(ToString::to_string),
            freeze_age_sec: now.since(record.since()).as_secs(),
            freeze_ttl_sec: record.ttl_sec,
            freeze_remaining_sec: record.expiry().map(|end| end.since(now).as_secs()),
            freeze_expires_at: record.expiry().map(|end| end.to_string()),
        }
    }
}
