use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Shows a span of time so coarsely that it seldom looks different: `42s`, `5m`, `2h 5m`, `3d 4h`.
pub(super) fn show(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => format!("{}m", seconds / MINUTE),
        HOUR..DAY => format!("{}h {}m", seconds / HOUR, seconds % HOUR / MINUTE),
        DAY.. => format!("{}d {}h", seconds / DAY, seconds % DAY / HOUR),
    }
}

/// How long until a growing span looks different.
pub(super) fn until_more(span: Duration) -> Duration {
    unit(span).saturating_sub(beyond_unit(span))
}

/// How long until a shrinking span looks different.
pub(super) fn until_less(span: Duration) -> Duration {
    beyond_unit(span) + Duration::from_millis(1)
}

fn beyond_unit(span: Duration) -> Duration {
    let whole = span.as_secs() % unit(span).as_secs().max(1);
    Duration::new(whole, span.subsec_nanos())
}

/// In which steps a span of this length is shown.
fn unit(span: Duration) -> Duration {
    Duration::from_secs(match span.as_secs() {
        0..MINUTE => 1,
        MINUTE..DAY => MINUTE,
        DAY.. => HOUR,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_shown_coarsely() {
        let shown = [0, 59, 60, 119, 3600, 7_500, 86_399, 86_400, 273_600];
        let shown = shown.map(|seconds| show(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0s", "59s", "1m", "1m", "1h 0m", "2h 5m", "23h 59m", "1d 0h", "3d 4h"]);
    }

    proptest! {
        #[test]
        fn a_span_looks_different_when_it_was_said_to(milliseconds in 0..200_000_000_u64) {
            let span = Duration::from_millis(milliseconds);
            let instant = Duration::from_millis(1);
            let more = span + until_more(span);
            prop_assert_ne!(show(more), show(span));
            prop_assert_eq!(show(more.saturating_sub(instant)), show(span), "and not before");
            if let Some(less) = span.checked_sub(until_less(span)) {
                prop_assert_ne!(show(less), show(span));
                prop_assert_eq!(show(less + instant), show(span), "and not before");
            }
        }
    }
}
