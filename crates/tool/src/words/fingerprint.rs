use super::ContentHash;
use std::{fmt, str::FromStr};

/// Names a public key: the first 16 hexadecimal digits of the SHA-256 of its PEM file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(String);

/// Says that a text is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a fingerprint of 16 lowercase hex digits")]
pub struct InvalidFingerprint(String);

impl Fingerprint {
    /// The fingerprint of a public key in PEM form, line feeds between lines and after the last one.
    pub fn of_pem(pem: &str) -> Self {
        let mut digits = ContentHash::of(pem.as_bytes()).to_string();
        digits.truncate(16);
        Self(digits)
    }

    /// The fingerprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;
    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let valid =
            text.len() == 16 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidFingerprint(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_lowercase_digits_and_nothing_else() {
        assert!("0123456789abcdef".parse::<Fingerprint>().is_ok());
        for bad in
            ["", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdef0", "../456789abcdef0"]
        {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad:?} is no fingerprint");
        }
    }
}
