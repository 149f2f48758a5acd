//! Durations as people write and read them.

use std::time::Duration;

/// Reads `500ms`, `90s`, `5m`, `1h30m`, `2d`; a number without a unit means seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map(Duration::from_secs);
    seconds.or_else(|_| humantime::parse_duration(text)).map_err(|_| {
        format!(
            "{text:?} is not a duration like 500ms, 90s, 5m or 1h30m (a bare number means seconds)"
        )
    })
}

/// Reads a duration that must be more than nothing.
pub(crate) fn parse_positive(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("it must be more than 0".to_owned()),
        span => Ok(span),
    }
}

/// Shows a duration by its two largest units: `300ms`, `3s`, `5m 12s`, `2h 5m`, `3d 4h`.
pub(crate) fn show(span: Duration) -> String {
    if span.as_secs() == 0 && span.subsec_millis() > 0 {
        return format!("{}ms", span.subsec_millis());
    }
    let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let mut left = span.as_secs();
    let mut parts = Vec::new();
    for (unit, size) in units {
        let count = left / size;
        left %= size;
        if count > 0 || !parts.is_empty() {
            parts.push((count, unit));
        }
    }
    let shown = parts.iter().take(2).filter(|(count, _)| *count > 0);
    let shown: Vec<String> = shown.map(|(count, unit)| format!("{count}{unit}")).collect();
    if shown.is_empty() { "0s".to_owned() } else { shown.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, milliseconds) in [
            ("600", 600_000),
            ("500ms", 500),
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for bad in ["", "5 minutes later", "-1", "1x", "m"] {
            assert!(parse(bad).is_err(), "{bad:?} is no duration");
        }
        assert!(parse_positive("0").is_err() && parse_positive("0s").is_err());
    }

    #[test]
    fn durations_are_shown_by_two_units() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (61, "1m 1s"), (3600, "1h"), (90_061, "1d 1h"), (86_405, "1d")]
        {
            assert_eq!(show(Duration::from_secs(seconds)), text);
        }
        assert_eq!(show(Duration::from_millis(300)), "300ms");
    }
}
