use super::{Crew, Ending, Reaction, Seat, Signals, react, supervise::GuardError};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{Signal, raise},
        wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid},
    },
};
use std::{
    cell::Cell,
    io,
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

/// The command's first process, which the guard started.
pub(super) struct Child<'a> {
    pub(super) crew: Crew,
    pub(super) signals: &'a Signals,
    /// The last signal that asked this process to end.
    pub(super) asked: Cell<Option<Signal>>,
    /// Ctrl-Z has come, and the command has not stopped yet.
    pub(super) suspending: Cell<bool>,
}

impl Child<'_> {
    /// Sleeps until a signal arrives, another descriptor is readable, or it is `until`; true where the other
    /// descriptor is.
    pub(super) fn sleep(
        &self,
        other: Option<BorrowedFd<'_>>,
        until: Option<Instant>,
    ) -> Result<bool, GuardError> {
        let sources = [Some(self.signals.as_fd()), other].into_iter().flatten();
        let mut fds: Vec<PollFd<'_>> =
            sources.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut fds, timeout(until)) {
            Ok(_) => Ok(fds.get(1).and_then(PollFd::any) == Some(true)),
            Err(Errno::EINTR) => Ok(false),
            Err(errno) => Err(waiting_failed(errno)),
        }
    }

    /// Deals with every signal that has arrived; the command's ending, where it has ended.
    ///
    /// Signals come first, its state second: after a stop, the command must have been continued before its
    /// state is looked at, or it would be taken to have stopped again.
    pub(super) fn attend(&self) -> Result<Option<Ending>, GuardError> {
        let mut stop = false;
        while let Some(received) =
            self.signals.next().map_err(|source| GuardError::Wait { source })?
        {
            if received.ends_a_wait() {
                self.asked.set(Some(received.signal));
            }
            match react(self.crew.seat, received.signal, received.origin) {
                Reaction::Nothing | Reaction::Collect => {}
                Reaction::StopWithCommand => self.suspending.set(true),
                Reaction::Stop => stop = true,
                Reaction::Forward => self.crew.forward(received.signal),
                Reaction::ForwardAndStop => {
                    self.crew.forward(received.signal);
                    stop = true;
                }
            }
        }
        if stop {
            stop_self();
        }
        self.look()
    }

    /// What became of the process. It is not collected here: as long as it is not, its pid, which is also the
    /// number of its group, is nobody else's.
    fn look(&self) -> Result<Option<Ending>, GuardError> {
        let flags = WaitPidFlag::WEXITED
            | WaitPidFlag::WSTOPPED
            | WaitPidFlag::WNOHANG
            | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(self.crew.command), flags) {
            Ok(WaitStatus::Exited(_, code)) => Ok(Some(Ending::Exited(code))),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ok(Some(Ending::Signaled(signal))),
            Ok(WaitStatus::Stopped(_, signal)) => {
                self.has_stopped(signal);
                Ok(None)
            }
            Ok(_) | Err(Errno::EINTR) => Ok(None),
            Err(errno) => Err(waiting_failed(errno)),
        }
    }

    /// A command that stopped at Ctrl-Z or by itself: the shell that waits for the job must see it stopped. Not so for
    /// SIGSTOP, which somebody sent to the command and will undo for the command alone; unless it is how the
    /// command ends what it does at Ctrl-Z.
    fn has_stopped(&self, signal: Signal) {
        // Told once: a stop that is not collected would be found again and again.
        let _ = waitid(Id::Pid(self.crew.command), WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG);
        let by_keyboard = self.suspending.take();
        if self.crew.seat == Seat::Terminal && (by_keyboard || signal != Signal::SIGSTOP) {
            stop_self();
        }
    }

    /// Lets the kernel forget the process, which has ended.
    pub(super) fn collect(&self) {
        let _ = waitpid(self.crew.command, Some(WaitPidFlag::WNOHANG));
    }
}

fn waiting_failed(errno: Errno) -> GuardError {
    GuardError::Wait { source: io::Error::from(errno) }
}

fn stop_self() {
    // Nothing can be done where it fails; then this process just goes on waiting.
    let _ = raise(Signal::SIGSTOP);
}

/// A time until which to sleep, as poll(2) takes it.
pub(super) fn timeout(until: Option<Instant>) -> PollTimeout {
    let Some(until) = until else {
        return PollTimeout::NONE;
    };
    let left = until.saturating_duration_since(Instant::now());
    PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
}
