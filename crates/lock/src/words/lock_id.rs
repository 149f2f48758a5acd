use std::fmt;

/// Names one acquisition of a lock: 32 hex digits where Lokt made it.
///
/// Records by other programs may carry any text here, so reading checks nothing but that there is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LockId(String);

impl LockId {
    /// Makes an id from 128 random bits, so that no other acquisition has it.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// Takes an id as it stands in a record; `None` where the text is empty.
    pub fn from_record(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
