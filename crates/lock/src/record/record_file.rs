use super::{LockRecord, LockRecordFlaw, UnsupportedRecordVersion};
use std::{io, sync::Arc, time::Duration};

/// What stands where a record may stand.
#[derive(Clone, Debug)]
pub enum RecordSlot {
    /// Nothing.
    Absent,
    /// A record of a version that this program knows.
    Record(Box<LockRecord>),
    /// A record of a later version: the name has a holder, nothing more is known.
    Newer(UnsupportedRecordVersion),
    /// Something that is no record.
    Corrupted(RecordCorruption),
    /// Something that this process may not read.
    Unreadable(Arc<io::Error>),
}

/// What is known of a corrupt file in a record's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordCorruption {
    /// What is wrong with it.
    pub flaw: LockRecordFlaw,
    /// How long ago it was last changed.
    pub age: Duration,
    /// Whether it was last changed before this boot, so that no process of now wrote it.
    pub before_boot: bool,
}

impl RecordSlot {
    /// The record, where one stands.
    pub fn record(&self) -> Option<&LockRecord> {
        match self {
            Self::Record(record) => Some(record),
            _ => None,
        }
    }

    /// The record, where one stands.
    pub fn into_record(self) -> Option<LockRecord> {
        match self {
            Self::Record(record) => Some(*record),
            _ => None,
        }
    }
}
