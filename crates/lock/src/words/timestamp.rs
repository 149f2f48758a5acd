use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A point in time, to the microsecond: RFC 3339 with any offset on reading, UTC on writing.
///
/// The years are 0 to 9999, as RFC 3339 has them.
///
/// It comes from the wall clock, which can be set; so it says what people and other machines should
/// see, and nothing that mutual exclusion rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

/// Says that a text is no RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an RFC 3339 time like 2026-02-01T10:00:00Z")]
pub struct InvalidTimestamp(String);

/// The first time that RFC 3339 can write: the year 0 in UTC.
const FIRST: Timestamp = Timestamp(jiff::Timestamp::constant(-62_167_219_200, 0));

impl Timestamp {
    /// Reads the wall clock. One that stands outside of the years that can be written gives the first or the last
    /// time that there is.
    pub fn now() -> Self {
        Self::of(SystemTime::now())
    }

    fn of(time: SystemTime) -> Self {
        let last = if time < UNIX_EPOCH { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        Self::cut(jiff::Timestamp::try_from(time).unwrap_or(last))
    }

    /// Whether this stands for a time that cannot be written: one after the last, or before the first.
    pub fn is_limit(self) -> bool {
        self <= FIRST || self.is_last()
    }

    /// Whether this is the last time that there is: what is said to end then never ends.
    pub fn is_last(self) -> bool {
        self >= Self::cut(jiff::Timestamp::MAX)
    }

    /// Leaves out what is finer than a microsecond, and what lies before the year 0. All times come through here, so
    /// that one is equal to what is read of it when it was written.
    fn cut(time: jiff::Timestamp) -> Self {
        // Before 1970 the digits count down, and jiff's microseconds would be those that follow.
        let begun = i64::from(time.subsec_nanosecond() % 1_000 < 0);
        Self::from_microseconds(time.as_microsecond() - begun).unwrap_or(FIRST)
    }

    /// Counts microseconds since 1970; `None` outside the years 0 to 9999.
    pub fn from_microseconds(count: i64) -> Option<Self> {
        // Not by jiff's function of that name: it refuses the last second that there is.
        let nanoseconds = i32::try_from(count % 1_000_000 * 1_000).ok()?;
        let time = jiff::Timestamp::new(count / 1_000_000, nanoseconds).ok().map(Self);
        time.filter(|time| *time >= FIRST)
    }

    /// Microseconds since 1970.
    pub fn as_microseconds(self) -> i64 {
        self.0.as_microsecond()
    }

    /// This time plus `span`, or the last representable time.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self::cut(self.0.checked_add(span).unwrap_or(jiff::Timestamp::MAX))
    }

    /// This time minus `span`, or the first representable time.
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self::cut(self.0.checked_sub(span).unwrap_or(jiff::Timestamp::MIN))
    }

    /// How long after `earlier` this is; zero where it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or_default()
    }

    /// Whether this is the year 1, which some writers put where they mean "no time".
    pub(crate) fn is_zero_time(self) -> bool {
        self.0.as_second() < -62_000_000_000
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        // Jiff reads years before 0 as well, and some of them as times that it cannot hold.
        let time: Option<jiff::Timestamp> =
            if text.starts_with('-') { None } else { text.parse().ok() };
        let time = time.filter(|time| *time >= FIRST.0).map(Self::cut);
        time.or_else(|| last_day(text)).ok_or_else(|| InvalidTimestamp(text.to_owned()))
    }
}

/// A time on the last day of the year 9999, which other programs write for "never", and which Jiff does not hold: the
/// last time that there is. The same time a year before says whether it is one.
fn last_day(text: &str) -> Option<Timestamp> {
    let before = format!("9998{}", text.strip_prefix("9999")?);
    before.parse::<jiff::Timestamp>().ok().map(|_| Timestamp::cut(jiff::Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_any_offset_and_writes_utc() {
        let time: Timestamp = "2026-02-01T12:30:00.25+02:30".parse().unwrap();
        assert_eq!(time.to_string(), "2026-02-01T10:00:00.25Z");
    }

    #[test]
    fn nothing_finer_than_a_microsecond_is_kept() {
        let time: Timestamp = "2026-02-01T10:00:00.123456789Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-02-01T10:00:00.123456Z", "as the format says");
        let (first, last) =
            (time.saturating_sub(Duration::MAX), time.saturating_add(Duration::MAX));
        for time in [time, time.saturating_add(Duration::from_nanos(1_999)), first, last] {
            let count = time.as_microseconds();
            assert_eq!(Timestamp::from_microseconds(count), Some(time), "{time} is whole");
        }
    }

    #[test]
    fn a_time_that_cannot_be_written_is_none() {
        let first: Timestamp = "0000-01-01T01:00:00+01:00".parse().unwrap();
        assert_eq!(first.to_string(), "0000-01-01T00:00:00Z", "RFC 3339 has the year 0");
        assert_eq!(first.saturating_sub(Duration::from_nanos(1)), first, "and none before it");
        for other in [
            "0000-01-01T00:00:00+01:00",
            "-000001-12-31T23:00:00Z",
            "-009999-01-02T01:59:58.189Z",
            "9999-12-32T23:59:59Z",
            "9999-12-31",
        ] {
            assert!(other.parse::<Timestamp>().is_err(), "{other} is not read");
        }
    }

    #[test]
    fn what_others_write_for_never_is_the_last_time() {
        let last = Timestamp::now().saturating_add(Duration::MAX);
        for text in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999+00:00"] {
            assert_eq!(text.parse(), Ok(last), "{text}");
        }
        let before: Timestamp = "9999-12-30T10:00:00Z".parse().unwrap();
        assert!(before < last && before.to_string() == "9999-12-30T10:00:00Z");
    }

    #[test]
    fn a_clock_beyond_all_years_gives_the_first_or_the_last_time() {
        let far = Duration::from_hours(2_500_000_000_001);
        let late = Timestamp::of(UNIX_EPOCH + far);
        assert!(late.is_last() && late.is_limit(), "{late}");
        assert_eq!(late, late.saturating_add(Duration::from_secs(1)));
        let early = Timestamp::of(UNIX_EPOCH - far);
        assert!(early == FIRST && early.is_limit(), "{early}");
        assert!(!Timestamp::of(UNIX_EPOCH).is_limit() && !Timestamp::now().is_limit());
    }

    #[test]
    fn the_zero_time_of_other_writers_is_known() {
        assert!("0001-01-01T00:00:00Z".parse::<Timestamp>().unwrap().is_zero_time());
        assert!(!"1969-01-01T00:00:00Z".parse::<Timestamp>().unwrap().is_zero_time());
    }

    #[test]
    fn spans_never_go_negative_or_overflow() {
        let early = Timestamp::from_microseconds(0).unwrap();
        let late = early.saturating_add(Duration::from_secs(5));
        assert_eq!(late.since(early), Duration::from_secs(5));
        assert_eq!(early.since(late), Duration::ZERO);
        assert!(early.saturating_add(Duration::MAX) > late);
    }
}
