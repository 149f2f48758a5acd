use crate::{rules::QueuePlace, words::Timestamp};
use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

/// A place in a line that is alive as long as any process has it.
pub trait Ticket {
    /// The place.
    fn place(&self) -> &QueuePlace;

    /// Gives the place up now, also for processes that inherited it, and wakes those that wait for it. Dropping a
    /// ticket does not: a command may live on that has it too.
    fn leave(self);

    /// Whether it is known to have ended, so that no section is needed to find that out: a store on a network may not have
    /// been heard of for too long.
    fn has_ended(&self) -> bool {
        false
    }

    /// By when all that runs under it must have ended, as far as is known now; `None`: it holds until it is left.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Whether others still find it: a ticket that was removed blocks no waiter.
    fn stands(&self) -> bool;
}

/// Tells when what is held may be lost.
pub trait LossWatcher {
    /// A descriptor that becomes readable then.
    fn source(&self) -> BorrowedFd<'_>;

    /// Forgets what it has reported, and watches what is there now. To be called before each look, so that no
    /// change after that look is missed.
    fn rearm(&mut self);
}

/// Waits for the end of an obstacle.
pub trait ObstacleWatch {
    /// Sleeps for a short while, at most `limit`, in the way that wakes soonest; true where the obstacle may be
    /// gone. It cannot be interrupted, so it ends within a twentieth of a second.
    fn doze(&mut self, limit: Duration) -> bool;

    /// Looks whether the obstacle may be gone. To be called first, and each time
    /// [`patience`](Self::patience) is over.
    fn look(&mut self) -> bool;

    /// Descriptors that become readable when it may be gone.
    fn sources(&self) -> Vec<BorrowedFd<'_>>;

    /// Whether what made a source readable may have been the obstacle's end; if not, that source is quiet
    /// again. To be asked when one is.
    fn is_over(&mut self) -> bool {
        true
    }

    /// After how long to look again; `None` where only the sources matter.
    fn patience(&self, now: Timestamp) -> Option<Duration>;
}
