use super::*;
use crate::lockfile::encode;
use serde_json::json;

fn sample() -> Value {
    let hash = "a".repeat(64);
    json!({
        "lockfile_version": 1,
        "generated_at": "2026-02-11T00:00:00+00:00",
        "root": {"tool_id": "web/scraper", "version": "1.0.0", "integrity": hash},
        "resolved_chain": [
            {"item_id": "web/scraper", "space": "project", "tool_type": "python", "executor_id": "p", "integrity": hash},
            {"item_id": "p", "space": "system", "tool_type": "primitive", "executor_id": null, "integrity": hash},
        ],
        "registry": null,
    })
}

const NAME: &str = "web/scraper@1.0.0.lock.json";

fn parse(value: &Value) -> Result<Lockfile, LockfileFlaw> {
    Lockfile::parse(value.to_string().as_bytes(), NAME)
}

/// The sample with the value at a JSON pointer replaced, or taken away.
fn with(pointer: &str, value: Option<Value>) -> Value {
    let mut sample = sample();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = sample.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(fields), Some(value)) => drop(fields.insert(key.to_owned(), value)),
        (Value::Object(fields), None) => drop(fields.remove(key)),
        (Value::Array(items), Some(value)) => items[key.parse::<usize>().unwrap()] = value,
        (parent, value) => panic!("{parent} {value:?}"),
    }
    sample
}

#[test]
fn what_is_written_is_read() {
    let read = parse(&sample()).unwrap();
    let written = encode(&read, "2026-02-11T00:00:00Z".parse().unwrap());
    assert_eq!(Lockfile::parse(written.as_bytes(), NAME).unwrap(), read);
    assert!(!written.ends_with('\n'), "there is no newline at the end");
}

#[test]
fn what_other_programs_write_is_read() {
    for other in [
        with("/registry", None),
        with("/verified_deps", Some(json!({"a": "b"}))),
        with("/resolved_chain/0/provider_id", Some(json!("x"))),
        with("/resolved_chain/1/space", Some(json!("system:rye-core"))),
        with("/resolved_chain/0/tool_type", Some(json!(null))),
    ] {
        let read = parse(&other).unwrap();
        assert_eq!(read.chain[1].space, Space::System, "{other}");
    }
    let number = with("/root/version", Some(serde_json::from_str("1.0").unwrap()));
    let name = "web/scraper@1.0.lock.json";
    let read = Lockfile::parse(number.to_string().as_bytes(), name).unwrap();
    assert_eq!(read.version.to_json().to_string(), "1.0", "a number stays one");
}

#[test]
fn every_doubt_about_a_pin_has_its_own_message() {
    let element = sample()["resolved_chain"][1].clone();
    let cases = [
        (with("/lockfile_version", Some(json!(999))), "version 999 not supported"),
        (with("/lockfile_version", Some(json!("1"))), "version \"1\" not supported"),
        (with("/lockfile_version", None), "lockfile_version is missing"),
        (with("/generated_at", None), "generated_at is missing"),
        (with("/generated_at", Some(json!(1))), "generated_at must be a text"),
        (with("/root", Some(json!([]))), "root must be an object"),
        (with("/root/integrity", Some(json!(null))), "root.integrity is null"),
        (with("/resolved_chain", Some(json!({}))), "resolved_chain must be a list"),
        (with("/resolved_chain", Some(json!([]))), "resolved_chain is empty"),
        (with("/resolved_chain/0", Some(element)), "the item id differs"),
        (with("/resolved_chain/0/integrity", Some(json!("b".repeat(64)))), "the integrity differs"),
        (with("/resolved_chain/1/integrity", Some(json!(null))), "[1].integrity is null"),
        (with("/resolved_chain/1/integrity", Some(json!("A".repeat(64)))), "[1].integrity must be"),
        (with("/resolved_chain/1/integrity", None), "[1].integrity is missing"),
        (with("/resolved_chain/1/executor_id", None), "[1].executor_id is missing"),
        (with("/resolved_chain/0/executor_id", Some(json!("../x"))), "must be an item id"),
        (with("/resolved_chain/0/space", Some(json!("bundle"))), "[0].space must be"),
        (with("/resolved_chain/0/tool_type", Some(json!(1))), "[0].tool_type must be"),
        (with("/resolved_chain/1", Some(json!("p"))), "resolved_chain[1] must be an object"),
        (with("/root/version", Some(json!("2.0.0"))), "its name says web/scraper@1.0.0"),
        (with("/root/version", Some(json!(["1"]))), "root.version must be"),
        (json!([]), "the lockfile must be an object"),
    ];
    for (value, message) in cases {
        let flaw = parse(&value).expect_err(message).to_string();
        assert!(flaw.contains(message), "{flaw:?} says {message:?}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    let text = sample().to_string();
    let cut = text.len() / 2;
    for bytes in [&b""[..], b"\0", b"\xff", &text.as_bytes()[..cut], format!("{text}x").as_bytes()]
    {
        let flaw = Lockfile::parse(bytes, NAME).unwrap_err();
        assert!(matches!(flaw, LockfileFlaw::Json(_)), "{flaw:?}");
    }
}

#[test]
fn a_key_that_comes_twice_is_doubt() {
    let text = sample().to_string().replacen("\"root\"", "\"root\":{},\"root\"", 1);
    assert!(Lockfile::parse(text.as_bytes(), NAME).is_err(), "it is unknown which one others read");
}
