use super::{
    FORMAT_VERSION, HoldKind, LockRecord, RecordFlaw, UnsupportedVersion,
    verbatim_json::VerbatimJson,
};
use crate::words::{AgentId, Fence, LockId, LockMode, LockName, Owner, Timestamp};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value, error::Category};
use std::{borrow::Cow, fmt, num::NonZeroU32};

/// Says why bytes were not read as a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordParseError {
    /// A newer Lokt wrote it.
    #[error(transparent)]
    Newer(#[from] UnsupportedVersion),
    /// It is no record.
    #[error(transparent)]
    Flaw(#[from] RecordFlaw),
}

impl LockRecord {
    /// Reads a record of version 0 or 1 for the lock `name`.
    ///
    /// Only `owner` and `acquired_ts` must be there: a record of another program that leaves out more is
    /// still somebody's lock. JSON `null`, a `ttl_sec` of 0 and the year 1 count as absent.
    ///
    /// # Errors
    /// [`RecordParseError::Newer`] for a version above [`FORMAT_VERSION`], whatever else the file holds;
    /// [`ParseError::Flaw`] for anything that is no record.
    pub fn parse(bytes: &[u8], name: &LockName) -> Result<Self, RecordParseError> {
        if bytes.is_empty() {
            return Err(RecordFlaw::Empty.into());
        }
        let mut fields: RecordFields = serde_json::from_slice(bytes).map_err(|error| {
            match (error.classify(), bytes.trim_ascii_start().first()) {
                // Another kind of document, as far as its first byte tells.
                (Category::Data, Some(first)) if *first != b'{' => RecordFlaw::NotAnObject,
                _ => RecordFlaw::NotJson(error.to_string()),
            }
        })?;
        let version = fields.version()?;
        Ok(fields.into_record(version, name)?)
    }
}

/// The fields not yet read, in their order; what remains at the end is unknown to this version.
///
/// A list, because a record has so few fields that looking through them costs less than a table.
struct RecordFields(Vec<(FieldName, Value)>);

impl<'de> Deserialize<'de> for RecordFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordFieldsVisitor)
    }
}

/// A field's name. Those of the format need no memory of their own.
struct FieldName(Cow<'static, str>);

impl FieldName {
    fn of(text: Cow<'_, str>) -> Self {
        let known = KNOWN.into_iter().find(|known| *known == text);
        Self(known.map_or_else(|| Cow::Owned(text.into_owned()), Cow::Borrowed))
    }
}

const KNOWN: [&str; 21] = [
    "version",
    "name",
    "lock_id",
    "owner",
    "host",
    "pid",
    "pid_start_ns",
    "agent_id",
    "acquired_ts",
    "ttl_sec",
    "expires_at",
    "metadata",
    "hold",
    "fence",
    "command",
    "boot_id",
    "pid_ns",
    "held_since",
    "mode",
    "slots",
    "co_holders",
];

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FieldNameVisitor)
    }
}

struct FieldNameVisitor;

impl Visitor<'_> for FieldNameVisitor {
    type Value = FieldName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<FieldName, E> {
        Ok(FieldName::of(Cow::Borrowed(text)))
    }
}

struct RecordFieldsVisitor;

impl<'de> Visitor<'de> for RecordFieldsVisitor {
    type Value = RecordFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RecordFields, A::Error> {
        let mut fields = Vec::with_capacity(16);
        while let Some((key, VerbatimJson(value))) = map.next_entry()? {
            fields.push((key, value));
        }
        Ok(RecordFields(fields))
    }
}

impl RecordFields {
    /// The fields of an object that has been read.
    fn of(object: Map<String, Value>) -> Self {
        Self(
            object
                .into_iter()
                .map(|(key, value)| (FieldName::of(Cow::Owned(key)), value))
                .collect(),
        )
    }

    fn version(&mut self) -> Result<u64, RecordParseError> {
        let found = self.number("version")?.unwrap_or(0);
        if found > FORMAT_VERSION {
            return Err(UnsupportedVersion { found }.into());
        }
        Ok(found)
    }

    fn into_record(mut self, version: u64, name: &LockName) -> Result<LockRecord, RecordFlaw> {
        self.text("name")?;
        let mode = self.mode()?;
        let co_holders = self.co_holders(mode, version, name)?;
        let mut record = LockRecord { co_holders, ..self.into_holder(mode, version, name)? };
        record.sort_by_arrival();
        Ok(record)
    }

    fn into_holder(
        mut self,
        mode: LockMode,
        version: u64,
        name: &LockName,
    ) -> Result<LockRecord, RecordFlaw> {
        Ok(LockRecord {
            version,
            name: name.clone(),
            lock_id: self.text("lock_id")?.and_then(|text| LockId::from_record(&text)),
            owner: required("owner", self.text("owner")?).map(|text| Owner::from_record(&text))?,
            host: self.text("host")?,
            pid: self.pid()?,
            pid_start: self.number("pid_start_ns")?,
            agent_id: self.text("agent_id")?.and_then(|text| AgentId::new(&text)),
            acquired: required("acquired_ts", self.time("acquired_ts")?)?,
            ttl_sec: self.number("ttl_sec")?.filter(|ttl| *ttl > 0),
            expires_at: self.time("expires_at")?.filter(|time| !time.is_zero_time()),
            metadata: self.object("metadata")?,
            hold: self.text("hold")?.map(|text| HoldKind::from_record(&text)),
            fence: self.number("fence")?.map(Fence::new),
            command: self.texts("command")?,
            boot_id: self.text("boot_id")?,
            pid_ns: self.number("pid_ns")?,
            held_since: self.time("held_since")?,
            mode,
            co_holders: Vec::new(),
            unknown: self.0.into_iter().map(|(key, value)| (key.0.into_owned(), value)).collect(),
        })
    }

    /// How many may hold the name. A mode of a later version is kept as it stands, and gets on with nobody.
    fn mode(&mut self) -> Result<LockMode, RecordFlaw> {
        let slots = self.number("slots")?;
        let mode = match self.text("mode")?.as_deref() {
            None | Some("exclusive") => LockMode::Exclusive,
            Some("shared") => LockMode::Shared,
            Some("slots") => {
                let slots = slots.ok_or(RecordFlaw::Missing("slots"))?;
                let slots = u32::try_from(slots).ok().and_then(NonZeroU32::new);
                return slots.map(LockMode::Slots).ok_or(wrong("slots", "a whole number from 1"));
            }
            Some(later) => {
                self.0.push((FieldName::of(Cow::Borrowed("mode")), later.into()));
                LockMode::Exclusive
            }
        };
        // A number without a meaning here may have one for whoever wrote it.
        self.0.extend(slots.map(|slots| (FieldName::of(Cow::Borrowed("slots")), slots.into())));
        Ok(mode)
    }

    fn co_holders(
        &mut self,
        mode: LockMode,
        version: u64,
        name: &LockName,
    ) -> Result<Vec<LockRecord>, RecordFlaw> {
        let Some(value) = self.take("co_holders") else {
            return Ok(Vec::new());
        };
        let flaw = || wrong("co_holders", "a list of objects");
        let Value::Array(list) = value else { return Err(flaw()) };
        let holders = list.into_iter().map(|value| {
            let Value::Object(fields) = value else { return Err(flaw()) };
            Self::of(fields).into_holder(mode, version, name)
        });
        holders.collect()
    }

    /// Takes a field out; `null` counts as absent. The last of equal keys counts.
    fn take(&mut self, field: &'static str) -> Option<Value> {
        // In one pass, however often the key is there: a hostile file has nothing but equal keys.
        let (_, value) = self.0.extract_if(.., |(key, _)| key.0 == field).last()?;
        (!value.is_null()).then_some(value)
    }

    fn text(&mut self, field: &'static str) -> Result<Option<String>, RecordFlaw> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(field, "a string")),
        }
    }

    fn texts(&mut self, field: &'static str) -> Result<Option<Vec<String>>, RecordFlaw> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        serde_json::from_value(value).map(Some).map_err(|_| wrong(field, "a list of strings"))
    }

    fn number(&mut self, field: &'static str) -> Result<Option<u64>, RecordFlaw> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        value.as_u64().map(Some).ok_or(wrong(field, "a whole number from 0"))
    }

    fn pid(&mut self) -> Result<Option<i32>, RecordFlaw> {
        let Some(number) = self.number("pid")? else {
            return Ok(None);
        };
        let pid = i32::try_from(number).map_err(|_| wrong("pid", "a process id"))?;
        Ok((pid > 0).then_some(pid))
    }

    fn time(&mut self, field: &'static str) -> Result<Option<Timestamp>, RecordFlaw> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| wrong(field, "an RFC 3339 time"))
    }

    fn object(&mut self, field: &'static str) -> Result<Option<Map<String, Value>>, RecordFlaw> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(wrong(field, "an object")),
        }
    }
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, RecordFlaw> {
    value.ok_or(RecordFlaw::Missing(field))
}

fn wrong(field: &'static str, expected: &'static str) -> RecordFlaw {
    RecordFlaw::WrongType { field, expected }
}
