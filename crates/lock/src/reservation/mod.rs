//! Reservations: claims on paths of a project, with an owner, a reason and an end. Functions of values; nothing here
//! reads a file or a clock.
//!
//! # The format, version 1
//! One JSON object per file, `version` first. [`Reservation`] has its fields, [`Reservation::parse`] reads them,
//! [`Reservation::encode`] writes them; `docs/formats.md` is the public description. The rules for changing it are
//! those of the [lock record](crate::record): a new field is additive, readers keep the fields that they do not know,
//! and a change that an old reader would misunderstand raises the version, which old readers refuse.
//!
//! # The rules
//! * [`judge`]: whether a record still stands.
//! * [`is_own`]: whether a reservation is the caller's.
//! * [`conflicts`]: whether a request and a reservation exclude each other, with a path as evidence.
//! * [`covering`]: which of many reservations cover each of many files.
//! * [`extended`], [`reduced`]: what a reservation becomes when its owner asks for more, or gives back a part.
//! * [`circle`]: whether a wait would never end.
//! * [`begin_edit`], [`end_edit`], [`keep_edit`], [`may_yield`]: what becomes of a reservation that a hook made for one
//!   file.
//!
//! A word of a later version counts as the one that excludes most: an unknown scope counts everywhere, an unknown mode
//! is exclusive.

mod attributes;
mod change;
mod circle;
mod conflict;
mod coverage;
mod edit;
mod encode;
mod error;
mod id;
mod ownership;
mod parse;
mod request;
#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod tests;
mod verdict;

pub use attributes::{ReservationMode, ReservationOrigin, ReservationScope, WorktreeId};
pub use change::{PatternReleaseOutcome, extended, is_extension, reduced};
pub use circle::{ReservationWaitCycleLink, circle};
pub use conflict::{PatternConflict, PatternReach, ReservationConflictTerms, conflicts, free_of};
pub use coverage::covering;
pub use edit::{
    EDIT_TTL, EditChange, EditEnd, EditState, EditTargetKind, KEPT_BY_CALL, QUIET_BEFORE_YIELD,
    RENEWED_AFTER_EDIT, SessionActivity, begin_edit, end_edit, keep_edit, may_yield,
};
pub use error::{ReservationParseError, ReservationRecordFlaw, UnsupportedReservationVersion};
pub use id::{InvalidReservationId, ReservationId};
pub use ownership::{is_own, is_own_for_edit};
pub use request::{ReservationEntry, ReservationSlot, WaitingReservation};
pub use verdict::judge;

use crate::{
    pattern::Pattern,
    record::{HoldKind, UnknownRecordField, whole_seconds},
    rules::RecordedProcess,
    words::{AgentId, Owner, Timestamp},
};
use std::time::Duration;

/// The version that every record written gets; records up to it are read.
pub const RESERVATION_FORMAT_VERSION: u64 = 1;

/// What the record of a reservation says.
#[derive(Clone, Debug, PartialEq)]
pub struct Reservation {
    /// The version that the record was read with: 0 where it had none. Writing always gives
    /// [`RESERVATION_FORMAT_VERSION`].
    pub version: u64,
    /// The id; the file's name decides where the two differ.
    pub id: ReservationId,
    /// Whose it is.
    pub owner: Owner,
    /// Which of the owner's agents or terminals.
    pub agent_id: Option<AgentId>,
    /// The host name where it was made.
    pub host: Option<String>,
    /// The process that it is tied to, or for people only.
    pub pid: Option<i32>,
    /// Field 22 of `/proc/<pid>/stat`: clock ticks after boot. In JSON `pid_start_ns`, as in the lock record.
    pub pid_start: Option<u64>,
    /// The kernel's boot that `pid` belongs to.
    pub boot_id: Option<String>,
    /// The pid namespace that `pid` is a number in.
    pub pid_ns: Option<u64>,
    /// What its life depends on: a lease, or a process as well.
    pub hold: HoldKind,
    /// When it was made, or last renewed: the beginning of `ttl_sec`.
    pub acquired: Timestamp,
    /// The lifetime in seconds, rounded up.
    pub ttl_sec: Option<u64>,
    /// When the lifetime ends; wins over `acquired + ttl_sec`.
    pub expires_at: Option<Timestamp>,
    /// When it was made, where it was renewed since.
    pub held_since: Option<Timestamp>,
    /// Where it counts.
    pub scope: ReservationScope,
    /// Whether others may reserve the same paths in the shared mode.
    pub mode: ReservationMode,
    /// What it covers; at least one pattern.
    pub patterns: Vec<Pattern>,
    /// Why, for people.
    pub reason: Option<String>,
    /// What made it.
    pub origin: ReservationOrigin,
    /// The file, where a hook made it. A record without it covers what its patterns cover, whatever its origin.
    pub edit: Option<EditState>,
    /// Fields that this version does not know, in their order: kept when the record is rewritten.
    pub unknown: Vec<UnknownRecordField>,
}

impl Reservation {
    /// When the lifetime ends: `expires_at`, else `acquired_ts + ttl_sec`, else never.
    pub fn expiry(&self) -> Option<Timestamp> {
        let by_ttl = |ttl| self.acquired.saturating_add(Duration::from_secs(ttl));
        self.expires_at.or_else(|| self.ttl_sec.map(by_ttl))
    }

    /// Whether the lifetime has ended at `now`. One that lasts to the last time that there is never ends.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expiry().is_some_and(|end| end <= now && !end.is_last())
    }

    /// When it was made. Every age is counted from it.
    pub fn since(&self) -> Timestamp {
        self.held_since.unwrap_or(self.acquired)
    }

    /// Gives it a lifetime that starts at `now`, unless its present one lasts longer.
    pub fn prolong(&mut self, ttl: Duration, now: Timestamp) {
        let end = now.saturating_add(ttl);
        if self.expiry().is_none_or(|present| present >= end) {
            return;
        }
        self.held_since.get_or_insert(self.acquired);
        self.acquired = now;
        self.ttl_sec = Some(whole_seconds(ttl));
        self.expires_at = Some(end);
    }

    /// Gives it a lifetime from `now` to `end`, also a shorter one than it has.
    pub fn end_at(&mut self, end: Timestamp, now: Timestamp) {
        self.held_since.get_or_insert(self.acquired);
        self.acquired = now;
        self.ttl_sec = Some(whole_seconds(end.since(now)));
        self.expires_at = Some(end);
    }

    /// Where and how it counts.
    pub fn terms(&self) -> ReservationConflictTerms<'_> {
        let (scope, mode, patterns) = (&self.scope, &self.mode, &*self.patterns);
        ReservationConflictTerms { scope, mode, patterns, reach: self.reach() }
    }

    /// What its patterns cover.
    fn reach(&self) -> PatternReach {
        match &self.edit {
            Some(edit) if edit.kind == EditTargetKind::File => PatternReach::OneFile,
            _ => PatternReach::All,
        }
    }
}

impl<'a> From<&'a Reservation> for RecordedProcess<'a> {
    fn from(record: &'a Reservation) -> Self {
        Self {
            pid: record.pid,
            pid_start: record.pid_start,
            host: record.host.as_deref(),
            boot_id: record.boot_id.as_deref(),
            pid_ns: record.pid_ns,
        }
    }
}
