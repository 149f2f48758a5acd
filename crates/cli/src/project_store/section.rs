use super::{store::ProjectStore, ticket::ProjectTicket};
use lokt_etcd::store::EtcdLockStore;
use lokt_lock::{
    audit::AuditEvent,
    file::FileLockStore,
    record::{LockRecord, RecordSlot},
    rules::{QueuePlace, TicketContent},
    store::{
        Durability, LockRecordKind, LockStoreError, NameReader, NameSection, ReadsThrough,
        RecordPutMode, RecordPutOutcome, RecordRemoveOutcome,
    },
    words::{Fence, Timestamp},
};

/// Reads and changes one name of either store.
pub(crate) struct ProjectSection<'s> {
    store: &'s ProjectStore,
    section: StoreSection<'s>,
}

/// The section of the store that was chosen. A trait object, because its own lifetime is shorter than that of the
/// reference that the store gives.
enum StoreSection<'s> {
    Files(&'s mut (dyn NameSection<Store = FileLockStore> + 's)),
    Cluster(&'s mut (dyn NameSection<Store = EtcdLockStore> + 's)),
}

/// Calls the same method of either section.
macro_rules! either {
    ($section:expr, $it:ident => $call:expr) => {
        match &mut $section.section {
            StoreSection::Files($it) => $call,
            StoreSection::Cluster($it) => $call,
        }
    };
}

impl<'s> ProjectSection<'s> {
    pub(super) fn of_files(
        store: &'s ProjectStore,
        section: &'s mut (dyn NameSection<Store = FileLockStore> + 's),
    ) -> Self {
        Self { store, section: StoreSection::Files(section) }
    }

    pub(super) fn of_cluster(
        store: &'s ProjectStore,
        section: &'s mut (dyn NameSection<Store = EtcdLockStore> + 's),
    ) -> Self {
        Self { store, section: StoreSection::Cluster(section) }
    }
}

impl ReadsThrough for ProjectSection<'_> {
    fn reader(&self) -> &dyn NameReader {
        match &self.section {
            StoreSection::Files(it) => &**it,
            StoreSection::Cluster(it) => &**it,
        }
    }
}

impl NameSection for ProjectSection<'_> {
    type Store = ProjectStore;

    fn store(&self) -> &ProjectStore {
        self.store
    }

    fn next_fence(&mut self, floor: Fence, now: Timestamp) -> Result<Fence, LockStoreError> {
        either!(self, it => it.next_fence(floor, now))
    }

    fn enqueue(
        &mut self,
        place: QueuePlace,
        text: &TicketContent,
    ) -> Result<ProjectTicket, LockStoreError> {
        match &mut self.section {
            StoreSection::Files(it) => it.enqueue(place, text).map(ProjectTicket::Files),
            StoreSection::Cluster(it) => it.enqueue(place, text).map(ProjectTicket::Cluster),
        }
    }

    fn enter(&mut self, ticket: &mut ProjectTicket) -> Result<(), LockStoreError> {
        match (&mut self.section, ticket) {
            (StoreSection::Files(it), ProjectTicket::Files(ticket)) => it.enter(ticket),
            (StoreSection::Cluster(it), ProjectTicket::Cluster(ticket)) => it.enter(ticket),
            _ => Err(LockStoreError::remote(OtherStoreTicket)),
        }
    }

    fn withdraw(&mut self, ticket: &mut ProjectTicket) {
        match (&mut self.section, ticket) {
            (StoreSection::Files(it), ProjectTicket::Files(ticket)) => it.withdraw(ticket),
            (StoreSection::Cluster(it), ProjectTicket::Cluster(ticket)) => it.withdraw(ticket),
            // It is in no queue of this store.
            _ => {}
        }
    }

    fn drop_place(&mut self, place: &QueuePlace) -> Result<(), LockStoreError> {
        either!(self, it => it.drop_place(place))
    }

    fn put(
        &mut self,
        kind: LockRecordKind,
        record: &LockRecord,
        put: RecordPutMode,
        durability: Durability,
    ) -> Result<RecordPutOutcome, LockStoreError> {
        either!(self, it => it.put(kind, record, put, durability))
    }

    fn remove(
        &mut self,
        kind: LockRecordKind,
        judged: &RecordSlot,
        durability: Durability,
    ) -> Result<RecordRemoveOutcome, LockStoreError> {
        either!(self, it => it.remove(kind, judged, durability))
    }

    fn log(&mut self, event: &AuditEvent, durability: Durability) -> Result<(), LockStoreError> {
        either!(self, it => it.log(event, durability))
    }
}

/// A ticket of one store was brought to the other, which no process does: it has one store.
#[derive(Debug, thiserror::Error)]
#[error("the ticket is of another store")]
struct OtherStoreTicket;
