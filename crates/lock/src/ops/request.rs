use crate::{
    caller::Caller,
    record::{HoldKind, LockMetadata, LockRecord},
    rules::{OwnerSource, RequestedGuardOrLease, TicketContent},
    words::{Fence, LockId, LockMode, LockName, Timestamp},
};
use std::time::Duration;

/// The longest command line that is kept in a record, in bytes: enough to recognise it.
const COMMAND_BYTES: usize = 4096;

/// What a caller asks for.
#[derive(Clone, Debug)]
pub struct LockRequest<'a> {
    /// The name to take.
    pub name: &'a LockName,
    /// The caller.
    pub caller: &'a Caller,
    /// How many may hold the name at the same time.
    pub mode: LockMode,
    /// What the lock's life is to depend on.
    pub hold: HoldKind,
    /// The process that the record is to name: the guard itself, the one a lease is tied to, or for people
    /// the one that called.
    pub pid: i32,
    /// The lifetime; `None` is one without end.
    pub ttl: Option<Duration>,
    /// What others should be able to read.
    pub metadata: Option<LockMetadata>,
    /// The command to guard.
    pub command: Vec<String>,
    /// The acquisitions that this process runs under already, outermost first.
    pub held: Vec<LockId>,
}

impl<'a> LockRequest<'a> {
    /// A request for a guard of this process that excludes all others, without a lifetime to announce and without a
    /// command to show. Change its fields for anything else.
    pub fn guard(name: &'a LockName, caller: &'a Caller) -> Self {
        Self {
            name,
            caller,
            mode: LockMode::Exclusive,
            hold: HoldKind::Guard,
            pid: caller.pid,
            ttl: None,
            metadata: None,
            command: Vec::new(),
            held: Vec::new(),
        }
    }
}

impl LockRequest<'_> {
    /// Whether a guard or a lease is asked for.
    pub fn purpose(&self) -> RequestedGuardOrLease {
        match self.hold {
            HoldKind::Guard => RequestedGuardOrLease::Guard,
            _ => RequestedGuardOrLease::Lease,
        }
    }

    /// The acquisitions that this process runs under, as tickets tell of them.
    pub(super) fn held_ids(&self) -> Vec<String> {
        self.held.iter().map(ToString::to_string).collect()
    }

    /// The record of an acquisition at `now`.
    pub(super) fn record(&self, id: &LockId, fence: Fence, now: Timestamp) -> LockRecord {
        let identity = &self.caller.identity;
        let (host, boot_id, pid_ns) = self.here();
        let mut record = LockRecord {
            version: crate::record::FORMAT_VERSION,
            name: self.name.clone(),
            lock_id: Some(id.clone()),
            owner: identity.owner.clone(),
            host,
            pid: Some(self.pid),
            pid_start: self.caller.start_of(self.pid),
            agent_id: Some(identity.agent.clone()),
            acquired: now,
            ttl_sec: None,
            expires_at: None,
            metadata: self.metadata.clone(),
            hold: Some(self.hold.clone()),
            fence: Some(fence),
            command: (!self.command.is_empty()).then(|| shortened(&self.command)),
            boot_id,
            pid_ns,
            held_since: Some(now),
            mode: self.mode,
            co_holders: Vec::new(),
            unknown: Vec::new(),
        };
        record.set_lifetime(self.ttl, now);
        record
    }

    /// The host, the boot and the pid namespace, as a record holds them.
    fn here(&self) -> (Option<String>, Option<String>, Option<u64>) {
        let here = &self.caller.here;
        let boot_id = Some(here.boot_id.clone()).filter(|id| !id.is_empty());
        // 0 says that it is unknown, so that no reader takes the pid for one in its namespace.
        (Some(here.host.clone()), boot_id, Some(here.pid_ns))
    }

    /// Makes a record name the process of this request.
    pub(super) fn name_process(&self, record: &mut LockRecord, hold: HoldKind) {
        record.hold = Some(hold);
        record.pid = Some(self.pid);
        record.pid_start = self.caller.start_of(self.pid);
        (record.host, record.boot_id, record.pid_ns) = self.here();
    }

    /// The text of a ticket that is drawn now.
    pub(super) fn ticket_text(&self) -> TicketContent {
        TicketContent {
            name: self.name.to_string(),
            owner: self.caller.identity.owner.to_string(),
            owner_given: self.caller.identity.source == OwnerSource::Given,
            agent_id: self.caller.identity.agent.to_string(),
            pid: self.caller.pid,
            command: shortened(&self.command),
            since: Timestamp::now().to_string(),
            held: self.held_ids(),
        }
    }
}

/// As many of a command's words as fit; `…` stands for the rest.
fn shortened(command: &[String]) -> Vec<String> {
    let mut room = COMMAND_BYTES;
    let mut words = Vec::new();
    for word in command {
        if let Some(left) = room.checked_sub(word.len()) {
            room = left;
        } else {
            words.push("…".to_owned());
            break;
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
