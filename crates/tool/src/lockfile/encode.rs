use super::{
    Lockfile, PinnedChainElement,
    format::{LOCKFILE_VERSION, generated_at},
};
use crate::words::ToolItemId;
use lokt_lock::words::Timestamp;
use serde_json::{Map, Value, json};

/// A lockfile's bytes: JSON with two spaces of indentation, in ASCII, without a newline at the end.
pub fn encode(lockfile: &Lockfile, now: Timestamp) -> String {
    let root = lockfile.chain.first();
    let value = object([
        ("lockfile_version", json!(LOCKFILE_VERSION)),
        ("generated_at", generated_at(now).into()),
        (
            "root",
            object([
                ("tool_id", lockfile.tool_id.as_str().into()),
                ("version", lockfile.version.to_json()),
                ("integrity", root.map(|it| it.integrity.to_string()).into()),
            ]),
        ),
        ("resolved_chain", lockfile.chain.iter().map(element).collect()),
        ("registry", Value::Null),
    ]);
    ascii(&format!("{value:#}"))
}

fn element(pinned: &PinnedChainElement) -> Value {
    object([
        ("item_id", pinned.item_id.as_str().into()),
        ("space", pinned.space.as_str().into()),
        ("tool_type", pinned.tool_type.clone().into()),
        ("executor_id", pinned.executor_id.as_ref().map(ToolItemId::as_str).into()),
        ("integrity", pinned.integrity.to_string().into()),
    ])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(Map::from_iter(fields.map(|(key, value)| (key.to_owned(), value))))
}

/// Everything that is not printable ASCII as `\uXXXX`, in UTF-16. Such characters are only inside texts:
/// between them stands nothing but ASCII and newlines, and newlines in texts are escaped already.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, ' '..='~' | '\n') {
            text.push(c);
        } else {
            text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{ContentHash, Space, ToolVersion};

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let integrity = ContentHash::of(b"");
        let pinned = |id: &str, executor: Option<&str>| PinnedChainElement {
            item_id: ToolItemId::new(id).unwrap(),
            space: if executor.is_some() { Space::Project } else { Space::System },
            tool_type: executor.map(|_| "p\u{7f}\"\\\n\u{1}y".to_owned()),
            executor_id: executor.map(|id| ToolItemId::new(id).unwrap()),
            integrity,
        };
        let lockfile = Lockfile {
            tool_id: ToolItemId::new("web/ü😀").unwrap(),
            version: ToolVersion::new(&serde_json::from_str("1.0").unwrap()).unwrap(),
            chain: vec![pinned("web/ü😀", Some("p")), pinned("p", None)],
        };
        let expected = format!(
            r#"{{
  "lockfile_version": 1,
  "generated_at": "2026-02-11T00:00:00+00:00",
  "root": {{
    "tool_id": "web/\u00fc\ud83d\ude00",
    "version": 1.0,
    "integrity": "{integrity}"
  }},
  "resolved_chain": [
    {{
      "item_id": "web/\u00fc\ud83d\ude00",
      "space": "project",
      "tool_type": "p\u007f\"\\\n\u0001y",
      "executor_id": "p",
      "integrity": "{integrity}"
    }},
    {{
      "item_id": "p",
      "space": "system",
      "tool_type": null,
      "executor_id": null,
      "integrity": "{integrity}"
    }}
  ],
  "registry": null
}}"#
        );
        assert_eq!(encode(&lockfile, "2026-02-11T00:00:00Z".parse().unwrap()), expected);
    }
}
