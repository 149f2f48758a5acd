use super::TextPosition;

/// Says why metadata cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolMetadataFlaw {
    /// The text does not follow the grammar of its language.
    #[error("{place}: {what}")]
    Syntax {
        /// Where.
        place: TextPosition,
        /// What the parser says.
        what: String,
    },
    /// A key of the metadata has a value that is no literal: finding it out would mean to run the file.
    #[error("{place}: {key} is not a literal: {line}")]
    NotLiteral {
        /// Where the part begins that is no literal.
        place: TextPosition,
        /// The key, as the language writes it.
        key: String,
        /// The line of that part, without what surrounds it; cut where it is long.
        line: String,
    },
    /// A key has a value of the wrong type.
    #[error("{place}: {key} must be {expected}")]
    Type {
        /// Where the value begins.
        place: TextPosition,
        /// The key.
        key: &'static str,
        /// What it must be.
        expected: String,
    },
}
