use super::{FORMAT_VERSION, LockRecord, UnknownRecordField, lines::MultilineJsonRecordWriter};
use crate::words::LockMode;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::fmt::Display;

/// The fields in the order of the format: `version` first, unknown fields last, absent ones left out.
impl Serialize for LockRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_as(self, FORMAT_VERSION, serializer)
    }
}

/// A record as it was read, with the version that it has there; for showing, not for writing.
#[derive(Debug)]
pub struct LockRecordDisplayJson<'a>(pub &'a LockRecord);

impl Serialize for LockRecordDisplayJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_as(self.0, self.0.version, serializer)
    }
}

fn serialize_as<S: Serializer>(
    record: &LockRecord,
    version: u64,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut shown = RecordMapWriter(serializer.serialize_map(None)?);
    record.put_into(version, &mut shown)?;
    shown.0.end()
}

/// Takes the fields of a record, one after the other.
pub(super) trait RecordFieldWriter {
    type Error;

    /// A field of the format, where it is there.
    fn put(&mut self, key: &'static str, value: Option<impl Serialize>) -> Result<(), Self::Error>;

    /// A field that was read as it stood, with its key.
    fn put_unknown(&mut self, field: &UnknownRecordField) -> Result<(), Self::Error>;

    /// Those who hold the name beside the first.
    fn put_holders(&mut self, holders: &[LockRecord]) -> Result<(), Self::Error>;

    /// The metadata, which is kept as it was written.
    fn put_metadata(&mut self, record: &LockRecord) -> Result<(), Self::Error>;

    /// A field that is written as the text it shows.
    fn put_text(
        &mut self,
        key: &'static str,
        value: Option<impl Display>,
    ) -> Result<(), Self::Error> {
        self.put(key, value.map(DisplaySerializationWrapper))
    }
}

impl LockRecord {
    fn put_into<F: RecordFieldWriter>(&self, version: u64, fields: &mut F) -> Result<(), F::Error> {
        fields.put("version", Some(version))?;
        fields.put("name", Some(self.name.as_str()))?;
        self.put_holder(fields)?;
        if self.mode != LockMode::Exclusive {
            fields.put("mode", Some(self.mode.as_str()))?;
            fields.put("slots", self.mode.slots())?;
        }
        if !self.co_holders.is_empty() {
            fields.put_holders(&self.co_holders)?;
        }
        self.unknown.iter().try_for_each(|field| fields.put_unknown(field))
    }

    /// A holder beside the first: its fields, without those of the record.
    pub(super) fn put_beside<F: RecordFieldWriter>(&self, fields: &mut F) -> Result<(), F::Error> {
        self.put_holder(fields)?;
        self.unknown.iter().try_for_each(|field| fields.put_unknown(field))
    }

    /// What there is to say of one holder.
    fn put_holder<F: RecordFieldWriter>(&self, fields: &mut F) -> Result<(), F::Error> {
        fields.put_text("lock_id", self.lock_id.as_ref())?;
        fields.put("owner", Some(self.owner.as_str()))?;
        fields.put("host", self.host.as_ref())?;
        fields.put("pid", self.pid)?;
        fields.put("pid_start_ns", self.pid_start)?;
        fields.put_text("agent_id", self.agent_id.as_ref())?;
        fields.put_text("acquired_ts", Some(self.acquired))?;
        fields.put("ttl_sec", self.ttl_sec)?;
        fields.put_text("expires_at", self.expires_at)?;
        fields.put_metadata(self)?;
        fields.put_text("hold", self.hold.as_ref())?;
        fields.put("fence", self.fence.map(crate::words::Fence::get))?;
        fields.put("command", self.command.as_ref())?;
        fields.put("boot_id", self.boot_id.as_ref())?;
        fields.put("pid_ns", self.pid_ns)?;
        fields.put_text("held_since", self.held_since)
    }

    /// The bytes of the record's file.
    pub fn encode(&self) -> Vec<u8> {
        let record = self.for_every_reader();
        let mut lines = MultilineJsonRecordWriter::object(0);
        // Writing numbers and texts into memory cannot fail.
        let _ = record.put_into(FORMAT_VERSION, &mut lines);
        let mut text = lines.end();
        text.push('\n');
        text.into_bytes()
    }
}

/// Shows the fields as those of a map, everything in one line.
struct RecordMapWriter<M>(M);

impl<M: SerializeMap> RecordFieldWriter for RecordMapWriter<M> {
    type Error = M::Error;

    fn put(&mut self, key: &'static str, value: Option<impl Serialize>) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.0.serialize_entry(key, &value))
    }

    fn put_unknown(&mut self, field: &UnknownRecordField) -> Result<(), M::Error> {
        self.0.serialize_entry(&field.name(), &field.value)
    }

    fn put_holders(&mut self, holders: &[LockRecord]) -> Result<(), M::Error> {
        let holders: Vec<CoHolderSerializationWrapper<'_>> =
            holders.iter().map(CoHolderSerializationWrapper).collect();
        self.0.serialize_entry("co_holders", &holders)
    }

    fn put_metadata(&mut self, record: &LockRecord) -> Result<(), M::Error> {
        self.put("metadata", record.metadata.as_ref())
    }
}

struct CoHolderSerializationWrapper<'a>(&'a LockRecord);

impl Serialize for CoHolderSerializationWrapper<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = RecordMapWriter(serializer.serialize_map(None)?);
        self.0.put_beside(&mut shown)?;
        shown.0.end()
    }
}

/// A value that is written as the text it shows.
struct DisplaySerializationWrapper<T>(T);

impl<T: Display> Serialize for DisplaySerializationWrapper<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
