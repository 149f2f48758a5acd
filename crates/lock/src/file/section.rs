use super::{file_store::FileStore, io, latch::Latch, slot::read_slot, ticket, ticket::FileTicket};
use crate::{
    record::{Record, Slot},
    rules::{Place, TicketText},
    store::{Durability, Placed, Put, Removed, Section, Shelf, StoreError},
    words::{Fence, LockId, LockName, Timestamp},
};
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Exclusive access to one name: its latch, and with it everything that the name has.
#[must_use = "the section ends as soon as this is dropped"]
pub struct FileSection<'s> {
    store: &'s FileStore,
    name: LockName,
    latch: Latch,
}

impl<'s> FileSection<'s> {
    pub(super) fn new(store: &'s FileStore, name: LockName, latch: Latch) -> Self {
        Self { store, name, latch }
    }

    fn path(&self, shelf: Shelf) -> PathBuf {
        self.store.layout.record(shelf, &self.name)
    }

    /// Where the record that a peek shows really is.
    fn found_at(&self, shelf: Shelf) -> PathBuf {
        let path = self.path(shelf);
        match shelf {
            Shelf::Freeze if fs::symlink_metadata(&path).is_err() => {
                self.store.layout.legacy_freeze(&self.name)
            }
            _ => path,
        }
    }

    /// Makes a new name durable. A record that cannot be is taken back: its holder will be told that it
    /// has nothing.
    fn sync_or_undo(&self, shelf: Shelf, put: Put) -> Result<(), StoreError> {
        io::sync_folder(&self.store.layout.shelf(shelf)).inspect_err(|_| {
            if put == Put::New {
                let _ = fs::remove_file(self.path(shelf));
            }
        })
    }

    /// Puts back what turned out not to be what was judged. Where yet another record has appeared, that
    /// one counts, and this one stays where a person can find it.
    fn give_back(&self, taken: &Path, path: &Path) -> Result<Removed, StoreError> {
        match fs::hard_link(taken, path) {
            Ok(()) => io::remove(taken).map(|()| Removed::Replaced),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Removed::Replaced),
            Err(error) => Err(StoreError::io("give back", path)(error)),
        }
    }
}

impl Section for FileSection<'_> {
    type Store = FileStore;

    fn store(&self) -> &FileStore {
        self.store
    }

    fn name(&self) -> &LockName {
        &self.name
    }

    fn next_fence(&mut self, floor: Fence, now: Timestamp) -> Result<Fence, StoreError> {
        let path = self.store.layout.latch(&self.name);
        self.latch
            .next_fence(floor, now)
            .map_err(StoreError::io("draw a fence from", path))
    }

    fn enqueue(
        &mut self,
        id: &LockId,
        text: &TicketText,
        entered: bool,
    ) -> Result<FileTicket, StoreError> {
        let folder = self.store.layout.queue(&self.name);
        let last = ticket::list(&folder)?
            .iter()
            .map(|place| place.number)
            .max()
            .unwrap_or(0);
        let place = Place {
            number: last.saturating_add(1),
            lock_id: id.clone(),
            entered,
        };
        FileTicket::draw(folder, place, text)
    }

    fn enter(&mut self, ticket: &mut FileTicket) -> Result<(), StoreError> {
        ticket.mark_entered()
    }

    fn drop_place(&mut self, place: &Place) -> Result<(), StoreError> {
        io::remove(&ticket::path_of(&self.store.layout, &self.name, place))
    }

    fn put(
        &mut self,
        shelf: Shelf,
        record: &Record,
        put: Put,
        durability: Durability,
    ) -> Result<Placed, StoreError> {
        let draft = self.store.layout.draft(shelf, &self.name);
        let path = self.path(shelf);
        let file = io::create(&draft, &record.encode())?;
        if durability == Durability::Synced {
            file.sync_all().map_err(StoreError::io("sync", &draft))?;
            self.latch
                .sync()
                .map_err(StoreError::io("sync the latch of", &path))?;
        }
        let placed = match put {
            Put::New => link(&draft, &path),
            Put::Over => rename(&draft, &path),
        };
        if !matches!(placed, Ok(Placed::Done)) {
            // Leave nothing half-done; what stands at `path` is untouched.
            let _ = fs::remove_file(&draft);
        }
        if durability == Durability::Synced && matches!(placed, Ok(Placed::Done)) {
            self.sync_or_undo(shelf, put)?;
        }
        placed
    }

    /// A record is first moved away and looked at again: between the look that judged it and this, only a
    /// program that knows no latch can have replaced it, and its record must not be destroyed.
    fn remove(
        &mut self,
        shelf: Shelf,
        judged: &Slot,
        durability: Durability,
    ) -> Result<Removed, StoreError> {
        let path = self.found_at(shelf);
        let taken = self.store.layout.draft(shelf, &self.name);
        match move_away(&path, &taken) {
            Err(error) if io::is_missing(&error) => return Ok(Removed::Done),
            moved => moved.map_err(StoreError::io("remove", &path))?,
        }
        if !is_same(&read_slot(&taken, &self.name), judged) {
            return self.give_back(&taken, &path);
        }
        clear(&taken).inspect_err(|_| {
            // A folder with something in it: nothing of it may be lost.
            let _ = fs::rename(&taken, &path);
        })?;
        if durability == Durability::Synced {
            io::sync_folder(path.parent().unwrap_or(&path))?;
        }
        Ok(Removed::Done)
    }
}

fn link(draft: &Path, path: &Path) -> Result<Placed, StoreError> {
    match fs::hard_link(draft, path) {
        Ok(()) => io::remove(draft).map(|()| Placed::Done),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Placed::Taken),
        Err(error) => Err(StoreError::io("link", path)(error)),
    }
}

fn rename(draft: &Path, path: &Path) -> Result<Placed, StoreError> {
    fs::rename(draft, path)
        .map(|()| Placed::Done)
        .map_err(StoreError::io("rename", path))
}

/// Moves a record to a private path, over the rest of a crash that may stand there.
fn move_away(path: &Path, taken: &Path) -> std::io::Result<()> {
    match fs::rename(path, taken) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty
            ) =>
        {
            fs::remove_dir(taken)?;
            fs::rename(path, taken)
        }
        renamed => renamed,
    }
}

/// Removes what stands at a private path: a file, a link, or a folder that somebody put in a record's
/// place, provided that it is empty.
fn clear(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            fs::remove_dir(path).map_err(StoreError::io("remove the folder", path))
        }
        Err(error) if io::is_missing(&error) => Ok(()),
        result => result.map_err(StoreError::io("remove", path)),
    }
}

/// Whether what is there now is what was judged.
fn is_same(now: &Slot, judged: &Slot) -> bool {
    match (now, judged) {
        (Slot::Record(now), Slot::Record(judged)) => now == judged,
        (Slot::Newer(now), Slot::Newer(judged)) => now == judged,
        (Slot::Corrupted(now), Slot::Corrupted(judged)) => now.flaw == judged.flaw,
        (Slot::Unreadable(_), Slot::Unreadable(_)) => true,
        _ => false,
    }
}
