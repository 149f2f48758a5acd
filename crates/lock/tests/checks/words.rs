//! The words of the protocol: which texts are valid, and that they are written as they were read.

use lokt_lock::{
    audit::AuditEventKind,
    file::LockRootLayout,
    store::LockRecordKind,
    words::{Fence, LockName, Owner, Timestamp},
};
use std::{path::Path, time::Duration};

/// Checks a text as each kind of word.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    check_name(&text);
    check_owner(&text);
    if let Ok(time) = text.parse::<Timestamp>() {
        check_round_trip(time);
    }
    if let Ok(fence) = text.parse::<Fence>() {
        assert_eq!(fence.to_string().parse(), Ok(fence), "a fence is written as it is read");
    }
    if let Ok(kind) = text.parse::<AuditEventKind>() {
        assert_eq!(kind.as_str(), text, "an event is written as it is read");
    }
}

fn check_name(text: &str) {
    let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let has_length = (1..=LockName::MAX_BYTES).contains(&text.len());
    let stays = text != "." && !text.contains("..");
    let is_name = has_length && stays && text.bytes().all(in_alphabet);
    match LockName::new(text) {
        Ok(name) => {
            assert!(is_name, "{text:?} is no name");
            assert_eq!(name.to_string(), text, "a name is written as it is read");
            check_path(&name);
        }
        Err(error) => assert!(!is_name && !error.to_string().is_empty(), "{text:?} is a name"),
    }
}

/// No name leads out of its folder, and none is too long for a file.
fn check_path(name: &LockName) {
    let layout = LockRootLayout::new("/any/root");
    for (path, folder) in [
        (layout.record(LockRecordKind::Lock, name), "/any/root/locks"),
        (layout.record(LockRecordKind::Freeze, name), "/any/root/freezes"),
        (layout.legacy_freeze(name), "/any/root/locks"),
        (layout.draft(LockRecordKind::Lock, name), "/any/root/tmp"),
        (layout.latch(name), "/any/root/latches"),
        (layout.queue(name), "/any/root/queue"),
    ] {
        assert_eq!(path.parent(), Some(Path::new(folder)), "a name is one part of a path");
        let length = path.file_name().map_or(0, std::ffi::OsStr::len);
        assert!((1..=255).contains(&length), "a file's name has 255 bytes at most");
    }
}

fn check_owner(text: &str) {
    let is_owner = !text.is_empty() && !text.chars().any(char::is_control);
    match Owner::new(text) {
        Ok(owner) => assert!(is_owner && owner.as_str() == text, "{text:?} is no owner"),
        Err(error) => assert!(!is_owner && !error.to_string().is_empty(), "{text:?} is an owner"),
    }
}

/// A time is exact to the microsecond, stays so after additions, and can be read after it was written.
fn check_round_trip(time: Timestamp) {
    let spans = [Duration::ZERO, Duration::from_nanos(1), Duration::from_hours(1), Duration::MAX];
    for span in spans {
        let (later, earlier) = (time.saturating_add(span), time.saturating_sub(span));
        assert!(earlier <= time && time <= later, "time has a direction");
        assert!(later.since(time) <= span, "no time is farther than was added");
        for time in [earlier, later] {
            let text = time.to_string();
            assert_eq!(text.parse(), Ok(time), "a time is written so that it is read again");
            assert!(is_formatted_time(&text), "{text} is in UTC, with microseconds at most");
            let count = time.as_microseconds();
            assert_eq!(Timestamp::from_microseconds(count), Some(time), "{text} has microseconds");
        }
    }
}

/// Whether a text is a time as Lokt writes it: RFC 3339 in UTC with as many digits as needed, at most
/// microseconds.
pub fn is_formatted_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let second = |text: &str| text == "0000-00-00T00:00:00";
    let whole = |shape: &str| match shape.split_once('.') {
        Some((begin, digits)) => second(begin) && digits.len() <= 6 && !text.ends_with("0Z"),
        None => second(shape),
    };
    shape.strip_suffix('Z').is_some_and(whole)
}
