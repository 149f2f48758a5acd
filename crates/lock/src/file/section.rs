use super::{
    file_store::FileLockStore,
    io,
    latch::Latch,
    name_reader::FileNameReader,
    slot::read_slot,
    ticket::{self, FileTicket},
};
use crate::{
    audit::AuditEvent,
    record::{LockRecord, LockRecordFlaw, RecordSlot},
    rules::{QueuePlace, TicketContent},
    store::{
        Durability, LockRecordKind, LockStoreError, NameReader, NameSection, ReadsThrough,
        RecordPutMode, RecordPutOutcome, RecordRemoveOutcome,
    },
    sys::{OpenFolderCache, nofollow},
    words::{Fence, LockName, Timestamp},
};
use nix::libc::{EEXIST, EINVAL, ENOSYS};
use std::{
    fs::File,
    io::{Error, ErrorKind},
    path::{Path, PathBuf},
};

/// Exclusive access to one name: its latch, and with it everything that the name has.
#[must_use = "the section ends as soon as this is dropped"]
pub struct LatchedSection<'s> {
    store: &'s FileLockStore,
    reader: FileNameReader<'s>,
    latch: Latch,
    _folders: OpenFolderCache,
}

impl<'s> LatchedSection<'s> {
    pub(super) fn new(store: &'s FileLockStore, name: LockName, latch: Latch) -> Self {
        let reader = FileNameReader::owning(&store.layout, name);
        Self { store, reader, latch, _folders: OpenFolderCache::begin() }
    }

    fn path(&self, kind: LockRecordKind) -> PathBuf {
        self.store.layout.record(kind, self.name())
    }

    /// Where the record that was judged really is: a freeze may be in the place of older versions.
    fn found_at(&self, kind: LockRecordKind, judged: &RecordSlot) -> PathBuf {
        let path = self.path(kind);
        let legacy = self.store.layout.legacy_freeze(self.name());
        match kind {
            LockRecordKind::Freeze if !is_same(&read_slot(&path, self.name()), judged) => legacy,
            _ => path,
        }
    }

    fn put_once(
        &mut self,
        kind: LockRecordKind,
        record: &LockRecord,
        put: RecordPutMode,
        durability: Durability,
    ) -> Result<RecordPutOutcome, LockStoreError> {
        let draft = self.store.layout.draft(kind, self.name());
        let path = self.path(kind);
        let before = match (put, durability) {
            (RecordPutMode::Over, Durability::Synced) => read_slot(&path, self.name()),
            _ => RecordSlot::Absent,
        };
        let file = io::create(&draft, &record.encode())?;
        let placed = self.sync_draft(&file, &draft, durability).and_then(|()| match put {
            RecordPutMode::New => link(&draft, &path),
            RecordPutMode::Over => rename(&draft, &path),
        });
        if !matches!(placed, Ok(RecordPutOutcome::Done)) {
            // Leave nothing half-done; what stands at `path` is untouched.
            let _ = nofollow::remove_file(&draft);
            return placed;
        }
        if durability == Durability::Synced {
            self.sync_or_undo(kind, &before)?;
        }
        Ok(RecordPutOutcome::Done)
    }

    fn sync_draft(
        &self,
        file: &File,
        draft: &Path,
        durability: Durability,
    ) -> Result<(), LockStoreError> {
        if durability == Durability::Volatile {
            return Ok(());
        }
        file.sync_all().map_err(LockStoreError::io("sync", draft))?;
        let latch = self.store.layout.latch(self.name());
        self.latch.sync().map_err(LockStoreError::io("sync", latch))
    }

    /// Moves a record to a private path; false if there is no record. What a crash left at that path is removed
    /// first: it may be a second link to the very file, and then rename(2) would do nothing.
    fn move_away(&self, path: &Path, taken: &Path) -> Result<bool, LockStoreError> {
        io::remove(taken)?;
        let moved = nofollow::rename(path, taken);
        match moved {
            Err(error) if io::is_missing(&error) && nofollow::metadata(path).is_err() => Ok(false),
            Err(error) if io::is_missing(&error) => {
                self.store.make_folders()?;
                nofollow::rename(path, taken)
                    .map(|()| true)
                    .map_err(LockStoreError::io("remove", path))
            }
            moved => moved.map(|()| true).map_err(LockStoreError::io("remove", path)),
        }
    }

    /// Makes what was put durable. If that fails, it is taken back, and what stood there before is put back:
    /// the caller is about to hear that nothing has changed.
    fn sync_or_undo(
        &self,
        kind: LockRecordKind,
        before: &RecordSlot,
    ) -> Result<(), LockStoreError> {
        let undo = |_: &LockStoreError| match before {
            // There is a first failure already, which is the one to tell of.
            RecordSlot::Absent => drop(nofollow::remove_file(&self.path(kind))),
            RecordSlot::Record(before) => drop(self.put_back(kind, before)),
            // No caller replaces a corrupt or unreadable record.
            RecordSlot::Newer(_) | RecordSlot::Corrupted(_) | RecordSlot::Unreadable(_) => {}
        };
        io::sync_folder(&self.store.layout.folder_of(kind)).inspect_err(undo)
    }

    fn put_back(
        &self,
        kind: LockRecordKind,
        before: &LockRecord,
    ) -> Result<RecordPutOutcome, LockStoreError> {
        let draft = self.store.layout.draft(kind, self.name());
        io::create(&draft, &before.encode())?;
        rename(&draft, &self.path(kind))
    }
}

impl ReadsThrough for LatchedSection<'_> {
    fn reader(&self) -> &dyn NameReader {
        &self.reader
    }
}

impl NameSection for LatchedSection<'_> {
    type Store = FileLockStore;

    fn store(&self) -> &FileLockStore {
        self.store
    }

    fn next_fence(&mut self, floor: Fence, now: Timestamp) -> Result<Fence, LockStoreError> {
        let path = self.store.layout.latch(self.name());
        self.latch.next_fence(floor, now).map_err(LockStoreError::io("draw a fence from", path))
    }

    fn enqueue(
        &mut self,
        place: QueuePlace,
        text: &TicketContent,
    ) -> Result<FileTicket, LockStoreError> {
        let waits = !place.entered;
        let mut ticket = FileTicket::draw(self.store.layout.queue(self.name()), place, text)?;
        if waits && !text.held.is_empty() {
            ticket.list_as_nested(&self.store.layout.nested());
        }
        Ok(ticket)
    }

    fn enter(&mut self, ticket: &mut FileTicket) -> Result<(), LockStoreError> {
        ticket.mark_entered()
    }

    fn withdraw(&mut self, ticket: &mut FileTicket) {
        ticket.withdraw();
    }

    fn drop_place(&mut self, place: &QueuePlace) -> Result<(), LockStoreError> {
        io::remove(&ticket::path_of(&self.store.layout, self.name(), place))
    }

    fn put(
        &mut self,
        kind: LockRecordKind,
        record: &LockRecord,
        put: RecordPutMode,
        durability: Durability,
    ) -> Result<RecordPutOutcome, LockStoreError> {
        match self.put_once(kind, record, put, durability) {
            // Another process deleted a folder of the root: make it again, and try the put once more.
            Err(error) if error.is_missing() => {
                self.store.make_folders()?;
                self.put_once(kind, record, put, durability)
            }
            placed => placed,
        }
    }

    /// A record is first moved away and looked at again: between the look that judged it and this, only a
    /// program that knows no latch can have replaced it, and its record must not be destroyed.
    fn remove(
        &mut self,
        kind: LockRecordKind,
        judged: &RecordSlot,
        durability: Durability,
    ) -> Result<RecordRemoveOutcome, LockStoreError> {
        let path = self.found_at(kind, judged);
        let taken = self.store.layout.draft(kind, self.name());
        if is_folder(judged) {
            // In its place, and only if it is empty: nothing of it may be lost.
            nofollow::remove_folder(&path).map_err(LockStoreError::io("remove", &path))?;
            return Ok(RecordRemoveOutcome::Done);
        }
        if !self.move_away(&path, &taken)? {
            return Ok(RecordRemoveOutcome::Done);
        }
        let now = read_slot(&taken, self.name());
        if !is_same(&now, judged) {
            let given_back = give_back(&taken, &path)?;
            return readable(&now, &path).map(|()| given_back);
        }
        // It is no longer in place. If the moved file stays, it blocks no caller.
        let _ = io::remove(&taken);
        if durability == Durability::Synced {
            io::sync_folder(path.parent().unwrap_or(&path))?;
        }
        Ok(RecordRemoveOutcome::Done)
    }

    fn log(&mut self, event: &AuditEvent, durability: Durability) -> Result<(), LockStoreError> {
        self.store.append_event(event, durability)
    }
}

/// Puts back what turned out not to be what was judged. Where yet another record has appeared, that one
/// counts, and this one stays where a person can find it.
fn give_back(taken: &Path, path: &Path) -> Result<RecordRemoveOutcome, LockStoreError> {
    link(taken, path).map(|_| RecordRemoveOutcome::Replaced)
}

/// Where it cannot be read, it is unknown whether another record is in its place.
fn readable(slot: &RecordSlot, path: &Path) -> Result<(), LockStoreError> {
    match slot {
        RecordSlot::Unreadable(error) => {
            let error = error.raw_os_error().map_or(error.kind().into(), Error::from_raw_os_error);
            Err(LockStoreError::io("read", path)(error))
        }
        _ => Ok(()),
    }
}

/// Gives a draft its name, never over another: in one step where the file system can
/// (`RENAME_NOREPLACE`, renameat2(2)), else by link(2), which never replaces either.
pub(super) fn link(draft: &Path, path: &Path) -> Result<RecordPutOutcome, LockStoreError> {
    match nofollow::rename_to_new(draft, path) {
        Ok(()) => Ok(RecordPutOutcome::Done),
        Err(error) => match error.raw_os_error() {
            Some(EEXIST) => Ok(RecordPutOutcome::Taken),
            Some(EINVAL | ENOSYS) => link_and_remove(draft, path),
            _ => Err(LockStoreError::io("rename into place", path)(error)),
        },
    }
}

fn link_and_remove(draft: &Path, path: &Path) -> Result<RecordPutOutcome, LockStoreError> {
    match nofollow::link(draft, path) {
        Ok(()) => io::remove(draft).map(|()| RecordPutOutcome::Done),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(RecordPutOutcome::Taken),
        Err(error) => Err(LockStoreError::io("link", path)(error)),
    }
}

pub(super) fn rename(draft: &Path, path: &Path) -> Result<RecordPutOutcome, LockStoreError> {
    nofollow::rename(draft, path)
        .map(|()| RecordPutOutcome::Done)
        .map_err(LockStoreError::io("rename", path))
}

fn is_folder(slot: &RecordSlot) -> bool {
    matches!(slot, RecordSlot::Corrupted(it) if it.flaw == LockRecordFlaw::NotAFile("a directory"))
}

/// Whether what is there now is what was judged.
fn is_same(now: &RecordSlot, judged: &RecordSlot) -> bool {
    match (now, judged) {
        (RecordSlot::Record(now), RecordSlot::Record(judged)) => now == judged,
        (RecordSlot::Newer(now), RecordSlot::Newer(judged)) => now == judged,
        (RecordSlot::Corrupted(now), RecordSlot::Corrupted(judged)) => now.flaw == judged.flaw,
        (RecordSlot::Unreadable(_), RecordSlot::Unreadable(_)) => true,
        _ => false,
    }
}
