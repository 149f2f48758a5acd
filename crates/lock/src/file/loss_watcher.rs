use super::{
    file_changes::{FileChangeWatch, WatchAttempt},
    file_store::FileLockStore,
    ticket,
};
use crate::{
    rules::QueuePlace,
    store::{LockRecordKind, LossWatcher},
    words::LockName,
};
use std::{
    collections::BTreeSet,
    os::fd::{AsFd, BorrowedFd},
    path::PathBuf,
};

/// Tells a guard that its record or its ticket may be gone, by inotify(7): because of what happens to these files,
/// or because a folder on the way to them is moved away.
///
/// # Limits
/// A folder on the way that this user may not read is not watched.
pub struct FileLockLossWatcher {
    changes: FileChangeWatch,
    paths: Vec<PathBuf>,
}

impl FileLockLossWatcher {
    /// Watches records and tickets. What is missing already is found by the look that follows; `None` where the
    /// kernel has no watches left to give.
    pub(super) fn set(
        store: &FileLockStore,
        held: &[(&LockName, Option<&QueuePlace>)],
    ) -> Option<Self> {
        let record = |name| store.layout.record(LockRecordKind::Lock, name);
        let records = held.iter().map(|(name, _)| record(name));
        let tickets = held
            .iter()
            .filter_map(|(name, place)| Some(ticket::path_of(&store.layout, name, (*place)?)));
        let paths: Vec<PathBuf> = records.chain(tickets).collect();
        let WatchAttempt::On(changes) = FileChangeWatch::of(&[] as &[PathBuf]) else { return None };
        let watcher = Self { changes, paths };
        watcher.watch_parents();
        watcher.watch().then_some(watcher)
    }

    /// Watches the folders that lead to the files: when one is moved, nothing happens to the files themselves.
    fn watch_parents(&self) {
        let folders = self.paths.iter().flat_map(|path| path.ancestors().skip(1));
        for folder in folders.collect::<BTreeSet<_>>() {
            // Where it cannot be watched, the next look at the files tells.
            let _ = self.changes.add_folder(folder);
        }
    }

    /// Watches what stands at the paths now: a record that was renewed is another file.
    fn watch(&self) -> bool {
        let missing = nix::errno::Errno::ENOENT;
        self.paths.iter().all(|path| {
            let added = self.changes.add(path);
            added.is_ok() || added == Err(missing)
        })
    }
}

impl LossWatcher for FileLockLossWatcher {
    fn source(&self) -> BorrowedFd<'_> {
        self.changes.as_fd()
    }

    fn rearm(&mut self) {
        self.changes.forget();
        // A file that cannot be watched now is looked at by the next renewal at the latest.
        let _ = self.watch();
    }
}
