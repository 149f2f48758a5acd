//! The event `tool-run` in the audit log.
//!
//! The facts are collected while the run goes on. The event is written once, at the end or as soon
//! as the run is refused. Whether it can be logged does not change the run: that is a warning.

use crate::{context::CommandContext, env, failure::chain, output, refusal::lockfile_of};
use lokt_lock::{
    audit::{AuditEvent, AuditEventKind},
    store::LockStore,
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
    /// The caller, and the store that has the log.
    context: &'a CommandContext,
    /// The facts so far: the field `extra` of the event.
    extra: Map<String, Value>,
}

impl<'a> ToolRunRecord<'a> {
    /// A record with the tool's id, and with the locks of the guards around this process.
    pub(super) fn begin(context: &'a CommandContext, tool: &str) -> Self {
        let mut record = Self { context, extra: Map::new() };
        record.put("tool", tool);
        // Under a guard: whose time it was.
        if let Ok(Some(lock)) = env::text(env::NAME) {
            record.put("lock", lock);
        }
        record
    }

    /// Notes the lock of `--guard`, in place of those around this process.
    pub(super) fn under(&mut self, name: &LockName) {
        self.put("lock", name.as_str());
    }

    /// Notes the version, the digest of the chain and the lockfile that would run.
    pub(super) fn chain(&mut self, checked: &CheckedChain) {
        self.put("version", checked.version.to_json());
        self.put("chain", checked.chain.digest().to_string());
        let pin = checked.pin.as_ref().map(|pin| pin.path.to_string_lossy().into_owned());
        self.put("lockfile", pin);
    }

    /// Notes why a check failed, with the lockfile and the pinned version if they are known, and
    /// writes the event.
    pub(super) fn not_vouched_for(&mut self, refusal: &ChainCheckError) {
        if let Some(path) = lockfile_of(refusal) {
            self.put("lockfile", path.to_string_lossy().into_owned());
        }
        if let ChainCheckError::Drift(pin, _) = refusal {
            self.put("version", pin.lockfile.version.to_json());
        }
        self.refused(&chain(refusal));
    }

    /// Notes that nothing was started, and why; writes the event.
    pub(super) fn refused(&mut self, why: &str) {
        self.put("outcome", "refused");
        self.put("why", why);
        self.write();
    }

    /// Notes that the run ended with an error, and writes the event. The outcome is `lost`,
    /// `timeout` or `error`.
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

    /// Notes the outcome, the code of the process or the answer, and the duration. The caller
    /// writes the event.
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

    /// Notes that this run has written the lockfile.
    pub(super) fn pinned(&mut self, path: &Path) {
        self.put("lockfile", path.to_string_lossy().into_owned());
        self.put("lockfile_created", true);
    }

    /// Writes the event. It is not synced to disk, so a power cut may lose it.
    pub(super) fn write(&self) {
        let event = AuditEvent::without_name(AuditEventKind::ToolRun, &self.context.caller);
        let extra = self.extra.iter();
        let event = extra.fold(event, |event, (key, value)| event.with(key, value.clone()));
        let logged = self.context.store.log(&event);
        output::warn_unlogged("the tool was dealt with", logged.err());
    }

    /// Sets a fact; a later one of the same name replaces it.
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
///
/// `timeout` comes before `lost`: a tool that was stopped for its time may have lost the lock
/// meanwhile.
pub(super) fn outcome_of(outcome: &ToolRunOutcome, stands: ToolRunFinalLockState) -> &'static str {
    match outcome {
        ToolRunOutcome::Subprocess(process) if process.timed_out() => "timeout",
        _ if stands == ToolRunFinalLockState::Lost => "lost",
        _ if outcome.success() => "success",
        _ => "failed",
    }
}
