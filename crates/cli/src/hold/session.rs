//! One request after the other: take locks, wait until they are to be given back, give them back.

use super::{
    request::{HoldRequest, LockOrder},
    requests::RequestLines,
};
use crate::{
    context::CommandContext,
    exit::ExitCode,
    failure::CliFailure,
    locking::{
        held,
        nesting::{self, EnclosingLock, InheritedLock},
    },
    output,
    project_store::ProjectTicket,
};
use lokt_lock::{
    guard::{
        GuardWarning, GuardedThreadWaitOutcome, LockLossPolicy, SignalReader, SupervisedLocks,
        await_work,
    },
    ops::{AcquireAllOutcome, LockGrant, LockRequest, QueueStanding, WaitObserver, acquire_all},
    record::HoldKind,
    words::LockName,
};
use serde_json::{Value, json};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

/// The locks that the program holds through this process.
pub(crate) struct HoldSession<'a> {
    /// The caller, and the store of the locks.
    context: &'a CommandContext,
    /// Held back for the whole life: a key in the program's terminal must not take its locks from it.
    signals: SignalReader,
    /// What the program asks for.
    lines: RequestLines,
}

/// Whether the program goes on.
enum ProgramState {
    /// It asks for more, perhaps.
    Lives,
    /// It has closed standard input, or is gone.
    Gone,
}

impl<'a> HoldSession<'a> {
    /// Before the first request.
    ///
    /// # Errors
    /// When signals cannot be held back.
    pub(crate) fn new(context: &'a CommandContext) -> Result<Self, CliFailure> {
        let signals = SignalReader::hold().map_err(|error| {
            CliFailure::new(ExitCode::Error, format!("cannot hold signals back: {error}"))
        })?;
        signals.hold_stop();
        Ok(Self { context, signals, lines: RequestLines::new() })
    }

    /// Answers requests until standard input ends.
    ///
    /// # Errors
    /// When it cannot be read, or an answer cannot be written.
    pub(crate) fn run(&mut self) -> Result<ExitCode, CliFailure> {
        while let Some(line) = self.next()? {
            let state = match HoldRequest::read(&line) {
                Ok(HoldRequest::Lock(order)) => self.hold(&order)?,
                Ok(HoldRequest::Unlock) => {
                    output::json(&released(&[]))?;
                    ProgramState::Lives
                }
                Err(failure) => {
                    output::json(&failure.to_json())?;
                    ProgramState::Lives
                }
            };
            if matches!(state, ProgramState::Gone) {
                break;
            }
        }
        Ok(ExitCode::Done)
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, CliFailure> {
        self.lines.next().map_err(|error| {
            CliFailure::new(ExitCode::Error, format!("cannot read standard input: {error}"))
        })
    }

    /// Takes locks, and holds them until the program gives them back, or is gone.
    fn hold(&mut self, order: &LockOrder) -> Result<ProgramState, CliFailure> {
        let around: Vec<EnclosingLock> =
            nesting::held().into_iter().chain(order.held.iter().cloned()).collect();
        let inside = |name| nesting::inside(self.context, name, order.mode, &around);
        let mut told: Vec<InheritedLock> = order.names.iter().filter_map(inside).collect();
        let missing: Vec<&LockName> =
            order.names.iter().filter(|name| !told.iter().any(|it| it.name == **name)).collect();
        let mut grants = match self.acquire(order, &missing, &around) {
            Ok(Some(grants)) => grants,
            Ok(None) => return Ok(ProgramState::Gone),
            Err(failure) => {
                output::json(&failure.to_json())?;
                return Ok(ProgramState::Lives);
            }
        };
        told.extend(grants.iter().map(|grant| InheritedLock::of(&grant.record)));
        told.sort_by_key(|it| order.names.iter().position(|name| *name == it.name));
        let answered = output::json(&self.acquired(&told, &nesting::with(&around, &grants)));
        let state = match answered {
            Ok(()) => self.await_unlock(&mut grants),
            Err(_) => Ok(ProgramState::Gone),
        };
        let lost = held::give_back(self.context, grants, &mut |it| tell(&it));
        let state = state?;
        if matches!(state, ProgramState::Lives) {
            output::json(&released(&lost))?;
        }
        Ok(state)
    }

    /// Acquires all locks of a request or none; `None` if the program spoke or ended during the wait, which ends it.
    fn acquire(
        &self,
        order: &LockOrder,
        names: &[&LockName],
        around: &[EnclosingLock],
    ) -> Result<Option<Vec<LockGrant<ProjectTicket>>>, CliFailure> {
        let request = |name| LockRequest {
            name,
            caller: &self.context.caller,
            mode: order.mode,
            hold: HoldKind::Guard,
            pid: nix::unistd::getpid().as_raw(),
            ttl: order.ttl,
            metadata: None,
            command: order.command.clone(),
            held: around.iter().map(|(_, id)| id.clone()).collect(),
        };
        let requests = names.iter().copied().map(request).collect();
        let mut watch = ProgramWatch(self.lines.as_fd());
        match acquire_all(&self.context.store, requests, order.wait_limit, &mut watch)? {
            AcquireAllOutcome::Entered(grants) => Ok(Some(grants)),
            AcquireAllOutcome::Denied(name, denial) => {
                Err(crate::denial::lock::denied(&name, &denial, &self.context.caller))
            }
            AcquireAllOutcome::Interrupted => Ok(None),
        }
    }

    /// The answer when the locks are held, with the variables for commands that the program starts.
    fn acquired(&self, told: &[InheritedLock], held: &[EnclosingLock]) -> Value {
        let variables: serde_json::Map<String, Value> =
            nesting::variables(self.context, told, held)
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.into()))
                .collect();
        let own: Vec<String> = held.iter().map(|(name, id)| format!("{name}={id}")).collect();
        json!({
            "status": "acquired",
            "names": told.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
            "lock_ids": told.iter().map(|it| it.id.as_ref().map(ToString::to_string)).collect::<Vec<_>>(),
            "fences": told.iter().map(|it| it.fence.map(lokt_lock::words::Fence::get)).collect::<Vec<_>>(),
            "held": own,
            "environment": variables,
        })
    }

    /// Looks after the locks until the next request, which must be to unlock, or the end of the input.
    fn await_unlock(
        &mut self,
        grants: &mut [LockGrant<ProjectTicket>],
    ) -> Result<ProgramState, CliFailure> {
        let CommandContext { store, caller, .. } = self.context;
        loop {
            let watchers = SupervisedLocks { store, caller, grants };
            let policy = LockLossPolicy::Warn;
            let done = self.lines.as_fd();
            match await_work(watchers, done, &self.signals, policy, &mut |it| tell_program(&it))? {
                GuardedThreadWaitOutcome::Done => {}
                // A signal is for the program, which has its own way with it.
                _ => continue,
            }
            let Some(line) = self.next()? else { return Ok(ProgramState::Gone) };
            match HoldRequest::read(&line) {
                Ok(HoldRequest::Unlock) => return Ok(ProgramState::Lives),
                Ok(HoldRequest::Lock(_)) => {
                    let failure =
                        CliFailure::usage("the locks of the earlier request are held still");
                    output::json(&failure.to_json())?;
                }
                Err(failure) => output::json(&failure.to_json())?,
            }
        }
    }
}

/// The answer when the locks are given back. `lost` are those that were taken away while they were held.
fn released(lost: &[LockName]) -> Value {
    let lost: Vec<&str> = lost.iter().map(LockName::as_str).collect();
    json!({"status": "released", "lost": lost})
}

/// Prints what happens while the locks are held.
fn tell(trouble: &GuardWarning) {
    held::tell("program", trouble);
}

/// The same, and tells the program of a loss as soon as it is noticed, by a line that is no answer.
fn tell_program(trouble: &GuardWarning) {
    tell(trouble);
    if let GuardWarning::Lost { name, .. } = trouble {
        // The next answer finds out that the program is gone.
        let _ = output::json(&json!({"status": "lost", "name": name.as_str()}));
    }
}

/// Ends a wait when the program says something, or is gone.
struct ProgramWatch<'a>(BorrowedFd<'a>);

impl WaitObserver for ProgramWatch<'_> {
    fn waiting(&mut self, _: &QueueStanding) {}

    fn interval(&self) -> Option<Duration> {
        None
    }

    fn interruption(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0)
    }

    fn is_interrupted(&mut self) -> bool {
        // Asked when the descriptor is readable, and for other reasons too.
        let mut fds = [nix::poll::PollFd::new(self.0, nix::poll::PollFlags::POLLIN)];
        let polled: io::Result<_> =
            nix::poll::poll(&mut fds, nix::poll::PollTimeout::ZERO).map_err(Into::into);
        polled.is_ok_and(|count| count > 0)
    }
}
