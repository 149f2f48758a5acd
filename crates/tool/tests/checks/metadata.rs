//! Metadata: which texts are valid, and that the metadata of a tool survives a round trip through JSON.

use lokt_tool::{
    metadata::{self, TextPosition, ToolMetadata, ToolMetadataFlaw},
    words::ToolFileExtension,
};
use serde_json::Value;

/// Checks a text as a tool's file; the first byte chooses the language.
pub fn check(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let Some(extension) = extension(*first) else { return };
    let read = metadata::read(text, extension);
    assert_eq!(read, metadata::read(text, extension), "a text says the same every time");
    match read {
        Ok(metadata) => check_round_trip(&metadata),
        Err(flaw) => check_place(text, &flaw),
    }
}

/// The language that a byte chooses: a digit of the list, or any other byte by its remainder.
fn extension(byte: u8) -> Option<ToolFileExtension> {
    let count = ToolFileExtension::ALL.len();
    let index = if byte.is_ascii_digit() { byte - b'0' } else { byte };
    ToolFileExtension::ALL.get(usize::from(index) % count).copied()
}

fn check_round_trip(metadata: &ToolMetadata) {
    let json = Value::Object(metadata.to_json()).to_string();
    let again = metadata::read(&json, ToolFileExtension::Json);
    assert_eq!(again.as_ref(), Ok(metadata), "metadata is the same in JSON: {json}");
}

fn check_place(text: &str, flaw: &ToolMetadataFlaw) {
    let (ToolMetadataFlaw::Syntax { place, .. }
    | ToolMetadataFlaw::NotLiteral { place, .. }
    | ToolMetadataFlaw::Type { place, .. }) = flaw;
    let end = TextPosition::of_byte(text, text.len());
    assert!(TextPosition::START <= *place && *place <= end, "{flaw} is behind the end, {end}");
    let shown = flaw.to_string();
    assert!(shown.starts_with("line "), "a flaw has its place: {shown}");
    assert!(!shown.contains('\n'), "a flaw is one line");
}
