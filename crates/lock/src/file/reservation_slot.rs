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
    sys::{OpenFolderCache, in_portions_of, nofollow},
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

/// How many records are worth another thread.
const PORTION: usize = 100;

/// Reads all records of a folder. Everything in it counts, whatever it is: what cannot be read may be a reservation.
/// Keeps only the wanted records; the others take no memory.
pub(super) fn read_all(
    folder: &Path,
    is_wanted: &(dyn Fn(&Reservation) -> bool + Sync),
) -> Result<Vec<ReservationEntry>, LockStoreError> {
    let entry = |name: &OsString| {
        let slot = read(&folder.join(name), name)?;
        if let ReservationSlot::Record(record) = &slot
            && !is_wanted(record)
        {
            return None;
        }
        Some(ReservationEntry { name: name.clone(), slot })
    };
    let names = io::names(folder)?;
    Ok(in_portions_of(PORTION, &names, |part| {
        let _folders = OpenFolderCache::begin_in(folder);
        part.iter().filter_map(entry).collect()
    }))
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
    let mut file = nofollow::open_any_kind(path)?;
    // Most records fit into the buffer, and one read(2) is enough: if it returns less than asked for, the file has no
    // more.
    let mut buffer = [0; 2048];
    let begun = file.read(&mut buffer);
    if let Ok(read @ 1..) = begun
        && let Some(all) = buffer.get(..read).filter(|_| read < buffer.len())
    {
        return Ok(all.to_vec());
    }
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(ReservationReadError::Flaw(ReservationRecordFlaw::NotAFile(kind_of(
            meta.file_type(),
        ))));
    }
    if meta.len() > LARGEST_RECORD {
        return Err(ReservationReadError::Flaw(ReservationRecordFlaw::TooLarge(meta.len())));
    }
    let mut bytes = buffer.get(..begun?).unwrap_or_default().to_vec();
    file.take(LARGEST_RECORD).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn not_a_file(what: &'static str) -> ReservationSlot {
    ReservationSlot::Corrupted(ReservationRecordFlaw::NotAFile(what))
}
