use super::{etcd_store::EtcdLockStore, name_state::NameState};
use crate::error::ClusterError;
use lokt_lock::{
    record::{HoldKind, LockRecord, RecordSlot},
    rules::{QueuePlace, TicketContent},
    store::{LockListing, LockRecordKind, LockStoreError, NameReader},
    words::{LockName, Timestamp},
};
use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

/// Reads one name, all of it at one revision, when it is asked the first question.
pub struct EtcdNameReader<'s> {
    source: ReaderSource<'s>,
    name: &'s LockName,
}

enum ReaderSource<'s> {
    /// Read when needed.
    Store(&'s EtcdLockStore, OnceCell<Result<NameState, ClusterError>>),
    /// Part of a listing.
    Listed(Result<Option<&'s NameState>, ClusterError>),
}

impl<'s> EtcdNameReader<'s> {
    pub(super) fn new(store: &'s EtcdLockStore, name: &'s LockName) -> Self {
        Self { source: ReaderSource::Store(store, OnceCell::new()), name }
    }

    fn state(&self) -> Result<Option<&NameState>, ClusterError> {
        match &self.source {
            ReaderSource::Store(store, state) => {
                let read = || {
                    let state = store.read_name(self.name)?;
                    store.note_read(self.name, state.revision);
                    Ok(state)
                };
                let state = state.get_or_init(read);
                state.as_ref().map(Some).map_err(Clone::clone)
            }
            ReaderSource::Listed(state) => state.clone(),
        }
    }
}

impl NameReader for EtcdNameReader<'_> {
    fn name(&self) -> &LockName {
        self.name
    }

    fn slot(&self, kind: LockRecordKind) -> RecordSlot {
        match self.state() {
            Ok(state) => state.map_or(RecordSlot::Absent, |it| it.slot(kind)),
            Err(error) => RecordSlot::Unreadable(Arc::new(io::Error::other(error))),
        }
    }

    fn is_over(&self, record: &LockRecord) -> bool {
        is_over(record)
    }

    fn line(&self) -> Result<Vec<QueuePlace>, LockStoreError> {
        let state = self.state().map_err(LockStoreError::remote)?;
        let tickets = state.into_iter().flat_map(|it| &it.tickets);
        Ok(tickets.map(|it| it.place.clone()).collect())
    }

    fn lives(&self, place: &QueuePlace) -> bool {
        self.state().map_or(true, |it| it.is_some_and(|it| it.ticket(&place.lock_id).is_some()))
    }

    fn ticket_text(&self, place: &QueuePlace) -> Option<TicketContent> {
        Some(self.state().ok()??.ticket(&place.lock_id)?.text.clone())
    }

    fn keepers(&self, _: &QueuePlace) -> Vec<i32> {
        Vec::new()
    }
}

/// The cluster ends what is over. Only the announced life of a guard, which means nothing for the lock, is compared with
/// this machine's clock.
pub(super) fn is_over(record: &LockRecord) -> bool {
    record.hold == Some(HoldKind::Guard) && record.is_expired(Timestamp::now())
}

/// Reads all names, at one revision.
pub struct EtcdLockListing<'s> {
    store: &'s EtcdLockStore,
    states: std::sync::OnceLock<Result<BTreeMap<LockName, NameState>, ClusterError>>,
}

impl<'s> EtcdLockListing<'s> {
    pub(super) fn new(store: &'s EtcdLockStore) -> Self {
        Self { store, states: std::sync::OnceLock::new() }
    }

    fn states(&self) -> Result<&BTreeMap<LockName, NameState>, ClusterError> {
        self.states.get_or_init(|| self.store.read_all()).as_ref().map_err(Clone::clone)
    }

    fn names_with(
        &self,
        is_listed: impl Fn(&NameState) -> bool,
    ) -> Result<Vec<LockName>, LockStoreError> {
        let states = self.states().map_err(LockStoreError::remote)?;
        Ok(states.iter().filter(|(_, it)| is_listed(it)).map(|(name, _)| name.clone()).collect())
    }
}

impl LockListing for EtcdLockListing<'_> {
    type Reader<'l>
        = EtcdNameReader<'l>
    where
        Self: 'l;

    fn names(&self, kind: LockRecordKind) -> Result<Vec<LockName>, LockStoreError> {
        self.names_with(|it| match kind {
            LockRecordKind::Lock => !it.holders.is_empty(),
            LockRecordKind::Freeze => it.freeze.is_some(),
        })
    }

    fn lines(&self) -> Result<BTreeSet<LockName>, LockStoreError> {
        Ok(self.names_with(|it| !it.tickets.is_empty())?.into_iter().collect())
    }

    fn reader<'l>(&'l self, name: &'l LockName) -> EtcdNameReader<'l> {
        let state = self.states().map(|it| it.get(name));
        EtcdNameReader { source: ReaderSource::Listed(state), name }
    }
}
