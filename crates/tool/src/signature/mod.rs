//! Signers of an item: signature lines, keys, and which keys are trusted.
//!
//! A signature covers the content hash and nothing else. What it does not cover is the line's own time and
//! registry mark, and a first line that begins `#!/`.

mod key;
mod line;
mod sign;
mod trust;
mod verify;

pub use key::{PublicKey, SecretKey, SigningKeyError, SigningKeyFiles};
pub use line::{SignatureLine, SignatureLineError};
pub use sign::{UnsignableToolItemError, signed};
pub use trust::{TrustStore, TrustStoreError, TrustedKey};
pub use verify::{SignatureError, verify};
