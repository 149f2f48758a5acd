//! Records of another that cannot be read: nothing says whose they are.

use super::NameStateSetup;
use lokt_testkit::Sandbox;
use serde_json::Value;
use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Makes a name unavailable by such a record.
pub(crate) const STATES: &[(&str, NameStateSetup)] = &[
    ("a broken record of a lease", |it, _, other| {
        other.does(it, "lock x --ttl 1h");
        breaks(it, "{bad");
        vec![]
    }),
    ("a broken record of a shared lease and the caller's", |it, me, other| {
        other.does(it, "lock x --shared --ttl 1h");
        me.does(it, "lock x --shared --ttl 1h");
        breaks(it, "[]");
        vec![]
    }),
    ("a broken record of a frozen lease", |it, _, other| {
        other.does(it, "lock x --ttl 1h");
        other.does(it, "freeze x --ttl 1h");
        breaks(it, "{\"version\": \"one\"}");
        vec![]
    }),
    ("a broken record, a folder", |it, _, other| {
        other.does(it, "lock x --ttl 1h");
        fs::remove_file(it.record_path("x")).unwrap();
        fs::create_dir(it.record_path("x")).unwrap();
        vec![]
    }),
    ("a record of a newer version", |it, _, other| {
        other.does(it, "lock x --ttl 1h");
        breaks(it, "{\"version\": 99}");
        vec![]
    }),
];

/// Writes a record that cannot be read, for a while already: no program may still be writing it.
pub(crate) fn breaks(it: &Sandbox, text: &str) {
    it.write_record("x", text);
    let record = fs::File::options().append(true).open(it.record_path("x")).unwrap();
    record.set_modified(SystemTime::now() - Duration::from_secs(3)).unwrap();
}

/// Lets a record be older than this boot.
pub(crate) fn changed_before_the_boot(it: &Sandbox) {
    let record = fs::File::options().append(true).open(it.record_path("x")).unwrap();
    record.set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
}

/// What stands in a record's place, if nothing says whose it is.
pub(crate) fn unreadable(it: &Sandbox) -> Option<Vec<u8>> {
    let path = it.record_path("x");
    let content = fs::read(&path).ok().or_else(|| path.exists().then(Vec::new))?;
    let record: Value = serde_json::from_slice(&content).unwrap_or_default();
    record["lock_id"].is_null().then_some(content)
}
