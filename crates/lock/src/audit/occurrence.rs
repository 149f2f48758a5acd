//! An event of a lock with the fields that a timeline is made of.

use super::{AuditEventActor, AuditEventKind, AuditLogLine};
use crate::words::Timestamp;
use serde_json::{Map, Value};
use std::time::Duration;

/// What happened to a lock at a moment.
#[derive(Debug)]
pub(super) struct TimelineEvent {
    pub(super) at: Timestamp,
    pub(super) kind: AuditEventKind,
    pub(super) name: String,
    pub(super) id: Option<String>,
    pub(super) who: AuditEventActor,
    pub(super) ttl_sec: Option<u64>,
    /// How long was waited before it.
    pub(super) waited: Option<Duration>,
    /// Whether a signal ended that wait.
    pub(super) interrupted: bool,
    pub(super) command: Vec<String>,
    /// Whether it is about a guard under a lease, or inside another guard, of its owner.
    pub(super) is_under: bool,
    /// Whether others may hold the name too.
    pub(super) shares: bool,
    /// The lock's owner, if that is not the caller.
    holder_owner: Option<String>,
    holder_pid: Option<i64>,
}

impl AuditEventActor {
    /// Reads who caused an event.
    pub(super) fn of(logged: &AuditLogLine) -> Self {
        let pid = match logged {
            AuditLogLine::Event(fields) => fields.get("pid").and_then(Value::as_i64),
            AuditLogLine::Broken(_) => None,
        };
        let text = |key: &str| logged.text(key).map(str::to_owned);
        Self {
            owner: text("owner").unwrap_or_default(),
            agent_id: text("agent_id"),
            host: text("host"),
            pid,
        }
    }
}

impl TimelineEvent {
    /// Reads an event; `None` where it is of no known kind, has no time, or is about no lock.
    pub(super) fn of(logged: &AuditLogLine) -> Option<Self> {
        let AuditLogLine::Event(fields) = logged else { return None };
        let none = Map::new();
        let extra = fields.get("extra").and_then(Value::as_object).unwrap_or(&none);
        let is_set = |key: &str| extra.get(key) == Some(&Value::Bool(true));
        Some(Self {
            at: logged.time()?,
            kind: logged.kind()?,
            name: logged.text("name")?.to_owned(),
            id: logged.text("lock_id").map(str::to_owned),
            who: AuditEventActor::of(logged),
            ttl_sec: fields.get("ttl_sec").and_then(Value::as_u64),
            waited: extra.get("waited_ms").and_then(Value::as_u64).map(Duration::from_millis),
            interrupted: is_set("interrupted"),
            command: words(extra.get("command")),
            is_under: is_set("under_lease") || is_set("nested"),
            shares: extra.contains_key("mode"),
            holder_owner: extra.get("holder_owner").and_then(Value::as_str).map(str::to_owned),
            holder_pid: extra.get("holder_pid").and_then(Value::as_i64),
        })
    }

    /// The holder whose lock or freeze the event ended.
    pub(super) fn holder(&self) -> AuditEventActor {
        match &self.holder_owner {
            None => self.who.clone(),
            Some(owner) => AuditEventActor {
                owner: owner.clone(),
                agent_id: None,
                host: None,
                pid: self.holder_pid,
            },
        }
    }
}

fn words(value: Option<&Value>) -> Vec<String> {
    let words = value.and_then(Value::as_array).into_iter().flatten();
    words.filter_map(Value::as_str).map(str::to_owned).collect()
}
