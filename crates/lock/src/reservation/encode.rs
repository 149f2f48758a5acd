use super::{EditState, RESERVATION_FORMAT_VERSION, Reservation};
use crate::words::Timestamp;
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
        let edit = self.edit.iter().flat_map(edit_fields);
        all.into_iter().chain(edit).filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

/// The fields about the file of a hook.
fn edit_fields(edit: &EditState) -> [(&'static str, Option<Value>); 7] {
    let time = |it: Option<Timestamp>| it.map(|it| Value::from(it.to_string()));
    let text = |it: &Option<String>| it.clone().map(Value::from);
    [
        ("file", Some(edit.file.as_str().into())),
        ("file_kind", Some(edit.kind.as_str().into())),
        ("confirmed", Some(edit.is_confirmed.into())),
        ("last_edit_ts", time(edit.last_edit)),
        ("tool_call", text(&edit.call)),
        ("file_state", text(&edit.file_state)),
        ("earlier_expires_at", time(edit.earlier_end)),
    ]
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
