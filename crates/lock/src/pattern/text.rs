//! Patterns and paths in JSON: a text, or `{"bytes": "<base64>"}` where the bytes are not UTF-8.

use super::{Pattern, ProjectPath};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error, ser::SerializeMap};

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.as_bytes(), serializer)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    /// Reads a pattern from the project's root.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&read(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for ProjectPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(if self.is_root() { b"." } else { self.as_bytes() }, serializer)
    }
}

impl<'de> Deserialize<'de> for ProjectPath {
    /// Reads a path from the project's root.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&read(deserializer)?).map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or an object with \"bytes\"")]
enum PathBytesJson {
    Utf8(String),
    Encoded { bytes: String },
}

fn write<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(text) = str::from_utf8(bytes) {
        return serializer.serialize_str(text);
    }
    let mut object = serializer.serialize_map(Some(1))?;
    object.serialize_entry("bytes", &STANDARD.encode(bytes))?;
    object.end()
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    match PathBytesJson::deserialize(deserializer)? {
        PathBytesJson::Utf8(text) => Ok(text.into_bytes()),
        PathBytesJson::Encoded { bytes } => STANDARD.decode(bytes).map_err(D::Error::custom),
    }
}
