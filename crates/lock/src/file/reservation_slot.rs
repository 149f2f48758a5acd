use super::{
    io::{self, is_missing},
    slot::{LARGEST_RECORD, is_link, kind_of},
};
use crate::{
    reservation::{
        Reservation, ReservationEntry, ReservationId, ReservationParseError, ReservationRecordFlaw,
        ReservationSlot,
    },
    store::LockStoreError,
    sys::nofollow,
};
use nix::libc::{ELOOP, ENXIO};
use std::{
    ffi::{OsStr, OsString},
    io::Read,
    path::Path,
    sync::Arc,
};

/// The file name of a record.
pub(super) fn file_name(id: &ReservationId) -> String {
    format!("{id}.json")
}

/// Reads all records of a folder. Everything in it counts, whatever it is: what cannot be read may be a reservation.
pub(super) fn read_all(folder: &Path) -> Result<Vec<ReservationEntry>, LockStoreError> {
    let entry = |name: OsString| {
        let slot = read(&folder.join(&name), &name)?;
        Some(ReservationEntry { name, slot })
    };
    Ok(io::names(folder)?.into_iter().filter_map(entry).collect())
}

/// Reads what stands at a place, without ever blocking or following a link; `None` if nothing does.
fn read(path: &Path, name: &OsStr) -> Option<ReservationSlot> {
    let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
    let id = id.and_then(|id| ReservationId::new(id).ok());
    let slot = match content(path) {
        Ok(bytes) => match id.map(|id| Reservation::parse(&bytes, &id)) {
            Some(Ok(record)) => ReservationSlot::Record(Box::new(record)),
            Some(Err(ReservationParseError::Newer(version))) => ReservationSlot::Newer(version),
            Some(Err(ReservationParseError::Flaw(flaw))) => ReservationSlot::Corrupted(flaw),
            None => ReservationSlot::Corrupted(ReservationRecordFlaw::Name),
        },
        Err(ReservationReadError::Flaw(flaw)) => ReservationSlot::Corrupted(flaw),
        Err(ReservationReadError::Io(error)) if is_missing(&error) => return None,
        Err(ReservationReadError::Io(error)) => match error.raw_os_error() {
            Some(ELOOP) if is_link(path) => not_a_file("a symbolic link"),
            Some(ENXIO) => not_a_file("a socket"),
            _ => ReservationSlot::Unreadable(Arc::new(error)),
        },
    };
    Some(slot)
}

enum ReservationReadError {
    Flaw(ReservationRecordFlaw),
    Io(std::io::Error),
}

impl From<std::io::Error> for ReservationReadError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

fn content(path: &Path) -> Result<Vec<u8>, ReservationReadError> {
    let file = nofollow::open_any_kind(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(ReservationReadError::Flaw(ReservationRecordFlaw::NotAFile(kind_of(
            meta.file_type(),
        ))));
    }
    if meta.len() > LARGEST_RECORD {
        return Err(ReservationReadError::Flaw(ReservationRecordFlaw::TooLarge(meta.len())));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default() + 1);
    file.take(LARGEST_RECORD).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn not_a_file(what: &'static str) -> ReservationSlot {
    ReservationSlot::Corrupted(ReservationRecordFlaw::NotAFile(what))
}
