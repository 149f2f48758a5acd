use std::{fmt, str::FromStr};

/// Names the holder of a lock: an agent, a job or a person.
///
/// Any text but the empty one and control characters, which would break the one-line messages and logs
/// that carry it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner(String);

/// Says why a text is no owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOwner {
    /// The text is empty.
    #[error("an owner must not be empty")]
    Empty,
    /// The text holds a control character, a newline for instance.
    #[error("invalid owner {0:?}: control characters are not allowed")]
    Control(String),
}

impl Owner {
    /// Checks a text and makes it an owner.
    ///
    /// # Errors
    /// [`InvalidOwner`] says what is wrong with the text.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidOwner> {
        let owner = text.into();
        if owner.is_empty() {
            return Err(InvalidOwner::Empty);
        }
        if owner.chars().any(char::is_control) {
            return Err(InvalidOwner::Control(owner));
        }
        Ok(Self(owner))
    }

    /// Takes an owner as another program wrote it, whatever it is: refusing it would make a held lock
    /// look corrupted.
    pub fn from_record(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The owner as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Owner {
    type Err = InvalidOwner;
    fn from_str(text: &str) -> Result<Self, InvalidOwner> {
        Self::new(text)
    }
}
