use super::{CallerIdentity, OwnerSource};
use crate::words::LockMode;
use crate::words::{AgentId, LockId, Owner, Timestamp};
use serde::{Deserialize, Serialize};

/// A ticket's place in a lock's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuePlace {
    /// The number it was given on arrival: smaller came earlier.
    pub number: u64,
    /// The acquisition that the ticket is for.
    pub lock_id: LockId,
    /// Whether its holder has been admitted; else it waits.
    pub entered: bool,
    /// In which mode it is asked for.
    pub mode: LockMode,
}

impl QueuePlace {
    /// The place of a waiter at the end of a line, for an acquisition.
    pub fn at_end_of(line: &[Self], lock_id: LockId, mode: LockMode) -> Self {
        let last = line.iter().map(|place| place.number).max().unwrap_or(0);
        Self { number: last.saturating_add(1), lock_id, entered: false, mode }
    }
}

/// What a ticket says of the process that drew it, for the waiters behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketContent {
    /// The lock that it is a ticket of.
    pub name: String,
    /// The owner's name.
    pub owner: String,
    /// Whether that name was given, or is the operating system's.
    pub owner_given: bool,
    /// Which of the owner's agents or terminals.
    pub agent_id: String,
    /// The process that drew the ticket.
    pub pid: i32,
    /// The command that it guards; empty where it takes a lease.
    pub command: Vec<String>,
    /// When it arrived, RFC 3339.
    pub since: String,
    /// The acquisitions that it runs under already, outermost first.
    pub held: Vec<String>,
}

impl TicketContent {
    /// The identity that drew the ticket; `None` where the text names no agent.
    pub fn identity(&self) -> Option<CallerIdentity> {
        let source = if self.owner_given { OwnerSource::Given } else { OwnerSource::Derived };
        let agent = AgentId::new(&self.agent_id)?;
        Some(CallerIdentity { owner: Owner::from_record(&self.owner), source, agent })
    }

    /// When the process arrived, where the text says so.
    pub fn arrived(&self) -> Option<Timestamp> {
        self.since.parse().ok()
    }
}
