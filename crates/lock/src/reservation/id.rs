use std::{fmt, str::FromStr};

/// Names one reservation: 32 hex digits where Lokt made it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReservationId(String);

/// Says that a text is no id of a reservation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid reservation id {0:?}: use letters, digits, '-' and '_', at most {max} of them", max = ReservationId::MAX_BYTES)]
pub struct InvalidReservationId(String);

impl ReservationId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 200;

    /// Checks a text and makes it an id. An id is part of a file's name.
    ///
    /// # Errors
    /// [`InvalidReservationId`] where it has other characters than letters, digits, `-` and `_`, or none, or too many.
    pub fn new(text: &str) -> Result<Self, InvalidReservationId> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_valid =
            !text.is_empty() && text.len() <= Self::MAX_BYTES && text.bytes().all(is_plain);
        is_valid.then(|| Self(text.to_owned())).ok_or_else(|| InvalidReservationId(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReservationId {
    type Err = InvalidReservationId;
    fn from_str(text: &str) -> Result<Self, InvalidReservationId> {
        Self::new(text)
    }
}
