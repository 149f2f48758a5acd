use super::{
    PatternReach, Reservation, ReservationConflictTerms, ReservationId, ReservationMode,
    ReservationRecordFlaw, ReservationScope, UnsupportedReservationVersion,
    parse::UnreadReservationFields,
};
use crate::{
    pattern::Pattern,
    rules::{CallerIdentity, OwnerSource},
    words::Timestamp,
};
use serde_json::json;
use std::{ffi::OsString, io, sync::Arc};

/// What stands in the place of a reservation's record.
#[derive(Clone, Debug)]
pub enum ReservationSlot {
    /// A record of a version that this program knows.
    Record(Box<Reservation>),
    /// A record of a later version: something is reserved, nothing more is known.
    Newer(UnsupportedReservationVersion),
    /// Something that is no record.
    Corrupted(ReservationRecordFlaw),
    /// Something that this process may not read.
    Unreadable(Arc<io::Error>),
}

/// One place of a record, with its name in the store.
#[derive(Clone, Debug)]
pub struct ReservationEntry {
    /// The file's name, which is not an id where the record is corrupted.
    pub name: OsString,
    /// What stands there.
    pub slot: ReservationSlot,
}

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingReservation {
    /// Its place: lower numbers came earlier.
    pub number: u64,
    /// Names the request.
    pub id: ReservationId,
    /// The owner and the agent that wait.
    pub identity: CallerIdentity,
    /// The process that waits.
    pub pid: Option<i32>,
    /// Since when.
    pub since: Timestamp,
    /// Where the request is to count.
    pub scope: ReservationScope,
    /// Whether it can be shared.
    pub mode: ReservationMode,
    /// What it asks for.
    pub patterns: Vec<Pattern>,
}

impl WaitingReservation {
    /// What it asks for, as the rules compare it.
    pub fn terms(&self) -> ReservationConflictTerms<'_> {
        let (scope, mode, patterns) = (&self.scope, &self.mode, &*self.patterns);
        ReservationConflictTerms { scope, mode, patterns, reach: PatternReach::All }
    }

    /// The text of its file.
    pub fn encode(&self) -> Vec<u8> {
        let text = json!({
            "owner": self.identity.owner.as_str(),
            "is_owner_given": self.identity.source == OwnerSource::Given,
            "agent_id": self.identity.agent.as_str(),
            "pid": self.pid,
            "since": self.since.to_string(),
            "scope": self.scope.as_str(),
            "tree": self.scope.tree(),
            "mode": self.mode.as_str(),
            "patterns": self.patterns,
        });
        format!("{text}\n").into_bytes()
    }

    /// Reads what [`encode`](Self::encode) has written.
    ///
    /// # Errors
    /// [`ReservationRecordFlaw`] where it is something else.
    pub fn parse(
        bytes: &[u8],
        number: u64,
        id: &ReservationId,
    ) -> Result<Self, ReservationRecordFlaw> {
        let mut fields = UnreadReservationFields::read(bytes)?;
        let is_given = fields.take("is_owner_given", "true or false")?.unwrap_or(false);
        let since = fields.text("since")?.and_then(|text| text.parse().ok());
        Ok(Self {
            number,
            id: id.clone(),
            identity: CallerIdentity {
                owner: fields.owner()?,
                source: if is_given { OwnerSource::Given } else { OwnerSource::Derived },
                agent: fields.agent()?.ok_or(ReservationRecordFlaw::Missing("agent_id"))?,
            },
            pid: fields.pid()?,
            since: since.ok_or(ReservationRecordFlaw::Missing("since"))?,
            scope: fields.scope()?,
            mode: fields.mode()?,
            patterns: fields.patterns()?,
        })
    }
}
