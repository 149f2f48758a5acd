use std::{fmt, str::FromStr};

/// Names an item: a path below a folder `tools/`, `/` between segments, without the file's extension.
///
/// It cannot lead out of that folder by itself; symbolic links are the concern of the code that opens the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ToolItemId(String);

/// Says why a text is no item id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToolItemId {
    /// The text is empty.
    #[error("an item id must not be empty")]
    Empty,
    /// The text begins with `/`.
    #[error("invalid item id {0:?}: it must not be an absolute path")]
    Absolute(String),
    /// There is nothing between two `/`, or at the end.
    #[error("invalid item id {0:?}: it has an empty segment")]
    EmptySegment(String),
    /// A segment is `.` or `..`.
    #[error("invalid item id {0:?}: a segment must not be '.' or '..'")]
    Dots(String),
    /// There is a backslash or a control character.
    #[error("invalid item id {id:?}: {found:?} is not allowed")]
    Character {
        /// The whole text.
        id: String,
        /// The first character that is not allowed.
        found: char,
    },
    /// It is longer than [`ToolItemId::MAX_BYTES`].
    #[error("item id of {0} bytes is too long (at most {max})", max = ToolItemId::MAX_BYTES)]
    TooLong(usize),
}

impl ToolItemId {
    /// The longest id, in bytes; Linux takes paths of 4096.
    pub const MAX_BYTES: usize = 1024;

    /// Checks a text and makes it an id.
    ///
    /// # Errors
    /// [`InvalidToolItemId`] says what is wrong with the text.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidToolItemId> {
        let id = text.into();
        if id.is_empty() {
            return Err(InvalidToolItemId::Empty);
        }
        if id.len() > Self::MAX_BYTES {
            return Err(InvalidToolItemId::TooLong(id.len()));
        }
        if let Some(found) = id.chars().find(|c| *c == '\\' || c.is_control()) {
            return Err(InvalidToolItemId::Character { id, found });
        }
        if id.starts_with('/') {
            return Err(InvalidToolItemId::Absolute(id));
        }
        if id.split('/').any(str::is_empty) {
            return Err(InvalidToolItemId::EmptySegment(id));
        }
        if id.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(InvalidToolItemId::Dots(id));
        }
        Ok(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ToolItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ToolItemId {
    type Err = InvalidToolItemId;
    fn from_str(text: &str) -> Result<Self, InvalidToolItemId> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_the_folder_is_an_id() {
        for good in ["a", "web/scraper", "rye/core/runtimes/python_runtime", "a b/ü-1.0", ".x/...y"]
        {
            assert!(ToolItemId::new(good).is_ok(), "{good:?} is an id");
        }
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let bad = [
            "", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\\b", "a\0b", "a\nb",
        ];
        for bad in bad {
            assert!(ToolItemId::new(bad).is_err(), "{bad:?} is no id");
        }
        assert!(ToolItemId::new("a".repeat(1025)).is_err(), "a path has an end");
    }
}
