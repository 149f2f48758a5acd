//! Valid values that are like invalid ones: names of locks, durations, and samples for the rest.

use crate::span;
use lokt_lock::words::LockName;

/// A valid name of a lock that is like a text, if one can be made of it. `most` limits its bytes.
///
/// Runs of characters that a name cannot have become one `-`. `None` if nothing is left, or the
/// rest is not valid.
pub(super) fn name_like(text: &str, most: usize) -> Option<String> {
    let mut name = String::new();
    for c in text.chars() {
        let is_allowed = c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        match c {
            '.' if name.ends_with('.') => {}
            c if is_allowed && c != '-' => name.push(c),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let ends = |c| matches!(c, '.' | '-');
    let name: String = name.trim_matches(ends).chars().take(most).collect();
    let name = name.trim_end_matches(ends);
    LockName::new(name).is_ok().then(|| name.to_owned())
}

/// Whether a text says that there is no limit.
pub(super) fn is_endless(text: &str) -> bool {
    let words = ["forever", "never", "infinite", "infinity", "inf", "none", "unlimited"];
    words.contains(&&*text.to_ascii_lowercase())
}

/// A duration that is like a text: its number and unit, as lokt writes them.
///
/// An unknown unit counts as minutes. A text without a number, or with one that is too large,
/// becomes `10m`.
pub(super) fn duration_like(text: &str) -> String {
    let compact: String = text.to_ascii_lowercase().split_whitespace().collect();
    let compact = compact.trim_start_matches(['+', '-']).to_owned();
    let candidates = [Some(compact.clone()), in_known_unit(&compact)];
    let valid = |it: &String| span::parse_positive(it).is_ok();
    candidates.into_iter().flatten().find(valid).unwrap_or_else(|| "10m".to_owned())
}

/// A number with one unit of other programs (`sec`, `hr`, `months`), in lokt's units. A month has
/// 30 days and a year 365. A fraction is kept to a thousandth. `None` if it cannot be counted in
/// milliseconds.
fn in_known_unit(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (unit, milliseconds) = match unit.trim_end_matches('.') {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => ("s", 1000),
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => ("ms", 1),
        "h" | "hr" | "hrs" | "hour" | "hours" => ("h", 3_600_000),
        "d" | "day" | "days" => ("d", 86_400_000),
        "w" | "wk" | "week" | "weeks" => ("w", 604_800_000),
        "mo" | "month" | "months" => return times(number, 30, "d"),
        "y" | "yr" | "year" | "years" => return times(number, 365, "d"),
        _ => ("m", 60_000),
    };
    let Some((whole, fraction)) = number.split_once('.') else {
        return Some(format!("{number}{unit}"));
    };
    let digits: String = fraction.chars().take(3).collect();
    let thousandths = format!("{digits:0<3}").parse::<u64>().ok()?;
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    let all = whole.checked_mul(milliseconds)?.checked_add(thousandths * milliseconds / 1000)?;
    Some(span::show(std::time::Duration::from_millis(all)).replace(' ', ""))
}

/// A multiple of a whole number in one unit.
fn times(number: &str, by: u64, unit: &str) -> Option<String> {
    Some(format!("{}{unit}", number.parse::<u64>().ok()?.checked_mul(by)?))
}

/// A value to show in the place of one that is missing, by the name of the value in the help.
///
/// `None` for values that only the caller knows: a wrong owner, key or process would do harm. The
/// name itself is the sample where no other is known.
pub(super) fn sample(value_name: &str) -> Option<String> {
    let text = match value_name {
        "DURATION" => "10m",
        "DURATION|TIME" => "1h",
        "N" | "TOKEN" => "1",
        "CODE" => "75",
        "SIZE" => "2G",
        "JSON" | "JSON|@FILE|-" => "{}",
        "EVENT" => "acquire",
        "OWNER" | "FINGERPRINT" | "PID" => return None,
        other => other.split('|').next()?,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_what_a_text_has() {
        for (text, name) in [
            ("feature/login", "feature-login"),
            ("/abs/path/", "abs-path"),
            ("../x", "x"),
            ("a..b", "a.b"),
            ("a b\tc", "a-b-c"),
            ("deploy:prod@eu", "deploy-prod-eu"),
            ("a - b", "a-b"),
            ("größe", "gr-e"),
            ("x\u{202e}y", "x-y"),
        ] {
            assert_eq!(name_like(text, 200).as_deref(), Some(name), "{text:?}");
        }
        assert_eq!(name_like(&"n".repeat(500), 183), Some("n".repeat(183)));
        for text in ["", "/", "..", ".", " ", "::", "日本"] {
            assert_eq!(name_like(text, 200), None, "{text:?} has nothing to make a name of");
        }
    }

    #[test]
    fn a_duration_keeps_its_number() {
        for (text, duration) in [
            ("5M", "5m"),
            ("5 m", "5m"),
            ("5min", "5m"),
            ("5x", "5m"),
            ("10secs", "10s"),
            ("1.5h", "1h30m"),
            ("0.5s", "500ms"),
            ("1h 30m", "1h30m"),
            ("-5m", "5m"),
            ("1y", "365d"),
            ("2mo", "60d"),
            ("250MS", "250ms"),
            ("0", "10m"),
            ("", "10m"),
            ("soon", "10m"),
            ("99999999999999999999w", "10m"),
        ] {
            assert_eq!(duration_like(text), duration, "{text:?}");
        }
        assert!(is_endless("Forever") && !is_endless("5m"));
    }
}
