use std::fmt;

/// What a lock's life depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldKind {
    /// A live process tree: the kernel-held lock on the guard's ticket proves it.
    Guard,
    /// Bound to no process: the lock lives until its expiry or until it is unlocked.
    Lease,
    /// One process, named by the record (`lock --pid`).
    Process,
    /// A kind that a later version writes. It is taken to be held until its expiry.
    Other(String),
}

impl HoldKind {
    /// Reads the kind as it stands in a record.
    pub fn from_record(text: &str) -> Self {
        match text {
            "guard" => Self::Guard,
            "lease" => Self::Lease,
            "process" => Self::Process,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The kind as it stands in a record.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Guard => "guard",
            Self::Lease => "lease",
            Self::Process => "process",
            Self::Other(text) => text,
        }
    }
}

impl fmt::Display for HoldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
