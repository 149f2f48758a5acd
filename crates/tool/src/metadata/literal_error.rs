//! Why a value is refused, before it is known which text it stands in.

use super::{TextPosition, ToolMetadataFlaw};

/// How deep lists and objects may stand in each other.
pub(super) const MAX_DEPTH: usize = 64;

/// What is said of a value that is deeper.
pub(super) const TOO_DEEP: &str = "lists and objects are more than 64 deep";

/// What is said of a number that JSON does not have, or that takes too long to read.
pub(super) const NO_NUMBER: &str = "a number that is not finite, or has more than 4300 digits";

/// Why a literal cannot be read; offsets are bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LiteralError {
    /// Something that would have to be run.
    NotLiteral { offset: usize },
    /// Something that the grammar of the language, or metadata, does not have.
    Refused { offset: usize, what: String },
}

impl LiteralError {
    /// The longest part of a line that is shown, in characters.
    const SHOWN: usize = 200;

    /// A refusal.
    pub(super) fn refused(offset: usize, what: impl Into<String>) -> Self {
        Self::Refused { offset, what: what.into() }
    }

    /// The flaw of the text in which the fault stands `base` bytes behind its offset.
    pub(super) fn in_text(self, text: &str, base: usize, key: &str) -> ToolMetadataFlaw {
        match self {
            Self::NotLiteral { offset } => ToolMetadataFlaw::NotLiteral {
                place: TextPosition::of_byte(text, base + offset),
                key: key.to_owned(),
                line: line_at(text, base + offset),
            },
            Self::Refused { offset, what } => syntax(text, base + offset, what),
        }
    }
}

/// The flaw of a text that is refused at a byte.
pub(super) fn syntax(text: &str, offset: usize, what: impl Into<String>) -> ToolMetadataFlaw {
    let what: String = what.into();
    let what = what.lines().next().unwrap_or_default().to_owned();
    ToolMetadataFlaw::Syntax { place: TextPosition::of_byte(text, offset), what: shown(&what) }
}

/// The line around a byte, as much of it as is shown.
fn line_at(text: &str, offset: usize) -> String {
    let offset = text.floor_char_boundary(offset);
    let (before, after) = text.split_at(offset);
    let begin = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let end = after.find(['\n', '\r']).map_or(text.len(), |at| offset + at);
    shown(text.get(begin..end).unwrap_or_default().trim())
}

/// As much of a text as is shown.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(LiteralError::SHOWN).collect();
    if text.chars().nth(LiteralError::SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_its_line_alone() {
        let text = "a = 1\r\n  b = é(x)\u{1b}[2J\r\nc";
        let flaw = LiteralError::NotLiteral { offset: 4 }.in_text(text, 9, "b");
        let shown = "line 2, column 7: b is not a literal: b = é(x)\u{1b}[2J";
        assert_eq!(flaw.to_string(), shown, "the line is told as it is");
    }

    #[test]
    fn a_long_line_is_cut() {
        assert_eq!(shown(&"é".repeat(1000)).chars().count(), 201, "a message stays short");
    }
}
