use super::{
    EditState, EditTargetKind, RESERVATION_FORMAT_VERSION, Reservation, ReservationId,
    ReservationMode, ReservationOrigin, ReservationParseError, ReservationRecordFlaw,
    ReservationScope, UnsupportedReservationVersion, WorktreeId,
};
use crate::{
    pattern::Pattern,
    record::{HoldKind, RawJsonText, UnknownRecordField, read_string},
    words::{AgentId, Owner, Timestamp},
};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

impl Reservation {
    /// Reads a record of version 0 or 1 with the id that the file's name gives.
    ///
    /// Only `owner`, `acquired_ts` and `patterns` must be there. JSON `null`, a `ttl_sec` of 0 and the year 1 count as
    /// absent, and the last of equal keys counts.
    ///
    /// # Errors
    /// [`ReservationParseError::Newer`] for a version above [`RESERVATION_FORMAT_VERSION`], whatever else the file
    /// holds; [`ReservationParseError::Flaw`] for anything that is no record.
    pub fn parse(bytes: &[u8], id: &ReservationId) -> Result<Self, ReservationParseError> {
        if bytes.is_empty() {
            return Err(ReservationRecordFlaw::Empty.into());
        }
        let mut fields = UnreadReservationFields::read(bytes)?;
        let version = fields.take("version", "a whole number from 0")?.unwrap_or(0);
        if version > RESERVATION_FORMAT_VERSION {
            return Err(UnsupportedReservationVersion { found: version }.into());
        }
        Ok(fields.into_reservation(version, id)?)
    }
}

/// The fields not yet read, in their order; what remains at the end is unknown to this version.
pub(super) struct UnreadReservationFields<'a>(Vec<UnreadField<'a>>);

struct UnreadField<'a> {
    /// The key without its quotes and escapes.
    name: Cow<'a, str>,
    key: &'a RawValue,
    value: &'a RawValue,
}

impl<'de: 'a, 'a> Deserialize<'de> for UnreadReservationFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReservationFieldsVisitor)
    }
}

struct ReservationFieldsVisitor;

impl<'de> Visitor<'de> for ReservationFieldsVisitor {
    type Value = UnreadReservationFields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(28);
        while let Some((key, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
            let name = read_string(key).map_err(serde::de::Error::custom)?;
            fields.push(UnreadField { name, key, value });
        }
        Ok(UnreadReservationFields(fields))
    }
}

impl<'a> UnreadReservationFields<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ReservationRecordFlaw> {
        let not_json = |error: &dyn fmt::Display| ReservationRecordFlaw::NotJson(error.to_string());
        // The check for UTF-8 runs once here, not for each field.
        let text = str::from_utf8(bytes).map_err(|error| not_json(&error))?;
        serde_json::from_str(text).map_err(|error| not_json(&error))
    }

    /// Takes a field out as it was written; the last of equal keys counts, and `null` counts as absent.
    fn take_raw(&mut self, field: &str) -> Option<&'a RawValue> {
        let is_it = |it: &UnreadField<'_>| it.name == field;
        let at = self.0.iter().position(is_it)?;
        let first = self.0.remove(at);
        // One pass removes all repetitions of the key.
        let is_repeated = self.0.iter().skip(at).any(is_it);
        let last = if is_repeated { self.0.extract_if(at.., |it| is_it(it)).last() } else { None };
        Some(last.unwrap_or(first).value).filter(|raw| raw.get() != "null")
    }

    /// Takes a field out and reads it.
    pub(super) fn take<T: DeserializeOwned>(
        &mut self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, ReservationRecordFlaw> {
        let wrong = |_| ReservationRecordFlaw::WrongType { field, expected };
        let read = |raw: &RawValue| serde_json::from_str(raw.get());
        self.take_raw(field).map(read).transpose().map_err(wrong)
    }

    fn take_string(
        &mut self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<Option<Cow<'a, str>>, ReservationRecordFlaw> {
        let wrong = |_| ReservationRecordFlaw::WrongType { field, expected };
        self.take_raw(field).map(read_string).transpose().map_err(wrong)
    }

    pub(super) fn text(
        &mut self,
        field: &'static str,
    ) -> Result<Option<String>, ReservationRecordFlaw> {
        Ok(self.take_string(field, "a string")?.map(Cow::into_owned))
    }

    fn number(&mut self, field: &'static str) -> Result<Option<u64>, ReservationRecordFlaw> {
        self.take(field, "a whole number from 0")
    }

    fn time(&mut self, field: &'static str) -> Result<Option<Timestamp>, ReservationRecordFlaw> {
        let expected = "a time like 2026-02-01T10:00:00Z";
        let wrong = |_| ReservationRecordFlaw::WrongType { field, expected };
        let text = self.take_string(field, expected)?;
        text.map(|text| text.parse()).transpose().map_err(wrong)
    }

    /// The patterns; a request of a waiter has them in the same form.
    pub(super) fn patterns(&mut self) -> Result<Vec<Pattern>, ReservationRecordFlaw> {
        let expected = "a list of patterns";
        let list = self.take_raw("patterns").ok_or(ReservationRecordFlaw::Missing("patterns"))?;
        let wrong = ReservationRecordFlaw::WrongType { field: "patterns", expected };
        let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(list.get()) else {
            return Err(wrong);
        };
        if list.is_empty() {
            return Err(wrong);
        }
        let read = |raw: &&RawValue| match read_string(raw) {
            Ok(text) => text.parse().map_err(serde::de::Error::custom),
            Err(_) => serde_json::from_value(serde_json::from_str(raw.get())?),
        };
        let patterns: Result<Vec<Pattern>, serde_json::Error> = list.iter().map(read).collect();
        patterns.map_err(|error| ReservationRecordFlaw::Pattern(error.to_string()))
    }

    /// The scope with its worktree. A `tree` that belongs to no scope of this version is kept as an unknown field.
    pub(super) fn scope(&mut self) -> Result<ReservationScope, ReservationRecordFlaw> {
        match self.text("scope")?.as_deref() {
            None | Some("repository") => Ok(ReservationScope::Repository),
            Some("tree") => {
                let tree = self.text("tree")?.and_then(|text| WorktreeId::from_record(&text));
                tree.map(ReservationScope::Tree).ok_or(ReservationRecordFlaw::Missing("tree"))
            }
            Some(other) => Ok(ReservationScope::Other(other.to_owned(), self.text("tree")?)),
        }
    }

    pub(super) fn mode(&mut self) -> Result<ReservationMode, ReservationRecordFlaw> {
        let mode = self.text("mode")?;
        Ok(mode.map_or(ReservationMode::Exclusive, |text| ReservationMode::from_record(&text)))
    }

    pub(super) fn owner(&mut self) -> Result<Owner, ReservationRecordFlaw> {
        let owner = self.text("owner")?.ok_or(ReservationRecordFlaw::Missing("owner"))?;
        Ok(Owner::from_record(&owner))
    }

    pub(super) fn agent(&mut self) -> Result<Option<AgentId>, ReservationRecordFlaw> {
        Ok(self.text("agent_id")?.and_then(|text| AgentId::new(&text)))
    }

    pub(super) fn pid(&mut self) -> Result<Option<i32>, ReservationRecordFlaw> {
        let pid: Option<i32> = self.take("pid", "a process id")?;
        Ok(pid.filter(|pid| *pid > 0))
    }

    fn into_reservation(
        mut self,
        version: u64,
        id: &ReservationId,
    ) -> Result<Reservation, ReservationRecordFlaw> {
        self.text("id")?;
        let hold = self.text("hold")?;
        let origin = self.text("origin")?;
        Ok(Reservation {
            version,
            id: id.clone(),
            owner: self.owner()?,
            agent_id: self.agent()?,
            host: self.text("host")?,
            pid: self.pid()?,
            pid_start: self.number("pid_start_ns")?,
            boot_id: self.text("boot_id")?,
            pid_ns: self.number("pid_ns")?,
            hold: hold.map_or(HoldKind::Lease, |text| HoldKind::from_record(&text)),
            acquired: self
                .time("acquired_ts")?
                .ok_or(ReservationRecordFlaw::Missing("acquired_ts"))?,
            // As in the lock record: some programs write zero for what is absent.
            ttl_sec: self.number("ttl_sec")?.filter(|ttl| *ttl > 0),
            expires_at: self.time("expires_at")?.filter(|time| !time.is_zero_time()),
            held_since: self.time("held_since")?,
            scope: self.scope()?,
            mode: self.mode()?,
            patterns: self.patterns()?,
            reason: self.text("reason")?,
            origin: origin
                .map_or(ReservationOrigin::Command, |text| ReservationOrigin::from_record(&text)),
            edit: self.edit()?,
            unknown: self.unknown()?,
        })
    }

    /// What a hook says of its file.
    fn edit(&mut self) -> Result<Option<EditState>, ReservationRecordFlaw> {
        let Some(file) = self.text("file")? else { return Ok(None) };
        let kind = self.text("file_kind")?;
        Ok(Some(EditState {
            file,
            kind: kind.map_or(EditTargetKind::Folder, |text| EditTargetKind::from_record(&text)),
            is_confirmed: self.take("confirmed", "true or false")?.unwrap_or(false),
            last_edit: self.time("last_edit_ts")?,
            call: self.text("tool_call")?,
            file_state: self.text("file_state")?,
            earlier_end: self.time("earlier_expires_at")?,
        }))
    }

    fn unknown(self) -> Result<Vec<UnknownRecordField>, ReservationRecordFlaw> {
        let keep = |raw: &RawValue| {
            RawJsonText::checked(raw)
                .map_err(|error| ReservationRecordFlaw::NotJson(error.to_string()))
        };
        let field = |field: UnreadField<'_>| {
            Ok(UnknownRecordField { key: keep(field.key)?, value: keep(field.value)? })
        };
        self.0.into_iter().map(field).collect()
    }
}
