use super::{
    audit_log,
    earlier::RootReplacementCheck,
    file_system::{FileSystemKind, file_system_of},
    io,
    latch::{self, LATCH_TIMEOUT, Latch},
    layout::LockRootLayout,
    loss_watcher::FileLockLossWatcher,
    name_reader::{FileLockListing, FileNameReader},
    obstacle_watch::FileObstacleWatch,
    root::{LockRoot, RootMethod},
    section::LatchedSection,
    ticket::{self, FileTicket},
};
use crate::{
    audit::AuditEvent,
    rules::{Obstacle, QueuePlace, TicketContent, Waiter},
    store::{Durability, LockRecordKind, LockStore, LockStoreError, NameReader, NestedWaitEntry},
    sys::nofollow::{self, FolderCreateOutcome},
    words::{LockId, LockName, Timestamp},
};
use std::{fs, os::fd::OwnedFd, path::Path, sync::OnceLock, time::Duration};

/// The locks of one root folder.
#[derive(Clone, Debug)]
pub struct FileLockStore {
    pub(super) layout: LockRootLayout,
    /// The root is there, and on a file system that can be trusted.
    trusted: OnceLock<()>,
    /// For a root that counts only without a repository.
    pub(super) replaceable: Option<RootReplacementCheck>,
    /// Called with the path of the root when this makes it.
    announce: Option<fn(&Path)>,
}

impl FileLockStore {
    /// The store below `root`. Touches nothing: folders are made when something is first written.
    ///
    /// The path must be absolute and without links.
    pub fn new(root: &Path) -> Self {
        Self {
            layout: LockRootLayout::new(root),
            trusted: OnceLock::new(),
            replaceable: None,
            announce: None,
        }
    }

    /// The same store, which calls `announce` with the path of the root when it makes the root.
    #[must_use]
    pub fn announcing(self, announce: fn(&Path)) -> Self {
        Self { announce: Some(announce), ..self }
    }

    /// The same store, which makes a root without a call.
    #[must_use]
    pub fn unannounced(self) -> Self {
        Self { announce: None, ..self }
    }

    /// The store of a root that was found.
    pub fn of(root: &LockRoot) -> Self {
        let is_local = root.method == RootMethod::Local;
        let replaceable = is_local.then(|| RootReplacementCheck::new(root.replaced_from.clone()));
        Self { replaceable, ..Self::new(&root.path) }
    }

    /// Where everything is.
    pub fn layout(&self) -> &LockRootLayout {
        &self.layout
    }

    /// Makes the folders that are missing, unless the file system is one that cannot be trusted.
    pub(super) fn make_folders(&self) -> Result<(), LockStoreError> {
        let root = self.layout.root();
        // The root itself may be there: shared results are kept in it, too.
        let mut is_new = false;
        for folder in self.layout.folders() {
            let made = io::make_folder(&folder)?;
            is_new |= made == FolderCreateOutcome::Made
                && folder == self.layout.folder_of(LockRecordKind::Lock);
        }
        self.refuse_network()?;
        // A lease that survives a power cut needs a root that does.
        io::sync_folder(root)?;
        io::sync_folder(root.parent().unwrap_or(root))?;
        if let Some(announce) = self.announce.filter(|_| is_new) {
            announce(root);
        }
        Ok(())
    }

    /// Refuses a file system whose locks another machine might not see. A lock is never pretended.
    fn refuse_network(&self) -> Result<(), LockStoreError> {
        match file_system_of(self.layout.root()) {
            FileSystemKind::Network(kind) => {
                Err(LockStoreError::NetworkFileSystem { path: self.layout.root().to_owned(), kind })
            }
            FileSystemKind::Local | FileSystemKind::UserSpace(_) => Ok(()),
        }
    }

    /// Takes a latch in a root that counts and can be trusted.
    pub(super) fn latch(&self, path: &Path) -> Result<Latch, LockStoreError> {
        if self.trusted.get().is_none() {
            self.refuse_network()?;
        }
        let latch = self.take_latch(path)?;
        self.replaceable.as_ref().map_or(Ok(()), |it| it.require(&self.layout))?;
        // A process that has a latch has a root; before, there may have been none to look at.
        let _ = self.trusted.set(());
        Ok(latch)
    }

    fn take_latch(&self, path: &Path) -> Result<Latch, LockStoreError> {
        match Latch::acquire(path, LATCH_TIMEOUT) {
            Err(error) if latch::is_without_folder(&error) => {
                self.make_folders()?;
                Latch::acquire(path, LATCH_TIMEOUT)
            }
            taken => taken,
        }
    }

    /// Enters the section of a name: waits for its present user, at most a few seconds.
    pub(super) fn section(&self, name: &LockName) -> Result<LatchedSection<'_>, LockStoreError> {
        let latch = self.latch(&self.layout.latch(name))?;
        Ok(LatchedSection::new(self, name.clone(), latch))
    }

    /// The waiter with the ticket that has a second name at `path`. A dead one is removed: only a crash leaves
    /// it there.
    fn nested_at(&self, path: &Path) -> Option<Waiter> {
        if !ticket::lives(path) {
            let _ = nofollow::remove_file(path);
            return None;
        }
        let text: TicketContent = serde_json::from_slice(&nofollow::read(path).ok()?).ok()?;
        let name = LockName::new(&text.name).ok()?;
        let file_name = path.file_name()?.to_str()?;
        if let Some((place, followed)) = ticket::place_of_follower(file_name) {
            return Some(Waiter { name, place, text, follows: Some(followed) });
        }
        let id = LockId::from_record(file_name)?;
        let place =
            self.reader(&name).line().ok()?.into_iter().find(|place| place.lock_id == id)?;
        Some(Waiter { name, place, text, follows: None })
    }
}

impl LockStore for FileLockStore {
    type Reader<'s> = FileNameReader<'s>;
    type Listing<'s> = FileLockListing<'s>;
    type Section<'s> = LatchedSection<'s>;
    type Ticket = FileTicket;
    type ObstacleWatch = FileObstacleWatch;
    type LossWatcher = FileLockLossWatcher;

    /// A watcher costs some ten milliseconds at the end (closing an inotify instance), which commands that are over soon
    /// need not pay; a look costs some ten microseconds.
    fn watch_after(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn new_id(&self) -> Result<LockId, LockStoreError> {
        crate::sys::random_bytes()
            .map(LockId::from_random)
            .map_err(|source| LockStoreError::NoRandomness { source })
    }

    fn reader<'s>(&'s self, name: &'s LockName) -> FileNameReader<'s> {
        FileNameReader::new(&self.layout, name)
    }

    fn listing(&self) -> FileLockListing<'_> {
        FileLockListing::new(self)
    }

    fn within<R, E: From<LockStoreError>>(
        &self,
        name: &LockName,
        mut change: impl FnMut(&mut LatchedSection<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        change(&mut self.section(name)?)
    }

    fn nested(&self) -> Vec<Waiter> {
        let folder = self.layout.nested();
        let names = nofollow::names(&folder).unwrap_or_default();
        names.iter().filter_map(|name| self.nested_at(&folder.join(name))).collect()
    }

    fn one_at_a_time(&self) -> Option<OwnedFd> {
        let folder = nofollow::open_folder(&self.layout.nested()).ok()?;
        let locked = crate::sys::lock_within(&folder, fs::File::lock, LATCH_TIMEOUT).ok()?;
        locked.then(|| folder.into())
    }

    fn enlist(
        &self,
        ids: (&LockId, &LockId),
        text: &TicketContent,
    ) -> Result<Option<NestedWaitEntry>, LockStoreError> {
        let folders = (self.layout.drafts(), self.layout.nested());
        ticket::enlist((&folders.0, &folders.1), ids, text).map(Some)
    }

    fn loss_watcher(
        &self,
        held: &[(&LockName, Option<&QueuePlace>)],
    ) -> Option<FileLockLossWatcher> {
        FileLockLossWatcher::set(self, held)
    }

    fn watch(
        &self,
        name: &LockName,
        obstacle: &Obstacle,
    ) -> Result<FileObstacleWatch, LockStoreError> {
        FileObstacleWatch::begin(self, name, obstacle)
    }

    fn log(&self, event: &AuditEvent) -> Result<(), LockStoreError> {
        self.append_event(event, Durability::Volatile)
    }
}

impl FileLockStore {
    /// Appends an event to the audit log. The order of the lines is that of the changes, because a section appends
    /// before it ends.
    pub(super) fn append_event(
        &self,
        event: &AuditEvent,
        durability: Durability,
    ) -> Result<(), LockStoreError> {
        let append = || audit_log::append(&self.layout.audit_log(), &event.to_line(), durability);
        match append() {
            // What is logged without a lock may be the first thing that happens in a root.
            Err(error) if error.is_missing() => {
                self.make_folders()?;
                append()
            }
            logged => logged,
        }
    }
}
