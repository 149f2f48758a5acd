use super::RESERVATION_FORMAT_VERSION;

/// Says why a file is no record of a reservation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReservationRecordFlaw {
    /// Nothing is in the file.
    #[error("the file is empty")]
    Empty,
    /// The bytes are no JSON object.
    #[error("not a JSON object: {0}")]
    NotJson(String),
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
    /// A pattern is not valid.
    #[error("field \"patterns\": {0}")]
    Pattern(String),
    /// Something other than a regular file is there.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// The file is larger than any record can be.
    #[error("the file has {0} bytes, more than any record")]
    TooLarge(u64),
    /// The name is not that of a record.
    #[error("its name is not ID.json")]
    Name,
}

/// Says that a record was written by a newer Lokt. It is never guessed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "reservation version {found} not supported (max: {RESERVATION_FORMAT_VERSION}); upgrade lokt"
)]
pub struct UnsupportedReservationVersion {
    /// The version that the record carries.
    pub found: u64,
}

/// Says why bytes were not read as a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReservationParseError {
    /// A newer Lokt wrote it.
    #[error(transparent)]
    Newer(#[from] UnsupportedReservationVersion),
    /// It is no record.
    #[error(transparent)]
    Flaw(#[from] ReservationRecordFlaw),
}
