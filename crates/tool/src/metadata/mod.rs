//! What an item's file says about the item. It is parsed and never run, imported or evaluated.
//!
//! A file that cannot be parsed is an error with its place; it never becomes an item without metadata.

mod fields;
mod flaw;
mod javascript;
pub(crate) mod json;
mod literal_error;
mod names;
mod number;
mod parser_stack;
mod python;
mod shell;
mod text_position;
mod toml;
mod yaml;
mod yaml_scalar;

pub use fields::{Executor, Metadata, MetadataField};
pub use flaw::MetadataFlaw;
pub use text_position::TextPosition;

use crate::words::Extension;

/// Reads the metadata in an item's text, which is the text without its signature line.
///
/// # Errors
/// [`MetadataFlaw`] says what cannot be read, and where.
pub fn read(text: &str, extension: Extension) -> Result<Metadata, MetadataFlaw> {
    let fields = parser_stack::with_room(text, || match extension {
        Extension::Py => python::read(text),
        Extension::Yaml | Extension::Yml => yaml::read(text),
        Extension::Json => json::read(text),
        Extension::Js | Extension::Ts | Extension::Mjs | Extension::Cjs => {
            javascript::read(text, extension)
        }
        Extension::Sh => shell::read(text),
        Extension::Toml => toml::read(text),
    })?;
    Metadata::of_fields(fields)
}
