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

pub use fields::{ToolItemExecutorDeclaration, ToolMetadata, ToolMetadataField};
pub use flaw::ToolMetadataFlaw;
pub use text_position::TextPosition;

use crate::words::ToolFileExtension;

/// Reads the metadata in an item's text, which is the text without its signature line.
///
/// # Errors
/// [`ToolMetadataFlaw`] says what cannot be read, and where.
pub fn read(text: &str, extension: ToolFileExtension) -> Result<ToolMetadata, ToolMetadataFlaw> {
    let fields = parser_stack::with_room(text, || match extension {
        ToolFileExtension::Py => python::read(text),
        ToolFileExtension::Yaml | ToolFileExtension::Yml => yaml::read(text),
        ToolFileExtension::Json => json::read(text),
        ToolFileExtension::Js
        | ToolFileExtension::Ts
        | ToolFileExtension::Mjs
        | ToolFileExtension::Cjs => javascript::read(text, extension),
        ToolFileExtension::Sh => shell::read(text),
        ToolFileExtension::Toml => toml::read(text),
    })?;
    ToolMetadata::of_fields(fields)
}
