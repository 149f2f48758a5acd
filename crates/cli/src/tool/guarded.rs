//! The lock that a tool runs under.
//!
//! The process that runs the tool takes, supervises and unlocks it. There is no other process between the two, so the
//! tool has the lock's ticket, and what the lock's guard does reaches the tool.

use crate::{
    context::CommandContext,
    exit::ExitCode,
    failure::CliFailure,
    locking::{
        held,
        nesting::{self, InheritedLock},
        waiting::{QueueDisplay, WaitOptions, interrupted},
    },
    project_store::{ProjectStore, ProjectTicket},
};
use lokt_lock::{
    guard::{GuardStopCause, GuardWarning, SignalReader, SupervisedLocks},
    ops::{AcquireAllOutcome, LockGrant, LockRequest, acquire_all, lose, stands},
    record::HoldKind,
    words::{LockMode, LockName},
};
use std::ffi::OsString;

/// The locks of a run: one, or none.
pub(super) struct ToolRunLocks<'a> {
    /// The caller, and the store of the locks.
    context: &'a CommandContext,
    /// The locks that are held; empty without `--guard`.
    grants: Vec<LockGrant<ProjectTicket>>,
}

/// The outcome of a request for a lock, apart from a refusal.
pub(super) enum ToolRunLockOutcome<'a> {
    /// The lock is held.
    Entered(ToolRunLocks<'a>),
    /// A signal ended the wait.
    Interrupted(ExitCode),
}

impl<'a> ToolRunLocks<'a> {
    /// Without a lock.
    ///
    /// Such a value can be supervised and given back like any other; nothing happens then.
    pub(super) fn none(context: &'a CommandContext) -> Self {
        Self { context, grants: Vec::new() }
    }

    /// Takes a lock for a tool.
    ///
    /// An exclusive lock, in the queue if `--wait` was given. The record shows others `lokt tool
    /// run ID` as the command.
    ///
    /// # Errors
    /// The refusal if another holds the lock, and every failure of the store.
    pub(super) fn take(
        context: &'a CommandContext,
        name: &LockName,
        tool: &str,
        (waiting, signals): (&WaitOptions, &SignalReader),
    ) -> Result<ToolRunLockOutcome<'a>, CliFailure> {
        let request = LockRequest {
            name,
            caller: &context.caller,
            mode: LockMode::Exclusive,
            hold: HoldKind::Guard,
            pid: nix::unistd::getpid().as_raw(),
            ttl: None,
            metadata: None,
            // What others are shown. The parameters are not for them, and may be too long.
            command: ["lokt", "tool", "run", tool].map(str::to_owned).to_vec(),
            held: nesting::held().into_iter().map(|(_, id)| id).collect(),
        };
        let mut line = QueueDisplay::new(signals, &context.caller);
        let outcome = acquire_all(&context.store, vec![request], waiting.patience(), &mut line);
        let ended_by = line.ended_by();
        drop(line);
        match outcome? {
            AcquireAllOutcome::Entered(grants) => {
                Ok(ToolRunLockOutcome::Entered(Self { context, grants }))
            }
            AcquireAllOutcome::Denied(name, denial) => {
                Err(crate::denial::lock::denied(&name, &denial, &context.caller))
            }
            AcquireAllOutcome::Interrupted => {
                Ok(ToolRunLockOutcome::Interrupted(interrupted(signals, ended_by)))
            }
        }
    }

    /// The environment of the tool: this process's, and the variables about its lock.
    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        if self.grants.is_empty() {
            return std::env::vars_os().collect();
        }
        let told: Vec<InheritedLock> =
            self.grants.iter().map(|grant| InheritedLock::of(&grant.record)).collect();
        let held = nesting::with(&nesting::held(), &self.grants);
        nesting::environment(self.context, &told, &held)
    }

    /// The supervised locks while the tool runs. Supervision stops the tool if one of them is lost.
    pub(super) fn watchers(&mut self) -> SupervisedLocks<'_, ProjectStore> {
        let CommandContext { store, caller, .. } = self.context;
        SupervisedLocks { store, caller, grants: &mut self.grants }
    }

    /// Whether a lock is lost, by a last check: the outcome of the run counts only if the lock was held.
    ///
    /// A loss that is found here is logged and reported, as one during the run is.
    pub(super) fn are_lost(&mut self) -> bool {
        let CommandContext { store, caller, .. } = self.context;
        for grant in self.grants.iter_mut().filter(|grant| !grant.lost) {
            if !stands(store, grant)
                && let Ok(lokt_lock::ops::LockLossCheckOutcome::Lost { unlogged }) =
                    lose(store, grant, caller)
            {
                tell(&GuardWarning::Lost { name: grant.record.name.clone(), unlogged });
            }
        }
        self.grants.iter().any(|grant| grant.lost)
    }

    /// Unlocks; returns the failure if a lock was lost.
    ///
    /// `stopped` is the reason for which the tool was stopped, if it was.
    pub(super) fn give_back(self, stopped: Option<GuardStopCause>) -> Option<CliFailure> {
        let context = self.context;
        let lost = held::give_back(context, self.grants, &mut |trouble| tell(&trouble));
        lost.first().map(|name| held::lost(context, name, stopped))
    }
}

/// Prints what happens while the tool runs.
///
/// A tool's time limit comes from its config, and not from an option, so it has another text than
/// `--max-hold`.
pub(super) fn tell(trouble: &GuardWarning) {
    if let GuardWarning::Stopping(GuardStopCause::MaxHold) = trouble {
        return crate::output::warn("its time is up: stopping the tool (SIGTERM)");
    }
    held::tell("tool", trouble);
}
