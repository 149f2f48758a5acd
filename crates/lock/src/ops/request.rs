use crate::{
    record::{Hold, Record},
    rules::{OwnerSource, Purpose, TicketText},
    sys::{self, Caller},
    words::{Fence, LockId, LockName, Timestamp},
};
use serde_json::{Map, Value};
use std::time::Duration;

/// The longest command line that is kept in a record, in bytes: enough to recognise it.
const COMMAND_BYTES: usize = 4096;

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The name to take.
    pub name: &'a LockName,
    /// Who asks.
    pub caller: &'a Caller,
    /// What the lock's life is to hang on.
    pub hold: Hold,
    /// The process that the record is to name: the guard itself, the one a lease is tied to, or for people
    /// the one that called.
    pub pid: i32,
    /// The lifetime; `None` is one without end.
    pub ttl: Option<Duration>,
    /// What others should be able to read.
    pub metadata: Option<Map<String, Value>>,
    /// The command to guard.
    pub command: Vec<String>,
    /// The acquisitions that this process runs under already, outermost first.
    pub held: Vec<LockId>,
}

impl Request<'_> {
    /// Whether a guard or a lease is asked for.
    pub fn purpose(&self) -> Purpose {
        match self.hold {
            Hold::Guard => Purpose::Guard,
            _ => Purpose::Lease,
        }
    }

    /// The record of an acquisition at `now`.
    pub(super) fn record(&self, id: &LockId, fence: Fence, now: Timestamp) -> Record {
        let Caller { identity, here } = self.caller;
        let mut record = Record {
            version: crate::record::FORMAT_VERSION,
            name: self.name.clone(),
            lock_id: Some(id.clone()),
            owner: identity.owner.clone(),
            host: Some(here.host.clone()),
            pid: Some(self.pid),
            pid_start: sys::start_of(self.pid),
            agent_id: Some(identity.agent.clone()),
            acquired: now,
            ttl_sec: None,
            expires_at: None,
            metadata: self.metadata.clone(),
            hold: Some(self.hold.clone()),
            fence: Some(fence),
            command: (!self.command.is_empty()).then(|| shortened(&self.command)),
            boot_id: Some(here.boot_id.clone()).filter(|id| !id.is_empty()),
            pid_ns: Some(here.pid_ns).filter(|ns| *ns > 0),
            unknown: Map::new(),
        };
        record.set_lifetime(self.ttl, now);
        record
    }

    /// The text of a ticket that is drawn now.
    pub(super) fn ticket_text(&self) -> TicketText {
        TicketText {
            owner: self.caller.identity.owner.to_string(),
            owner_given: self.caller.identity.source == OwnerSource::Given,
            agent_id: self.caller.identity.agent.to_string(),
            pid: i32::try_from(std::process::id()).unwrap_or(0),
            command: shortened(&self.command),
            since: Timestamp::now().to_string(),
            held: self.held.iter().map(ToString::to_string).collect(),
        }
    }
}

/// As many of a command's words as fit; `…` stands for the rest.
fn shortened(command: &[String]) -> Vec<String> {
    let mut room = COMMAND_BYTES;
    let mut words = Vec::new();
    for word in command {
        match room.checked_sub(word.len()) {
            Some(left) => room = left,
            None => {
                words.push("…".to_owned());
                break;
            }
        }
        words.push(word.clone());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_is_shortened_at_a_word() {
        let long = ["sh".to_owned(), "x".repeat(COMMAND_BYTES), "end".to_owned()];
        assert_eq!(shortened(&long), ["sh", "…"]);
        assert_eq!(shortened(&long[..1]), ["sh"]);
    }
}
