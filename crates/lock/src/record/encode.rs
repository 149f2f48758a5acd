use super::{FORMAT_VERSION, Record};
use serde_json::{Map, Value};

impl Record {
    /// The record as JSON fields in the order of the format: `version` first, unknown fields last.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(key.to_owned(), value);
            }
        };
        put("version", Some(FORMAT_VERSION.into()));
        put("name", Some(self.name.as_str().into()));
        put("lock_id", self.lock_id.as_ref().map(|id| id.as_str().into()));
        put("owner", Some(self.owner.as_str().into()));
        put("host", self.host.as_deref().map(Value::from));
        put("pid", self.pid.map(Value::from));
        put("pid_start_ns", self.pid_start.map(Value::from));
        put("agent_id", self.agent_id.as_ref().map(|id| id.as_str().into()));
        put("acquired_ts", Some(self.acquired.to_string().into()));
        put("ttl_sec", self.ttl_sec.map(Value::from));
        put("expires_at", self.expires_at.map(|time| time.to_string().into()));
        put("metadata", self.metadata.clone().map(Value::Object));
        put("hold", self.hold.as_ref().map(|hold| hold.as_str().into()));
        put("fence", self.fence.map(|fence| fence.get().into()));
        put("command", self.command.clone().map(Value::from));
        put("boot_id", self.boot_id.as_deref().map(Value::from));
        put("pid_ns", self.pid_ns.map(Value::from));
        fields.extend(self.unknown.clone());
        fields
    }

    /// The bytes of the record's file.
    pub fn encode(&self) -> Vec<u8> {
        // Alternate formatting of a `Value` is indented JSON, and cannot fail.
        format!("{:#}\n", Value::Object(self.to_json())).into_bytes()
    }
}
