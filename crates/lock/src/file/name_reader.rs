use super::{
    file_store::FileLockStore,
    io,
    layout::{LEGACY_FREEZE, LockRootLayout},
    slot::read_slot,
    ticket,
};
use crate::{
    record::{LockRecord, RecordSlot},
    rules::{QueuePlace, TicketContent},
    store::{LockListing, LockRecordKind, LockStoreError, NameReader},
    sys::nofollow,
    words::{LockName, Timestamp},
};
use std::{borrow::Cow, collections::BTreeSet, ffi::OsString, fs, path::Path};

/// Reads the files of one name, each when it is asked for.
#[derive(Debug)]
pub struct FileNameReader<'s> {
    layout: &'s LockRootLayout,
    name: Cow<'s, LockName>,
}

impl<'s> FileNameReader<'s> {
    pub(super) fn new(layout: &'s LockRootLayout, name: &'s LockName) -> Self {
        Self { layout, name: Cow::Borrowed(name) }
    }

    /// The same, with a name that it keeps.
    pub(super) fn owning(layout: &'s LockRootLayout, name: LockName) -> Self {
        Self { layout, name: Cow::Owned(name) }
    }

    /// A freeze of an older version: `locks/freeze-<name>.json`. A lock of this version may be called that too;
    /// its record says what it depends on, which no freeze does.
    fn legacy_freeze(&self) -> RecordSlot {
        let slot = read_slot(&self.layout.legacy_freeze(&self.name), &self.name);
        match &slot {
            RecordSlot::Record(record) if record.hold.is_none() => slot,
            _ => RecordSlot::Absent,
        }
    }
}

impl NameReader for FileNameReader<'_> {
    fn name(&self) -> &LockName {
        &self.name
    }

    fn slot(&self, kind: LockRecordKind) -> RecordSlot {
        let slot = read_slot(&self.layout.record(kind, &self.name), &self.name);
        let over = |freeze: &LockRecord| self.is_over(freeze);
        match (&slot, kind) {
            (RecordSlot::Absent, LockRecordKind::Freeze) => self.legacy_freeze(),
            // One that is over must not hide one in the old place that is not.
            (RecordSlot::Record(freeze), LockRecordKind::Freeze) if over(freeze) => {
                match self.legacy_freeze() {
                    RecordSlot::Record(legacy) if !over(&legacy) => RecordSlot::Record(legacy),
                    _ => slot,
                }
            }
            _ => slot,
        }
    }

    fn is_over(&self, record: &LockRecord) -> bool {
        record.is_expired(Timestamp::now())
    }

    fn line(&self) -> Result<Vec<QueuePlace>, LockStoreError> {
        ticket::list(&self.layout.queue(&self.name))
    }

    fn lives(&self, place: &QueuePlace) -> bool {
        ticket::lives(&ticket::path_of(self.layout, &self.name, place))
    }

    fn ticket_text(&self, place: &QueuePlace) -> Option<TicketContent> {
        let content = nofollow::read(&ticket::path_of(self.layout, &self.name, place)).ok()?;
        serde_json::from_slice(&content).ok()
    }

    fn keepers(&self, place: &QueuePlace) -> Vec<i32> {
        let path = ticket::path_of(self.layout, &self.name, place);
        // `/proc` shows resolved paths.
        fs::canonicalize(path).map_or_else(|_| Vec::new(), |path| crate::sys::holders_of(&path))
    }
}

/// Lists the names that have files.
#[derive(Debug)]
pub struct FileLockListing<'s> {
    store: &'s FileLockStore,
}

impl<'s> FileLockListing<'s> {
    pub(super) fn new(store: &'s FileLockStore) -> Self {
        Self { store }
    }

    /// The name that the file of `lock` freezes, where it is a freeze of an older version.
    fn frozen_by_legacy(&self, lock: &LockName) -> Option<LockName> {
        let name = LockName::new(lock.as_str().strip_prefix(LEGACY_FREEZE)?).ok()?;
        let legacy = FileNameReader::new(&self.store.layout, &name).legacy_freeze();
        legacy.record().is_some().then_some(name)
    }
}

impl LockListing for FileLockListing<'_> {
    type Reader<'l>
        = FileNameReader<'l>
    where
        Self: 'l;

    fn names(&self, kind: LockRecordKind) -> Result<Vec<LockName>, LockStoreError> {
        let layout = &self.store.layout;
        let mut locks = names_in(&layout.folder_of(LockRecordKind::Lock))?;
        let legacy: Vec<LockName> =
            locks.iter().filter_map(|it| self.frozen_by_legacy(it)).collect();
        if kind == LockRecordKind::Lock {
            locks.retain(|name| legacy.is_empty() || self.frozen_by_legacy(name).is_none());
            return Ok(locks);
        }
        let mut freezes = names_in(&layout.folder_of(LockRecordKind::Freeze))?;
        freezes.extend(legacy);
        freezes.sort_unstable();
        freezes.dedup();
        Ok(freezes)
    }

    fn lines(&self) -> Result<BTreeSet<LockName>, LockStoreError> {
        let names = io::names(&self.store.layout.queues())?;
        Ok(names.iter().filter_map(|name| LockName::new(name.to_str()?).ok()).collect())
    }

    fn reader<'l>(&'l self, name: &'l LockName) -> FileNameReader<'l> {
        FileNameReader::new(&self.store.layout, name)
    }
}

/// The names that have a file in a folder, sorted; none where there is no folder.
fn names_in(folder: &Path) -> Result<Vec<LockName>, LockStoreError> {
    let name = |file: &OsString| LockName::new(file.to_str()?.strip_suffix(".json")?).ok();
    let mut names: Vec<LockName> = io::names(folder)?.iter().filter_map(name).collect();
    names.sort_unstable();
    Ok(names)
}
