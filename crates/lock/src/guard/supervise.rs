use super::{
    CommandEnd, CommandProcesses, GuardStopCause, GuardedCommand, LockLossPolicy, SignalReader,
    SpawnError, SupervisionPolicy,
    child_process::{GuardChildProcess, TerminalPresence},
    held_locks_upkeep::HeldLocksUpkeep,
    stop_sequence::{RemainingProcesses, StopSequence, StopStep},
};
use crate::{
    caller::Caller,
    ops::{LockGrant, LockOperationError},
    store::{LockStore, LockStoreError},
    sys::{FileId, SignalNumber},
    words::LockName,
};
use std::{io, os::fd::AsFd, time::Instant};

/// Says why a command could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// It did not start.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The lock would not hold for as long as it lives, so it was not started.
    #[error("cannot keep the lock for the command")]
    Keep {
        /// What the store said.
        source: LockStoreError,
    },
    /// Its end cannot be learnt.
    #[error("cannot wait for the command")]
    Wait {
        /// What the kernel said.
        source: io::Error,
    },
}

/// Something that happens while a command runs and that its user should know.
#[derive(Debug)]
pub enum GuardWarning {
    /// A lock's announced life could not be extended. The lock itself holds.
    Heartbeat(LockName, LockOperationError),
    /// A lock was taken away.
    Lost {
        /// Which.
        name: LockName,
        /// Why that could not be logged.
        unlogged: Option<LockStoreError>,
    },
    /// The command got SIGTERM.
    Stopping(GuardStopCause),
    /// What did not stop in time was killed.
    Killing,
}

/// How a command's time under its locks ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupervisionOutcome {
    /// How the command ended.
    pub ending: CommandEnd,
    /// Why the guard stopped it, if it did.
    pub stopped: Option<GuardStopCause>,
    /// A signal that asked the guard itself to end, and was passed on.
    pub asked: Option<SignalNumber>,
}

/// What a guard needs: the store, the caller, and the locks that were granted.
pub struct SupervisedLocks<'a, S: LockStore> {
    /// Where the locks are kept.
    pub store: &'a S,
    /// The holder of the locks.
    pub caller: &'a Caller,
    /// The locks.
    pub grants: &'a mut [LockGrant<S::Ticket>],
}

/// Runs a command under grants until it ends, or until it has to be stopped.
///
/// The grants are only borrowed: giving the locks back is the caller's next step, unless the command may
/// still be running. Those that were lost are marked.
///
/// # Errors
/// [`GuardError`] when the command did not start, or its end cannot be learnt. In the latter case the locks
/// are its processes' own: to give them back would let others in beside it.
pub fn supervise<S>(
    watchers: SupervisedLocks<'_, S>,
    command: &GuardedCommand,
    signals: &SignalReader,
    orders: SupervisionPolicy,
    tell: &mut dyn FnMut(GuardWarning),
) -> Result<SupervisionOutcome, GuardError>
where
    S: LockStore,
    S::Ticket: AsFd,
{
    let tickets: Vec<&S::Ticket> =
        watchers.grants.iter().filter_map(|it| it.ticket.as_ref()).collect();
    watchers.store.keep(&tickets).map_err(|source| GuardError::Keep { source })?;
    signals.hold_stop();
    let pid = command.start(signals, &tickets)?;
    let mark = command.setting.mark.as_ref().and_then(FileId::of);
    let tickets = tickets.iter().filter_map(FileId::of).collect();
    let now = Instant::now();
    let has_terminal = watchers.caller.has_terminal();
    let terminal = if has_terminal { TerminalPresence::Present } else { TerminalPresence::Absent };
    let processes = CommandProcesses::new(pid.as_raw(), tickets, mark);
    let mut guard = GuardedCommandSupervisor {
        child: GuardChildProcess::new(processes, signals, terminal, now),
        monitor: HeldLocksUpkeep::begin(watchers, now),
        end: orders.max_hold.and_then(|limit| now.checked_add(limit)),
        stopping: None,
        orders,
        tell,
    };
    let finish = guard.run();
    guard.child.collect();
    finish
}

struct GuardedCommandSupervisor<'a, S: LockStore> {
    child: GuardChildProcess<'a>,
    monitor: HeldLocksUpkeep<'a, S>,
    orders: SupervisionPolicy,
    /// When the command has run for as long as it may.
    end: Option<Instant>,
    stopping: Option<StopSequence>,
    tell: &'a mut dyn FnMut(GuardWarning),
}

impl<S: LockStore> GuardedCommandSupervisor<'_, S> {
    fn run(&mut self) -> Result<SupervisionOutcome, GuardError> {
        let mut wait = None;
        loop {
            let woken = self.child.sleep(self.monitor.source(), self.next(wait))?;
            let ending = self.child.attend()?;
            if let (Some(ending), None) = (ending, self.stopping) {
                return Ok(self.finish(ending));
            }
            self.keep_alive(woken);
            match (self.stop_on(ending), ending) {
                (Some(StopStep::Done), Some(ending)) => {
                    return Ok(self.finish(ending));
                }
                (Some(StopStep::Wait(until)), _) => wait = Some(until),
                _ => wait = None,
            }
        }
    }

    fn finish(&self, ending: CommandEnd) -> SupervisionOutcome {
        let stopped = self.stopping.as_ref().map(|it| it.cause);
        SupervisionOutcome { ending, stopped, asked: self.child.asked }
    }

    /// When something is to be done next.
    fn next(&self, wait: Option<Instant>) -> Option<Instant> {
        let end = self.end.filter(|_| self.stopping.is_none());
        [wait, self.monitor.next(), end].into_iter().flatten().min()
    }

    /// Extends the locks' lives, looks whether they still stand, and whether the time is over.
    fn keep_alive(&mut self, woken: bool) {
        let now = Instant::now();
        let is_lost = self.monitor.keep_up(woken, now, self.tell);
        if is_lost && self.orders.on_lost == LockLossPolicy::Kill {
            self.stop(GuardStopCause::Lost, now);
        }
        if self.end.is_some_and(|end| end <= now) {
            self.stop(GuardStopCause::MaxHold, now);
        }
        if let (Some(stopping), Some(deadline)) = (&mut self.stopping, self.monitor.deadline()) {
            stopping.limit(deadline);
        }
    }

    /// Tells the command to stop, unless that has been done.
    fn stop(&mut self, cause: GuardStopCause, now: Instant) {
        if self.stopping.is_none() {
            (self.tell)(GuardWarning::Stopping(cause));
            self.child.processes.stop();
            self.stopping = Some(StopSequence::begin(cause, now, self.orders.grace));
        }
    }

    /// Does the next step of stopping the command.
    fn stop_on(&mut self, ending: Option<CommandEnd>) -> Option<StopStep> {
        let now = Instant::now();
        let stopping = self.stopping.as_mut()?;
        let processes = &mut self.child.processes;
        let rest = ending.map_or(RemainingProcesses::Leader, |_| processes.rest());
        let step = stopping.step(rest, now);
        match step {
            StopStep::Signal => {
                processes.stop();
                stopping.note_late_signaled();
            }
            StopStep::Kill => {
                if stopping.kill(now) {
                    (self.tell)(GuardWarning::Killing);
                }
                processes.kill();
            }
            StopStep::Wait(_) | StopStep::WaitForLeader | StopStep::Done => return Some(step),
        }
        Some(stopping.then(rest, now))
    }
}
