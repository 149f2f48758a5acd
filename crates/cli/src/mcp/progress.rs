//! News for a client that waits: its queue position, and the holder. The one thing that the server
//! reads by itself.

use super::connection::McpClientSession;
use crate::{context::CommandContext, printable, span, view::holder};
use lokt_lock::{
    ops::{LockStatusEntry, survey},
    rules::CallerIdentity,
    store::LockRecordKind,
    words::{LockName, Timestamp},
};
use rmcp::{
    Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
};
use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

/// When the first news comes: by then the call waits in the queue or holds the lock.
const FIRST: Duration = Duration::from_millis(100);

/// Sends a client the progress of one of its calls.
pub(super) struct McpProgressReporter {
    /// The client's token for this call.
    token: ProgressToken,
    /// Where notifications are sent.
    peer: Peer<RoleServer>,
    /// When the call began. The progress is the seconds since then, because it must rise.
    began: Instant,
}

impl McpProgressReporter {
    /// A reporter for a call that begins now.
    pub(super) fn new(token: ProgressToken, peer: Peer<RoleServer>) -> Self {
        Self { token, peer, began: Instant::now() }
    }

    /// Sends it repeatedly, until this is dropped.
    pub(super) async fn tell(
        &self,
        connection: &Arc<McpClientSession>,
        names: &[String],
        pid: i32,
    ) -> Infallible {
        let names: Vec<LockName> =
            names.iter().filter_map(|name| LockName::new(name).ok()).collect();
        tokio::time::sleep(FIRST).await;
        loop {
            let (seen_by, asked) = (Arc::clone(connection), names.clone());
            // Files are read there, which may take a moment.
            let look = move || standing(&seen_by.context, &asked, pid);
            let standing = tokio::task::spawn_blocking(look).await.ok().flatten();
            let spent = self.began.elapsed();
            let message = standing.unwrap_or_else(|| format!("running for {}", span::show(spent)));
            let news = ProgressNotificationParam::new(self.token.clone(), spent.as_secs_f64());
            // A client that is gone ends the call in another way.
            let message = printable::line(&message).into_owned();
            let _ = self.peer.notify_progress(news.with_message(message)).await;
            tokio::time::sleep(pause(spent)).await;
        }
    }
}

/// The longer it lasts, the less often it checks.
fn pause(spent: Duration) -> Duration {
    if spent < Duration::from_secs(30) { Duration::from_secs(1) } else { Duration::from_secs(5) }
}

/// The queue position of process `pid` for the one of these locks that it waits for.
///
/// `None` if it waits for none of them: it runs already.
fn standing(context: &CommandContext, names: &[LockName], pid: i32) -> Option<String> {
    let me = &context.caller.identity;
    names.iter().find_map(|name| {
        let entries = survey(&context.store, name, &context.caller);
        let lock = entries.iter().find(|entry| entry.kind == LockRecordKind::Lock)?;
        let at = lock.waiters.iter().position(|waiter| waiter.pid == pid)?;
        let ahead = at + lock.taken + lock.inside.len();
        let place = match ahead {
            0 => "next in the queue".to_owned(),
            ahead => format!("queue position {ahead}"),
        };
        Some(format!(
            "waiting for lock {:?} ({place}): {}",
            name.as_str(),
            why(lock, &entries, at, me)
        ))
    })
}

/// What the waiter at a queue position waits for.
fn why(
    lock: &LockStatusEntry,
    entries: &[LockStatusEntry],
    at: usize,
    me: &CallerIdentity,
) -> String {
    let freeze = entries.iter().find(|entry| entry.kind == LockRecordKind::Freeze);
    let before = at.checked_sub(1).and_then(|at| lock.waiters.get(at));
    if let Some(record) = lock.record().filter(|_| lock.taken > 0) {
        holder::held_by(record, me, Timestamp::now())
    } else if let Some(guard) = lock.inside.first().or(before) {
        format!("{} (pid {}) goes first", guard.owner, guard.pid)
    } else if let Some(freeze) = freeze.and_then(LockStatusEntry::record) {
        format!("it is frozen {}", holder::frozen_by(freeze, me))
    } else {
        "it is about to be taken".to_owned()
    }
}
