//! Removes what no process needs any more: now and then, a little at a time.

use super::{file_store::FileLockStore, io};
use crate::{
    store::{LockListing, LockRecordKind, LockStore, LockStoreError},
    sys::nofollow,
    words::LockName,
};
use std::{path::Path, time::Duration};

/// How long after a sweep the next is due.
const INTERVAL: Duration = Duration::from_mins(5);

/// How many names one sweep looks at, so that it costs a few milliseconds in a root of any size.
const PORTION: usize = 200;

impl FileLockStore {
    /// The names that a sweep should look at now: none where the last one was a moment ago.
    ///
    /// Which portion of a large root it is changes with every sweep, by chance.
    pub fn due_for_sweep(&self) -> Vec<LockName> {
        if !self.claim_sweep() {
            return Vec::new();
        }
        let mut names = self.listing().names(LockRecordKind::Lock).unwrap_or_default();
        names.extend(self.listing().names(LockRecordKind::Freeze).unwrap_or_default());
        // Without random bytes the first portion is as good as any.
        let random = crate::sys::random_bytes().map_or(0, u128::from_ne_bytes);
        let start = usize::try_from(random % names.len().max(1) as u128).unwrap_or(0);
        names.iter().cycle().skip(start).take(names.len().min(PORTION)).cloned().collect()
    }

    /// Removes the empty folders of lines without waiters.
    ///
    /// # Errors
    /// When the lines cannot be listed.
    pub fn remove_empty_lines(&self) -> Result<(), LockStoreError> {
        let queues = self.layout.queues();
        let names = nofollow::names(&queues).map_err(LockStoreError::io("list", &queues))?;
        let names = names.iter().filter_map(|name| LockName::new(name.to_str()?).ok());
        for name in names.take(PORTION) {
            // In the section, so that no process is drawing a ticket in the folder; rmdir(2) refuses a folder
            // that is not empty.
            let _section = self.section(&name)?;
            let _ = nofollow::remove_folder(&self.layout.queue(&name));
        }
        Ok(())
    }

    /// Whether a sweep is due; if so, no other process gets that answer for a while.
    fn claim_sweep(&self) -> bool {
        let mark = self.layout.swept();
        let due = age(&mark).is_none_or(|age| age >= INTERVAL);
        // Two that claim it at the same time both sweep, which harms nothing.
        due && io::remove(&mark).is_ok() && io::create_empty(&mark).is_ok()
    }
}

fn age(path: &Path) -> Option<Duration> {
    nofollow::metadata(path).ok()?.modified().ok()?.elapsed().ok()
}
