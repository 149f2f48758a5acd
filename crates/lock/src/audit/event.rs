use crate::{
    caller::Caller,
    record::LockRecord,
    rules::StalenessCause,
    words::{LockName, Timestamp},
};
use serde_json::{Map, Value};
use std::{fmt, str::FromStr, time::Duration};

/// How much of a command is kept in an event: enough to recognise it.
const COMMAND_CHARACTERS: usize = 200;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditEventKind {
    /// A caller took a lock.
    Acquire,
    /// A caller was refused a lock that is held.
    Deny,
    /// A holder gave a lock back.
    Release,
    /// A holder extended a lock's life.
    Renew,
    /// A lock was removed by force.
    ForceBreak,
    /// A lock whose holder is provably gone was removed.
    StaleBreak,
    /// A lock whose lifetime had ended was removed.
    AutoPrune,
    /// A file that was no record was removed.
    CorruptBreak,
    /// A holder found that its lock was taken away.
    Lost,
    /// A name was frozen.
    Freeze,
    /// The owner that ordered a freeze lifted it.
    Unfreeze,
    /// A freeze was lifted by force.
    ForceUnfreeze,
    /// A caller was refused a name that is frozen.
    FreezeDeny,
    /// A tool was run, or refused.
    ToolRun,
    /// Paths were reserved, or a reservation was extended.
    Reserve,
    /// A reservation, or a part of one, was given back or removed.
    Unreserve,
    /// A caller was refused paths that another has reserved.
    ReserveDeny,
    /// A reservation was removed because its lifetime or its process had ended.
    Expire,
}

/// Says that a text names no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown event {found:?} (known: {known})", known = AuditEventKind::all_names())]
pub struct UnknownEventKindError {
    found: String,
}

impl AuditEventKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 18] = [
        Self::Acquire,
        Self::Deny,
        Self::Release,
        Self::Renew,
        Self::ForceBreak,
        Self::StaleBreak,
        Self::AutoPrune,
        Self::CorruptBreak,
        Self::Lost,
        Self::Freeze,
        Self::Unfreeze,
        Self::ForceUnfreeze,
        Self::FreezeDeny,
        Self::ToolRun,
        Self::Reserve,
        Self::Unreserve,
        Self::ReserveDeny,
        Self::Expire,
    ];

    /// The kind as it stands in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Deny => "deny",
            Self::Release => "release",
            Self::Renew => "renew",
            Self::ForceBreak => "force-break",
            Self::StaleBreak => "stale-break",
            Self::AutoPrune => "auto-prune",
            Self::CorruptBreak => "corrupt-break",
            Self::Lost => "lost",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::ForceUnfreeze => "force-unfreeze",
            Self::FreezeDeny => "freeze-deny",
            Self::ToolRun => "tool-run",
            Self::Reserve => "reserve",
            Self::Unreserve => "unreserve",
            Self::ReserveDeny => "reserve-deny",
            Self::Expire => "expire",
        }
    }

    /// The event for the removal of a stale lock.
    pub const fn of_staleness(why: StalenessCause) -> Self {
        match why {
            StalenessCause::Expired => Self::AutoPrune,
            StalenessCause::HolderGone => Self::StaleBreak,
        }
    }

    /// Whether it is about a reservation, and not about a lock.
    pub const fn is_of_reservations(self) -> bool {
        matches!(self, Self::Reserve | Self::Unreserve | Self::ReserveDeny | Self::Expire)
    }

    fn all_names() -> String {
        Self::ALL.map(Self::as_str).join(" ")
    }
}

impl fmt::Display for AuditEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AuditEventKind {
    type Err = UnknownEventKindError;
    fn from_str(text: &str) -> Result<Self, UnknownEventKindError> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| UnknownEventKindError { found: text.to_owned() })
    }
}

/// One line of the audit log: what happened to which lock, and the owner that did it.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    fields: Map<String, Value>,
}

impl AuditEvent {
    /// An event that the caller causes on a name, now.
    pub fn new(kind: AuditEventKind, name: &LockName, caller: &Caller) -> Self {
        Self::on(kind, name.as_str().into(), caller)
    }

    /// An event that is about no lock, now: its `name` is null.
    pub fn without_name(kind: AuditEventKind, caller: &Caller) -> Self {
        Self::on(kind, Value::Null, caller)
    }

    fn on(kind: AuditEventKind, name: Value, caller: &Caller) -> Self {
        let mut fields = Map::new();
        let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        put("ts", Timestamp::now().to_string().into());
        put("event", kind.as_str().into());
        put("name", name);
        put("lock_id", Value::Null);
        put("owner", caller.identity.owner.as_str().into());
        put("host", caller.here.host.as_str().into());
        put("pid", caller.pid.into());
        put("agent_id", caller.identity.agent.as_str().into());
        put("ttl_sec", Value::Null);
        put("extra", Value::Object(Map::new()));
        Self { fields }
    }

    /// Says which acquisition the event is about, and its lifetime.
    #[must_use]
    pub fn about(mut self, record: &LockRecord) -> Self {
        let id = record.lock_id.as_ref().map(|id| id.as_str().into());
        self.fields.insert("lock_id".to_owned(), id.unwrap_or(Value::Null));
        self.fields.insert("ttl_sec".to_owned(), record.ttl_sec.map_or(Value::Null, Value::from));
        self
    }

    /// Says the lifetime of what the event is about.
    #[must_use]
    pub fn lasting(mut self, ttl_sec: Option<u64>) -> Self {
        self.fields.insert("ttl_sec".to_owned(), ttl_sec.map_or(Value::Null, Value::from));
        self
    }

    /// Adds a detail to the event's `extra` object.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Some(Value::Object(extra)) = self.fields.get_mut("extra") {
            extra.insert(key.to_owned(), value.into());
        }
        self
    }

    /// Adds the owner of the lock that the event is about, if that is another owner.
    #[must_use]
    pub fn with_holder(self, record: &LockRecord) -> Self {
        let event = self.with("holder_owner", record.owner.as_str());
        match record.pid {
            Some(pid) => event.with("holder_pid", pid),
            None => event,
        }
    }

    /// Adds how long the one whom the event is about has stood in the queue, where it has.
    #[must_use]
    pub fn waited(self, waited: Option<Duration>) -> Self {
        match waited {
            Some(waited) => {
                self.with("waited_ms", u64::try_from(waited.as_millis()).unwrap_or(u64::MAX))
            }
            None => self,
        }
    }

    /// Adds the command that is run under the lock, or would have been: its beginning, because all events
    /// together are read where only some are looked for.
    #[must_use]
    pub fn running(self, command: &[String]) -> Self {
        if command.is_empty() { self } else { self.with("command", beginning(command)) }
    }

    /// The line as it goes into the log, with its newline.
    pub fn to_line(&self) -> String {
        format!("{}\n", Value::Object(self.fields.clone()))
    }
}

/// As much of a command as is kept in an event; `…` stands for the rest.
fn beginning(command: &[String]) -> Vec<String> {
    let mut room = COMMAND_CHARACTERS;
    let mut words = Vec::new();
    for word in command {
        let length = word.chars().count();
        if length > room {
            words.push(word.chars().take(room).chain(['…']).collect());
            break;
        }
        room -= length;
        words.push(word.clone());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_text() {
        for kind in AuditEventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        let error = "explode".parse::<AuditEventKind>().unwrap_err().to_string();
        assert!(error.starts_with("unknown event \"explode\" (known: acquire deny"), "{error}");
    }

    #[test]
    fn a_line_has_the_fields_of_the_format_in_order() {
        let caller = Caller::current(None, crate::rules::OwnerSource::Derived, None);
        let name = LockName::new("x").unwrap();
        let line =
            AuditEvent::new(AuditEventKind::Deny, &name, &caller).with("waited_ms", 5).to_line();
        let fields: Map<String, Value> = serde_json::from_str(&line).unwrap();
        let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
        let expected = "ts event name lock_id owner host pid agent_id ttl_sec extra";
        assert_eq!(keys.join(" "), expected);
        assert_eq!(line.matches('\n').count(), 1, "an event is one line");
    }

    #[test]
    fn an_event_keeps_the_beginning_of_a_command() {
        let short = ["make", "build"].map(str::to_owned);
        assert_eq!(beginning(&short), short);
        let long = ["sh".to_owned(), "ü".repeat(1000), "end".to_owned()];
        let kept = beginning(&long);
        assert_eq!(kept.len(), 2, "what follows is left out: {kept:?}");
        assert_eq!(kept[1].chars().count(), COMMAND_CHARACTERS - 2 + 1, "and says that it is");
        assert!(kept[1].ends_with("ü…"));
    }
}
