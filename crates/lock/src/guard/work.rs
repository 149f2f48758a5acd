use super::{
    GuardError, GuardWarning, LockLossPolicy, ReceivedSignal, SignalReader, SupervisedLocks,
    held_locks_upkeep::HeldLocksUpkeep,
};
use crate::store::LockStore;
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, poll},
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

/// Why the wait for a work of this process is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardedThreadWaitOutcome {
    /// It is done.
    Done,
    /// A signal asks this process to end.
    Signal(ReceivedSignal),
    /// A lock that it is done under was taken away.
    Lost,
}

/// Waits for a work that another thread of this process does, until `done` is readable or hung up, and looks
/// after the grants that it is done under as [`supervise`](super::supervise) does for a command.
///
/// A thread cannot be stopped: where a lock is lost, or a signal asks for it, giving the work up is the
/// caller's.
///
/// # Errors
/// [`GuardError::Wait`] when the kernel does not let it wait.
pub fn await_work<S: LockStore>(
    watchers: SupervisedLocks<'_, S>,
    done: BorrowedFd<'_>,
    signals: &SignalReader,
    on_lost: LockLossPolicy,
    tell: &mut dyn FnMut(GuardWarning),
) -> Result<GuardedThreadWaitOutcome, GuardError> {
    let mut monitor = HeldLocksUpkeep::begin(watchers, Instant::now());
    loop {
        let sources = [Some(done), Some(signals.as_fd()), monitor.source()];
        let sources = sources.into_iter().flatten();
        let mut fds: Vec<PollFd<'_>> =
            sources.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut fds, super::child_process::timeout(monitor.next())) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(GuardError::Wait { source: io::Error::from(errno) }),
        }
        let speaks = |at: usize| fds.get(at).and_then(PollFd::any) == Some(true);
        let (is_done, is_woken) = (speaks(0), speaks(2));
        if is_done {
            return Ok(GuardedThreadWaitOutcome::Done);
        }
        while let Some(received) = signals.next().map_err(|source| GuardError::Wait { source })? {
            if received.ends_a_wait() {
                return Ok(GuardedThreadWaitOutcome::Signal(received));
            }
        }
        if monitor.keep_up(is_woken, Instant::now(), tell) && on_lost == LockLossPolicy::Kill {
            return Ok(GuardedThreadWaitOutcome::Lost);
        }
    }
}
