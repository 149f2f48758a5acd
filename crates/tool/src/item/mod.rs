//! An item: a file that is a tool, a runtime or a primitive; where it is found, and all that its bytes say.
//!
//! A file is read once. Hash, signature and metadata come from the same bytes, and those are what runs.

mod error;
mod find;
mod folder;
mod read;
mod text;

pub use error::ToolItemError;
pub use find::ToolSpaceLocations;
pub use folder::SpaceFolder;
pub use read::{ItemOrigin, ToolItem};
pub use text::{NormalizedToolItemText, NotUtf8};
