//! Points in time on the one clock that suspend does not stop: `CLOCK_BOOTTIME` of `clock_gettime(2)`.
//!
//! A lease of etcd runs on while this machine sleeps, so its end must be judged by a clock that runs on too.
//! [`std::time::Instant`] stops meanwhile, and the wall clock can be set. All processes of one machine share
//! this clock, so a value may be stored in memory that they share.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// A point in time, as the time since this machine has started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootTime(Duration);

impl BootTime {
    /// The current time.
    pub fn now() -> Self {
        // Every kernel since 2.6.39 has this clock. If one had not, each time limit that began at zero would
        // seem to have passed, which is the safe side.
        let time = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
        Self(time.unwrap_or(Duration::MAX))
    }

    /// The point that is some nanoseconds after this machine has started: the inverse of
    /// [`as_nanos`](Self::as_nanos).
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(Duration::from_nanos(nanos))
    }

    /// The nanoseconds since this machine has started, for memory that processes share. They fit for 584 years.
    pub fn as_nanos(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    /// How much time has passed since `earlier`; zero if it is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// How much time has passed from this point until now; zero if it is in the future.
    pub fn elapsed(self) -> Duration {
        Self::now().since(self)
    }

    /// The point that is some time later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_lead_back_to_the_same_point() {
        let now = BootTime::from_nanos(BootTime::now().as_nanos());
        assert_eq!(BootTime::from_nanos(now.as_nanos()), now, "the inverse gives it back");
        assert!(now <= BootTime::now(), "the clock runs forward");
    }

    #[test]
    fn time_before_a_point_is_no_time() {
        let now = BootTime::now();
        let later = now.after(Duration::from_secs(5));
        assert_eq!(later.since(now), Duration::from_secs(5));
        assert_eq!(now.since(later), Duration::ZERO, "a difference is never negative");
    }
}
