use super::{
    audit_log,
    earlier::RootReplacementCheck,
    file_system::{FileSystemKind, file_system_of},
    io,
    latch::{self, LATCH_TIMEOUT, Latch},
    layout::{LEGACY_FREEZE, LockRootLayout},
    loss_watcher::FileLockLossWatcher,
    obstacle_watch::FileObstacleWatch,
    root::{LockRoot, RootMethod},
    section::LatchedSection,
    slot::read_slot,
    ticket::{self, FileTicket},
};
use crate::{
    audit::AuditEvent,
    record::{LockRecord, RecordSlot},
    rules::{Obstacle, QueuePlace, TicketContent, Waiter},
    store::{Durability, LockRecordKind, LockStore, LockStoreError, NestedWaitEntry},
    sys::nofollow::{self, FolderCreateOutcome},
    words::{LockId, LockName, Timestamp},
};
use std::{collections::BTreeSet, ffi::OsString, fs, os::fd::OwnedFd, path::Path, sync::OnceLock};

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
        let place = self.line(&name).ok()?.into_iter().find(|place| place.lock_id == id)?;
        Some(Waiter { name, place, text, follows: None })
    }

    /// The name that the file of `lock` freezes, where it is a freeze of an older version.
    fn frozen_by_legacy(&self, lock: &LockName) -> Option<LockName> {
        let name = LockName::new(lock.as_str().strip_prefix(LEGACY_FREEZE)?).ok()?;
        self.peek_legacy_freeze(&name).record().is_some().then_some(name)
    }

    /// A freeze of an older version: `locks/freeze-<name>.json`. A lock of this version may be called that too;
    /// its record says what it depends on, which no freeze does.
    fn peek_legacy_freeze(&self, name: &LockName) -> RecordSlot {
        let slot = read_slot(&self.layout.legacy_freeze(name), name);
        match &slot {
            RecordSlot::Record(record) if record.hold.is_none() => slot,
            _ => RecordSlot::Absent,
        }
    }
}

impl LockStore for FileLockStore {
    type Section<'s> = LatchedSection<'s>;
    type Ticket = FileTicket;
    type ObstacleWatch = FileObstacleWatch;
    type LossWatcher = FileLockLossWatcher;

    fn is_over(&self, record: &LockRecord) -> bool {
        record.is_expired(Timestamp::now())
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn new_id(&self) -> Result<LockId, LockStoreError> {
        crate::sys::random_bytes()
            .map(LockId::from_random)
            .map_err(|source| LockStoreError::NoRandomness { source })
    }

    fn section(&self, name: &LockName) -> Result<LatchedSection<'_>, LockStoreError> {
        let latch = self.latch(&self.layout.latch(name))?;
        Ok(LatchedSection::new(self, name.clone(), latch))
    }

    fn peek(&self, name: &LockName, kind: LockRecordKind) -> RecordSlot {
        let slot = read_slot(&self.layout.record(kind, name), name);
        let over = |freeze: &LockRecord| self.is_over(freeze);
        match (&slot, kind) {
            (RecordSlot::Absent, LockRecordKind::Freeze) => self.peek_legacy_freeze(name),
            // One that is over must not hide one in the old place that is not.
            (RecordSlot::Record(freeze), LockRecordKind::Freeze) if over(freeze) => {
                match self.peek_legacy_freeze(name) {
                    RecordSlot::Record(legacy) if !over(&legacy) => RecordSlot::Record(legacy),
                    _ => slot,
                }
            }
            _ => slot,
        }
    }

    fn line(&self, name: &LockName) -> Result<Vec<QueuePlace>, LockStoreError> {
        ticket::list(&self.layout.queue(name))
    }

    fn lives(&self, name: &LockName, place: &QueuePlace) -> bool {
        ticket::lives(&ticket::path_of(&self.layout, name, place))
    }

    fn ticket_text(&self, name: &LockName, place: &QueuePlace) -> Option<TicketContent> {
        let content = nofollow::read(&ticket::path_of(&self.layout, name, place)).ok()?;
        serde_json::from_slice(&content).ok()
    }

    fn keepers(&self, name: &LockName, place: &QueuePlace) -> Vec<i32> {
        let path = ticket::path_of(&self.layout, name, place);
        // `/proc` shows resolved paths.
        fs::canonicalize(path).map_or_else(|_| Vec::new(), |path| crate::sys::holders_of(&path))
    }

    fn names(&self, kind: LockRecordKind) -> Result<Vec<LockName>, LockStoreError> {
        let mut locks = names_in(&self.layout.folder_of(LockRecordKind::Lock))?;
        let legacy: Vec<LockName> =
            locks.iter().filter_map(|it| self.frozen_by_legacy(it)).collect();
        if kind == LockRecordKind::Lock {
            locks.retain(|name| legacy.is_empty() || self.frozen_by_legacy(name).is_none());
            return Ok(locks);
        }
        let mut freezes = names_in(&self.layout.folder_of(LockRecordKind::Freeze))?;
        freezes.extend(legacy);
        freezes.sort_unstable();
        freezes.dedup();
        Ok(freezes)
    }

    fn lines(&self) -> Result<BTreeSet<LockName>, LockStoreError> {
        let names = io::names(&self.layout.queues())?;
        Ok(names.iter().filter_map(|name| LockName::new(name.to_str()?).ok()).collect())
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

/// The names that have a file in a folder, sorted; none where there is no folder.
fn names_in(folder: &Path) -> Result<Vec<LockName>, LockStoreError> {
    let name = |file: &OsString| LockName::new(file.to_str()?.strip_suffix(".json")?).ok();
    let mut names: Vec<LockName> = io::names(folder)?.iter().filter_map(name).collect();
    names.sort_unstable();
    Ok(names)
}
