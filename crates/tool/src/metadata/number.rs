//! Numbers as JSON has them, whatever language they were read from.
//!
//! A whole number keeps all of its digits, without a plus and without zeros before it. Any other number is
//! written with the fewest digits that mean it, as Python does (`1.0`, `1e+16`, `1e-05`): a version is part
//! of a file's name, which other programs make in that way.

use serde_json::Number;

/// The most digits that a whole number may have. Python has the same limit, for the same reason: the time
/// of a conversion grows with the square of the length.
const MAX_DIGITS: usize = 4300;

/// A sign before a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberSign {
    Plus,
    Minus,
}

impl NumberSign {
    /// Takes the sign from the begin of a text.
    pub(super) fn split(text: &str) -> (Self, &str) {
        match text.strip_prefix('-') {
            Some(rest) => (Self::Minus, rest),
            None => (Self::Plus, text.strip_prefix('+').unwrap_or(text)),
        }
    }

    /// The other sign.
    pub(super) const fn turned(self) -> Self {
        match self {
            Self::Plus => Self::Minus,
            Self::Minus => Self::Plus,
        }
    }
}

/// A whole number from its digits, which may have `_` between them; `None` for none, or for too many.
pub(super) fn whole(sign: NumberSign, digits: &str, radix: u32) -> Option<Number> {
    let digits: Vec<u32> =
        digits.chars().filter(|c| *c != '_').map(|c| c.to_digit(radix)).collect::<Option<_>>()?;
    if digits.is_empty() || digits.len() > MAX_DIGITS {
        return None;
    }
    let decimal = if radix == 10 { digits } else { decimal(&digits, radix) };
    let mut text: String =
        decimal.into_iter().skip_while(|digit| *digit == 0).filter_map(as_char).collect();
    if text.is_empty() {
        text.push('0');
    } else if sign == NumberSign::Minus {
        text.insert(0, '-');
    }
    (text.len() <= MAX_DIGITS + 1).then(|| Number::from_string_unchecked(text))
}

/// A whole number from its text with sign and prefix: `-12`, `0xff`, `0o17`, `0b1`.
pub(super) fn whole_with_prefix(sign: NumberSign, text: &str) -> Option<Number> {
    let text = text.to_ascii_lowercase();
    let of_radix = |prefix, radix| Some((text.strip_prefix(prefix)?, radix));
    let prefixed = of_radix("0x", 16).or_else(|| of_radix("0o", 8)).or_else(|| of_radix("0b", 2));
    let (digits, radix) = prefixed.unwrap_or((text.as_str(), 10));
    whole(sign, digits, radix)
}

/// A number with a fraction or an exponent; `None` where it is not finite.
pub(super) fn float(sign: NumberSign, value: f64) -> Option<Number> {
    let value = if sign == NumberSign::Minus { -value } else { value };
    value.is_finite().then(|| Number::from_string_unchecked(written(value)))
}

/// A number in the grammar of JSON.
pub(super) fn of_json(text: &str) -> Option<Number> {
    let (sign, rest) = NumberSign::split(text);
    if rest.bytes().all(|byte| byte.is_ascii_digit()) {
        whole(sign, rest, 10)
    } else {
        float(sign, rest.parse().ok()?)
    }
}

fn as_char(digit: u32) -> Option<char> {
    char::from_digit(digit, 10)
}

/// The digits of a number in base ten.
fn decimal(digits: &[u32], radix: u32) -> Vec<u32> {
    const BASE: u64 = 1_000_000_000;
    let mut limbs: Vec<u64> = Vec::new();
    for digit in digits {
        let mut carry = u64::from(*digit);
        for limb in &mut limbs {
            let sum = *limb * u64::from(radix) + carry;
            (*limb, carry) = (sum % BASE, sum / BASE);
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let digit = |limb: u64, place: u32| u32::try_from(limb / 10_u64.pow(place) % 10).ok();
    limbs
        .iter()
        .rev()
        .flat_map(|limb| (0..9).rev().filter_map(move |it| digit(*limb, it)))
        .collect()
}

/// The shortest text that means a finite number, in Python's form: with an exponent below 1e-4 and from 1e16.
fn written(value: f64) -> String {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        // Without an exponent, and with a fraction, if need be an empty one.
        return format!("{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_written_as_python_writes_it() {
        for (value, expected) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e-4, "0.0001"),
            (1.25e-4, "0.000125"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
        ] {
            let number = float(NumberSign::Plus, value).unwrap();
            assert_eq!(number.to_string(), expected, "{value} is written as Python writes it");
            assert_eq!(of_json(expected), Some(number), "{expected} stays as it is");
        }
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(float(NumberSign::Minus, value), None, "{value} is no number of JSON");
        }
    }

    #[test]
    fn a_whole_number_keeps_its_digits() {
        let large = "123456789012345678901234567890";
        for (text, expected) in [
            ("0", "0"),
            ("007", "7"),
            ("1_000", "1000"),
            ("0xFF", "255"),
            ("0o17", "15"),
            ("0b101", "5"),
            ("0x18ee90ff6c373e0ee4e3f0ad2", large),
            (large, large),
        ] {
            let number = whole_with_prefix(NumberSign::Plus, text).unwrap();
            assert_eq!(number.to_string(), expected, "{text} keeps its value");
        }
        assert_eq!(whole(NumberSign::Minus, "0", 10).unwrap().to_string(), "0", "zero has no sign");
        assert_eq!(
            whole(NumberSign::Minus, "12", 10).unwrap().to_string(),
            "-12",
            "a sign is kept"
        );
        for bad in ["", "_", "0x", "1a", &"9".repeat(4301), &format!("0x{}", "f".repeat(4300))] {
            assert_eq!(whole_with_prefix(NumberSign::Plus, bad), None, "{bad} is no whole number");
        }
    }

    #[test]
    fn a_number_of_json_becomes_canonical() {
        for (text, expected) in
            [("-0", "0"), ("1.00", "1.0"), ("1E5", "100000.0"), ("-2e-9", "-2e-09")]
        {
            assert_eq!(of_json(text).unwrap().to_string(), expected, "{text} is canonical");
        }
        assert_eq!(of_json("1e400"), None, "what is not finite is no number");
    }
}
