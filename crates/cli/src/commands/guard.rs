//! The command `guard`: a command under one or several locks.
//!
//! ARCHITECTURE.md, "A guard's way", follows it step by step. The steps here are: look which locks
//! enclose this process already, acquire the others, supervise the command, unlock, and find the
//! exit code.
//!
//! After [`SignalReader::hold`] signals are blocked, so no signal ends the guard before it has
//! unlocked. The signal that ended the command or the wait ends the guard at the very end.

use crate::locking::{
    held,
    nesting::{self, EnclosingLock, InheritedLock},
    sharing::LockModeOptions,
    status_file::{GuardOutcome, GuardStatusFile},
    supervision::SupervisionOptions,
    waiting::{QueueDisplay, WaitOptions, interrupted_by},
};
use crate::{
    completion, context::CommandContext, exit::ExitCode, failure::CliFailure, output,
    project_store::ProjectTicket, span,
};
use clap::Args;
use lokt_lock::{
    guard::{
        CommandEnd, GuardError, GuardStopCause, GuardWarning, GuardedCommand, ReceivedSignal,
        SignalReader, SupervisedLocks, SupervisionOutcome, supervise,
    },
    ops::{AcquireAllOutcome, Denial, LockGrant, LockOperationError, LockRequest, acquire_all},
    record::HoldKind,
    sys::SignalNumber,
    words::LockName,
};
use nix::sys::signal::Signal;
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// Run a command while holding one or several locks
///
/// The command's whole process tree holds the lock. If the guard is killed, the lock stays held until the last
/// process of the command has ended; then the next waiter gets it at once. Several locks are taken all or none,
/// and never deadlock with other guards that take several, in whatever order.
///
/// The command gets `LOKT_NAME`, `LOKT_LOCK_ID`, `LOKT_FENCE` and `LOKT_OWNER`. For several locks, each variable
/// has comma-separated values in the order of the names.
#[derive(Args, Debug)]
#[command(override_usage = "lokt guard [OPTIONS] <NAME>... -- <COMMAND>...\n       \
    lokt guard [OPTIONS] <NAME>... -c <LINE>")]
pub(crate) struct GuardCommand {
    /// The locks to hold
    #[arg(add = completion::locks(), required = true, value_name = "NAME")]
    names: Vec<LockName>,
    /// Announce a lifetime to others; lokt extends it while the command runs
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse_positive)]
    ttl: Option<Duration>,
    #[command(flatten)]
    sharing: LockModeOptions,
    #[command(flatten)]
    waiting: WaitOptions,
    #[command(flatten)]
    orders: SupervisionOptions,
    /// Exit with this code instead of 2 if the lock is held or frozen, or the wait timed out
    #[arg(long, value_name = "CODE")]
    conflict_exit_code: Option<u8>,
    /// Write the outcome of the guard itself to this file, as JSON
    #[arg(long, value_name = "PATH")]
    status_file: Option<PathBuf>,
    /// Run this line with /bin/sh, with the lock held for the whole line
    #[arg(short = 'c', value_name = "LINE", conflicts_with = "command")]
    line: Option<OsString>,
    /// The command and its arguments
    #[arg(last = true, required_unless_present = "line", value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl GuardCommand {
    /// Runs the command, and writes the status file whatever happens.
    ///
    /// If shared locks or slots of all names enclose this process already, the command replaces
    /// this process: there is nothing to acquire. With a status file to write or a time limit to
    /// keep, this process stays.
    pub(crate) fn run(mut self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        self.refuse_twice()?;
        if let Some(line) = self.line.take() {
            self.command = vec!["/bin/sh".into(), "-c".into(), line];
        }
        let mut status = GuardStatusFile::begin(self.status_file.take(), &self.names)?;
        let held = nesting::held();
        let mode = self.sharing.mode();
        let around = |name: &LockName| nesting::inside(context, name, mode, &held);
        let told: Vec<InheritedLock> = self.names.iter().filter_map(around).collect();
        if told.len() == self.names.len() && !status.is_wanted() && self.orders.max_hold().is_none()
        {
            return Err(nesting::run_straight_through(&told, &self.command));
        }
        let signals = SignalReader::hold().map_err(|error| {
            CliFailure::new(ExitCode::Error, format!("cannot hold signals back: {error}"))
        })?;
        let guarding = GuardSession { guard: &self, context, held: &held, signals: &signals };
        let mut dies_of = None;
        let result = guarding.run(told, &mut status, &mut dies_of);
        if let Some(warning) = status.close(&result) {
            output::warn(&warning);
        }
        if let Some(signal) = dies_of {
            signals.die_of(signal);
        }
        result
    }

    /// Refuses a name that is given twice: the guard would wait for itself.
    fn refuse_twice(&self) -> Result<(), CliFailure> {
        let twice = self
            .names
            .iter()
            .enumerate()
            .find(|(at, name)| self.names.iter().take(*at).any(|earlier| earlier == *name));
        twice.map_or(Ok(()), |(_, name)| {
            Err(CliFailure::usage(format!("lock {:?} is named twice", name.as_str())))
        })
    }
}

/// A running guard.
struct GuardSession<'a> {
    guard: &'a GuardCommand,
    /// The caller, and the store of the locks.
    context: &'a CommandContext,
    /// The locks around this process.
    held: &'a [EnclosingLock],
    /// The signals that are blocked, and read here.
    signals: &'a SignalReader,
}

impl GuardSession<'_> {
    /// Takes the locks that are not around this process already, and runs the command.
    fn run(
        &self,
        mut told: Vec<InheritedLock>,
        status: &mut GuardStatusFile,
        dies_of: &mut Option<SignalNumber>,
    ) -> Result<ExitCode, CliFailure> {
        let missing = |name: &&LockName| !told.iter().any(|it| it.name == **name);
        let missing: Vec<&LockName> = self.guard.names.iter().filter(missing).collect();
        let mut grants = match self.acquire(&missing, status)? {
            GuardAcquireOutcome::All(grants) => grants,
            GuardAcquireOutcome::Interrupted(by) => {
                *dies_of = by.map(|received| received.signal);
                return Ok(by.map_or(ExitCode::Error, interrupted_by));
            }
        };
        told.extend(grants.iter().map(|grant| InheritedLock::of(&grant.record)));
        let place = |it: &InheritedLock| self.guard.names.iter().position(|name| *name == it.name);
        told.sort_by_key(place);
        status.entered(&told);
        let finish = match self.supervise(&mut grants, &told) {
            // The command may be running: the locks are left to its processes, and end with the last of them.
            Err(error @ GuardError::Wait { .. }) => {
                status.ended(GuardOutcome::Error);
                return Err(error.into());
            }
            finish => finish.map_err(CliFailure::from),
        };
        let lost = held::give_back(self.context, grants, &mut |it| tell(&it));
        self.judge(finish, &lost, status, dies_of)
    }

    /// Acquires the locks, all or none, and notes in the status file why it could not.
    fn acquire(
        &self,
        names: &[&LockName],
        status: &mut GuardStatusFile,
    ) -> Result<GuardAcquireOutcome, CliFailure> {
        let requests = names.iter().map(|name| self.request(name)).collect();
        let mut line = QueueDisplay::new(self.signals, &self.context.caller);
        let patience = self.guard.waiting.patience();
        let outcome = acquire_all(&self.context.store, requests, patience, &mut line);
        let ended_by = line.ended_by();
        drop(line);
        match outcome {
            Ok(AcquireAllOutcome::Entered(grants)) => Ok(GuardAcquireOutcome::All(grants)),
            Ok(AcquireAllOutcome::Denied(name, denial)) => Err(self.denied(&name, &denial, status)),
            Ok(AcquireAllOutcome::Interrupted) => {
                status.ended(GuardOutcome::Interrupted);
                Ok(GuardAcquireOutcome::Interrupted(ended_by))
            }
            Err(error) => {
                match error {
                    LockOperationError::Deadlock { .. } => status.ended(GuardOutcome::Deadlock),
                    LockOperationError::LostWhileWaiting { .. } => status.ended(GuardOutcome::Lost),
                    _ => {}
                }
                Err(error.into())
            }
        }
    }

    /// The refusal, with the code of `--conflict-exit-code` if there is one.
    fn denied(&self, name: &LockName, denial: &Denial, status: &mut GuardStatusFile) -> CliFailure {
        let timed_out = denial.waited.is_some();
        status.ended(if timed_out { GuardOutcome::TimedOut } else { GuardOutcome::Denied });
        let failure = crate::denial::lock::denied(name, denial, &self.context.caller);
        let code = self.guard.conflict_exit_code.map_or(failure.code, ExitCode::Command);
        CliFailure { code, ..failure }
    }

    /// The request for one lock. Its record shows others the guarded command.
    fn request<'a>(&'a self, name: &'a LockName) -> LockRequest<'a> {
        let GuardCommand { ttl, sharing, command, .. } = self.guard;
        LockRequest {
            name,
            caller: &self.context.caller,
            mode: sharing.mode(),
            hold: HoldKind::Guard,
            pid: nix::unistd::getpid().as_raw(),
            ttl: *ttl,
            metadata: None,
            command: command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            held: self.held.iter().map(|(_, id)| id.clone()).collect(),
        }
    }

    /// Runs the command with the locks, which it inherits, until it ends. `told` are the locks that
    /// its variables name: those of `grants`, and those that enclose this process already.
    fn supervise(
        &self,
        grants: &mut [LockGrant<ProjectTicket>],
        told: &[InheritedLock],
    ) -> Result<SupervisionOutcome, GuardError> {
        let held = nesting::with(self.held, grants);
        let command = GuardedCommand {
            words: self.guard.command.clone(),
            environment: nesting::environment(self.context, told, &held),
            ..GuardedCommand::default()
        };
        let CommandContext { store, caller, .. } = self.context;
        let watchers = SupervisedLocks { store, caller, grants };
        let orders = self.guard.orders.given();
        supervise(watchers, &command, self.signals, orders, &mut |it| tell(&it))
    }

    /// The outcome of the guard: its command's exit code, unless the guard stopped the command.
    ///
    /// `lost` are the locks that were lost, the first first. With `--on-lost warn` the command's
    /// own code counts even then. `dies_of` is set to the signal that is to end this process.
    fn judge(
        &self,
        finish: Result<SupervisionOutcome, CliFailure>,
        lost: &[LockName],
        status: &mut GuardStatusFile,
        dies_of: &mut Option<SignalNumber>,
    ) -> Result<ExitCode, CliFailure> {
        let finish = finish.inspect_err(|_| status.ended(GuardOutcome::NotStarted))?;
        status.command_ended(finish.ending);
        let warns = self.guard.orders.given().on_lost == lokt_lock::guard::LockLossPolicy::Warn;
        match (finish.stopped, lost.first()) {
            (Some(GuardStopCause::MaxHold), _) => {
                status.ended(GuardOutcome::MaxHold);
                Err(self.held_too_long())
            }
            (stopped, Some(name)) if !warns => {
                status.ended(GuardOutcome::Lost);
                Err(held::lost(self.context, name, stopped))
            }
            _ => {
                status.ended(if lost.is_empty() {
                    GuardOutcome::Completed
                } else {
                    GuardOutcome::Lost
                });
                *dies_of = dies_like(finish.ending, self.context);
                Ok(ExitCode::Command(finish.ending.code()))
            }
        }
    }

    /// The failure after `--max-hold`.
    fn held_too_long(&self) -> CliFailure {
        let limit = span::show(self.guard.orders.max_hold().unwrap_or_default());
        CliFailure::new(
            ExitCode::MaxHold,
            format!("the command ran for longer than --max-hold {limit} and was stopped"),
        )
    }
}

/// The outcome of a request for all locks, apart from a refusal.
enum GuardAcquireOutcome {
    /// All locks are held.
    All(Vec<LockGrant<ProjectTicket>>),
    /// A signal ended the wait; `None` if it is not known which.
    Interrupted(Option<ReceivedSignal>),
}

/// Prints what happens while the command runs.
fn tell(trouble: &GuardWarning) {
    held::tell("command", trouble);
}

/// A command that Ctrl-C ended takes the guard with it in the same way, so that a script which runs the
/// guard ends too, as it would without one.
fn dies_like(ending: CommandEnd, context: &CommandContext) -> Option<SignalNumber> {
    let interrupt = SignalNumber::from(Signal::SIGINT);
    let by_keyboard = ending == CommandEnd::Signaled(interrupt) && context.caller.has_terminal();
    by_keyboard.then_some(interrupt)
}
