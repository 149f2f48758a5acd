use crate::words::{ContentHash, Fingerprint};
use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use lokt_lock::words::Timestamp;
use std::fmt;

/// Base64url (RFC 4648, section 5): with padding on writing, since some readers take nothing else; with or without on
/// reading.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a signature line says.
///
/// Only the hash is signed. The time and the registry's mark are covered by nothing: nothing may be
/// decided by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    /// When it was signed, as the signer says.
    pub timestamp: String,
    /// The content hash that was signed.
    pub hash: ContentHash,
    /// The Ed25519 signature (RFC 8032) over the 64 digits of the hash.
    pub signature: [u8; 64],
    /// The key that it was made with.
    pub fingerprint: Fingerprint,
    /// Which registry took it from whom, as `provider@user`.
    pub registry: Option<String>,
}

/// What a line in the place of a signature can be besides one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureLineError {
    /// A mark of older programs, which signs nothing.
    Mark,
    /// Something that begins like a signature and does not match whole.
    Malformed,
}

impl SignatureLine {
    /// Reads a signature line without its comment prefix. It must match whole.
    ///
    /// # Errors
    /// [`SignatureLineError`] says what the line is instead.
    pub fn parse(line: &str) -> Result<Self, SignatureLineError> {
        let text = line.strip_prefix("rye:signed:").ok_or(SignatureLineError::Mark)?;
        Self::parse_fields(text).ok_or(SignatureLineError::Malformed)
    }

    fn parse_fields(text: &str) -> Option<Self> {
        // The time contains colons itself, and always as many characters.
        let (timestamp, rest) = text.split_at_checked("2026-02-11T00:00:00Z".len())?;
        if !is_timestamp(timestamp) {
            return None;
        }
        let mut fields = rest.strip_prefix(':')?.splitn(3, ':');
        let hash = fields.next()?.parse().ok()?;
        let signature = fields.next().filter(|text| matches!(text.len(), 86 | 88))?;
        let signature = BASE64.decode(signature).ok()?.try_into().ok()?;
        let signer = fields.next()?;
        let (fingerprint, registry) = match signer.split_once('|') {
            Some((fingerprint, registry)) => (fingerprint, Some(registry_mark(registry)?)),
            None => (signer, None),
        };
        let fingerprint = fingerprint.parse().ok()?;
        Some(Self { timestamp: timestamp.to_owned(), hash, signature, fingerprint, registry })
    }

    /// The time of signing, to the second.
    pub(super) fn stamp(time: Timestamp) -> String {
        let text = time.to_string();
        let seconds = text.get(.."2026-02-11T00:00:00".len()).unwrap_or(&text);
        format!("{}Z", seconds.trim_end_matches('Z'))
    }
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { timestamp, hash, signature, fingerprint, registry } = self;
        let signature = BASE64.encode(signature);
        write!(f, "rye:signed:{timestamp}:{hash}:{signature}:{fingerprint}")?;
        registry.iter().try_for_each(|registry| write!(f, "|{registry}"))
    }
}

/// Whether a text has the form of `2026-02-11T00:00:00Z`. More is not asked of what is not signed.
fn is_timestamp(text: &str) -> bool {
    let form = "dddd-dd-ddTdd:dd:ddZ";
    let fits = |(c, form): (char, char)| if form == 'd' { c.is_ascii_digit() } else { c == form };
    text.len() == form.len() && text.chars().zip(form.chars()).all(fits)
}

/// `provider@user`, each of letters, digits and `. _ -`.
fn registry_mark(text: &str) -> Option<String> {
    let (provider, user) = text.split_once('@')?;
    let name = |name: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        !name.is_empty() && name.chars().all(allowed)
    };
    (name(provider) && name(user)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(signature: &str, end: &str) -> String {
        let hash = "a".repeat(64);
        format!("rye:signed:2026-02-11T00:00:00Z:{hash}:{signature}:0123456789abcdef{end}")
    }

    #[test]
    fn a_line_is_read_with_and_without_padding_and_written_with_it() {
        let plain = "A".repeat(86);
        let read = SignatureLine::parse(&line(&plain, "")).unwrap();
        assert_eq!(SignatureLine::parse(&line(&format!("{plain}=="), "")), Ok(read.clone()));
        let padded = format!("{plain}==");
        assert_eq!(read.to_string(), line(&padded, ""));
        let marked = SignatureLine::parse(&line(&plain, "|rye.dev@some-one")).unwrap();
        assert_eq!(marked.registry.as_deref(), Some("rye.dev@some-one"));
        assert_eq!(marked.to_string(), line(&padded, "|rye.dev@some-one"));
    }

    #[test]
    fn what_does_not_match_whole_is_malformed() {
        let plain = "A".repeat(86);
        let good = line(&plain, "");
        let bad = [
            line(&plain, " "),
            line(&plain, "0"),
            line(&plain, ":x"),
            line(&plain, "|"),
            line(&plain, "|a"),
            line(&plain, "|a@b c"),
            line(&plain, "\t# note"),
            line(&"A".repeat(85), ""),
            line(&format!("{}B", "A".repeat(85)), ""),
            line(&format!("{plain}="), ""),
            line(&"+".repeat(86), ""),
            good.replace(&"a".repeat(64), &"A".repeat(64)),
            good.replace('T', " "),
            good.replace("00Z", "00+00:00"),
            "rye:signed:".to_owned(),
            "rye:signed:ä".to_owned(),
        ];
        for bad in bad {
            assert_eq!(SignatureLine::parse(&bad), Err(SignatureLineError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn marks_of_older_programs_sign_nothing() {
        for mark in ["rye:validated:2026-02-03T07:29:34Z:ab", "kiwi-mcp:signed:x"] {
            assert_eq!(SignatureLine::parse(mark), Err(SignatureLineError::Mark), "{mark:?}");
        }
    }

    #[test]
    fn the_time_is_told_to_the_second() {
        for text in ["2026-02-11T00:00:00Z", "2026-02-11T00:00:00.123456Z"] {
            assert_eq!(SignatureLine::stamp(text.parse().unwrap()), "2026-02-11T00:00:00Z");
        }
    }
}
