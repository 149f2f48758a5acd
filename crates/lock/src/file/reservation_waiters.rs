//! The requests that wait for reservations: one file each, with an exclusive flock(2) of the process that waits. The
//! kernel drops it with the process, and nothing else says that a waiter is gone.

use super::{io, ticket};
use crate::{
    reservation::{ReservationId, WaitingReservation},
    store::LockStoreError,
    sys::nofollow,
};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// The place of a waiter. It ends when this is dropped.
#[derive(Debug)]
pub struct ReservationTicket {
    /// The lock on it is the place.
    _file: File,
    /// `None` once it is withdrawn.
    path: Option<PathBuf>,
}

impl ReservationTicket {
    /// Writes a request. Needs the latch of reservations. The file is locked before it has the name that others look
    /// for.
    pub(super) fn draw(
        folder: &Path,
        request: &WaitingReservation,
    ) -> Result<Self, LockStoreError> {
        let path = folder.join(format!("{:020}-{}", request.number, request.id));
        let file = ticket::publish(&folder.join(DRAFT), &path, &request.encode())?;
        Ok(Self { _file: file, path: Some(path) })
    }

    /// Takes the place away. The name goes before the lock: a process that still finds it must find it locked.
    pub(super) fn withdraw(&mut self) {
        if let Some(path) = self.path.take() {
            let _ = nofollow::remove_file(&path);
        }
    }
}

impl Drop for ReservationTicket {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// The name of a request that is being written.
const DRAFT: &str = ".draft";

/// The live requests, in the order in which they came. Dead ones are removed: an unlocked file with a name is what a
/// killed process left.
pub(super) fn list(folder: &Path) -> Result<Vec<WaitingReservation>, LockStoreError> {
    let mut waiting = Vec::new();
    for name in io::names(folder)? {
        let parts = name.to_str().and_then(|name| name.split_once('-'));
        let Some((number, id)) = parts else { continue };
        let (Ok(number), Ok(id)) = (number.parse(), ReservationId::new(id)) else { continue };
        let path = folder.join(&name);
        if !ticket::lives(&path) {
            // One that cannot be removed is found to be dead by the next who looks, too.
            let _ = io::remove(&path);
            continue;
        }
        // A request that this program cannot read keeps no other out: it holds nothing yet.
        let text = nofollow::read(&path).ok();
        waiting.extend(text.and_then(|it| WaitingReservation::parse(&it, number, &id).ok()));
    }
    waiting.sort_by_key(|it| it.number);
    Ok(waiting)
}
