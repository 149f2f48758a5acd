//! Durations as people write and read them.

use lokt_lock::words::Timestamp;
use std::time::Duration;

/// The units and their milliseconds, the largest first.
const UNITS: [(&str, u64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The most that can be asked for, 292 years: programs that count nanoseconds in 64 bits read no more in `ttl_sec`.
const LONGEST: u64 = 15_250 * 604_800_000;

/// Reads `500ms`, `90s`, `5m`, `1h30m`, `2d`, `1w`; a number without a unit means seconds.
///
/// This is the one reader of durations, for arguments, prompts and tool calls. It takes exactly these units, each at
/// most once, the largest first.
///
/// # Errors
/// A text that names the units, or says that the duration is too long.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    match milliseconds(text) {
        Some(sum) if sum <= LONGEST => Ok(Duration::from_millis(sum)),
        Some(_) => Err(format!("{text:?} is too long: at most 15250w, which is 292 years")),
        None => Err(format!("{text:?} is not a duration: {FORM}")),
    }
}

/// How a duration is written.
pub(crate) const FORM: &str = "write 90s or 1h30m, with the units ms, s, m, h, d, w, the largest first; \
    a bare number means seconds";

/// The milliseconds in a text; `None` if it is not a duration. More than can be counted is the largest number.
fn milliseconds(text: &str) -> Option<u64> {
    let (number, mut rest) = leading_number(text)?;
    if rest.is_empty() {
        return Some(number.saturating_mul(1000));
    }
    let (mut number, mut units, mut sum) = (number, UNITS.as_slice(), 0_u64);
    loop {
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (unit, after) = rest.split_at(end);
        let place = units.iter().position(|(name, _)| *name == unit)?;
        let (_, size) = units.get(place)?;
        sum = sum.saturating_add(number.saturating_mul(*size));
        units = units.get(place + 1..)?;
        if after.is_empty() {
            return Some(sum);
        }
        (number, rest) = leading_number(after)?;
    }
}

/// The number that a text begins with, and what follows it.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    // The digits of a number that is too large are digits all the same.
    (!digits.is_empty()).then(|| (digits.parse().unwrap_or(u64::MAX), rest))
}

/// Reads a duration that must be more than nothing.
pub(crate) fn parse_positive(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("it must be more than 0".to_owned()),
        span => Ok(span),
    }
}

/// Reads a time, or a duration before now.
///
/// A duration is tried first, so `10` is ten seconds ago. Times are those of RFC 3339.
pub(crate) fn point(text: &str) -> Result<Timestamp, String> {
    let ago = parse(text).map(|span| Timestamp::now().saturating_sub(span));
    ago.or_else(|_| text.parse()).map_err(|_| {
        format!("{text:?} is neither a duration ({FORM}) nor a time like 2026-02-01T10:00:00Z")
    })
}

/// Shows a duration by its two largest units: `300ms`, `3s`, `5m 12s`, `2h 5m`, `3d 4h`.
///
/// Smaller units are cut and not rounded. Milliseconds are shown only below a second.
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
            ("007s", 7000),
            ("1h30m", 5_400_000),
            ("1w2d3h4m5s6ms", 788_645_006),
            ("2d", 172_800_000),
            ("1w", 604_800_000),
            ("15250w", LONGEST),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        assert!(parse_positive("0").is_err() && parse_positive("0s").is_err());
    }

    #[test]
    fn anything_else_is_refused_with_the_units() {
        for bad in [
            "",
            " ",
            "5M",
            "5 m",
            "5m ",
            " 5m",
            "1.5h",
            "1,5h",
            "1y",
            "5min",
            "5month",
            "5H",
            "5S",
            "5Ms",
            "5us",
            "5ns",
            "-5m",
            "+5",
            "+5m",
            "-1",
            "5m5",
            "m",
            "ms",
            "1x",
            "5mm",
            "5m5m",
            "30m1h",
            "5ms5s",
            "1e3",
            "0x10",
            "٥m",
            "5m\n",
            "5 minutes later",
            "5µs",
            "1h 30m",
            "5m-3s",
            "5m30",
        ] {
            let error = parse(bad).expect_err(bad);
            assert!(error.contains("ms, s, m, h, d, w"), "{bad:?}: {error} lists the units");
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        for long in
            ["15250w1ms", "99999999999999999999999", "99999999999999999999999w", "9223372037s"]
        {
            let error = parse(long).expect_err(long);
            assert!(error.contains("too long"), "{long}: {error}");
        }
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
