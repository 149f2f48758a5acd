//! Lockfiles: which texts are valid, and that a lockfile is written as it was read.

use lokt_tool::lockfile::{Lockfile, encode};
use serde_json::Value;

/// Checks bytes as a lockfile, under the name that they contain.
pub fn check(bytes: &[u8]) {
    let name = name_inside(bytes).unwrap_or_else(|| "web/scraper@1.0.0.lock.json".to_owned());
    let Ok(read) = Lockfile::parse(bytes, &name) else { return };
    assert_eq!(Lockfile::path_of(&read.tool_id, &read.version), name, "its name says what it is");
    let first = read.chain.first().map(|it| &it.item_id);
    assert_eq!(first, Some(&read.tool_id), "the tool comes first");
    let time = "2026-02-11T00:00:00Z".parse().expect("a time");
    let written = encode(&read, time);
    assert!(written.bytes().all(|c| matches!(c, b' '..=b'~' | b'\n')), "it is ASCII: {written}");
    assert!(!written.ends_with('\n'), "there is no newline at the end");
    let again = Lockfile::parse(written.as_bytes(), &name).expect("what is written is read");
    assert_eq!(again, read, "and says the same");
    assert_eq!(encode(&again, time), written, "in the same bytes");
    Lockfile::parse(bytes, "another@1.lock.json").expect_err("under another name it is refused");
}

fn name_inside(bytes: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let root = value.get("root")?;
    let version = match root.get("version")? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(format!("{}@{version}.lock.json", root.get("tool_id")?.as_str()?))
}
