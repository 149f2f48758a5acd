use super::{RESERVATION_FORMAT_VERSION, Reservation};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

impl Reservation {
    /// The bytes of the record's file: a field a line, `version` first, unknown fields last.
    pub fn encode(&self) -> Vec<u8> {
        let known = self.fields(RESERVATION_FORMAT_VERSION).into_iter();
        let known = known.map(|(key, value)| format!("  \"{key}\": {value}"));
        let unknown = self.unknown.iter();
        let unknown =
            unknown.map(|field| format!("  {}: {}", field.key.as_str(), field.value.as_str()));
        let lines: Vec<String> = known.chain(unknown).collect();
        format!("{{\n{}\n}}\n", lines.join(",\n")).into_bytes()
    }

    /// The fields that are there, but for the unknown ones, in the order of the format.
    fn fields(&self, version: u64) -> Vec<(&'static str, Value)> {
        let text = |value: &dyn ToString| Some(Value::from(value.to_string()));
        let optional = |value: &Option<String>| value.clone().map(Value::from);
        let all = [
            ("version", Some(version.into())),
            ("id", text(&self.id)),
            ("owner", text(&self.owner)),
            ("agent_id", self.agent_id.as_ref().and_then(|it| text(it))),
            ("host", optional(&self.host)),
            ("pid", self.pid.map(Value::from)),
            ("hold", text(&self.hold)),
            ("acquired_ts", text(&self.acquired)),
            ("ttl_sec", self.ttl_sec.map(Value::from)),
            ("expires_at", self.expires_at.and_then(|it| text(&it))),
            ("scope", text(&self.scope.as_str())),
            ("tree", self.scope.tree().map(Value::from)),
            ("mode", text(&self.mode.as_str())),
            // Patterns are texts or small objects: writing them cannot fail.
            ("patterns", serde_json::to_value(&self.patterns).ok()),
            ("reason", optional(&self.reason)),
            ("origin", text(&self.origin.as_str())),
            ("pid_start_ns", self.pid_start.map(Value::from)),
            ("boot_id", optional(&self.boot_id)),
            ("pid_ns", self.pid_ns.map(Value::from)),
            ("held_since", self.held_since.and_then(|it| text(&it))),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

/// The fields in the order of the format, with the version that the record was read with; for showing.
impl Serialize for Reservation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.fields(self.version) {
            map.serialize_entry(key, &value)?;
        }
        for field in &self.unknown {
            map.serialize_entry(&field.name(), &field.value)?;
        }
        map.end()
    }
}
