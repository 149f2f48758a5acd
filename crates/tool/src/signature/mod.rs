//! Signers of an item: signature lines, keys, and which keys are trusted.
//!
//! A signature covers the content hash and nothing else. What it does not cover is the line's own time and
//! registry mark, and a first line that begins `#!/`.

mod key;
mod line;
mod sign;
mod trust;
mod verify;

pub use key::{KeyError, KeyFiles, PublicKey, SecretKey};
pub use line::{NotSignature, SignatureLine};
pub use sign::{SignError, signed};
pub use trust::{TrustError, TrustStore, TrustedKey};
pub use verify::{SignatureError, verify};
