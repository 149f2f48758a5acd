use super::{
    commit::{Commit, CommitResult},
    keys::{KeySpace, hour},
    loss_watcher::EtcdLossWatcher,
    name_state::NameState,
    obstacle_watch::EtcdObstacleWatch,
    reader::{EtcdLockListing, EtcdNameReader},
    section::EtcdSection,
    session::{Session, grant},
    ticket::EtcdTicket,
};
use crate::{
    address::ClusterAddress,
    client::EtcdClient,
    credentials::Credentials,
    error::{ClusterError, ClusterErrorKind},
    keeper::{KeeperOrders, KeeperProgram, KeeperSlot},
    values::{CallLimits, KeyRange, LeaseId, Revision},
};
use lokt_lock::{
    audit::AuditEvent,
    rules::{Obstacle, QueuePlace, TicketContent, Waiter},
    store::{LockStore, LockStoreError, NameReader},
    sys::random_bytes,
    words::{LockId, LockName, Timestamp},
};
use std::{
    collections::{BTreeMap, HashMap},
    os::fd::{AsFd, AsRawFd},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// The TTL of a session, unless the user sets another.
pub const DEFAULT_TTL: Duration = Duration::from_secs(15);

/// The least TTL of a session: below it, the election of a leader would end what runs.
pub const LEAST_TTL: Duration = Duration::from_secs(6);

/// For how long a section is decided again after conflicts.
const CONFLICT_LIMIT: Duration = Duration::from_secs(20);

/// How many keys are read at once in a listing.
const PAGE: u32 = 1000;

/// The locks below the prefix of a cluster.
///
/// A section is one transaction: everything of a name is read at one revision, the operation decides, and its changes
/// are committed if what they rest on is as it was read; else it decides again. Nothing is held in between, so a process
/// that dies there delays no other.
#[derive(Debug)]
pub struct EtcdLockStore {
    pub(super) client: EtcdClient,
    pub(super) keys: KeySpace,
    ttl: Duration,
    address: ClusterAddress,
    pub(super) keeper: Arc<KeeperSlot>,
    session: Mutex<Option<Arc<Session>>>,
    /// The lease of the events of an hour.
    audit_lease: Mutex<Option<(i64, LeaseId)>>,
    /// After which revision the next watch of a name begins.
    seen: Mutex<HashMap<LockName, Revision>>,
}

impl EtcdLockStore {
    /// Connects to a cluster. Nothing is written.
    ///
    /// # Errors
    /// [`ClusterError`] where no member can be reached.
    pub fn connect(
        address: &ClusterAddress,
        credentials: &Credentials,
        ttl: Duration,
    ) -> Result<Self, ClusterError> {
        let client = EtcdClient::connect(address, credentials, CallLimits::for_ttl(ttl))?;
        let keys = KeySpace::below(address.prefix());
        Ok(Self {
            client,
            keys,
            ttl,
            address: address.clone(),
            keeper: Arc::default(),
            session: Mutex::default(),
            audit_lease: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// The same store, whose guards have a keeper: without one, a guard that is killed leaves its lock after the TTL while its
    /// command may still run.
    #[must_use]
    pub fn with_keeper(self, program: KeeperProgram) -> Self {
        Self { keeper: Arc::new(KeeperSlot::of(program)), ..self }
    }

    /// The cluster.
    pub fn address(&self) -> &ClusterAddress {
        &self.address
    }

    /// The session of this process, which begins with the first call.
    pub(super) fn session(&self) -> Result<Arc<Session>, ClusterError> {
        let mut known = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = known.as_ref().filter(|it| !it.is_lost()) {
            return Ok(Arc::clone(session));
        }
        let session = Session::begin(&self.client, self.ttl)?;
        *known = Some(Arc::clone(&session));
        Ok(session)
    }

    /// The session, if it has begun.
    pub(super) fn known_session(&self) -> Option<Arc<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn read_name(&self, name: &LockName) -> Result<NameState, ClusterError> {
        // A guard must not be inside a call when the time has come to stop its command.
        let client = match self.known_session() {
            Some(session) => session.limited(&self.client),
            None => self.client.clone(),
        };
        let snapshot = client.read(&NameState::ranges(&self.keys, name))?;
        Ok(NameState::of(&self.keys, name, snapshot))
    }

    /// The lines of the audit log, the oldest first.
    ///
    /// # Errors
    /// [`ClusterError`] where they cannot be read.
    pub fn events(&self) -> Result<Vec<String>, ClusterError> {
        let all = self.client.read_pages(&KeyRange::prefix(self.keys.all_events()), PAGE)?;
        Ok(all.keys.into_iter().map(|it| String::from_utf8_lossy(&it.value).into_owned()).collect())
    }

    pub(super) fn read_all(&self) -> Result<BTreeMap<LockName, NameState>, ClusterError> {
        let all = self.client.read_pages(&KeyRange::prefix(self.keys.names()), PAGE)?;
        let mut names: BTreeMap<LockName, NameState> = BTreeMap::new();
        for entry in all.keys {
            let key = String::from_utf8_lossy(&entry.key).into_owned();
            let name = self.keys.split(&key).and_then(|(name, _)| LockName::new(name).ok());
            let Some(name) = name else { continue };
            let state = names.entry(name.clone()).or_insert_with(|| NameState::empty(all.revision));
            state.add(&self.keys, &name, &entry);
        }
        Ok(names)
    }

    /// Reads and decides until what was decided is committed. `change` gives `None` after a conflict.
    pub(super) fn decide<T, R, E: From<LockStoreError>>(
        &self,
        read: impl Fn() -> Result<T, ClusterError>,
        mut change: impl FnMut(&mut T) -> Result<Result<Option<R>, ClusterError>, E>,
    ) -> Result<R, E> {
        let began = Instant::now();
        let failed = |error: ClusterError| E::from(LockStoreError::remote(error));
        let mut conflicts = 0;
        loop {
            let mut section = read().map_err(failed)?;
            match change(&mut section)? {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                // The session has ended since it was last heard of: the next one is another.
                Err(error) if error.kind == ClusterErrorKind::LeaseNotFound && conflicts < 3 => {
                    self.forget_leases();
                }
                Err(error) => return Err(failed(error)),
            }
            if began.elapsed() > CONFLICT_LIMIT {
                return Err(LockStoreError::remote(TooManyConflicts).into());
            }
            conflicts += 1;
            if conflicts > 2 {
                thread::sleep(pause_after(conflicts));
            }
        }
    }

    /// Notes what a decision about a name rests on. A watch for the end of its obstacle begins after that.
    fn note_decision(&self, name: &LockName, revision: Revision) {
        self.seen().insert(name.clone(), revision);
    }

    /// Notes what was read of a name without a section. Only the first read since the last watch counts, and none after a
    /// decision: a watch that began after a later read would miss what happened between the two.
    pub(super) fn note_read(&self, name: &LockName, revision: Revision) {
        self.seen().entry(name.clone()).or_insert(revision);
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<LockName, Revision>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After which revision to watch a name. Without one, what is watched has to be read again.
    pub(super) fn seen_at(&self, name: &LockName) -> Option<Revision> {
        self.seen().get(name).copied()
    }

    /// The lease of the events of this hour, if this process knows it.
    pub(super) fn known_audit_lease(&self, now: Timestamp) -> Option<LeaseId> {
        let known = *self.audit_lease.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|(of, _)| *of == hour(now)).map(|(_, lease)| lease)
    }

    pub(super) fn note_audit_lease(&self, now: Timestamp, lease: Option<LeaseId>) {
        let mut known = self.audit_lease.lock().unwrap_or_else(PoisonError::into_inner);
        *known = lease.map(|lease| (hour(now), lease));
    }

    /// Notes that a lease which this process puts keys on has ended: it may be any of them.
    fn forget_leases(&self) {
        self.known_session().iter().for_each(|session| session.note_gone());
        self.note_audit_lease(Timestamp::now(), None);
    }

    /// Makes a lease that lives for a time, whole seconds rounded up.
    pub(super) fn lease_for(&self, time: Duration) -> Result<LeaseId, ClusterError> {
        Ok(grant(&self.client, time.max(Duration::from_secs(1)))?.id)
    }
}

impl LockStore for EtcdLockStore {
    type Reader<'s> = EtcdNameReader<'s>;
    type Listing<'s> = EtcdLockListing<'s>;
    type Section<'s> = EtcdSection<'s>;
    type Ticket = EtcdTicket;
    type ObstacleWatch = EtcdObstacleWatch;
    type LossWatcher = EtcdLossWatcher;

    /// A look asks the cluster, a watch does not.
    fn watch_after(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn new_id(&self) -> Result<LockId, LockStoreError> {
        random_bytes()
            .map(LockId::from_random)
            .map_err(|source| LockStoreError::NoRandomness { source })
    }

    fn reader<'s>(&'s self, name: &'s LockName) -> EtcdNameReader<'s> {
        EtcdNameReader::new(self, name)
    }

    fn listing(&self) -> EtcdLockListing<'_> {
        EtcdLockListing::new(self)
    }

    fn within<R, E: From<LockStoreError>>(
        &self,
        name: &LockName,
        mut change: impl FnMut(&mut EtcdSection<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let read = || {
            let state = self.read_name(name)?;
            self.note_audit_lease(Timestamp::now(), state.audit_lease);
            Ok((state.revision, EtcdSection::new(self, name.clone(), state)))
        };
        self.decide(read, |(revision, section)| {
            let outcome = change(section)?;
            let commit = Commit { session: &section.session, changes: &section.pending.keys };
            let complete = |it: &mut _| section.pending.complete(it, &self.keys, name);
            Ok(commit.run(complete).map(|result| match result {
                CommitResult::Done(committed) => {
                    section.pending.settle_tickets(committed.unwrap_or(*revision));
                    self.note_decision(name, *revision);
                    Some(outcome)
                }
                CommitResult::Conflict => None,
            }))
        })
    }

    fn nested(&self) -> Vec<Waiter> {
        let waiters = self.client.read_pages(&KeyRange::prefix(self.keys.all_nested()), PAGE);
        let waiters = waiters.map_or_else(|_| Vec::new(), |it| it.keys);
        let waiter = |value: &[u8]| {
            let text: TicketContent = serde_json::from_slice(value).ok()?;
            let name = LockName::new(&text.name).ok()?;
            let line = self.reader(&name).line().ok()?;
            Some((name, text, line))
        };
        let prefix = self.keys.all_nested();
        let found = waiters.iter().filter_map(|it| {
            let id = std::str::from_utf8(it.key.get(prefix.len()..)?).ok()?;
            let (name, text, line) = waiter(&it.value)?;
            let place = line.into_iter().find(|place| place.lock_id.as_str() == id)?;
            Some(Waiter { name, place, text, follows: None })
        });
        found.collect()
    }

    fn keep(&self, tickets: &[&EtcdTicket]) -> Result<(), LockStoreError> {
        let Some(session) = tickets.first().map(|it| &it.session) else { return Ok(()) };
        let guard = i32::try_from(std::process::id()).unwrap_or(0);
        let path = |ticket: &&EtcdTicket| {
            PathBuf::from(format!("/proc/{guard}/fd/{}", ticket.as_fd().as_raw_fd()))
        };
        let orders = KeeperOrders {
            address: self.address.clone(),
            lease: session.lease(),
            ttl: self.ttl,
            sent: session.sent(),
            guard,
            files: tickets.iter().map(path).collect(),
        };
        let started = self.keeper.start(orders);
        started.map_err(LockStoreError::io(
            "start a keeper for the locks of",
            self.address.to_string(),
        ))
    }

    fn loss_watcher(&self, held: &[(&LockName, Option<&QueuePlace>)]) -> Option<EtcdLossWatcher> {
        EtcdLossWatcher::begin(self, held)
    }

    fn watch(
        &self,
        name: &LockName,
        obstacle: &Obstacle,
    ) -> Result<EtcdObstacleWatch, LockStoreError> {
        let after = self.seen().remove(name);
        EtcdObstacleWatch::begin(self, name, obstacle, after)
    }

    fn log(&self, event: &AuditEvent) -> Result<(), LockStoreError> {
        super::audit::log(self, &event.to_line()).map_err(LockStoreError::remote)
    }
}

/// How long to rest after a number of conflicts, so that many that decide about one name get through one after the other:
/// a random part of a time that grows.
fn pause_after(conflicts: u32) -> Duration {
    let random = random_bytes().map_or(0, |it| it.first().copied().unwrap_or(0));
    Duration::from_micros(u64::from(random) * 40) * conflicts.min(10)
}

/// Other processes change what is decided about all the time.
#[derive(Debug, thiserror::Error)]
#[error("other processes change this faster than this one can decide about it")]
struct TooManyConflicts;
