//! Reservations at the cluster. Overlap is a matter between any two of them, so all are read and decided about at once.
//!
//! Each decision that reserves or waits compares and changes one version key, so of two decisions at the same time one is
//! made again. What ends does not change it.

use super::{
    commit::{Commit, CommitResult, SectionSession},
    etcd_store::EtcdLockStore,
    key_changes::{KeyChanges, KeyLease},
    keys::KeySpace,
    session::Session,
};
use crate::{
    client::{EtcdClient, Watch},
    error::ClusterError,
    values::{
        Change, Comparison, KeyRange, KeyValue, LeaseId, Revision, Snapshot, Transaction,
        WatchedKinds, WatchedRange,
    },
};
use lokt_lock::{
    audit::AuditEvent,
    reservation::{
        Reservation, ReservationEntry, ReservationId, ReservationParseError, ReservationSlot,
        WaitingReservation,
    },
    store::{
        Durability, LockStoreError, RecordPutMode, ReservationReader, ReservationSection,
        ReservationStore, ReservationWatch,
    },
    words::Timestamp,
};
use std::{
    cell::OnceCell,
    collections::BTreeMap,
    ffi::OsStr,
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
};

/// All reservations and waiters, at one revision.
#[derive(Clone, Debug, Default)]
struct ReservationState {
    records: Vec<StoredReservation>,
    waiting: Vec<StoredWaiter>,
    version: Revision,
}

#[derive(Clone, Debug)]
struct StoredReservation {
    key: String,
    mod_revision: Revision,
    lease: Option<LeaseId>,
    entry: ReservationEntry,
}

#[derive(Clone, Debug)]
struct StoredWaiter {
    key: String,
    mod_revision: Revision,
    request: WaitingReservation,
}

impl ReservationState {
    fn read(store: &EtcdLockStore) -> Result<Self, ClusterError> {
        let keys = &store.keys;
        let snapshot = store.client.read(&[
            KeyRange::prefix(keys.reservations()),
            KeyRange::prefix(keys.reservation_queue()),
            KeyRange::key(keys.reservations_version()),
        ])?;
        Ok(Self::of(keys, snapshot))
    }

    fn of(keys: &KeySpace, snapshot: Snapshot) -> Self {
        let mut ranges = snapshot.ranges.into_iter();
        let mut next = || ranges.next().unwrap_or_default();
        let (records, waiting, version) = (next(), next(), next());
        let waiting = waiting.iter().filter_map(|it| stored_waiter(keys, it));
        let mut waiting: Vec<StoredWaiter> = waiting.collect();
        waiting.sort_by_key(|it| it.request.number);
        Self {
            records: records.iter().map(|it| stored_reservation(keys, it)).collect(),
            waiting,
            version: version.first().map_or(Revision::ABSENT, |it| it.mod_revision),
        }
    }

    fn entries_if(&self, is_wanted: &dyn Fn(&Reservation) -> bool) -> Vec<ReservationEntry> {
        let is_listed = |entry: &ReservationEntry| match &entry.slot {
            ReservationSlot::Record(record) => is_wanted(record),
            _ => true,
        };
        let entries = self.records.iter().map(|it| &it.entry);
        entries.filter(|it| is_listed(it)).cloned().collect()
    }

    fn requests(&self) -> Vec<WaitingReservation> {
        self.waiting.iter().map(|it| it.request.clone()).collect()
    }
}

fn stored_reservation(keys: &KeySpace, found: &KeyValue) -> StoredReservation {
    let key = String::from_utf8_lossy(&found.key).into_owned();
    let name = key.strip_prefix(&keys.reservations()).unwrap_or_default();
    let slot = match ReservationId::new(name).map(|id| Reservation::parse(&found.value, &id)) {
        Ok(Ok(record)) => ReservationSlot::Record(Box::new(record)),
        Ok(Err(ReservationParseError::Newer(version))) => ReservationSlot::Newer(version),
        Ok(Err(ReservationParseError::Flaw(flaw))) => ReservationSlot::Corrupted(flaw),
        Err(_) => ReservationSlot::Corrupted(lokt_lock::reservation::ReservationRecordFlaw::Empty),
    };
    let entry = ReservationEntry { name: name.into(), slot };
    StoredReservation { mod_revision: found.mod_revision, lease: found.lease, entry, key }
}

/// A request that this version cannot read keeps no other out: it holds nothing yet.
fn stored_waiter(keys: &KeySpace, found: &KeyValue) -> Option<StoredWaiter> {
    let key = std::str::from_utf8(&found.key).ok()?;
    let (number, id) = key.strip_prefix(&keys.reservation_queue())?.split_once('-')?;
    let (number, id) = (number.parse().ok()?, ReservationId::new(id).ok()?);
    let request = WaitingReservation::parse(&found.value, number, &id).ok()?;
    Some(StoredWaiter { key: key.to_owned(), mod_revision: found.mod_revision, request })
}

/// Reads reservations, all at one revision, when it is asked the first question.
pub struct EtcdReservationReader<'s> {
    store: &'s EtcdLockStore,
    state: OnceCell<Result<ReservationState, ClusterError>>,
}

impl EtcdReservationReader<'_> {
    fn state(&self) -> Result<&ReservationState, LockStoreError> {
        let state = self.state.get_or_init(|| ReservationState::read(self.store));
        state.as_ref().map_err(|error| LockStoreError::remote(error.clone()))
    }
}

impl ReservationReader for EtcdReservationReader<'_> {
    fn is_over(&self, _: &Reservation) -> bool {
        false
    }

    fn reservations_if(
        &self,
        is_wanted: &(dyn Fn(&Reservation) -> bool + Sync),
    ) -> Result<Vec<ReservationEntry>, LockStoreError> {
        Ok(self.state()?.entries_if(is_wanted))
    }

    fn waiting(&self) -> Result<Vec<WaitingReservation>, LockStoreError> {
        Ok(self.state()?.requests())
    }
}

/// Reservations as they were read, with the changes that are to be committed.
pub struct EtcdReservationSection<'s> {
    store: &'s EtcdLockStore,
    session: SectionSession<'s>,
    state: ReservationState,
    keys: KeyChanges,
    /// Something is reserved or waited for: nothing else may have been since the read.
    adds: bool,
}

impl<'s> EtcdReservationSection<'s> {
    fn new(store: &'s EtcdLockStore, state: ReservationState) -> Self {
        let own_leases: BTreeMap<String, LeaseId> =
            state.records.iter().filter_map(|it| Some((it.key.clone(), it.lease?))).collect();
        let keys = KeyChanges::begin(own_leases);
        Self { store, session: SectionSession::of(store), state, keys, adds: false }
    }

    fn complete(&self, transaction: &mut Transaction) {
        if self.adds {
            let version = self.store.keys.reservations_version();
            let unchanged = Comparison::unchanged(version.as_str(), self.state.version);
            transaction.comparisons.push(unchanged);
            transaction.changes.push(Change::put(version, ""));
        }
    }

    fn delete(&mut self, key: &str) {
        if let Some(before) = self.state.records.iter().find(|it| it.key == key) {
            self.keys.delete(key, before.mod_revision);
            self.state.records.retain(|it| it.key != key);
        }
    }
}

impl ReservationReader for EtcdReservationSection<'_> {
    fn is_over(&self, _: &Reservation) -> bool {
        false
    }

    fn reservations_if(
        &self,
        is_wanted: &(dyn Fn(&Reservation) -> bool + Sync),
    ) -> Result<Vec<ReservationEntry>, LockStoreError> {
        Ok(self.state.entries_if(is_wanted))
    }

    fn waiting(&self) -> Result<Vec<WaitingReservation>, LockStoreError> {
        Ok(self.state.requests())
    }
}

impl ReservationSection for EtcdReservationSection<'_> {
    type Ticket = EtcdReservationTicket;

    fn put(
        &mut self,
        record: &Reservation,
        _: RecordPutMode,
        _: Durability,
    ) -> Result<(), LockStoreError> {
        let key = self.store.keys.reservation(&record.id);
        let before = self.state.records.iter().find(|it| it.key == key);
        let mod_revision = before.map_or(Revision::ABSENT, |it| it.mod_revision);
        let now = Timestamp::now();
        let lease = record.expiry().map_or(KeyLease::Never, |end| KeyLease::For(end.since(now)));
        self.keys.rely_on(&key, mod_revision);
        self.keys.put(&key, record.encode(), lease);
        self.adds = true;
        self.state.records.retain(|it| it.key != key);
        let slot = ReservationSlot::Record(Box::new(record.clone()));
        let entry = ReservationEntry { name: record.id.as_str().into(), slot };
        self.state.records.push(StoredReservation { key, mod_revision, lease: None, entry });
        Ok(())
    }

    fn remove(&mut self, id: &ReservationId, _: Durability) -> Result<(), LockStoreError> {
        let key = self.store.keys.reservation(id);
        self.delete(&key);
        Ok(())
    }

    fn clear(&mut self, name: &OsStr) -> Result<(), LockStoreError> {
        let found = self.state.records.iter().find(|it| it.entry.name == name);
        if let Some(key) = found.map(|it| it.key.clone()) {
            self.delete(&key);
        }
        Ok(())
    }

    fn enqueue(
        &mut self,
        request: &WaitingReservation,
    ) -> Result<EtcdReservationTicket, LockStoreError> {
        let session = Arc::clone(self.session.get().map_err(LockStoreError::remote)?);
        let key = self.store.keys.waiting_reservation(request.number, &request.id);
        self.keys.rely_on(&key, Revision::ABSENT);
        self.keys.put(&key, request.encode(), KeyLease::Session);
        self.adds = true;
        let client = self.store.client.clone();
        Ok(EtcdReservationTicket { key: Some(key), client, _session: session })
    }

    fn withdraw(&mut self, ticket: &mut EtcdReservationTicket) {
        // The caller drops it after the section, which deletes the key if this is not committed.
        if let Some(key) = &ticket.key {
            let found = self.state.waiting.iter().find(|it| it.key == *key);
            let mod_revision = found.map_or(Revision::ABSENT, |it| it.mod_revision);
            self.keys.delete(key, mod_revision);
            self.state.waiting.retain(|it| it.key != *key);
        }
    }

    fn log(&mut self, event: &AuditEvent, _: Durability) -> Result<(), LockStoreError> {
        self.keys.events.push(event.to_line());
        Ok(())
    }
}

/// The place of a waiter. It ends when this is dropped, and with the session of its process.
pub struct EtcdReservationTicket {
    key: Option<String>,
    client: EtcdClient,
    _session: Arc<Session>,
}

impl Drop for EtcdReservationTicket {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let changes = vec![Change::delete(key)];
            // If it cannot be deleted, it ends with its session.
            let _ = self.client.commit(&Transaction { changes, ..Transaction::default() });
        }
    }
}

/// Tells when reservations or waiters change.
pub struct EtcdReservationWatch {
    watch: Option<Watch>,
}

impl ReservationWatch for EtcdReservationWatch {
    fn rearm(&mut self) {
        if let Some(watch) = &self.watch {
            let _ = watch.take_events();
        }
    }

    fn watch_processes(&mut self, _: &[i32]) {
        // The caller looks again from time to time.
    }

    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        self.watch.iter().map(AsFd::as_fd).collect()
    }
}

impl ReservationStore for EtcdLockStore {
    type ReservationReader<'s> = EtcdReservationReader<'s>;
    type ReservationSection<'s> = EtcdReservationSection<'s>;
    type ReservationTicket = EtcdReservationTicket;
    type ReservationWatch = EtcdReservationWatch;

    fn reservation_reader(&self) -> EtcdReservationReader<'_> {
        EtcdReservationReader { store: self, state: OnceCell::new() }
    }

    fn within_reservations<R, E: From<LockStoreError>>(
        &self,
        mut change: impl FnMut(&mut EtcdReservationSection<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.decide(
            || {
                let state = ReservationState::read(self)?;
                Ok(EtcdReservationSection::new(self, state))
            },
            |section| {
                let outcome = change(section)?;
                let commit = Commit { session: &section.session, changes: &section.keys };
                let committed = commit.run(|it| section.complete(it));
                Ok(committed.map(|it| (matches!(it, CommitResult::Done(_))).then_some(outcome)))
            },
        )
    }

    fn watch_reservations(&self) -> EtcdReservationWatch {
        let all =
            |prefix| WatchedRange { range: KeyRange::prefix(prefix), kinds: WatchedKinds::All };
        let ranges = [all(self.keys.reservations()), all(self.keys.reservation_queue())];
        // A watch begins after a read, so that nothing between the two is missed.
        let read = self.client.read(&[KeyRange::key(self.keys.reservations_version())]);
        let watch = read.and_then(|it| self.client.watch(&ranges, it.revision.next()));
        EtcdReservationWatch { watch: watch.ok() }
    }
}
