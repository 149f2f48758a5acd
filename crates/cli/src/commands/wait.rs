//! The command `wait`: sleeping until locks are free, or held, without taking them.
//!
//! The two states are watched in different ways. A free lock is waited for as a waiter in the queue
//! would, by watching the obstacle. For a held lock there is nothing to watch but the root itself.

use crate::locking::{
    nesting,
    waiting::{DEFAULT_LIMIT, QueueDisplay, end_of_wait, interrupted},
};
use crate::{
    completion, context::CommandContext, denial, exit::ExitCode, failure::CliFailure,
    project_store::ProjectChangeWatch, span, view::call,
};
use clap::{Args, ValueEnum};
use lokt_lock::{
    guard::SignalReader,
    ops::{AwaitFreeOutcome, LockRequest, await_free, is_held},
    record::HoldKind,
    words::{LockMode, LockName},
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use std::{
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};

/// How often to look where the kernel reports no changes.
const BLIND: Duration = Duration::from_secs(1);

/// Wait until locks are free, or held, without taking them
///
/// Takes no lock and no queue position: it only watches. With several names, it waits until all of them are
/// free (or held) at the same time. A freeze does not count. To run a command when a lock is free, use
/// `lokt guard NAME --wait`: after `lokt wait`, another may take the lock first.
#[derive(Args, Debug)]
pub(crate) struct WaitCommand {
    /// The locks to watch
    #[arg(required = true, value_name = "NAME", add = completion::locks())]
    names: Vec<LockName>,
    /// What to wait for
    #[arg(long, value_enum, value_name = "STATE", default_value_t = AwaitedState::Free)]
    until: AwaitedState,
    /// Wait at most this long [default: 10m]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse)]
    timeout: Option<Duration>,
}

/// The state that ends the wait.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AwaitedState {
    /// No lock has a holder
    Free,
    /// Every lock has a holder
    Held,
}

impl WaitCommand {
    /// Waits for the state, at most for `--timeout`.
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let signals = SignalReader::hold().map_err(|error| {
            CliFailure::new(ExitCode::Error, format!("cannot hold signals back: {error}"))
        })?;
        let limit = self.timeout.unwrap_or(DEFAULT_LIMIT);
        match self.until {
            AwaitedState::Free => self.until_free(context, &signals, limit),
            AwaitedState::Held => self.until_held(context, &signals, limit),
        }
    }

    /// Waits until all names are free at the same time.
    ///
    /// # Errors
    /// The refusal, as of a request for the lock, if one is still held at the time limit.
    fn until_free(
        &self,
        context: &CommandContext,
        signals: &SignalReader,
        limit: Duration,
    ) -> Result<ExitCode, CliFailure> {
        let requests: Vec<LockRequest<'_>> =
            self.names.iter().map(|name| request(context, name)).collect();
        let mut display = QueueDisplay::outside_the_queue(signals, &context.caller);
        let outcome = await_free(&context.store, &requests, limit, &mut display)?;
        let ended_by = display.ended_by();
        drop(display);
        match outcome {
            AwaitFreeOutcome::Free => Ok(ExitCode::Done),
            AwaitFreeOutcome::Interrupted => Ok(interrupted(signals, ended_by)),
            AwaitFreeOutcome::TimedOut(still) => match self.names.get(still.request) {
                Some(name) => Err(denial::lock::denied(name, &still.denial, &context.caller)),
                None => Ok(ExitCode::Held),
            },
        }
    }

    /// Waits until all names are held at the same time. Looks again after each change in the root.
    fn until_held(
        &self,
        context: &CommandContext,
        signals: &SignalReader,
        limit: Duration,
    ) -> Result<ExitCode, CliFailure> {
        let began = Instant::now();
        let mut watch = ProjectChangeWatch::begin(&context.store);
        while let Some(free) = self.first_free(context)? {
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(still_free(free, limit));
            }
            sleep(&watch, signals, left)?;
            if let Some(received) = end_of_wait(signals) {
                return Ok(interrupted(signals, Some(received)));
            }
            // Before the next look, so that no change after that look is missed.
            watch.rearm();
        }
        Ok(ExitCode::Done)
    }

    /// The first name that is not held; `None` if all are.
    fn first_free(&self, context: &CommandContext) -> Result<Option<&LockName>, CliFailure> {
        for name in &self.names {
            if !is_held(&context.store, name, &context.caller)? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
}

/// What this wait would request, if it took the lock. `await_free` needs it to judge what is in the
/// way.
fn request<'a>(context: &'a CommandContext, name: &'a LockName) -> LockRequest<'a> {
    LockRequest {
        name,
        caller: &context.caller,
        mode: LockMode::Exclusive,
        hold: HoldKind::Guard,
        pid: context.caller.pid,
        ttl: None,
        metadata: None,
        command: vec!["lokt".to_owned(), "wait".to_owned(), name.to_string()],
        held: nesting::held().into_iter().map(|(_, id)| id).collect(),
    }
}

/// The failure of a wait for a holder that did not come.
fn still_free(name: &LockName, limit: Duration) -> CliFailure {
    let text = format!("lock {:?} is not held; gave up after {}", name.as_str(), span::show(limit));
    CliFailure::new(ExitCode::Held, text)
        .hint("--timeout sets how long to wait")
        .hint(call("why", name, ""))
}

/// Sleeps until the locks may have changed, a signal came, or `left` has passed.
fn sleep(
    watch: &ProjectChangeWatch,
    signals: &SignalReader,
    left: Duration,
) -> Result<(), CliFailure> {
    let left = if watch.is_blind() { left.min(BLIND) } else { left };
    let sources = watch.sources().into_iter().chain([signals.as_fd()]);
    let mut fds: Vec<PollFd<'_>> = sources.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    let milliseconds = left.as_micros().div_ceil(1000).min(1_000_000_000);
    match poll(&mut fds, PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => {
            let error = io::Error::from(errno);
            Err(CliFailure::new(ExitCode::Error, format!("cannot wait: {error}")))
        }
    }
}
