use super::FORMAT_VERSION;

/// Says why a file's content is no lock record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockRecordFlaw {
    /// Nothing is in the file. A program that creates first and fills later leaves this for a moment.
    #[error("the file is empty")]
    Empty,
    /// The bytes are no JSON document.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// The document is JSON, but no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A field that every record has is missing.
    #[error("field {0:?} is missing")]
    Missing(&'static str),
    /// A field has the wrong type or a value that cannot be.
    #[error("field {field:?} is not {expected}")]
    WrongType {
        /// The field's name.
        field: &'static str,
        /// What should be there.
        expected: &'static str,
    },
    /// Something other than a regular file is there.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// The file is larger than any record can be.
    #[error("the file has {0} bytes, more than any record")]
    TooLarge(u64),
}

/// Says that a record was written by a newer Lokt. It is never guessed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lockfile version {found} not supported (max: {FORMAT_VERSION}); upgrade lokt")]
pub struct UnsupportedRecordVersion {
    /// The version that the record carries.
    pub found: u64,
}
