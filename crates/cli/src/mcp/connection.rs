//! One client: its identity for the locks, and the locks to release when it is gone.

use super::command_line::LoktCommandLine;
use crate::{context::CommandContext, env, failure::CliFailure, output};
use lokt_lock::{
    file::HarnessProcess,
    harness::AgentSource,
    ops::{LockStatusEntry, survey},
    record::{HoldKind, LockRecord},
    rules::{CallerIdentity, OwnerSource},
    store::LockStore,
    sys::{self, AncestorProcess},
    words::{AgentId, LockName},
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{RwLock, RwLockReadGuard, watch};

/// How long the calls that are under way may take to end once the client is gone: a little more than it
/// takes to kill what does not end by itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long unlocking one lease may take.
const RELEASE: Duration = Duration::from_secs(10);

/// One client: its identity for the locks, what it holds while it is connected, and its end.
///
/// A client is the session of its harness, where the harness says which: then it is the same agent as the shell
/// commands of the session. Otherwise it is a separate agent. Two clients that were configured with the same owner
/// exclude each other in either case.
pub(super) struct McpClientSession {
    pub(super) context: CommandContext,
    is_owner_given: bool,
    /// The processes above, of which one may be a harness whose hooks note its session.
    above: Vec<HarnessProcess>,
    /// The locks to release when the client is gone, and the agent that took each.
    leases: Mutex<BTreeMap<LockName, AgentId>>,
    has_ended: watch::Sender<bool>,
    /// Held for reading by every call that is under way.
    calls: RwLock<()>,
}

impl McpClientSession {
    pub(super) fn new(mut context: CommandContext) -> Result<Self, CliFailure> {
        let caller = &mut context.caller;
        let is_owner_given = caller.identity.source == OwnerSource::Given;
        if matches!(caller.agent_source, AgentSource::Terminal { .. }) {
            caller.identity.agent = AgentId::of_connection(context.store.new_id()?.as_str());
            caller.agent_source = AgentSource::Connection;
        }
        caller.identity.source = OwnerSource::Derived;
        let process = |it: AncestorProcess| HarnessProcess { pid: it.pid, started: it.started };
        Ok(Self {
            context,
            is_owner_given,
            above: sys::ancestors().map(process).collect(),
            leases: Mutex::default(),
            has_ended: watch::Sender::new(false),
            calls: RwLock::new(()),
        })
    }

    /// The agent that this client is now. The variables of this process have the session of its start, and a harness
    /// may have begun another since; its hooks note that. What the user has set stays.
    pub(super) fn agent(&self) -> AgentId {
        let caller = &self.context.caller;
        // Hooks note sessions in a folder; on a cluster, nothing does.
        let noted = |it: &HarnessProcess| self.context.store.files()?.session_of(*it, &caller.here);
        let is_followed = caller.agent_source != AgentSource::Given;
        let now = is_followed.then(|| self.above.iter().find_map(noted)).flatten();
        now.unwrap_or_else(|| caller.identity.agent.clone())
    }

    /// The owner and the agent that this client is now.
    pub(super) fn identity(&self) -> CallerIdentity {
        CallerIdentity { agent: self.agent(), ..self.context.caller.identity.clone() }
    }

    /// Whether the agent's shell commands may be another caller: nothing says which agent this is, or the owner is one
    /// that they need not have.
    pub(super) fn is_apart_from_shell(&self) -> bool {
        self.is_owner_given || self.is_unknown()
    }

    /// Whether nothing says which agent this is.
    fn is_unknown(&self) -> bool {
        let caller = &self.context.caller;
        caller.agent_source == AgentSource::Connection && self.agent() == caller.identity.agent
    }

    /// The environment that lets a program act as this client.
    pub(super) fn environment(&self, agent: &AgentId) -> [(&'static str, String); 3] {
        let owner = self.context.caller.identity.owner.as_str();
        [
            (env::OWNER, owner.to_owned()),
            (env::OWNER_DERIVED, owner.to_owned()),
            (env::AGENT_ID, agent.to_string()),
        ]
    }

    /// The agent that took a lease which ends with this connection.
    pub(super) fn taker_of(&self, name: &LockName) -> Option<AgentId> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Notes a call in progress, until the returned value is dropped; `None` if no call may begin any more.
    pub(super) fn busy(&self) -> Option<RwLockReadGuard<'_, ()>> {
        self.calls.try_read().ok()
    }

    /// Notes a lease that ends with this connection.
    pub(super) fn holds(&self, name: &LockName) {
        let agent = self.taker_of(name).unwrap_or_else(|| self.agent());
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), agent);
    }

    /// Notes that a lease was unlocked or taken away.
    pub(super) fn holds_no_more(&self, name: &LockName) {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Whether a lease ends with this connection.
    pub(super) fn is_holding(&self, name: &LockName) -> bool {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }

    /// Whether this agent has a lease of the name that is tied to no process: a shell command of the agent took it, or
    /// a call that asked for that.
    pub(super) fn has_lease_of_shell(&self, name: &LockName) -> bool {
        if self.is_unknown() {
            return false;
        }
        let (store, caller, identity) =
            (&self.context.store, &self.context.caller, self.identity());
        let is_free = |it: &LockRecord| identity.owns(it) && it.hold == Some(HoldKind::Lease);
        let entries = survey(store, name, caller);
        let mut records = entries.iter().filter_map(LockStatusEntry::record);
        records.any(|record| record.holders().any(is_free))
    }

    /// Notes that the client is gone: its waits and runs are stopped.
    pub(super) fn end(&self) {
        self.has_ended.send_replace(true);
    }

    /// Waits until the client is gone.
    pub(super) async fn ended(&self) {
        // The sender lives as long as this does, so there is no other end than the one waited for.
        let _ = self.has_ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Waits for the calls in progress, then unlocks what was held for this connection. If this fails, or this
    /// process is killed before, the kernel does it: the leases are tied to this process.
    pub(super) async fn settle(&self) {
        // Kept, so that no call begins any more.
        let closed = tokio::time::timeout(PATIENCE, self.calls.write()).await;
        if closed.is_err() {
            output::warn("a call did not end with its client");
        }
        let leases =
            std::mem::take(&mut *self.leases.lock().unwrap_or_else(PoisonError::into_inner));
        for (name, agent) in leases {
            // The lease was unlocked and taken again by a shell command.
            if self.has_lease_of_shell(&name) {
                continue;
            }
            let released = LoktCommandLine::new(["unlock", "--", name.as_str()]).acting_as(agent);
            let released = released.run_for(self);
            match tokio::time::timeout(RELEASE, released).await {
                Ok(Ok(ended)) if matches!(ended.code, Some(0 | 3 | 4)) => {}
                _ => output::warn(&format!("lock {:?} ends with this process", name.as_str())),
            }
        }
    }
}
