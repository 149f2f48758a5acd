//! The lock record, format version 1: the holder of a name, since when, for how long.
//!
//! # The format
//! One JSON object per file, `version` first. [`LockRecord`] has its fields, [`LockRecord::parse`] reads them,
//! [`LockRecord::encode`] writes them; `docs/formats.md` is the public description.
//!
//! # Rules for changing it
//! * Everything written carries [`FORMAT_VERSION`]; there is no second place that knows the number.
//! * A new field is additive: the version stays, readers ignore what they don't know **and keep it**
//!   when they rewrite a record (a renewal). No field is ever renamed or given another meaning.
//! * A change that an old reader would misunderstand raises the version; older programs then refuse the
//!   file with [`UnsupportedRecordVersion`] instead of guessing.
//! * What a reader of the first release concludes from the fields that it knows stays true: a renewal moves
//!   `acquired_ts` too, and the first of several holders is the one whose lifetime ends last.
//! * `tests/records/` holds a sample of every version ever written, and a test that reads them all.

mod encode;
mod flaw;
mod hold_kind;
mod holders;
mod json_text;
#[cfg(test)]
mod json_text_tests;
mod lines;
mod metadata;
mod parse;
mod record_file;
mod result;
#[cfg(test)]
mod tests;
mod verbatim_json;

pub use encode::LockRecordDisplayJson;
pub use flaw::{LockRecordFlaw, UnsupportedRecordVersion};
pub use hold_kind::HoldKind;
pub use json_text::RawJsonText;
pub(crate) use json_text::read_string;
pub use metadata::LockMetadata;
pub use parse::RecordParseError;
pub use record_file::{RecordCorruption, RecordSlot};

use crate::words::{AgentId, Fence, LockId, LockMode, LockName, Owner, Timestamp};
use std::time::Duration;

/// The version that every record written gets; records up to it are read.
pub const FORMAT_VERSION: u64 = 1;

/// What a lock record or a freeze says.
#[derive(Clone, Debug, PartialEq)]
pub struct LockRecord {
    /// The version the record was read with: 0 where it had none. Writing always gives [`FORMAT_VERSION`].
    pub version: u64,
    /// The name that is held; the file's name decides where the two differ.
    pub name: LockName,
    /// One acquisition's id; absent in records by older programs.
    pub lock_id: Option<LockId>,
    /// The holder of the lock.
    pub owner: Owner,
    /// The host name where it was taken.
    pub host: Option<String>,
    /// The holder's process: the guard's supervisor, the process a lease is tied to, or for people only.
    pub pid: Option<i32>,
    /// Field 22 of `/proc/<pid>/stat`: clock ticks after boot, whatever its JSON name `pid_start_ns` says.
    pub pid_start: Option<u64>,
    /// Which of the owner's agents or terminals.
    pub agent_id: Option<AgentId>,
    /// When the lock was taken, or last renewed: the beginning of `ttl_sec`.
    pub acquired: Timestamp,
    /// The lifetime in seconds, as it was asked for, rounded up.
    pub ttl_sec: Option<u64>,
    /// When the lifetime ends; wins over `acquired + ttl_sec`.
    pub expires_at: Option<Timestamp>,
    /// What the holder wants others to read; any JSON object.
    pub metadata: Option<LockMetadata>,
    /// What the lock's life hangs on; absent in records by other programs.
    pub hold: Option<HoldKind>,
    /// The fence of this acquisition.
    pub fence: Option<Fence>,
    /// What a guard runs.
    pub command: Option<Vec<String>>,
    /// The kernel's boot that `pid` belongs to (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: Option<String>,
    /// The pid namespace that `pid` is a number in (the inode of `/proc/<pid>/ns/pid`).
    pub pid_ns: Option<u64>,
    /// When the lock was taken, whatever was renewed since; absent in records by earlier or other programs.
    pub held_since: Option<Timestamp>,
    /// How many may hold the name at the same time.
    pub mode: LockMode,
    /// The other holders of the name, in the order in which they came. They have neither co-holders themselves
    /// nor another mode.
    pub co_holders: Vec<LockRecord>,
    /// Fields that this version does not know, in their order: kept when the record is rewritten.
    pub unknown: Vec<UnknownRecordField>,
}

/// A field that this version does not know, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRecordField {
    /// Its key, a JSON text.
    pub key: RawJsonText,
    /// Its value.
    pub value: RawJsonText,
}

impl UnknownRecordField {
    /// The key without quotes and escapes.
    pub fn name(&self) -> String {
        self.key.text().unwrap_or_default()
    }
}

impl LockRecord {
    /// When the lock's lifetime ends: `expires_at`, else `acquired_ts + ttl_sec`, else never.
    pub fn expiry(&self) -> Option<Timestamp> {
        let by_ttl = |ttl| self.acquired.saturating_add(Duration::from_secs(ttl));
        self.expires_at.or_else(|| self.ttl_sec.map(by_ttl))
    }

    /// Whether the lifetime has ended at `now`. One that lasts to the last time that there is never ends: what comes
    /// after that cannot be told from it.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expiry().is_some_and(|end| end <= now && !end.is_last())
    }

    /// When the lock was taken. Every age is counted from it.
    pub fn since(&self) -> Timestamp {
        self.held_since.unwrap_or(self.acquired)
    }

    /// When the lifetime ends for the reader that sees it end first: some know `expires_at`, others only `acquired_ts`
    /// and `ttl_sec`. `None` is never.
    pub(crate) fn end_for_every_reader(&self) -> Option<Timestamp> {
        let by_ttl = |ttl| self.acquired.saturating_add(Duration::from_secs(ttl));
        self.expires_at.into_iter().chain(self.ttl_sec.map(by_ttl)).min()
    }

    /// Renews the lifetime: another one begins at `now`. All three times move, because there are readers that know
    /// only `acquired_ts` and `ttl_sec`, and must see the same end; when the lock was taken is kept beside them.
    pub fn renew(&mut self, ttl: Option<Duration>, now: Timestamp) {
        self.held_since.get_or_insert(self.acquired);
        self.acquired = now;
        self.set_lifetime(ttl, now);
    }

    /// Gives the record a lifetime that starts at `now`; `None` is a life without end.
    pub fn set_lifetime(&mut self, ttl: Option<Duration>, now: Timestamp) {
        self.ttl_sec = ttl.map(whole_seconds);
        self.expires_at = ttl.map(|ttl| now.saturating_add(ttl));
    }

    /// Whether the end of the record's process ends the lock: it is tied to one, or another program wrote
    /// it and gave it no expiry.
    pub fn hangs_on_process(&self) -> bool {
        match self.hold {
            Some(HoldKind::Process) => true,
            None => self.expiry().is_none(),
            Some(HoldKind::Guard | HoldKind::Lease | HoldKind::Other(_)) => false,
        }
    }

    /// Whether the record belongs to the acquisition `id`.
    pub fn is_of(&self, id: &LockId) -> bool {
        self.lock_id.as_ref() == Some(id)
    }
}

/// Rounds a lifetime up to whole seconds, as `ttl_sec` holds; `expires_at` keeps the exact time.
pub(crate) fn whole_seconds(span: Duration) -> u64 {
    span.as_secs().saturating_add(u64::from(span.subsec_nanos() > 0))
}
