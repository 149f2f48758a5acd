use super::{
    FORMAT_VERSION, HoldKind, LockMetadata, LockRecord, LockRecordFlaw, RawJsonText,
    UnknownRecordField, UnsupportedRecordVersion,
    json_text::{depth, read_string},
    verbatim_json::VerbatimJson,
};
use crate::words::{AgentId, Fence, LockId, LockMode, LockName, Owner, Timestamp};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Value, error::Category, value::RawValue};
use std::{fmt, num::NonZeroU32};

/// How deep the values of a record may be nested: as a promise to the stack of every reader.
pub(super) const DEEPEST: usize = 127;

/// Says why bytes were not read as a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordParseError {
    /// A newer Lokt wrote it.
    #[error(transparent)]
    Newer(#[from] UnsupportedRecordVersion),
    /// It is no record.
    #[error(transparent)]
    Flaw(#[from] LockRecordFlaw),
}

impl LockRecord {
    /// Reads a record of version 0 or 1 for the lock `name`.
    ///
    /// Only `owner` and `acquired_ts` must be there: a record of another program that leaves out more is still
    /// a lock. JSON `null`, a `ttl_sec` of 0 and the year 1 count as absent.
    ///
    /// # Errors
    /// [`RecordParseError::Newer`] for a version above [`FORMAT_VERSION`], whatever else the file holds;
    /// [`RecordParseError::Flaw`] for anything that is no record.
    pub fn parse(bytes: &[u8], name: &LockName) -> Result<Self, RecordParseError> {
        if bytes.is_empty() {
            return Err(LockRecordFlaw::Empty.into());
        }
        let mut fields: UnreadRecordFields<'_> =
            serde_json::from_slice(bytes).map_err(|error| {
                match (error.classify(), bytes.trim_ascii_start().first()) {
                    // Another kind of document, as far as its first byte tells.
                    (Category::Data, Some(first)) if *first != b'{' => LockRecordFlaw::NotAnObject,
                    _ => LockRecordFlaw::NotJson(error.to_string()),
                }
            })?;
        if fields.has_texts() && depth(bytes) > DEEPEST {
            let flaw = format!("nested deeper than {DEEPEST} levels");
            return Err(LockRecordFlaw::NotJson(flaw).into());
        }
        let version = fields.version()?;
        Ok(fields.into_record(version, name)?)
    }
}

/// The fields not yet read, in their order; what remains at the end is unknown to this version.
///
/// A list, because a record has so few fields that looking through them costs less than a table.
struct UnreadRecordFields<'a>(Vec<Field<'a>>);

struct Field<'a> {
    key: RecordFieldName<'a>,
    value: RawOrParsedValue<'a>,
}

/// A field's value: what every record has is read at once, the rest is kept as it stands.
enum RawOrParsedValue<'a> {
    Read(Value),
    AsItStands(&'a RawValue),
}

/// A field's name: the one of the format, and how it is written in the file.
struct RecordFieldName<'a> {
    known: Option<&'static str>,
    written: &'a RawValue,
}

impl<'de: 'a, 'a> Deserialize<'de> for UnreadRecordFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordFieldsVisitor)
    }
}

/// The fields of the format that are kept as they stand until they are asked for: those that a holder beside the first
/// has only by mistake, and those that hold objects.
const AS_IT_STANDS: [&str; 6] = ["version", "name", "metadata", "mode", "slots", "co_holders"];

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

impl<'de: 'a, 'a> Deserialize<'de> for RecordFieldName<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written: &RawValue = Deserialize::deserialize(deserializer)?;
        let name = read_string(written).map_err(D::Error::custom)?;
        let known = KNOWN.iter().copied().find(|known| *known == name);
        Ok(Self { known, written })
    }
}

struct RecordFieldsVisitor;

impl<'de> Visitor<'de> for RecordFieldsVisitor {
    type Value = UnreadRecordFields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UnreadRecordFields<'de>, A::Error> {
        let mut fields = Vec::with_capacity(20);
        while let Some(key) = map.next_key::<RecordFieldName<'de>>()? {
            let value = match key.known {
                Some(known) if !AS_IT_STANDS.contains(&known) => {
                    RawOrParsedValue::Read(map.next_value::<VerbatimJson>()?.0)
                }
                _ => RawOrParsedValue::AsItStands(map.next_value()?),
            };
            fields.push(Field { key, value });
        }
        Ok(UnreadRecordFields(fields))
    }
}

impl<'a> UnreadRecordFields<'a> {
    /// Whether there are texts whose depth is not checked yet.
    fn has_texts(&self) -> bool {
        self.0.iter().any(|field| match field.value {
            RawOrParsedValue::AsItStands(raw) => raw.get().starts_with(['{', '[']),
            RawOrParsedValue::Read(_) => false,
        })
    }

    fn version(&mut self) -> Result<u64, RecordParseError> {
        let found = self.number("version")?.unwrap_or(0);
        if found > FORMAT_VERSION {
            return Err(UnsupportedRecordVersion { found }.into());
        }
        Ok(found)
    }

    fn into_record(mut self, version: u64, name: &LockName) -> Result<LockRecord, LockRecordFlaw> {
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
    ) -> Result<LockRecord, LockRecordFlaw> {
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
            metadata: self.metadata()?,
            hold: self.text("hold")?.map(|text| HoldKind::from_record(&text)),
            fence: self.number("fence")?.map(Fence::new),
            command: self.texts("command")?,
            boot_id: self.text("boot_id")?,
            pid_ns: self.number("pid_ns")?,
            held_since: self.time("held_since")?,
            mode,
            co_holders: Vec::new(),
            unknown: self.0.iter().map(Field::unknown).collect::<Result<_, _>>()?,
        })
    }

    /// How many may hold the name. A mode of a later version is kept as it is, and conflicts with every other.
    fn mode(&mut self) -> Result<LockMode, LockRecordFlaw> {
        let (slots_field, mode_field) = (self.take_field("slots"), self.take_field("mode"));
        let slots = slots_field.as_ref().map(Field::read).transpose()?.filter(|it| !it.is_null());
        let slots = slots.map(|it| it.as_u64().ok_or(wrong("slots", "a whole number from 0")));
        let slots = slots.transpose()?;
        let mode = mode_field.as_ref().map(Field::read).transpose()?.filter(|it| !it.is_null());
        let mode = match mode {
            None => LockMode::Exclusive,
            Some(Value::String(text)) => match text.as_str() {
                "exclusive" => LockMode::Exclusive,
                "shared" => LockMode::Shared,
                "slots" => {
                    let slots = slots.ok_or(LockRecordFlaw::Missing("slots"))?;
                    let slots = u32::try_from(slots).ok().and_then(NonZeroU32::new);
                    return slots
                        .map(LockMode::Slots)
                        .ok_or(wrong("slots", "a whole number from 1"));
                }
                _later => {
                    self.0.extend(mode_field);
                    LockMode::Exclusive
                }
            },
            Some(_) => return Err(wrong("mode", "a string")),
        };
        // A number without a meaning here may have one for the program that wrote it.
        self.0.extend(slots_field.filter(|_| slots.is_some()));
        Ok(mode)
    }

    fn co_holders(
        &mut self,
        mode: LockMode,
        version: u64,
        name: &LockName,
    ) -> Result<Vec<LockRecord>, LockRecordFlaw> {
        let Some(list) = self.take_as_it_stands("co_holders") else {
            return Ok(Vec::new());
        };
        let flaw = |_| wrong("co_holders", "a list of objects");
        let list: Vec<UnreadRecordFields<'_>> = serde_json::from_str(list.get()).map_err(flaw)?;
        list.into_iter().map(|fields| fields.into_holder(mode, version, name)).collect()
    }

    fn metadata(&mut self) -> Result<Option<LockMetadata>, LockRecordFlaw> {
        let Some(object) = self.take_as_it_stands("metadata") else {
            return Ok(None);
        };
        if !object.get().starts_with('{') {
            return Err(wrong("metadata", "an object"));
        }
        LockMetadata::checked(object)
            .map(Some)
            .map_err(|error| LockRecordFlaw::NotJson(error.to_string()))
    }

    /// Takes a field out. The last of equal keys counts.
    fn take_field(&mut self, name: &'static str) -> Option<Field<'a>> {
        let is_asked = |field: &Field<'a>| field.key.known == Some(name);
        let last = self.0.iter().rposition(is_asked)?;
        let field = self.0.remove(last);
        // In one pass, however often the key is there: a hostile file has nothing but equal keys.
        if self.0.iter().take(last).any(is_asked) {
            self.0.retain(|field| !is_asked(field));
        }
        Some(field)
    }

    /// Takes a field out as it stands; `null` counts as absent.
    fn take_as_it_stands(&mut self, name: &'static str) -> Option<&'a RawValue> {
        match self.take_field(name)?.value {
            RawOrParsedValue::AsItStands(raw) if raw.get() != "null" => Some(raw),
            _ => None,
        }
    }

    /// Takes a field out; `null` counts as absent.
    fn take(&mut self, name: &'static str) -> Result<Option<Value>, LockRecordFlaw> {
        let value = match self.take_field(name) {
            Some(Field { value: RawOrParsedValue::Read(value), .. }) => value,
            Some(field) => field.read()?,
            None => return Ok(None),
        };
        Ok((!value.is_null()).then_some(value))
    }

    fn text(&mut self, field: &'static str) -> Result<Option<String>, LockRecordFlaw> {
        match self.take(field)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(field, "a string")),
        }
    }

    fn texts(&mut self, field: &'static str) -> Result<Option<Vec<String>>, LockRecordFlaw> {
        let Some(value) = self.take(field)? else {
            return Ok(None);
        };
        serde_json::from_value(value).map(Some).map_err(|_| wrong(field, "a list of strings"))
    }

    fn number(&mut self, field: &'static str) -> Result<Option<u64>, LockRecordFlaw> {
        let Some(value) = self.take(field)? else {
            return Ok(None);
        };
        value.as_u64().map(Some).ok_or(wrong(field, "a whole number from 0"))
    }

    fn pid(&mut self) -> Result<Option<i32>, LockRecordFlaw> {
        let Some(number) = self.number("pid")? else {
            return Ok(None);
        };
        let pid = i32::try_from(number).map_err(|_| wrong("pid", "a process id"))?;
        Ok((pid > 0).then_some(pid))
    }

    fn time(&mut self, field: &'static str) -> Result<Option<Timestamp>, LockRecordFlaw> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| wrong(field, "an RFC 3339 time"))
    }
}

impl Field<'_> {
    /// The value, read.
    fn read(&self) -> Result<Value, LockRecordFlaw> {
        match &self.value {
            RawOrParsedValue::Read(value) => Ok(value.clone()),
            RawOrParsedValue::AsItStands(raw) => {
                let read = serde_json::from_str::<VerbatimJson>(raw.get());
                read.map(|it| it.0).map_err(|error| LockRecordFlaw::NotJson(error.to_string()))
            }
        }
    }

    /// The field as it stands, for readers that know it. All that could not be read would be passed on to every reader
    /// of what is written.
    fn unknown(&self) -> Result<UnknownRecordField, LockRecordFlaw> {
        let value = match &self.value {
            RawOrParsedValue::AsItStands(raw) => RawJsonText::checked(raw),
            // Every field that is read at once has been taken out.
            RawOrParsedValue::Read(value) => {
                serde_json::value::to_raw_value(value).map(RawJsonText::of_raw)
            }
        };
        let value = value.map_err(|error| LockRecordFlaw::NotJson(error.to_string()))?;
        Ok(UnknownRecordField { key: RawJsonText::of_raw(self.key.written.to_owned()), value })
    }
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, LockRecordFlaw> {
    value.ok_or(LockRecordFlaw::Missing(field))
}

fn wrong(field: &'static str, expected: &'static str) -> LockRecordFlaw {
    LockRecordFlaw::WrongType { field, expected }
}
