use super::{LockOperationError, QueueStanding, WaitObserver};
use crate::{store::ObstacleWatch, words::Timestamp};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

/// Measures a wait against its time limit.
pub(super) struct WaitDeadline {
    began: Instant,
    limit: Duration,
}

impl WaitDeadline {
    pub(super) fn start(limit: Duration) -> Self {
        Self { began: Instant::now(), limit }
    }

    /// How long the wait has lasted.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// How much of the time is left.
    pub(super) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.elapsed())
    }
}

/// Why a pause ended.
pub(super) enum ObstacleWaitOutcome {
    /// The obstacle may be gone.
    Over,
    /// The time limit has passed.
    TimedOut,
    /// The observer ended the wait.
    Interrupted,
}

/// Sleeps until the obstacle may be gone, and reports the standing to the observer from time to time.
pub(super) fn pause(
    watch: &mut impl ObstacleWatch,
    clock: &WaitDeadline,
    observer: &mut dyn WaitObserver,
    standing: impl Fn() -> QueueStanding,
) -> Result<ObstacleWaitOutcome, LockOperationError> {
    let mut due = Some(Instant::now());
    loop {
        let now = Instant::now();
        let is_due = due.is_some_and(|at| at <= now);
        if is_due && watch.look() {
            return Ok(ObstacleWaitOutcome::Over);
        }
        if is_due {
            due = watch.patience(Timestamp::now()).map(|left| now + left);
        }
        let left = clock.left();
        if left.is_zero() {
            return Ok(ObstacleWaitOutcome::TimedOut);
        }
        let until_due = due.map(|at| at.saturating_duration_since(now));
        let sleep = [Some(left), until_due, observer.interval()].into_iter().flatten().min();
        match sleep_on(watch, observer.interruption(), sleep)? {
            PauseWakeReason::Watch if watch.is_over() => return Ok(ObstacleWaitOutcome::Over),
            PauseWakeReason::Observer if observer.is_interrupted() => {
                return Ok(ObstacleWaitOutcome::Interrupted);
            }
            PauseWakeReason::Time if observer.interval().is_some() => observer.waiting(&standing()),
            PauseWakeReason::Watch | PauseWakeReason::Observer | PauseWakeReason::Time => {}
        }
    }
}

/// By what a sleep was ended.
enum PauseWakeReason {
    Watch,
    Observer,
    Time,
}

fn sleep_on(
    watch: &impl ObstacleWatch,
    interruption: Option<BorrowedFd<'_>>,
    limit: Option<Duration>,
) -> Result<PauseWakeReason, LockOperationError> {
    let sources = watch.sources();
    let all = interruption.iter().chain(&sources);
    let mut fds: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    match poll(&mut fds, timeout(limit)) {
        Ok(0) => return Ok(PauseWakeReason::Time),
        Ok(_) => {}
        // A signal interrupted the sleep: look at everything again.
        Err(Errno::EINTR) => return Ok(PauseWakeReason::Observer),
        Err(errno) => {
            return Err(LockOperationError::Wait { source: errno.into() });
        }
    }
    let reported = interruption.is_some() && fds.first().and_then(PollFd::any) == Some(true);
    Ok(if reported { PauseWakeReason::Observer } else { PauseWakeReason::Watch })
}

/// poll(2) counts whole milliseconds; rounding up keeps it from waking too early and spinning.
fn timeout(limit: Option<Duration>) -> PollTimeout {
    let Some(limit) = limit else {
        return PollTimeout::NONE;
    };
    let milliseconds = limit.as_micros().div_ceil(1000).min(1_000_000_000);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}
