use crate::{
    store::LockRecordKind,
    words::{LockName, fnv1a},
};
use std::path::{Path, PathBuf};

/// How many latches the names share. More would cost inodes, fewer let unrelated names wait for each
/// other (for microseconds).
const LATCHES: u64 = 64;

/// Says where in a root everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRootLayout {
    root: PathBuf,
}

impl LockRootLayout {
    /// The layout below a root folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folders of a root, in the order to make them. The folder of the latches is last, because a process
    /// that finds it takes the others for granted.
    pub fn folders(&self) -> [PathBuf; 6] {
        let below = |name| self.root.join(name);
        [
            self.root.clone(),
            below("locks"),
            below("freezes"),
            below("queue"),
            below("tmp"),
            below("latches"),
        ]
    }

    /// The folder of one kind of record.
    pub fn folder_of(&self, kind: LockRecordKind) -> PathBuf {
        self.root.join(match kind {
            LockRecordKind::Lock => "locks",
            LockRecordKind::Freeze => "freezes",
        })
    }

    /// A name's record.
    pub fn record(&self, kind: LockRecordKind, name: &LockName) -> PathBuf {
        self.folder_of(kind).join(format!("{name}.json"))
    }

    /// Where older versions put a name's freeze.
    pub fn legacy_freeze(&self, name: &LockName) -> PathBuf {
        self.folder_of(LockRecordKind::Lock).join(format!("{LEGACY_FREEZE}{name}.json"))
    }

    /// Where a name's record is written before it appears. Only the holder of the name's latch writes there, so
    /// a file that is there already was left by a crash.
    pub fn draft(&self, kind: LockRecordKind, name: &LockName) -> PathBuf {
        let kind = match kind {
            LockRecordKind::Lock => "lock",
            LockRecordKind::Freeze => "freeze",
        };
        self.drafts().join(format!("{name}.{kind}"))
    }

    /// The folder of the records of reservations.
    pub fn reservations(&self) -> PathBuf {
        self.root.join("reservations")
    }

    /// The folder of the requests that wait for reservations.
    pub fn reservation_waiters(&self) -> PathBuf {
        self.root.join("reservation-waiters")
    }

    /// Where the record of a reservation is written before it appears. Only the holder of the latch of reservations
    /// writes there.
    pub fn reservation_draft(&self) -> PathBuf {
        self.drafts().join(".reservation")
    }

    /// The folder of what hooks note of sessions.
    pub fn sessions(&self) -> PathBuf {
        self.root.join("sessions")
    }

    /// Where such a note is written before it appears. Only the holder of the latch of reservations writes there.
    pub fn session_draft(&self) -> PathBuf {
        self.drafts().join(".session")
    }

    /// The latch of all reservations.
    pub fn reservation_latch(&self) -> PathBuf {
        self.latches().join("reservations")
    }

    /// The folder of drafts.
    pub fn drafts(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// The latch that a name shares with others.
    pub fn latch(&self, name: &LockName) -> PathBuf {
        let number = fnv1a(name.as_str().as_bytes()) % LATCHES;
        self.latches().join(format!("{number:02x}"))
    }

    /// Every latch of the root.
    pub fn all_latches(&self) -> impl Iterator<Item = PathBuf> {
        let of_names = (0..LATCHES).map(|number| self.latches().join(format!("{number:02x}")));
        of_names.chain([self.reservation_latch()])
    }

    /// The folder of all latches.
    pub fn latches(&self) -> PathBuf {
        self.root.join("latches")
    }

    /// The folder of a name's tickets.
    pub fn queue(&self, name: &LockName) -> PathBuf {
        self.root.join("queue").join(name.as_str())
    }

    /// The folder of second names of tickets: of waiters that run under other locks.
    pub fn nested(&self) -> PathBuf {
        self.root.join("nested")
    }

    /// The folder of all names' lines.
    pub fn queues(&self) -> PathBuf {
        self.root.join("queue")
    }

    /// The audit log.
    pub fn audit_log(&self) -> PathBuf {
        self.root.join("audit.log")
    }

    /// The file whose age says when expired leases were last swept.
    pub fn swept(&self) -> PathBuf {
        self.root.join("tmp").join(".swept")
    }
}

/// What the file names of old freezes began with.
pub(super) const LEGACY_FREEZE: &str = "freeze-";
