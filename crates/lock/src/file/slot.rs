use super::{
    io::is_missing,
    record_content::{RecordContent, kind_by_error, kind_of, read_content},
};
use crate::{
    record::{LockRecord, LockRecordFlaw, RecordCorruption, RecordParseError, RecordSlot},
    sys::nofollow,
    words::LockName,
};
use nix::time::{ClockId, clock_gettime};
use std::{
    fs::{File, Metadata},
    io,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Reads what stands at a record's path, whatever that is, without ever blocking or following a link.
pub fn read_slot(path: &Path, name: &LockName) -> RecordSlot {
    match nofollow::open_any_kind(path) {
        Ok(file) => {
            read_file(&file, name).unwrap_or_else(|error| RecordSlot::Unreadable(Arc::new(error)))
        }
        Err(error) if is_missing(&error) => RecordSlot::Absent,
        Err(error) => match kind_by_error(path, &error) {
            Some(kind) => not_a_file(kind),
            None => RecordSlot::Unreadable(Arc::new(error)),
        },
    }
}

fn read_file(file: &File, name: &LockName) -> io::Result<RecordSlot> {
    match read_content(file, &mut [0; _])? {
        RecordContent::Bytes(bytes) => judge(file, name, &bytes),
        RecordContent::NotAFile(kind) => Ok(not_a_file(kind)),
        RecordContent::TooLarge(length) => broken(file, LockRecordFlaw::TooLarge(length)),
    }
}

fn judge(file: &File, name: &LockName, bytes: &[u8]) -> io::Result<RecordSlot> {
    Ok(match LockRecord::parse(bytes, name) {
        Ok(record) => RecordSlot::Record(Box::new(record)),
        Err(RecordParseError::Newer(version)) => RecordSlot::Newer(version),
        Err(RecordParseError::Flaw(flaw)) => return broken(file, flaw),
    })
}

/// The file is not a record; perhaps it is not even a file.
fn broken(file: &File, flaw: LockRecordFlaw) -> io::Result<RecordSlot> {
    let meta = file.metadata()?;
    Ok(if meta.is_file() { corrupted(flaw, &meta) } else { not_a_file(kind_of(meta.file_type())) })
}

fn not_a_file(what: &'static str) -> RecordSlot {
    let flaw = LockRecordFlaw::NotAFile(what);
    RecordSlot::Corrupted(RecordCorruption { flaw, age: Duration::MAX, before_boot: false })
}

fn corrupted(flaw: LockRecordFlaw, meta: &Metadata) -> RecordSlot {
    let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let now = SystemTime::now();
    // A time in the future, after a clock was set back, is as far from "just now" as one in the past.
    let age = now.duration_since(modified).unwrap_or_else(|ahead| ahead.duration());
    let before_boot = booted(now).is_some_and(|boot| modified < boot);
    RecordSlot::Corrupted(RecordCorruption { flaw, age, before_boot })
}

/// When this machine was booted, a second early to be safe against rounding.
fn booted(now: SystemTime) -> Option<SystemTime> {
    let up = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?);
    now.checked_sub(up)?.checked_sub(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::{super::record_content::LARGEST_RECORD, *};
    use std::{fs, os::unix::net::UnixListener};

    fn read(path: &Path) -> RecordSlot {
        read_slot(path, &LockName::new("x").unwrap())
    }

    fn flaw(path: &Path) -> LockRecordFlaw {
        match read(path) {
            RecordSlot::Corrupted(corruption) => corruption.flaw,
            other => panic!("expected a corruption, found {other:?}"),
        }
    }

    #[test]
    fn whatever_stands_there_is_told_and_nothing_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(matches!(read(&at("none")), RecordSlot::Absent));
        fs::write(at("empty"), "").unwrap();
        assert_eq!(flaw(&at("empty")), LockRecordFlaw::Empty);
        fs::write(at("half"), r#"{"version":1,"na"#).unwrap();
        assert!(matches!(flaw(&at("half")), LockRecordFlaw::NotJson(_)));
        fs::write(at("binary"), [0, 255, 7]).unwrap();
        assert!(matches!(flaw(&at("binary")), LockRecordFlaw::NotJson(_)));
        fs::create_dir(at("folder")).unwrap();
        assert_eq!(flaw(&at("folder")), LockRecordFlaw::NotAFile("a directory"));
        std::os::unix::fs::symlink("/dev/zero", at("link")).unwrap();
        assert_eq!(flaw(&at("link")), LockRecordFlaw::NotAFile("a symbolic link"));
        let mode = nix::sys::stat::Mode::S_IRWXU;
        nix::unistd::mkfifo(&at("pipe"), mode).unwrap();
        assert_eq!(flaw(&at("pipe")), LockRecordFlaw::NotAFile("a named pipe"));
        let _listener = UnixListener::bind(at("socket")).unwrap();
        assert_eq!(flaw(&at("socket")), LockRecordFlaw::NotAFile("a socket"));
        let big = File::create(at("big")).unwrap();
        big.set_len(LARGEST_RECORD + 1).unwrap();
        assert_eq!(flaw(&at("big")), LockRecordFlaw::TooLarge(LARGEST_RECORD + 1));
    }

    #[test]
    fn the_age_of_a_broken_file_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let file = File::create(&path).unwrap();
        let RecordSlot::Corrupted(fresh) = read(&path) else {
            panic!("an empty file is corrupted")
        };
        assert!(fresh.may_be_filling() && !fresh.before_boot, "{fresh:?}");
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let RecordSlot::Corrupted(old) = read(&path) else { panic!("an empty file is corrupted") };
        assert!(!old.may_be_filling() && old.before_boot, "{old:?}");
        file.set_modified(SystemTime::now() + Duration::from_hours(1)).unwrap();
        let RecordSlot::Corrupted(ahead) = read(&path) else {
            panic!("an empty file is corrupted")
        };
        assert!(!ahead.may_be_filling(), "a clock set back must not keep it forever: {ahead:?}");
    }
}
