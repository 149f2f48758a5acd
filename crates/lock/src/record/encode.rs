use super::{FORMAT_VERSION, LockRecord};
use crate::words::LockMode;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use std::fmt::Display;

/// The fields in the order of the format: `version` first, unknown fields last, absent ones left out.
impl Serialize for LockRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize_as(FORMAT_VERSION, serializer)
    }
}

/// A record as it was read, with the version that it has there; for showing, not for writing.
#[derive(Debug)]
pub struct StoredRecord<'a>(pub &'a LockRecord);

impl Serialize for StoredRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_as(self.0.version, serializer)
    }
}

impl LockRecord {
    fn serialize_as<S: Serializer>(&self, version: u64, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = FieldWriter(serializer.serialize_map(None)?);
        fields.0.serialize_entry("version", &version)?;
        fields.0.serialize_entry("name", self.name.as_str())?;
        self.serialize_holder(&mut fields)?;
        if self.mode != LockMode::Exclusive {
            fields.0.serialize_entry("mode", self.mode.as_str())?;
            fields.put("slots", self.mode.slots())?;
        }
        if !self.co_holders.is_empty() {
            let holders: Vec<CoHolder<'_>> = self.co_holders.iter().map(CoHolder).collect();
            fields.0.serialize_entry("co_holders", &holders)?;
        }
        for (key, value) in &self.unknown {
            fields.0.serialize_entry(key, value)?;
        }
        fields.0.end()
    }

    /// What there is to say of one holder.
    fn serialize_holder<M: SerializeMap>(
        &self,
        fields: &mut FieldWriter<M>,
    ) -> Result<(), M::Error> {
        fields.text("lock_id", self.lock_id.as_ref())?;
        fields.0.serialize_entry("owner", self.owner.as_str())?;
        fields.put("host", self.host.as_ref())?;
        fields.put("pid", self.pid)?;
        fields.put("pid_start_ns", self.pid_start)?;
        fields.text("agent_id", self.agent_id.as_ref())?;
        fields.text("acquired_ts", Some(self.acquired))?;
        fields.put("ttl_sec", self.ttl_sec)?;
        fields.text("expires_at", self.expires_at)?;
        fields.put("metadata", self.metadata.as_ref())?;
        fields.text("hold", self.hold.as_ref())?;
        fields.put("fence", self.fence.map(crate::words::Fence::get))?;
        fields.put("command", self.command.as_ref())?;
        fields.put("boot_id", self.boot_id.as_ref())?;
        fields.put("pid_ns", self.pid_ns)?;
        fields.text("held_since", self.held_since)
    }
}

/// A holder beside the first: what it has of its own, without what is the record's.
struct CoHolder<'a>(&'a LockRecord);

impl Serialize for CoHolder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = FieldWriter(serializer.serialize_map(None)?);
        self.0.serialize_holder(&mut fields)?;
        for (key, value) in &self.0.unknown {
            fields.0.serialize_entry(key, value)?;
        }
        fields.0.end()
    }
}

/// Writes the fields that are there.
struct FieldWriter<M>(M);

impl<M: SerializeMap> FieldWriter<M> {
    fn put(&mut self, key: &str, value: Option<impl Serialize>) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.0.serialize_entry(key, &value))
    }

    fn text(&mut self, key: &str, value: Option<impl Display>) -> Result<(), M::Error> {
        self.put(key, value.map(DisplayText))
    }
}

/// A value that is written as the text it shows.
struct DisplayText<T>(T);

impl<T: Display> Serialize for DisplayText<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl LockRecord {
    /// The record as JSON fields.
    pub fn to_json(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            // A record is an object, and all its keys are texts: nothing in it can fail.
            _ => Map::new(),
        }
    }

    /// The bytes of the record's file.
    pub fn encode(&self) -> Vec<u8> {
        // Writing into memory cannot fail.
        let mut bytes = serde_json::to_vec_pretty(&self.for_every_reader()).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}
