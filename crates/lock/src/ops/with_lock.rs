use super::{
    AcquireOutcome, Denial, LockGrant, LockOperationError, LockRequest, QueueStanding,
    ReleaseOutcome, WaitLimit, WaitObserver, acquire, release,
};
use crate::{
    record::{HoldKind, LockRecord},
    store::LockStore,
};
use std::{os::fd::BorrowedFd, time::Duration};

/// The outcome of work under a lock.
#[derive(Debug)]
#[must_use]
pub enum WithLockOutcome<R> {
    /// The work was done, and the lock held all the time.
    Done(R),
    /// The work was done, but the lock was taken away before its end: another holder may have been in beside it.
    Lost(R),
    /// The lock was not to be had; the work was not done.
    Denied(Box<Denial>),
}

/// Runs `work` while this process holds a lock, and then gives the lock back.
///
/// The lock is a guard's, whatever `request.hold` says: it lives as long as this process does, and other threads of this
/// process are kept out like other processes. `work` gets the record of the lock, which has the fence. If `work` panics,
/// the lock is free, and the next caller removes its record.
///
/// # Errors
/// [`LockOperationError`] when the lock could not be taken, and the work was not done; or when it was done, and the
/// record could not be removed. The lock is free in both cases.
pub fn with_lock<S: LockStore, R>(
    store: &S,
    request: &LockRequest<'_>,
    wait_limit: WaitLimit,
    work: impl FnOnce(&LockRecord) -> R,
) -> Result<WithLockOutcome<R>, LockOperationError> {
    let request = LockRequest { hold: HoldKind::Guard, ..request.clone() };
    let grant: LockGrant<S::Ticket> = loop {
        match acquire(store, &request, wait_limit, &mut SilentWait)? {
            AcquireOutcome::Entered(grant) => break grant,
            AcquireOutcome::Denied(denial) => return Ok(WithLockOutcome::Denied(denial)),
            // Nothing interrupts a silent wait.
            AcquireOutcome::Interrupted => {}
        }
    };
    let done = work(&grant.record);
    Ok(match release(store, grant, request.caller)? {
        ReleaseOutcome::Done { .. } => WithLockOutcome::Done(done),
        ReleaseOutcome::Lost => WithLockOutcome::Lost(done),
    })
}

/// A wait that shows nothing, and that only its limit ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct SilentWait;

impl WaitObserver for SilentWait {
    fn waiting(&mut self, _: &QueueStanding) {}

    fn interval(&self) -> Option<Duration> {
        None
    }

    fn interruption(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn is_interrupted(&mut self) -> bool {
        false
    }
}
