//! What others wrote is kept to the byte.

use super::{
    LockMetadata, LockRecord,
    tests::{minimal, name, parse},
};
use proptest::prelude::*;
use std::time::Duration;

/// Values as others may write them, each of which would be another text if it were read and written.
const EXACT: [&str; 14] = [
    "1e400",
    "1.0",
    "-0",
    "-0.0",
    "1E+05",
    "2.50",
    "123456789012345678901234567890",
    r#""\u00e9\/\u0022 \ud83d\ude00""#,
    r#"{"deep": [1, 2.50, 1e400]}"#,
    r#"{"a":1,"a":2,"":null}"#,
    "[ ]",
    "{\n  \"k\" :\t[ true , false ]\n}",
    r#"{"$serde_json::private::Number":"x","$serde_json::private::RawValue":1.50}"#,
    r#""$serde_json::private::Number""#,
];

/// The record with more at its end.
fn with_more(more: &str) -> String {
    minimal().to_string().replacen('}', &format!(",{more}}}"), 1)
}

#[test]
fn unknown_fields_survive_a_rewrite_to_the_byte_and_in_their_order() {
    for value in EXACT {
        for key in [r#""zebra""#, r#""z\u0065bra""#, r#""""#, r#""$serde_json::private::Number""#] {
            let more = format!(r#"{key} : {value},"apple":7,{key}:{value}"#);
            let mut record = LockRecord::parse(with_more(&more).as_bytes(), &name()).unwrap();
            record.renew(Some(Duration::from_mins(1)), record.acquired);
            let written = String::from_utf8(record.encode()).unwrap();
            let end = format!("  {key}: {value},\n  \"apple\": 7,\n  {key}: {value}\n}}\n");
            assert!(written.ends_with(&end), "{written} ends with {end}");
            let again = LockRecord::parse(written.as_bytes(), &name()).unwrap();
            assert_eq!((again.encode(), again.unknown), (written.into_bytes(), record.unknown));
        }
    }
}

#[test]
fn metadata_survives_a_rewrite_to_the_byte() {
    for value in EXACT {
        let metadata = format!("{{ \"k\":{value},\"other\" :1.0, \"k\":{value} }}");
        let text = with_more(&format!(r#""metadata": {metadata}"#));
        let record = LockRecord::parse(text.as_bytes(), &name()).unwrap();
        let written = String::from_utf8(record.encode()).unwrap();
        assert!(written.contains(&format!("\"metadata\": {metadata}")), "{written}: {metadata}");
        let found = record.metadata.unwrap().get("k").unwrap();
        assert_eq!(found.as_str(), value);
    }
}

#[test]
fn what_is_shown_has_every_digit_and_is_one_line() {
    for value in EXACT {
        let text = with_more(&format!(r#""metadata":{{"k": {value}}},"unknown":{value}"#));
        let record = LockRecord::parse(text.as_bytes(), &name()).unwrap();
        let shown = serde_json::to_string(&record).unwrap();
        let compact = record.unknown[0].value.compact();
        assert!(shown.ends_with(&format!("\"unknown\":{compact}}}")), "{shown}");
        assert!(
            shown.contains(&format!("\"metadata\":{{\"k\":{compact}}}")) && !shown.contains('\n')
        );
        let blanks = |text: &str| text.replace([' ', '\n', '\t'], "");
        assert_eq!(blanks(&compact), blanks(value), "nothing but blanks goes");
    }
}

#[test]
fn metadata_is_set_in_its_place() {
    let mut metadata = LockMetadata::parse(r#"{"a":1.0,"b":2,"a":3}"#).unwrap();
    assert_eq!(metadata.get("a").unwrap().as_str(), "3", "the last of equal keys");
    metadata.set("b", "x\ny");
    metadata.set("c", "");
    metadata.set("a", "new");
    let entries = metadata.entries();
    let entries: Vec<(&str, &str)> =
        entries.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(entries, [("a", r#""new""#), ("b", r#""x\ny""#), ("c", r#""""#)]);
    let mut record = parse(&minimal()).unwrap();
    record.metadata = Some(metadata);
    let pretty =
        "  \"metadata\": {\n    \"a\": \"new\",\n    \"b\": \"x\\ny\",\n    \"c\": \"\"\n  }";
    assert!(String::from_utf8(record.encode()).unwrap().contains(pretty));
    for none in ["[]", "7", "\"x\"", "null", "{", r#"{"a":"\ud800"}"#] {
        assert!(LockMetadata::parse(none).is_err(), "{none} is no metadata");
    }
    assert!(
        LockMetadata::parse(&format!(
            "{}{}",
            "{\"a\":".repeat(126),
            "1".to_owned() + &"}".repeat(126)
        ))
        .is_ok()
    );
    assert!(
        LockMetadata::parse(&format!(
            "{}{}",
            "{\"a\":".repeat(127),
            "1".to_owned() + &"}".repeat(127)
        ))
        .is_err()
    );
}

proptest! {
    #[test]
    fn metadata_survives_whatever_it_says(
        pairs in proptest::collection::hash_map(".*", ".*", 0..8)
    ) {
        let mut record = parse(&minimal()).unwrap();
        let mut metadata = LockMetadata::default();
        for (key, text) in &pairs {
            metadata.set(key, text);
        }
        record.metadata = Some(metadata);
        let again = LockRecord::parse(&record.encode(), &name()).unwrap();
        prop_assert_eq!(&record.metadata, &again.metadata);
        for (key, text) in &pairs {
            let kept = record.metadata.as_ref().unwrap().text(key);
            prop_assert_eq!(kept.as_ref(), Some(text));
        }
    }

    #[test]
    fn every_unknown_field_is_kept_to_the_byte(fields in proptest::collection::vec((any_key(), any_json()), 0..6)) {
        let more: Vec<String> = fields.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        let text = with_more(&[&["\"hold\":\"lease\"".to_owned()], &more[..]].concat().join(" , "));
        let mut record = LockRecord::parse(text.as_bytes(), &name()).unwrap();
        record.renew(Some(Duration::from_secs(7)), record.acquired);
        let written = String::from_utf8(record.encode()).unwrap();
        let lines: Vec<String> = fields.iter().map(|(key, value)| format!(",\n  {key}: {value}")).collect();
        prop_assert!(written.ends_with(&(lines.concat() + "\n}\n")), "{} has {:?}", written, fields);
        let again = LockRecord::parse(written.as_bytes(), &name()).unwrap();
        prop_assert_eq!(again.encode(), written.into_bytes());
    }
}

/// A key that no format has, in some spelling.
fn any_key() -> impl Strategy<Value = String> {
    let text = prop_oneof!["[A-Z]{0,4}", Just("$serde_json::private::Number".to_owned())];
    let spelling = |text: String| {
        let escaped: Vec<String> =
            text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        let escaped = escaped.concat();
        prop_oneof![Just(format!("\"{text}\"")), Just(format!("\"{escaped}\""))]
    };
    text.prop_flat_map(spelling)
}

/// JSON as others may write it.
fn any_json() -> impl Strategy<Value = String> {
    let number = r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,8})?([eE][+-]?[0-9]{1,4})?";
    let text = proptest::collection::vec(
        prop_oneof!["[ -!#-\\[\\]-~äß€]", r#"\\["\\/bfnrt]"#, r"\\u00[0-9a-fA-F]{2}"],
        0..6,
    );
    let text = text.prop_map(|parts| format!("\"{}\"", parts.concat()));
    let words = prop_oneof![Just("true"), Just("false"), Just("null")].prop_map(str::to_owned);
    let blank = "[ \t\n\r]{0,2}";
    let leaf = prop_oneof![number, text.clone(), words];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let list =
            (proptest::collection::vec(inner.clone(), 0..4), blank).prop_map(|(parts, blank)| {
                format!("[{blank}{}{blank}]", parts.join(&format!("{blank},")))
            });
        let entry = (text.clone(), inner).prop_map(|(key, value)| format!("{key} : {value}"));
        let object = (proptest::collection::vec(entry, 0..4), blank)
            .prop_map(|(parts, blank)| format!("{{{blank}{}}}", parts.join(&format!(",{blank}"))));
        prop_oneof![list, object]
    })
}
