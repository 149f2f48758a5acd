//! Lock records: which texts are records and which are not, and that a rewritten record keeps all fields.

use super::{
    json::{self, Field, Json, JsonObjectFields},
    words,
};
use lokt_lock::{
    record::{FORMAT_VERSION, HoldKind, LockRecord, LockRecordDisplayJson, RecordParseError},
    words::{LockName, Timestamp},
};
use serde::de::IgnoredAny;
use std::time::Duration;

/// The type of a field, as the page on formats describes it.
#[derive(Clone, Copy, PartialEq)]
enum RecordFieldType {
    Whole,
    ProcessId,
    Text,
    Time,
    Object,
    Texts,
    Holders,
}

const FORMAT: [(&str, RecordFieldType); 21] = [
    ("version", RecordFieldType::Whole),
    ("name", RecordFieldType::Text),
    ("lock_id", RecordFieldType::Text),
    ("owner", RecordFieldType::Text),
    ("host", RecordFieldType::Text),
    ("pid", RecordFieldType::ProcessId),
    ("pid_start_ns", RecordFieldType::Whole),
    ("agent_id", RecordFieldType::Text),
    ("acquired_ts", RecordFieldType::Time),
    ("ttl_sec", RecordFieldType::Whole),
    ("expires_at", RecordFieldType::Time),
    ("metadata", RecordFieldType::Object),
    ("hold", RecordFieldType::Text),
    ("fence", RecordFieldType::Whole),
    ("command", RecordFieldType::Texts),
    ("boot_id", RecordFieldType::Text),
    ("pid_ns", RecordFieldType::Whole),
    ("held_since", RecordFieldType::Time),
    ("mode", RecordFieldType::Text),
    ("slots", RecordFieldType::Whole),
    ("co_holders", RecordFieldType::Holders),
];

/// The fields of the record, not of one holder: in a co-holder they have no meaning, and are kept.
const RECORD_FIELDS: [&str; 5] = ["version", "name", "mode", "slots", "co_holders"];

/// Checks how bytes are read as a record, and what is written for them.
pub fn check(bytes: &[u8]) {
    let name = LockName::new("test-result").expect("it is a name");
    let read = LockRecord::parse(bytes, &name);
    let fields = object_in(bytes);
    let demanded = fields.as_ref().map_or(RecordParseOutcome::Flaw, kind_by_format);
    assert_eq!(kind_of_result(&read), demanded, "the format decides, and nothing else");
    match (read, fields) {
        (Ok(record), Some(fields)) => {
            let written = check_round_trip(&record);
            assert_kept(&fields, &fields_of(&written));
            check_operations(record);
        }
        (Err(error), _) => assert!(!error.to_string().is_empty(), "a refusal says why"),
        (Ok(_), None) => unreachable!("what is no object is no record"),
    }
}

/// The fields, if the bytes are a readable JSON object.
fn object_in(bytes: &[u8]) -> Option<JsonObjectFields> {
    let text = std::str::from_utf8(bytes).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    json::object(text)
}

fn fields_of(written: &str) -> JsonObjectFields {
    json::object(written).expect("what Lokt writes is an object")
}

/// The kind of the bytes: a record, one of a newer version, or no record.
#[derive(Debug, PartialEq)]
enum RecordParseOutcome {
    Record { version: u64 },
    Newer { version: u64 },
    Flaw,
}

fn kind_of_result(read: &Result<LockRecord, RecordParseError>) -> RecordParseOutcome {
    match read {
        Ok(record) => RecordParseOutcome::Record { version: record.version },
        Err(RecordParseError::Newer(newer)) => RecordParseOutcome::Newer { version: newer.found },
        Err(RecordParseError::Flaw(_)) => RecordParseOutcome::Flaw,
    }
}

/// The kind of an object with these fields, according to the format.
fn kind_by_format(fields: &JsonObjectFields) -> RecordParseOutcome {
    let version = match get(fields, "version") {
        None => 0,
        Some(version) => match version.whole() {
            Some(version) => version,
            None => return RecordParseOutcome::Flaw,
        },
    };
    let is_fit = |(field, kind): &(&str, RecordFieldType)| {
        get(fields, field).is_none_or(|it| fits(it, *kind))
    };
    let is_there = |field| get(fields, field).is_some();
    match version {
        version if version > FORMAT_VERSION => RecordParseOutcome::Newer { version },
        _ if !FORMAT.iter().all(is_fit) => RecordParseOutcome::Flaw,
        _ if !is_there("owner") || !is_there("acquired_ts") => RecordParseOutcome::Flaw,
        _ if !has_its_slots(fields) => RecordParseOutcome::Flaw,
        version => RecordParseOutcome::Record { version },
    }
}

/// Whether a lock with slots has their number.
fn has_its_slots(fields: &JsonObjectFields) -> bool {
    let is_one = |slots: u64| (1..=u64::from(u32::MAX)).contains(&slots);
    get(fields, "mode").and_then(Json::text) != Some("slots")
        || get(fields, "slots").and_then(Json::whole).is_some_and(is_one)
}

/// Whether it is a valid co-holder.
fn is_holder(value: &Json) -> bool {
    let Json::Object(fields) = value else { return false };
    let of_holder = FORMAT.iter().filter(|(field, _)| !RECORD_FIELDS.contains(field));
    let is_fit = |(field, kind): &(&str, RecordFieldType)| {
        get(fields, field).is_none_or(|it| fits(it, *kind))
    };
    ["owner", "acquired_ts"].iter().all(|field| get(fields, field).is_some())
        && of_holder.copied().all(|it| is_fit(&it))
}

/// A field that is present: `null` counts as absent.
fn get<'a>(fields: &'a JsonObjectFields, field: &str) -> Option<&'a Json> {
    // The last of equal keys counts.
    let value = &fields.iter().rfind(|it| it.key == field)?.value;
    (!value.is_null()).then_some(value)
}

fn fits(value: &Json, kind: RecordFieldType) -> bool {
    match kind {
        RecordFieldType::Whole => value.whole().is_some(),
        RecordFieldType::ProcessId => {
            value.whole().is_some_and(|number| i32::try_from(number).is_ok())
        }
        RecordFieldType::Text => value.text().is_some(),
        RecordFieldType::Time => time(value).is_some(),
        RecordFieldType::Object => matches!(value, Json::Object(_)),
        RecordFieldType::Holders => matches!(value, Json::List(all) if all.iter().all(is_holder)),
        RecordFieldType::Texts => {
            matches!(value, Json::List(all) if all.iter().all(|it| it.text().is_some()))
        }
    }
}

fn time(value: &Json) -> Option<Timestamp> {
    value.text()?.parse().ok()
}

/// Writes a record and reads it again. Returns the written text.
fn check_round_trip(record: &LockRecord) -> String {
    let bytes = record.encode();
    let again = LockRecord::parse(&bytes, &record.name).expect("what Lokt writes, Lokt reads");
    assert_eq!(again.version, FORMAT_VERSION, "everything written has the version of today");
    let mut expected = record.clone();
    expected.version = FORMAT_VERSION;
    expected.co_holders.iter_mut().for_each(|it| it.version = FORMAT_VERSION);
    assert_eq!(again, expected, "a record that is written and read is the same record");
    assert_eq!(again.encode(), bytes, "a record that is rewritten stays as it is");
    let written = String::from_utf8(bytes).expect("a record is a text");
    let shown = serde_json::to_string(record).expect("a record can be shown");
    let (shown, fields) = (fields_of(&shown), fields_of(&written));
    assert!(
        is_same_record(&shown, &fields, WhitespaceComparison::Free),
        "what is shown is what is written: {written}"
    );
    let as_read =
        serde_json::to_string(&LockRecordDisplayJson(record)).expect("a record can be shown");
    let version = get(&fields_of(&as_read), "version").and_then(Json::whole);
    assert_eq!(version, Some(record.version), "a record is shown with the version that it has");
    written
}

/// A rewritten record loses, changes and adds no field.
fn assert_kept(read: &JsonObjectFields, written: &JsonObjectFields) {
    let first: Vec<&str> = written.iter().take(2).map(|it| it.key.as_str()).collect();
    assert_eq!(first, ["version", "name"], "the version is the first field, the name the second");
    assert!(
        is_same_record(read, written, WhitespaceComparison::Kept),
        "nothing is lost or changed: {read:?} became {written:?}"
    );
    // A mode of a later version, and a number of slots without the mode `slots`, are unknown fields: they are
    // the last.
    let mode = get(written, "mode").and_then(Json::text);
    let is_known = |key: &&str| match *key {
        "mode" => matches!(mode, Some("exclusive" | "shared" | "slots")),
        "slots" => mode == Some("slots"),
        key => FORMAT.iter().any(|(known, _)| *known == key),
    };
    let rest: Vec<&str> = written.iter().map(|it| it.key.as_str()).filter(is_known).collect();
    let known = FORMAT.iter().map(|(key, _)| *key).filter(|key| rest.contains(key));
    assert!(
        known.eq(rest.iter().copied()),
        "the fields stand in the order of the format: {rest:?}"
    );
}

/// Whether kept texts have the same blanks between their parts, and the same escapes in their keys.
#[derive(Clone, Copy, PartialEq)]
enum WhitespaceComparison {
    Kept,
    Free,
}

/// Whether two records have the same content and the same holders, in any order.
fn is_same_record(
    read: &JsonObjectFields,
    written: &JsonObjectFields,
    blanks: WhitespaceComparison,
) -> bool {
    let of_record = ["mode", "slots"].iter().all(|field| {
        let value = |fields| get(fields, field).filter(|value| !means_absent(field, value));
        value(read) == value(written)
    });
    let mut after = holders(written);
    let mut is_there = |before: &JsonObjectFields| {
        let place = after.iter().position(|after| is_same_holder(before, after, blanks));
        place.map(|place| after.swap_remove(place)).is_some()
    };
    let before = holders(read);
    of_record && before.iter().all(&mut is_there) && after.is_empty()
}

/// The fields of each holder, and the other fields, in the order of the file.
fn holders(record: &JsonObjectFields) -> Vec<JsonObjectFields> {
    let mut first = record.clone();
    // A mode of a later version is kept as it is, at any place.
    first.retain(|it| !RECORD_FIELDS.contains(&it.key.as_str()));
    let beside = match get(record, "co_holders") {
        Some(Json::List(holders)) => holders.clone(),
        _ => Vec::new(),
    };
    let fields = |holder| match holder {
        Json::Object(fields) => fields,
        _ => unreachable!("a holder is an object"),
    };
    std::iter::once(first).chain(beside.into_iter().map(fields)).collect()
}

fn is_same_holder(
    read: &JsonObjectFields,
    written: &JsonObjectFields,
    blanks: WhitespaceComparison,
) -> bool {
    let is_of_holder =
        |key: &str| !RECORD_FIELDS.contains(&key) && FORMAT.iter().any(|(known, _)| *known == key);
    let is_same = |(field, kind): &(&str, RecordFieldType)| {
        let before = get(read, field).filter(|value| !means_absent(field, value));
        match (before, get(written, field)) {
            (Some(before), Some(after)) if *kind == RecordFieldType::Time => {
                is_same_time(before, after)
            }
            (Some(_), Some(_)) if *kind == RecordFieldType::Object => {
                as_written(read, field, blanks) == as_written(written, field, blanks)
            }
            (Some(before), None) => is_early(field, before),
            (before, after) => before == after,
        }
    };
    // In a co-holder, the record's fields have no meaning, and are kept like unknown fields.
    let unknown = |fields: &JsonObjectFields| -> Vec<(String, String)> {
        let unknown = fields.iter().filter(|it| !is_of_holder(&it.key));
        unknown.map(|it| text_of(it, blanks)).collect()
    };
    FORMAT.iter().filter(|(field, _)| is_of_holder(field)).all(is_same)
        && unknown(read) == unknown(written)
}

/// The last field with a key, as written.
fn as_written(
    fields: &JsonObjectFields,
    key: &str,
    blanks: WhitespaceComparison,
) -> Option<String> {
    fields.iter().rfind(|it| it.key == key).map(|it| text_of(it, blanks).1)
}

/// Key and value as written, to the byte except for blanks.
fn text_of(field: &Field, blanks: WhitespaceComparison) -> (String, String) {
    if blanks == WhitespaceComparison::Kept {
        return field.written.clone();
    }
    (field.key.clone(), field.written.1.replace([' ', '\t', '\n', '\r'], ""))
}

fn is_same_time(before: &Json, after: &Json) -> bool {
    words::is_formatted_time(after.text().unwrap_or_default()) && time(before) == time(after)
}

/// Whether a value is one of another program's ways to write "no value".
fn means_absent(field: &str, value: &Json) -> bool {
    match field {
        "ttl_sec" | "pid" => value.whole() == Some(0),
        "lock_id" | "agent_id" => value.text() == Some(""),
        "mode" => value.text() == Some("exclusive"),
        "co_holders" => *value == Json::List(Vec::new()),
        "expires_at" => value.text().is_some_and(|text| text.starts_with("0001-")),
        _ => false,
    }
}

/// Whether it is an expiry around the year 1. The format only says that the year 1 counts as absent; it
/// leaves the years around it open.
fn is_early(field: &str, value: &Json) -> bool {
    let year_6 = "0006-01-01T00:00:00Z".parse().expect("it is a time");
    field == "expires_at" && time(value).is_some_and(|time| time < year_6)
}

/// All operations on a record, also with the earliest and latest times.
fn check_operations(mut record: LockRecord) {
    let now = Timestamp::from_microseconds(0).map_or(record.acquired, |it| it.max(record.acquired));
    if let Some(end) = record.expiry() {
        let never_ends = end.is_last();
        assert!(
            record.is_expired(end) != never_ends,
            "a record is expired at its end, if it has one"
        );
        let may_hang = record.hold == Some(HoldKind::Process);
        assert!(may_hang || !record.hangs_on_process(), "who has an end needs no process");
    }
    for ttl in [Duration::from_nanos(1), Duration::from_mins(1), Duration::MAX] {
        let since = record.since();
        record.renew(Some(ttl), now);
        check_round_trip(&record);
        assert_eq!(record.since(), since, "a renewal makes nothing younger");
        assert!(record.expiry() >= Some(now), "a lifetime does not end before it began");
    }
    record.set_lifetime(None, now);
    assert_eq!(record.expiry(), None, "a life without end has none");
    check_round_trip(&record);
}
