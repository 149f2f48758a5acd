//! One client: its identity for the locks, and the locks to release when it is gone.

use super::command_line::LoktSubprocess;
use crate::{context::CommandContext, env, failure::CliFailure, output};
use lokt_lock::{
    rules::OwnerSource,
    store::LockStore,
    words::{AgentId, LockName},
};
use std::{
    collections::BTreeSet,
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
/// Each client is a separate agent, even if two act for one owner: two clients that were configured with the
/// same owner exclude each other.
pub(super) struct ClientConnection {
    pub(super) context: CommandContext,
    /// The locks to release when the client is gone.
    leases: Mutex<BTreeSet<LockName>>,
    has_ended: watch::Sender<bool>,
    /// Held for reading by every call that is under way.
    calls: RwLock<()>,
}

impl ClientConnection {
    pub(super) fn new(mut context: CommandContext) -> Result<Self, CliFailure> {
        let id = context.store.new_id()?.to_string();
        let identity = &mut context.caller.identity;
        if let Some(agent) = AgentId::new(&format!("mcp-{}", id.get(..16).unwrap_or(&id))) {
            identity.agent = agent;
        }
        identity.source = OwnerSource::Derived;
        Ok(Self {
            context,
            leases: Mutex::default(),
            has_ended: watch::Sender::new(false),
            calls: RwLock::new(()),
        })
    }

    /// The environment that lets a program act as this client.
    pub(super) fn environment(&self) -> [(&'static str, &str); 3] {
        let identity = &self.context.caller.identity;
        let owner = identity.owner.as_str();
        let agent = identity.agent.as_str();
        [(env::OWNER, owner), (env::OWNER_DERIVED, owner), (env::AGENT_ID, agent)]
    }

    /// Notes a call in progress, until the returned value is dropped; `None` if no call may begin any more.
    pub(super) fn busy(&self) -> Option<RwLockReadGuard<'_, ()>> {
        self.calls.try_read().ok()
    }

    /// Notes a lease that ends with this connection.
    pub(super) fn holds(&self, name: &LockName) {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
    }

    /// Notes that a lease was unlocked or taken away.
    pub(super) fn holds_no_more(&self, name: &LockName) {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Whether a lease ends with this connection.
    pub(super) fn is_holding(&self, name: &LockName) -> bool {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
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
        for name in leases {
            let released = LoktSubprocess::new(["unlock", "--", name.as_str()]).run_for(self);
            match tokio::time::timeout(RELEASE, released).await {
                Ok(Ok(ended)) if matches!(ended.code, Some(0 | 3)) => {}
                _ => output::warn(&format!("lock {:?} ends with this process", name.as_str())),
            }
        }
    }
}
