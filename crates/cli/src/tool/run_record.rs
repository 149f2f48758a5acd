use crate::{context::CommandContext, env, failure::chain, output, refusal::lockfile_of};
use lokt_lock::{
    audit::{AuditEvent, AuditEventKind},
    store::{Durability, LockStore},
    words::LockName,
};
use lokt_tool::{
    check::{ChainCheckError, CheckedChain},
    run::{ToolRunError, ToolRunOutcome},
};
use serde_json::{Map, Value};
use std::{path::Path, time::Duration};

/// The trace of one run in the audit log: one event, with any outcome.
pub(super) struct ToolRunRecord<'a> {
    context: &'a CommandContext,
    extra: Map<String, Value>,
}

impl<'a> ToolRunRecord<'a> {
    pub(super) fn begin(context: &'a CommandContext, tool: &str) -> Self {
        let mut record = Self { context, extra: Map::new() };
        record.put("tool", tool);
        // Under a guard: whose time it was.
        if let Ok(Some(lock)) = env::text(env::NAME) {
            record.put("lock", lock);
        }
        record
    }

    /// The lock that it runs under.
    pub(super) fn under(&mut self, name: &LockName) {
        self.put("lock", name.as_str());
    }

    /// What would run.
    pub(super) fn chain(&mut self, checked: &CheckedChain) {
        self.put("version", checked.version.to_json());
        self.put("chain", checked.chain.digest().to_string());
        let pin = checked.pin.as_ref().map(|pin| pin.path.to_string_lossy().into_owned());
        self.put("lockfile", pin);
    }

    /// A check failed: the facts known beside the reason.
    pub(super) fn not_vouched_for(&mut self, refusal: &ChainCheckError) {
        if let Some(path) = lockfile_of(refusal) {
            self.put("lockfile", path.to_string_lossy().into_owned());
        }
        if let ChainCheckError::Drift(pin, _) = refusal {
            self.put("version", pin.lockfile.version.to_json());
        }
        self.refused(&chain(refusal));
    }

    /// Nothing ran. Written at once.
    pub(super) fn refused(&mut self, why: &str) {
        self.put("outcome", "refused");
        self.put("why", why);
        self.write();
    }

    /// Nothing came of it. Written at once.
    pub(super) fn failed(&mut self, error: &ToolRunError) {
        let outcome = match error {
            ToolRunError::Lost => "lost",
            ToolRunError::Exchange(error) if error.timed_out() => "timeout",
            _ => "error",
        };
        self.put("outcome", outcome);
        self.put("why", chain(error));
        self.write();
    }

    /// The outcome.
    pub(super) fn ended(
        &mut self,
        outcome: &ToolRunOutcome,
        stands: ToolRunFinalLockState,
        after: Duration,
    ) {
        self.put("outcome", outcome_of(outcome, stands));
        match outcome {
            ToolRunOutcome::Subprocess(process) => self.put("return_code", process.return_code()),
            ToolRunOutcome::Http(answer) => self.put("status_code", answer.status_code),
        }
        self.put("duration_ms", u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    }

    /// It was pinned.
    pub(super) fn pinned(&mut self, path: &Path) {
        self.put("lockfile", path.to_string_lossy().into_owned());
        self.put("lockfile_created", true);
    }

    pub(super) fn write(&self) {
        let event = AuditEvent::without_name(AuditEventKind::ToolRun, &self.context.caller);
        let extra = self.extra.iter();
        let event = extra.fold(event, |event, (key, value)| event.with(key, value.clone()));
        let logged = self.context.store.log(&event, Durability::Volatile);
        output::warn_unlogged("the tool was dealt with", logged.err());
    }

    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.extra.insert(key.to_owned(), value.into());
    }
}

/// Whether the lock that a tool ran under still stood at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToolRunFinalLockState {
    /// It did, or there was none.
    Held,
    /// It was taken away.
    Lost,
}

/// The outcome of a run, in one word.
pub(super) fn outcome_of(outcome: &ToolRunOutcome, stands: ToolRunFinalLockState) -> &'static str {
    match outcome {
        ToolRunOutcome::Subprocess(process) if process.timed_out() => "timeout",
        _ if stands == ToolRunFinalLockState::Lost => "lost",
        _ if outcome.success() => "success",
        _ => "failed",
    }
}
