use lokt_lock::words::Timestamp;
use serde_json::Value;

/// A time of a record or an event, to compare. The texts cannot be compared: `10:00:00.55Z` is before
/// `10:00:00.557Z`, but after it in the order of texts.
///
/// # Panics
/// If the value is not a time.
#[track_caller]
pub fn time(value: &Value) -> Timestamp {
    let time = value.as_str().and_then(|text| text.parse().ok());
    time.unwrap_or_else(|| panic!("no time: {value}"))
}
