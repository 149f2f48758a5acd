//! Why a text is no pattern, or no path of the project.

use super::{Pattern, ProjectPath};

/// Says why a text is no path of the project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// The text is empty.
    #[error("a path must not be empty")]
    Empty,
    /// The path has more than [`ProjectPath::MAX_BYTES`] bytes.
    #[error("path of {0} bytes is too long (at most {max})", max = ProjectPath::MAX_BYTES)]
    TooLong(usize),
    /// The path contains a NUL byte.
    #[error("path {0:?} contains a NUL byte")]
    Nul(String),
    /// The path leads out of the project.
    #[error("path {0:?} is outside the project")]
    OutsideProject(String),
}

/// Says why a text is no pattern.
///
/// A variant that has the pattern's text shows at most its first 80 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// The text is empty.
    #[error("a pattern must not be empty")]
    Empty,
    /// The text, as typed or from the project's root, has more than [`Pattern::MAX_BYTES`] bytes.
    #[error("pattern of {0} bytes is too long (at most {max})", max = Pattern::MAX_BYTES)]
    TooLong(usize),
    /// The text breaks a rule of the language.
    #[error("invalid pattern {pattern:?}: {flaw}, at byte {at}")]
    Malformed {
        /// The text as typed.
        pattern: String,
        /// The position of the flaw in the typed text; the first byte is 1.
        at: usize,
        /// What is wrong there.
        flaw: PatternFlaw,
    },
    /// The pattern leads out of the project.
    #[error("pattern {0:?} is outside the project")]
    OutsideProject(String),
    /// The pattern's automaton is larger than [`Pattern::MAX_TRANSITIONS`].
    #[error("pattern {0:?} is too complex; split it into several patterns")]
    TooComplex(String),
    /// No path can match the pattern.
    #[error("pattern {0:?} covers no path")]
    CoversNothing(String),
}

impl InvalidPattern {
    /// Returns the error for a longer typed text of which the pattern is the end.
    pub(super) fn moved(self, typed: &[u8], by: usize) -> Self {
        let pattern = excerpt(typed);
        match self {
            Self::Malformed { at, flaw, .. } => Self::Malformed { pattern, at: at + by, flaw },
            Self::OutsideProject(_) => Self::OutsideProject(pattern),
            Self::TooComplex(_) => Self::TooComplex(pattern),
            Self::CoversNothing(_) => Self::CoversNothing(pattern),
            Self::Empty | Self::TooLong(_) => self,
        }
    }
}

/// Names the rule that a pattern breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternFlaw {
    /// A `[` without its `]`.
    #[error("'[' is not closed (write '\\[' for the character)")]
    UnclosedClass,
    /// A `{` without its `}`.
    #[error("'{{' is not closed (write '\\{{' for the character)")]
    UnclosedAlternatives,
    /// A `}` without its `{`.
    #[error("'}}' closes nothing (write '\\}}' for the character)")]
    UnopenedAlternatives,
    /// More nested `{` than [`Pattern::MAX_DEPTH`].
    #[error("'{{' is nested deeper than {max} levels", max = Pattern::MAX_DEPTH)]
    TooDeep,
    /// A `\` at the end.
    #[error("'\\' escapes nothing")]
    TrailingEscape,
    /// A NUL byte.
    #[error("a NUL byte is part of no path")]
    Nul,
    /// A `/` between `[` and `]`.
    #[error("'/' cannot be a member of '[…]'")]
    SlashInClass,
    /// A range whose end is before its start.
    #[error("a range of '[…]' ends before it starts")]
    ReversedRange,
    /// `[:`, `[.` or `[=` between `[` and `]`.
    #[error("'[…]' has no named classes (write '\\[' for the character)")]
    NamedClass,
    /// A byte between `[` and `]` that is not part of UTF-8 text.
    #[error("a member of '[…]' is not a UTF-8 character")]
    ClassNotUtf8,
    /// An alternative that leaves the whole pattern empty.
    #[error("an alternative leaves the pattern empty")]
    EmptyAlternative,
    /// An alternative that makes the pattern absolute.
    #[error("an alternative makes the pattern begin with '/'")]
    AbsoluteAlternative,
    /// An alternative that gives a segment `.` or `..`.
    #[error("an alternative gives a segment '.' or '..'")]
    DotSegment,
    /// A `..` behind a segment that is a glob.
    #[error("'..' follows a wildcard")]
    ParentOfGlob,
}

/// Returns the beginning of a text, as messages show it.
pub(super) fn excerpt(text: &[u8]) -> String {
    const MOST: usize = 80;
    // Each character has at most four bytes.
    let start = String::from_utf8_lossy(text.get(..4 * MOST).unwrap_or(text)).into_owned();
    match start.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", start.get(..end).unwrap_or_default()),
        None => start,
    }
}
