use std::{fmt, str::FromStr};

/// Names one lock inside a root.
///
/// One to 200 bytes of `A-Z a-z 0-9 . _ -`, without `..`; so a name is always one path component, on
/// any file system, and never hidden behind quoting in a shell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LockName(String);

/// Says why a text is no lock name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLockName {
    /// The text is empty.
    #[error("a lock name must not be empty")]
    Empty,
    /// The text has more than [`LockName::MAX_BYTES`] bytes.
    #[error("lock name of {0} bytes is too long (at most {max})", max = LockName::MAX_BYTES)]
    TooLong(usize),
    /// The text holds a character outside the alphabet.
    #[error("invalid lock name {name:?}: {found:?} is not allowed (use A-Z a-z 0-9 . _ -)")]
    Character {
        /// The whole text.
        name: String,
        /// The first character that is not allowed.
        found: char,
    },
    /// The text is `.` or contains `..`.
    #[error("invalid lock name {0:?}: it must not be '.' or contain '..'")]
    Dots(String),
}

impl LockName {
    /// The longest name, in bytes: leaves room for `.json` and a ticket's suffix in a 255-byte file name.
    pub const MAX_BYTES: usize = 200;

    /// Checks a text and makes it a name.
    ///
    /// # Errors
    /// [`InvalidLockName`] says what is wrong with the text.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidLockName> {
        let name = text.into();
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() {
            return Err(InvalidLockName::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(InvalidLockName::TooLong(name.len()));
        }
        if let Some(found) = name.chars().find(|c| !allowed(c)) {
            return Err(InvalidLockName::Character { name, found });
        }
        if name == "." || name.contains("..") {
            return Err(InvalidLockName::Dots(name));
        }
        Ok(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LockName {
    type Err = InvalidLockName;
    fn from_str(text: &str) -> Result<Self, InvalidLockName> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_is_safe_as_a_file_name() {
        for good in ["build", "test-passed-0a1b", "a.b_c-D9", ".hidden", "-dash", &"n".repeat(200)]
        {
            assert!(LockName::new(good).is_ok(), "{good} is a name");
        }
    }

    #[test]
    fn refuses_everything_that_could_leave_the_folder() {
        for bad in
            ["", ".", "..", "a..b", "a/b", "/abs", "a b", "ä", "a\0b", "a\n", &"n".repeat(201)]
        {
            assert!(LockName::new(bad).is_err(), "{bad:?} is no name");
        }
    }
}
