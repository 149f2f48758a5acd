//! The expected state of names, as the documentation describes it: a small state machine without files and
//! processes.
//!
//! The state of a name is the list of its holders, each with its mode. For modes that admit several
//! holders, only [`Mode`] has to change.

use super::{
    queue::Waiter,
    step::{Expiry, TestLockName, TestOwnerName},
};

/// How a holder shares a name with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// With no other holder.
    Exclusive,
}

impl Mode {
    /// Whether a newcomer may be inside together with a holder of this mode.
    pub(crate) fn admits(self, newcomer: Self) -> bool {
        match (self, newcomer) {
            (Self::Exclusive, Self::Exclusive) => false,
        }
    }
}

/// Whether a record's process lives, as far as the program can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessLiveness {
    Alive,
    Dead,
    Unknown,
}

impl ProcessLiveness {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }
}

/// What the lifetime of a lease depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseLifetimeBasis {
    /// Its expiry.
    Lease,
    /// Its expiry, and a process.
    Process,
    /// A record of another program: its expiry, or its process if it has no expiry.
    Foreign,
}

/// A lock that no guard holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModelLease {
    /// The acquisition; the same through all renewals.
    pub(crate) id: usize,
    pub(crate) hold: LeaseLifetimeBasis,
    pub(crate) end: Expiry,
    pub(crate) process: ProcessLiveness,
    /// The number of the process that it is tied to.
    pub(crate) tied_to: Option<usize>,
    pub(crate) meta: Option<&'static str>,
    pub(crate) version: u64,
}

/// A command with its supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModelGuard {
    pub(crate) id: usize,
    pub(crate) supervisor: bool,
    pub(crate) command: bool,
    /// The lease that it entered under.
    pub(crate) under: Option<usize>,
    /// Its announced end.
    pub(crate) end: Expiry,
    /// Whether a record names it.
    pub(crate) recorded: bool,
}

impl ModelGuard {
    pub(crate) fn lives(&self) -> bool {
        self.supervisor || self.command
    }
}

/// A record's file that is not a readable record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BrokenRecord {
    Empty { young: bool },
    Half { young: bool },
    Newer,
    Folder,
}

impl BrokenRecord {
    /// Whether a program may still be writing it.
    pub(crate) fn is_young(self) -> bool {
        matches!(self, Self::Empty { young: true } | Self::Half { young: true })
    }

    /// Whether it certainly has no holder.
    pub(crate) fn is_free(self) -> bool {
        self == Self::Empty { young: false }
    }

    /// The text of the error that commands print for it.
    pub(crate) fn error_text(self) -> &'static str {
        if self == Self::Newer { "lockfile version 99 not supported" } else { "is corrupted" }
    }
}

/// What kind of holder it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HolderKind {
    Lease(ModelLease),
    Guard(ModelGuard),
    Broken(BrokenRecord),
}

/// A holder of a name, or what is left of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Unknown for a broken record.
    pub(crate) owner: Option<TestOwnerName>,
    pub(crate) mode: Mode,
    pub(crate) kind: HolderKind,
}

/// What a record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockRecordStatus {
    /// It holds; with the word that `status` prints.
    Held(&'static str),
    Expired,
    Dead,
}

impl LockRecordStatus {
    pub(crate) fn is_held(self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// The word that `status` prints.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Held(as_str) => as_str,
            Self::Expired => "expired",
            Self::Dead => "dead",
        }
    }
}

impl Holder {
    pub(crate) fn new(owner: TestOwnerName, kind: HolderKind) -> Self {
        Self { owner: Some(owner), mode: Mode::Exclusive, kind }
    }

    pub(crate) fn guard(&self) -> Option<&ModelGuard> {
        if let HolderKind::Guard(guard) = &self.kind { Some(guard) } else { None }
    }

    pub(crate) fn lease(&self) -> Option<&ModelLease> {
        if let HolderKind::Lease(lease) = &self.kind { Some(lease) } else { None }
    }

    pub(crate) fn broken(&self) -> Option<BrokenRecord> {
        if let HolderKind::Broken(broken) = self.kind { Some(broken) } else { None }
    }

    /// Whether this is the name's record.
    pub(crate) fn is_recorded(&self) -> bool {
        self.guard().is_none_or(|guard| guard.recorded)
    }

    /// Whether this is a guard with a live process.
    pub(crate) fn is_inside(&self) -> bool {
        self.guard().is_some_and(ModelGuard::lives)
    }

    /// What its record means; `None` for a broken record.
    pub(crate) fn verdict(&self) -> Option<LockRecordStatus> {
        match &self.kind {
            HolderKind::Lease(lease) => Some(lease_verdict(lease)),
            HolderKind::Guard(guard) => Some(guard_verdict(guard)),
            HolderKind::Broken(_) => None,
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.verdict().is_some_and(LockRecordStatus::is_held)
    }
}

fn lease_verdict(lease: &ModelLease) -> LockRecordStatus {
    match (lease.hold, lease.end, lease.process) {
        (_, Expiry::Past, _) => LockRecordStatus::Expired,
        (LeaseLifetimeBasis::Lease, Expiry::Never, ProcessLiveness::Dead) => {
            LockRecordStatus::Held("abandoned")
        }
        (LeaseLifetimeBasis::Process, _, ProcessLiveness::Dead)
        | (LeaseLifetimeBasis::Foreign, Expiry::Never, ProcessLiveness::Dead) => {
            LockRecordStatus::Dead
        }
        _ => LockRecordStatus::Held("held"),
    }
}

/// Whether a guard's supervisor lives. Its record names the supervisor.
pub(crate) fn process_of(guard: &ModelGuard) -> ProcessLiveness {
    if guard.supervisor { ProcessLiveness::Alive } else { ProcessLiveness::Dead }
}

fn guard_verdict(guard: &ModelGuard) -> LockRecordStatus {
    match (guard.supervisor, guard.command, guard.end) {
        (false, false, _) => LockRecordStatus::Dead,
        (false, true, _) => LockRecordStatus::Held("orphaned"),
        (true, _, Expiry::Past) => LockRecordStatus::Held("overdue"),
        (true, _, _) => LockRecordStatus::Held("held"),
    }
}

/// A freeze of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelLockFreeze {
    Record {
        by: TestOwnerName,
        expired: bool,
    },
    /// The freeze's file is not a readable record.
    Broken,
}

/// The state of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameState {
    pub(crate) holders: Vec<Holder>,
    /// The waiters, in their order.
    pub(crate) queue: Vec<Waiter>,
    pub(crate) freeze: Option<ModelLockFreeze>,
}

impl NameState {
    /// The name's record.
    pub(crate) fn record(&self) -> Option<&Holder> {
        self.holders.iter().find(|holder| holder.is_recorded())
    }

    pub(crate) fn record_mut(&mut self) -> Option<&mut Holder> {
        self.holders.iter_mut().find(|holder| holder.is_recorded())
    }

    pub(crate) fn broken(&self) -> Option<BrokenRecord> {
        self.record().and_then(Holder::broken)
    }

    pub(crate) fn lease(&self) -> Option<&ModelLease> {
        self.record().and_then(Holder::lease)
    }

    /// The holder of the name according to its record.
    pub(crate) fn holder(&self) -> Option<TestOwnerName> {
        self.record().filter(|record| record.is_held()).and_then(|record| record.owner)
    }

    /// The guards with a live process.
    pub(crate) fn inside(&self) -> impl Iterator<Item = &Holder> {
        self.holders.iter().filter(|holder| holder.is_inside())
    }

    /// The guards with a live process that the record does not name.
    pub(crate) fn unrecorded(&self) -> impl Iterator<Item = &Holder> {
        self.inside().filter(|holder| !holder.is_recorded())
    }

    /// The owner of the freeze that is in force.
    pub(crate) fn frozen_by(&self) -> Option<TestOwnerName> {
        match self.freeze {
            Some(ModelLockFreeze::Record { by, expired: false }) => Some(by),
            _ => None,
        }
    }

    /// Whether an owner holds the name.
    pub(crate) fn is_held_by(&self, by: TestOwnerName) -> bool {
        self.holder() == Some(by)
    }

    /// Removes the record. A guard that it named stays a holder without it.
    pub(crate) fn drop_record(&mut self) {
        if let Some(HolderKind::Guard(guard)) = self.record_mut().map(|record| &mut record.kind)
            && guard.lives()
        {
            guard.recorded = false;
            return;
        }
        self.holders.retain(|holder| !holder.is_recorded());
    }
}

/// An event that must be added to the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpectedAuditEvent {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) by: String,
    pub(crate) holder: Option<String>,
    pub(crate) under_lease: bool,
}

/// All names, and all processes that were started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    x: NameState,
    y: NameState,
    /// Guards with live processes whose lock was broken by force, with their owners.
    pub(crate) broken_guards: Vec<(TestLockName, TestOwnerName, ModelGuard)>,
    /// The number of guards so far, including waiters.
    pub(crate) guard_count: usize,
    /// The number of leases so far.
    pub(crate) lease_count: usize,
    /// How many of the processes that leases are tied to have ended. The next one has this number.
    pub(crate) ended_processes: usize,
    /// How many of them were started.
    pub(crate) started_processes: usize,
    /// Whether a lease was taken already. The first one prunes all names.
    pub(crate) is_pruned: bool,
}

impl Model {
    pub(crate) fn state(&self, name: TestLockName) -> &NameState {
        match name {
            TestLockName::X => &self.x,
            TestLockName::Y => &self.y,
        }
    }

    pub(crate) fn state_mut(&mut self, name: TestLockName) -> &mut NameState {
        match name {
            TestLockName::X => &mut self.x,
            TestLockName::Y => &mut self.y,
        }
    }

    /// The oldest guard of a name that has a live process, with or without its lock.
    pub(crate) fn oldest_guard(&self, name: TestLockName) -> Option<(TestOwnerName, ModelGuard)> {
        let inside = self.state(name).inside().filter_map(|it| Some((it.owner?, *it.guard()?)));
        let broken_guards = self.broken_guards.iter().filter(|(of, ..)| *of == name);
        let broken_guards = broken_guards.map(|(_, owner, guard)| (*owner, *guard));
        inside.chain(broken_guards).min_by_key(|(_, guard)| guard.id)
    }

    /// The guard with that number, if it has a live process.
    pub(crate) fn guard_mut(&mut self, id: usize) -> Option<&mut ModelGuard> {
        let holders = self.x.holders.iter_mut().chain(&mut self.y.holders);
        let inside = holders.filter_map(|holder| match &mut holder.kind {
            HolderKind::Guard(guard) => Some(guard),
            _ => None,
        });
        let broken_guards = self.broken_guards.iter_mut().map(|(_, _, guard)| guard);
        inside.chain(broken_guards).find(|guard| guard.id == id)
    }
}
