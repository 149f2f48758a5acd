//! How old a result is, by clocks that can be wrong.

use lokt_lock::words::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A moment on a clock that cannot be set: since the kernel started, with the time that the machine slept
/// (`CLOCK_BOOTTIME`, `clock_gettime(2)`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootClockTime {
    /// Which start of the kernel (`/proc/sys/kernel/random/boot_id`).
    pub boot: String,
    /// Milliseconds since then.
    pub milliseconds: u64,
}

impl BootClockTime {
    /// This moment; `None` where it cannot be known.
    pub fn now(boot: &str) -> Option<Self> {
        use nix::time::{ClockId, clock_gettime};
        let now = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?);
        let milliseconds = u64::try_from(now.as_millis()).ok()?;
        (!boot.is_empty()).then(|| Self { boot: boot.to_owned(), milliseconds })
    }

    /// How long ago an earlier moment was; `None` where the kernel has started again since.
    pub fn since(&self, earlier: &Self) -> Option<Duration> {
        let passed = self.milliseconds.saturating_sub(earlier.milliseconds);
        (self.boot == earlier.boot).then(|| Duration::from_millis(passed))
    }
}

/// Which results count.
#[derive(Clone, Debug)]
pub struct ResultFreshnessCriteria {
    /// What time it is: what was made later is from before the clock was set back, and its age is not known.
    pub now: Timestamp,
    /// The same on a clock that cannot be set.
    pub booted: Option<BootClockTime>,
    /// When it may have begun at the earliest.
    pub since: Option<Timestamp>,
    /// How long ago it may have begun.
    pub age: Option<Duration>,
}

impl ResultFreshnessCriteria {
    /// Any result of the past, at a moment.
    pub fn at(now: Timestamp, booted: Option<BootClockTime>) -> Self {
        Self { now, booted, since: None, age: None }
    }
}
