use super::Timestamp;
use std::{fmt, str::FromStr};

/// The number that rises with every acquisition of a lock, so that a resource can refuse a late writer.
///
/// It is at least the microseconds since 1970 at the acquisition, and always more than any fence given
/// for the same name before. See Martin Kleppmann, "How to do distributed locking" (2016), for its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Fence(u64);

impl Fence {
    /// Takes a fence as it was written before.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The fence that follows `self` for an acquisition at `now`.
    ///
    /// The clock gives a restart of the counter (a root deleted and made again) a fence above the old
    /// ones; the counter gives a clock that was set back the same.
    #[must_use]
    pub fn next(self, now: Timestamp) -> Self {
        let clock = u64::try_from(now.as_microseconds()).unwrap_or(0);
        Self(clock.max(self.0.saturating_add(1)))
    }

    /// The fence as a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Fence {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_when_the_clock_stands_still_or_goes_back() {
        let noon = Timestamp::from_microseconds(1_000_000).unwrap();
        let earlier = Timestamp::from_microseconds(10).unwrap();
        let first = Fence::default().next(noon);
        assert_eq!(first.get(), 1_000_000);
        assert!(first.next(noon) > first, "a standing clock must not repeat a fence");
        assert!(first.next(earlier) > first, "a clock set back must not lower a fence");
    }
}
