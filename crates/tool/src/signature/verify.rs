use super::{SignatureLine, SignatureLineError, TrustStore, TrustStoreError};
use crate::{
    item::NormalizedToolItemText,
    words::{ContentHash, Fingerprint},
};

/// Says why an item is not vouched for.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error("unsigned")]
    Unsigned,
    /// A line begins like a signature, but is malformed.
    #[error("malformed signature: {0:?}")]
    Malformed(String),
    /// The content is not what was signed.
    #[error("content changed since it was signed: signed {signed}, now {now}")]
    Changed {
        /// The hash that was signed.
        signed: ContentHash,
        /// The hash of the content.
        now: ContentHash,
    },
    /// The key that signed it is not trusted.
    #[error("signed by the key {0}, which is not trusted")]
    Untrusted(Fingerprint),
    /// The signature is not of the key that it names.
    #[error("bad signature: not made with the key {0} over this hash")]
    Bad(Fingerprint),
    /// Whether the key is trusted is unknown.
    #[error(transparent)]
    Trust(#[from] TrustStoreError),
}

impl SignatureError {
    /// The reason in a word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Malformed(_) => "malformed",
            Self::Changed { .. } => "changed",
            Self::Untrusted(_) => "untrusted",
            Self::Bad(_) => "bad",
            Self::Trust(_) => "unclear",
        }
    }
}

/// Verifies that a trusted key signed a text, and says how.
///
/// # Errors
/// [`SignatureError`]: each way not to be vouched for is its own.
pub fn verify(
    text: &NormalizedToolItemText,
    trust: &TrustStore,
) -> Result<SignatureLine, SignatureError> {
    let line = text.signature_line().ok_or(SignatureError::Unsigned)?;
    let signed = SignatureLine::parse(line).map_err(|what| match what {
        SignatureLineError::Mark => SignatureError::Unsigned,
        SignatureLineError::Malformed => SignatureError::Malformed(line.to_owned()),
    })?;
    let now = text.integrity();
    if signed.hash != now {
        return Err(SignatureError::Changed { signed: signed.hash, now });
    }
    let Some(trusted) = trust.find(&signed.fingerprint)? else {
        return Err(SignatureError::Untrusted(signed.fingerprint));
    };
    if !trusted.key.verifies(signed.hash.to_string().as_bytes(), &signed.signature) {
        return Err(SignatureError::Bad(signed.fingerprint));
    }
    Ok(signed)
}
