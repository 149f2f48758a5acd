use super::{Command, Ending, Reaction, Seat, Signals, SpawnError, react};
use crate::{
    ops::{Grant, OperationError, Renewed, renew},
    store::Store,
    sys::Caller,
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{Signal, raise},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use std::{
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};

/// Says why a command could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// It did not start.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// Its end cannot be learnt.
    #[error("cannot wait for the command")]
    Wait {
        /// What the kernel said.
        source: io::Error,
    },
}

/// Something that goes wrong while a command runs and does not end it.
#[derive(Debug)]
pub enum Trouble {
    /// The lock's announced life could not be extended. The lock itself holds.
    Heartbeat(OperationError),
    /// The lock was taken away.
    Lost,
}

/// Runs a command under a grant until it ends.
///
/// The grant is only borrowed: giving the lock back is the caller's next step, whatever came of this.
///
/// # Errors
/// [`GuardError`] when the command did not start, or its end cannot be learnt.
pub fn supervise<S>(
    (store, grant, caller): (&S, &Grant<S::Ticket>, &Caller),
    command: &Command,
    (seat, signals): (Seat, &Signals),
    trouble: &mut dyn FnMut(Trouble),
) -> Result<Ending, GuardError>
where
    S: Store,
    S::Ticket: AsFd,
{
    let pid = command.start(seat, signals, grant.ticket.as_ref())?;
    let child = Child { pid, seat, signals };
    let beat = Beat::of(grant);
    let mut pulse = beat.map(|every| (every, Instant::now() + every));
    loop {
        child.sleep(pulse.map(|(_, at)| at))?;
        if let Some(ending) = child.attend()? {
            return Ok(ending);
        }
        if let Some((every, at)) = pulse
            && at <= Instant::now()
        {
            let goes_on = beat_once(store, grant, caller, trouble);
            pulse = goes_on.then(|| (every, Instant::now() + every));
        }
    }
}

/// How often a lock's announced life is extended: three times in a lifetime, so that one beat may be late.
struct Beat;

impl Beat {
    fn of<T>(grant: &Grant<T>) -> Option<Duration> {
        let ttl = crate::ops::lifetime(&grant.record)?;
        Some((ttl / 3).max(Duration::from_millis(10)))
    }
}

/// Extends the announced life; false where there is nothing left to extend.
fn beat_once<S: Store>(
    store: &S,
    grant: &Grant<S::Ticket>,
    caller: &Caller,
    trouble: &mut dyn FnMut(Trouble),
) -> bool {
    match renew(store, grant, caller) {
        Ok(Renewed::Done) => true,
        Ok(Renewed::Lost) => {
            trouble(Trouble::Lost);
            false
        }
        Err(error) => {
            trouble(Trouble::Heartbeat(error));
            true
        }
    }
}

struct Child<'a> {
    pid: Pid,
    seat: Seat,
    signals: &'a Signals,
}

impl Child<'_> {
    /// Sleeps until a signal arrives or it is `until`.
    fn sleep(&self, until: Option<Instant>) -> Result<(), GuardError> {
        let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout(until)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(GuardError::Wait { source: errno.into() }),
        }
    }

    /// Deals with every signal that has arrived; the command's ending, where it has ended.
    ///
    /// Signals come first, its state second: after a stop, the command must have been continued before its
    /// state is looked at, or it would be taken to have stopped again.
    fn attend(&self) -> Result<Option<Ending>, GuardError> {
        let mut stop = false;
        while let Some(received) =
            self.signals.next().map_err(|source| GuardError::Wait { source })?
        {
            match react(self.seat, received.signal, received.origin) {
                Reaction::Nothing | Reaction::Collect => {}
                Reaction::Forward => self.seat.send(self.pid, received.signal),
                Reaction::ForwardAndStop => {
                    self.seat.send(self.pid, received.signal);
                    stop = true;
                }
            }
        }
        if stop {
            stop_self();
        }
        self.collect()
    }

    fn collect(&self) -> Result<Option<Ending>, GuardError> {
        let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED;
        match waitpid(self.pid, Some(flags)) {
            Ok(WaitStatus::Exited(_, code)) => Ok(Some(Ending::Exited(code))),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ok(Some(Ending::Signaled(signal))),
            // A command that stopped by itself: the shell that waits for the job must see it stopped.
            // Not so for SIGSTOP, which somebody sent to the command and will undo for the command alone.
            Ok(WaitStatus::Stopped(_, signal))
                if self.seat == Seat::Terminal && signal != Signal::SIGSTOP =>
            {
                stop_self();
                Ok(None)
            }
            Ok(_) | Err(Errno::EINTR) => Ok(None),
            Err(errno) => Err(GuardError::Wait { source: errno.into() }),
        }
    }
}

fn stop_self() {
    // Nothing can be done where it fails; then this process just goes on waiting.
    let _ = raise(Signal::SIGSTOP);
}

fn timeout(until: Option<Instant>) -> PollTimeout {
    let Some(until) = until else {
        return PollTimeout::NONE;
    };
    let left = until.saturating_duration_since(Instant::now());
    PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
}
