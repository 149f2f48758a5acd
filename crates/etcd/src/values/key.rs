use super::LeaseId;
use std::fmt;

/// A revision of the store: it rises by one with each transaction that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(i64);

impl Revision {
    /// The revision of a key that does not exist.
    pub const ABSENT: Self = Self(0);

    /// The revision with a number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The revision after it, where a watch begins that must see everything after a read.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A key that exists, with what the store knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Vec<u8>,
    /// Its value; empty if only keys were read.
    pub value: Vec<u8>,
    /// The revision that created it. If it is deleted and put again, that is another creation.
    pub create_revision: Revision,
    /// The revision that changed it last.
    pub mod_revision: Revision,
    /// How many times it was put since its creation: 1 after the creation.
    pub version: i64,
    /// The lease that it ends with.
    pub lease: Option<LeaseId>,
}

/// Ranges at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The revision of the store that they were read at.
    pub revision: Revision,
    /// The keys of each range, in the order of the request; within a range in the order of their bytes.
    pub ranges: Vec<Vec<KeyValue>>,
}

/// One range at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeSnapshot {
    /// The revision of the store that it was read at.
    pub revision: Revision,
    /// Its keys in the order of their bytes.
    pub keys: Vec<KeyValue>,
}
