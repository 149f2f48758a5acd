use super::{
    file_store::FileLockStore,
    io,
    latch::Latch,
    layout::LockRootLayout,
    reservation_slot::{self, file_name},
    reservation_waiters::{self, ReservationTicket},
    reservation_watch::FileReservationWatch,
    section::{link, rename},
};
use crate::{
    audit::AuditEvent,
    reservation::{Reservation, ReservationEntry, ReservationId, WaitingReservation},
    store::{
        Durability, LockStoreError, RecordPutMode, RecordPutOutcome, ReservationReader,
        ReservationSection, ReservationStore,
    },
    sys::{OpenFolderCache, nofollow},
    words::Timestamp,
};
use std::{ffi::OsStr, io::ErrorKind, path::Path};

/// Exclusive access to all reservations of a root: their latch.
///
/// # What a death leaves
/// A record appears, changes and goes by one rename(2) or unlink(2). A draft that stays is removed by the next writer.
/// The latch is dropped with its process.
#[must_use = "the section ends as soon as this is dropped"]
pub struct LatchedReservationSection<'s> {
    store: &'s FileLockStore,
    _latch: Latch,
    _folders: OpenFolderCache,
}

impl ReservationStore for FileLockStore {
    type ReservationReader<'s> = FileReservationReader<'s>;
    type ReservationSection<'s> = LatchedReservationSection<'s>;
    type ReservationTicket = ReservationTicket;
    type ReservationWatch = FileReservationWatch;

    fn reservation_reader(&self) -> FileReservationReader<'_> {
        FileReservationReader { layout: &self.layout }
    }

    fn within_reservations<R, E: From<LockStoreError>>(
        &self,
        mut change: impl FnMut(&mut LatchedReservationSection<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        change(&mut self.reservation_section()?)
    }

    fn watch_reservations(&self) -> FileReservationWatch {
        FileReservationWatch::begin(&self.layout)
    }
}

impl FileLockStore {
    /// Enters the section of all reservations: waits for its present user, at most a few seconds.
    pub(super) fn reservation_section(
        &self,
    ) -> Result<LatchedReservationSection<'_>, LockStoreError> {
        let latch = self.latch(&self.layout.reservation_latch())?;
        let folders = OpenFolderCache::begin();
        Ok(LatchedReservationSection { store: self, _latch: latch, _folders: folders })
    }
}

/// Reads the files of reservations, when they are asked for.
#[derive(Debug)]
pub struct FileReservationReader<'s> {
    layout: &'s LockRootLayout,
}

impl ReservationReader for FileReservationReader<'_> {
    fn is_over(&self, record: &Reservation) -> bool {
        record.is_expired(Timestamp::now())
    }

    fn reservations_if(
        &self,
        is_wanted: &(dyn Fn(&Reservation) -> bool + Sync),
    ) -> Result<Vec<ReservationEntry>, LockStoreError> {
        let is_listed = |it: &Reservation| self.is_over(it) || is_wanted(it);
        reservation_slot::read_all(&self.layout.reservations(), &is_listed)
    }

    fn waiting(&self) -> Result<Vec<WaitingReservation>, LockStoreError> {
        reservation_waiters::list(&self.layout.reservation_waiters())
    }
}

impl ReservationReader for LatchedReservationSection<'_> {
    fn is_over(&self, record: &Reservation) -> bool {
        self.store.reservation_reader().is_over(record)
    }

    fn reservations_if(
        &self,
        is_wanted: &(dyn Fn(&Reservation) -> bool + Sync),
    ) -> Result<Vec<ReservationEntry>, LockStoreError> {
        self.store.reservation_reader().reservations_if(is_wanted)
    }

    fn waiting(&self) -> Result<Vec<WaitingReservation>, LockStoreError> {
        self.store.reservation_reader().waiting()
    }
}

impl LatchedReservationSection<'_> {
    fn put_once(
        &self,
        record: &Reservation,
        put: RecordPutMode,
        durability: Durability,
    ) -> Result<(), LockStoreError> {
        let draft = self.store.layout.reservation_draft();
        let path = self.store.layout.reservations().join(file_name(&record.id));
        let before = match (put, durability) {
            (RecordPutMode::Over, Durability::Synced) => nofollow::read(&path).ok(),
            _ => None,
        };
        let file = io::create(&draft, &record.encode())?;
        let sync = || match durability {
            Durability::Synced => file.sync_all().map_err(LockStoreError::io("sync", &draft)),
            Durability::Volatile => Ok(()),
        };
        let placed = sync().and_then(|()| match put {
            RecordPutMode::New => link(&draft, &path),
            RecordPutMode::Over => rename(&draft, &path),
        });
        let placed = placed.and_then(|outcome| match outcome {
            RecordPutOutcome::Done => Ok(()),
            RecordPutOutcome::Taken => {
                Err(LockStoreError::io("make", &path)(ErrorKind::AlreadyExists.into()))
            }
        });
        if placed.is_err() {
            // Nothing half-done stays; what stands at `path` is untouched.
            let _ = nofollow::remove_file(&draft);
            return placed;
        }
        match durability {
            Durability::Synced => self.sync_or_undo(&path, before.as_deref()),
            Durability::Volatile => Ok(()),
        }
    }

    /// Makes what was put durable. If that fails, what stood there before is put back: the caller is about to hear that
    /// nothing has changed.
    fn sync_or_undo(&self, path: &Path, before: Option<&[u8]>) -> Result<(), LockStoreError> {
        let undo = |_: &LockStoreError| match before {
            // There is a first failure already, which is the one to tell of.
            None => drop(nofollow::remove_file(path)),
            Some(before) => {
                let draft = self.store.layout.reservation_draft();
                drop(io::create(&draft, before).and_then(|_| rename(&draft, path)));
            }
        };
        io::sync_folder(&self.store.layout.reservations()).inspect_err(undo)
    }
}

impl ReservationSection for LatchedReservationSection<'_> {
    type Ticket = ReservationTicket;

    fn put(
        &mut self,
        record: &Reservation,
        put: RecordPutMode,
        durability: Durability,
    ) -> Result<(), LockStoreError> {
        match self.put_once(record, put, durability) {
            // The first reservation of a root makes the folder.
            Err(error) if error.is_missing() => {
                self.store.make_folders()?;
                io::make_folder(&self.store.layout.reservations())?;
                io::sync_folder(self.store.layout.root())?;
                self.put_once(record, put, durability)
            }
            placed => placed,
        }
    }

    fn remove(&mut self, id: &ReservationId, durability: Durability) -> Result<(), LockStoreError> {
        let folder = self.store.layout.reservations();
        io::remove(&folder.join(file_name(id)))?;
        match durability {
            Durability::Synced => io::sync_folder(&folder),
            Durability::Volatile => Ok(()),
        }
    }

    fn clear(&mut self, name: &OsStr) -> Result<(), LockStoreError> {
        let folder = self.store.layout.reservations();
        io::remove(&folder.join(name))?;
        io::sync_folder(&folder)
    }

    fn enqueue(
        &mut self,
        request: &WaitingReservation,
    ) -> Result<ReservationTicket, LockStoreError> {
        ReservationTicket::draw(&self.store.layout.reservation_waiters(), request)
    }

    fn withdraw(&mut self, ticket: &mut ReservationTicket) {
        ticket.withdraw();
    }

    fn log(&mut self, event: &AuditEvent, durability: Durability) -> Result<(), LockStoreError> {
        self.store.append_event(event, durability)
    }
}
