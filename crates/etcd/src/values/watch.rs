use super::{KeyRange, KeyValue, Revision};
use crate::error::ClusterError;

/// A range that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedRange {
    /// Which keys. Its content and its limit do not count here.
    pub range: KeyRange,
    /// Which of their events.
    pub kinds: WatchedKinds,
}

/// Which events of a range are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WatchedKinds {
    /// Puts and deletions.
    All,
    /// Puts.
    Puts,
    /// Deletions, by a call or by the end of a lease.
    Deletions,
}

/// What a watch has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// A key was put.
    Put(KeyValue),
    /// A key was deleted, or its lease has ended.
    Deleted {
        /// The key.
        key: Vec<u8>,
        /// The revision of the deletion.
        mod_revision: Revision,
    },
    /// The watch has ended, and events may be missing: read again. It is the last event. The kind says why:
    /// [`Compacted`](crate::ClusterErrorKind::Compacted), [`NotAuthorised`](crate::ClusterErrorKind::NotAuthorised), or
    /// that no member could go on.
    Lost(ClusterError),
}
