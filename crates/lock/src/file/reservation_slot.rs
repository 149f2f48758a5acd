use super::{
    io::{self, is_missing},
    record_content::{RecordContent, kind_by_error, read_content},
};
use crate::{
    reservation::{
        Reservation, ReservationEntry, ReservationId, ReservationParseError, ReservationRecordFlaw,
        ReservationSlot,
    },
    store::LockStoreError,
    sys::{OpenFolderCache, in_portions_of, nofollow},
};
use std::{
    ffi::{OsStr, OsString},
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
    let file = match nofollow::open_any_kind(path) {
        Ok(file) => file,
        Err(error) if is_missing(&error) => return None,
        Err(error) => {
            return Some(match kind_by_error(path, &error) {
                Some(kind) => ReservationSlot::Corrupted(ReservationRecordFlaw::NotAFile(kind)),
                None => ReservationSlot::Unreadable(Arc::new(error)),
            });
        }
    };
    Some(match read_content(&file, &mut [0; _]) {
        Ok(RecordContent::Bytes(bytes)) => judge(&bytes, name),
        Ok(RecordContent::NotAFile(kind)) => {
            ReservationSlot::Corrupted(ReservationRecordFlaw::NotAFile(kind))
        }
        Ok(RecordContent::TooLarge(length)) => {
            ReservationSlot::Corrupted(ReservationRecordFlaw::TooLarge(length))
        }
        Err(error) => ReservationSlot::Unreadable(Arc::new(error)),
    })
}

fn judge(bytes: &[u8], name: &OsStr) -> ReservationSlot {
    let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
    let id = id.and_then(|id| ReservationId::new(id).ok());
    match id.map(|id| Reservation::parse(bytes, &id)) {
        Some(Ok(record)) => ReservationSlot::Record(Box::new(record)),
        Some(Err(ReservationParseError::Newer(version))) => ReservationSlot::Newer(version),
        Some(Err(ReservationParseError::Flaw(flaw))) => ReservationSlot::Corrupted(flaw),
        None => ReservationSlot::Corrupted(ReservationRecordFlaw::Name),
    }
}
