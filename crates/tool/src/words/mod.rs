//! The words of tools as types. A value of such a type is always valid.

mod extension;
mod fingerprint;
mod integrity;
mod item_id;
mod space;
mod version;

pub use extension::ToolFileExtension;
pub use fingerprint::{Fingerprint, InvalidFingerprint};
pub use integrity::{ContentHash, InvalidIntegrity};
pub use item_id::{InvalidToolItemId, ToolItemId};
pub use space::Space;
pub use version::{InvalidToolVersion, ToolVersion};
