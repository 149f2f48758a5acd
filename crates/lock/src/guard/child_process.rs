use super::{
    CommandEnd, CommandProcesses, ReceivedSignal, ReceivedSignalReach, SignalReaction,
    SignalReader, arrivals::GuardSignalTracker, react, supervise::GuardError,
};
use crate::sys::{self, ChildState, SignalNumber};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{prctl, signal::Signal},
    unistd::getpid,
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

/// Whether the caller has a controlling terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TerminalPresence {
    Present,
    Absent,
}

/// The command's first process, which the guard started.
pub(super) struct GuardChildProcess<'a> {
    pub(super) processes: CommandProcesses,
    signals: &'a SignalReader,
    terminal: TerminalPresence,
    arrivals: GuardSignalTracker,
    /// The last signal that asked this process to end.
    pub(super) asked: Option<SignalNumber>,
    /// A signal that is to stop the command has come, and the command has not stopped yet.
    suspending: bool,
}

impl<'a> GuardChildProcess<'a> {
    pub(super) fn new(
        processes: CommandProcesses,
        signals: &'a SignalReader,
        terminal: TerminalPresence,
        now: Instant,
    ) -> Self {
        let arrivals = GuardSignalTracker::of(processes.command, now);
        Self { processes, signals, terminal, arrivals, asked: None, suspending: false }
    }

    /// Sleeps until a signal arrives, another descriptor is readable, or it is `until`; true where the other
    /// descriptor is.
    pub(super) fn sleep(
        &self,
        other: Option<BorrowedFd<'_>>,
        until: Option<Instant>,
    ) -> Result<bool, GuardError> {
        let until = [until, self.arrivals.next()].into_iter().flatten().min();
        let sources = [Some(self.signals.as_fd()), other].into_iter().flatten();
        let mut fds: Vec<PollFd<'_>> =
            sources.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut fds, timeout(until)) {
            Ok(_) => Ok(fds.get(1).and_then(PollFd::any) == Some(true)),
            Err(Errno::EINTR) => Ok(false),
            Err(errno) => Err(waiting_failed(errno.into())),
        }
    }

    /// Deals with every signal that has arrived; the command's ending, where it has ended.
    ///
    /// Signals come first, its state second: after a stop, the command must have been continued before its
    /// state is looked at, or it would be taken to have stopped again.
    pub(super) fn attend(&mut self) -> Result<Option<CommandEnd>, GuardError> {
        let arrived = self.arrivals.take(self.signals).map_err(waiting_failed)?;
        self.processes.observer = self.arrivals.observer();
        for (received, reach) in arrived.signals {
            self.deal_with(received, reach)?;
        }
        let ending = self.look()?;
        if arrived.child && ending.is_none() && adopts_orphans() {
            self.collect_orphans();
        }
        Ok(ending)
    }

    fn deal_with(
        &mut self,
        received: ReceivedSignal,
        reach: ReceivedSignalReach,
    ) -> Result<(), GuardError> {
        let signal = received.signal;
        if received.asks_to_end() {
            self.asked = Some(signal);
        }
        match react(signal, reach) {
            SignalReaction::Mirror => self.processes.mirror(signal),
            SignalReaction::Continue => self.processes.continue_others(),
            SignalReaction::Forward => self.processes.forward(signal),
            SignalReaction::MirrorAndStop => {
                self.processes.mirror(signal);
                self.suspend()?;
            }
            SignalReaction::ForwardAndStop => {
                self.processes.forward(signal);
                self.suspend()?;
            }
        }
        Ok(())
    }

    /// Stops this process when the command has stopped, which may have been before.
    fn suspend(&mut self) -> Result<(), GuardError> {
        self.suspending = true;
        let has_stopped = sys::is_stopped(self.processes.command);
        if has_stopped { self.has_stopped(Signal::SIGTSTP.into()) } else { Ok(()) }
    }

    /// What became of the process. It is not collected here: until it is, its pid stays reserved.
    fn look(&mut self) -> Result<Option<CommandEnd>, GuardError> {
        match sys::child_state(self.processes.command) {
            Ok(ChildState::Exited(code)) => Ok(Some(CommandEnd::Exited(code))),
            Ok(ChildState::Signaled(signal)) => Ok(Some(CommandEnd::Signaled(signal))),
            Ok(ChildState::Stopped(signal)) => self.has_stopped(signal).map(|()| None),
            Ok(ChildState::Same) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(waiting_failed(error)),
        }
    }

    /// A command that has stopped, by whatever signal: a shell that waits for the job must see it stopped.
    /// Without a terminal, no person waits for that, and the process that stopped the command alone will
    /// continue it; meanwhile this process has locks to look after.
    fn has_stopped(&mut self, signal: SignalNumber) -> Result<(), GuardError> {
        sys::collect_stop(self.processes.command);
        let by_request = std::mem::take(&mut self.suspending);
        if self.terminal == TerminalPresence::Present || by_request {
            self.arrivals.prepare_stop(self.signals).map_err(waiting_failed)?;
            let stop = signal.standard().filter(|_| signal.stops_by_default());
            sys::stop_by(stop.unwrap_or(Signal::SIGTSTP));
        }
        Ok(())
    }

    /// Lets the kernel forget processes whose parent has ended, and whose parent this process is now.
    fn collect_orphans(&mut self) {
        let observer = self.arrivals.observer();
        let kept: Vec<i32> =
            [Some(self.processes.command), observer].into_iter().flatten().collect();
        if sys::collect_all_but(&kept).is_some_and(|pid| Some(pid) == observer) {
            self.arrivals.forget_observer();
            sys::collect_all_but(&kept);
        }
    }

    /// Lets the kernel forget the process, which has ended.
    pub(super) fn collect(&self) {
        sys::collect(self.processes.command);
    }
}

/// Whether this process becomes the parent of those whose own has ended: as process 1 of a container, or where it
/// asked for that (`PR_SET_CHILD_SUBREAPER`).
fn adopts_orphans() -> bool {
    getpid().as_raw() == 1 || prctl::get_child_subreaper().unwrap_or(false)
}

fn waiting_failed(source: io::Error) -> GuardError {
    GuardError::Wait { source }
}

/// A time until which to sleep, as poll(2) takes it.
pub(super) fn timeout(until: Option<Instant>) -> PollTimeout {
    let Some(until) = until else {
        return PollTimeout::NONE;
    };
    let left = until.saturating_duration_since(Instant::now());
    PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
}
