use super::{
    audit,
    etcd_store::EtcdLockStore,
    key_changes::{GrantedLeases, KeyChanges, KeyLease},
    session::Session,
};
use crate::{
    error::{ClusterError, WriteError},
    values::{Change, CommitOutcome, Comparison, KeyRange, LeaseId, Revision, Transaction},
};
use std::{cell::OnceCell, sync::Arc};

/// The session that a section puts keys on: that of the process at the section's first use of it.
pub(super) struct SectionSession<'s> {
    store: &'s EtcdLockStore,
    session: OnceCell<Arc<Session>>,
}

impl<'s> SectionSession<'s> {
    pub(super) fn of(store: &'s EtcdLockStore) -> Self {
        Self { store, session: OnceCell::new() }
    }

    pub(super) fn get(&self) -> Result<&Arc<Session>, ClusterError> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        let session = self.store.session()?;
        Ok(self.session.get_or_init(|| session))
    }
}

/// The changes of a section, on their way to the cluster.
pub(super) struct Commit<'a, 's> {
    pub(super) session: &'a SectionSession<'s>,
    pub(super) changes: &'a KeyChanges,
}

/// What came of committing a section.
pub(super) enum CommitResult {
    /// It is done, at a revision; `None` where nothing was to be done.
    Done(Option<Revision>),
    /// What the changes rest on has changed meanwhile; nothing was done.
    Conflict,
}

impl Commit<'_, '_> {
    /// Commits the changes in one transaction, which `complete` may add to.
    ///
    /// A key that has to stay is put on the session first. When that has been acknowledged, a second transaction takes the
    /// session's lease off it. Otherwise a process that never got the answer would leave a lock that it does not know of.
    ///
    /// # Lost answers
    /// A transaction without an answer may have been applied, or may be applied later. If its keys are there, it was. If they
    /// are not, the leases that it puts keys on are revoked: after that it can take effect no more, and what is read then is
    /// final.
    pub(super) fn run(
        &self,
        complete: impl FnOnce(&mut Transaction),
    ) -> Result<CommitResult, ClusterError> {
        if self.changes.is_empty() {
            return Ok(CommitResult::Done(None));
        }
        let store = self.session.store;
        let leases = self.grant_leases()?;
        let mut transaction = self.changes.transaction(&leases);
        complete(&mut transaction);
        let log = audit::entries(store, &self.changes.events);
        transaction.changes.extend(log.inspect_err(|_| give_back(store, &leases))?);
        let committed = match store.client.commit(&transaction) {
            Ok(CommitOutcome::Committed { revision }) => Some(revision),
            Ok(CommitOutcome::Conflict { .. }) => None,
            Err(WriteError::NotApplied(error)) => {
                give_back(store, &leases);
                return Err(error);
            }
            Err(WriteError::MaybeApplied(error)) => self.settle(&leases, error)?,
        };
        let Some(revision) = committed else {
            give_back(store, &leases);
            return Ok(CommitResult::Conflict);
        };
        self.make_permanent(revision)?;
        self.revoke_replaced(&leases);
        Ok(CommitResult::Done(Some(revision)))
    }

    fn grant_leases(&self) -> Result<GrantedLeases, ClusterError> {
        let store = self.session.store;
        let mut leases = GrantedLeases::default();
        for (key, lease) in self.changes.leases() {
            match lease {
                KeyLease::Session | KeyLease::Never => {
                    leases.session = Some(self.session.get()?.lease());
                }
                KeyLease::For(time) => {
                    let lease = store.lease_for(time).inspect_err(|_| give_back(store, &leases))?;
                    leases.own.insert(key.to_owned(), lease);
                }
            }
        }
        Ok(leases)
    }

    /// Finds out whether a transaction without an answer was applied. `None`: it was not, and will not be.
    fn settle(
        &self,
        leases: &GrantedLeases,
        error: ClusterError,
    ) -> Result<Option<Revision>, ClusterError> {
        if let Some(revision) = self.applied_at()? {
            return Ok(Some(revision));
        }
        if self.changes.puts().next().is_none() {
            // Deletions alone: to decide again does what is left to do.
            return Ok(None);
        }
        for lease in leases.own.values().chain(&leases.session) {
            if self.session.store.client.revoke(*lease).is_err() {
                // Even that is unclear: the leases end by themselves, and until then nothing is known.
                return Err(error);
            }
        }
        if leases.session.is_some() {
            self.session.get()?.note_gone();
        }
        Ok(None)
    }

    /// The revision of the changes, if they are there.
    fn applied_at(&self) -> Result<Option<Revision>, ClusterError> {
        let puts: Vec<(&str, &[u8])> = self.changes.puts().collect();
        let ranges: Vec<KeyRange> = puts.iter().map(|(key, _)| KeyRange::key(*key)).collect();
        if ranges.is_empty() {
            return Ok(None);
        }
        let read = self.session.store.client.read(&ranges)?;
        let mut revision = None;
        for ((_, value), found) in puts.iter().zip(&read.ranges) {
            match found.first() {
                Some(found) if found.value == *value => {
                    revision = revision.max(Some(found.mod_revision));
                }
                _ => return Ok(None),
            }
        }
        Ok(revision)
    }

    /// Takes the session's lease off the keys that are to stay.
    fn make_permanent(&self, revision: Revision) -> Result<(), ClusterError> {
        let is_permanent = |key: &str| {
            self.changes.leases().any(|(it, lease)| it == key && lease == KeyLease::Never)
        };
        for (key, value) in self.changes.puts().filter(|(key, _)| is_permanent(key)) {
            let transaction = Transaction {
                comparisons: vec![Comparison::unchanged(key, revision)],
                changes: vec![Change::put(key, value)],
                reads_on_conflict: Vec::new(),
            };
            // A conflict: another has changed or removed the key since, and that counts.
            self.commit_repeatedly(&transaction)?;
        }
        Ok(())
    }

    /// Commits a transaction that can be sent any number of times: a second time it finds a conflict.
    fn commit_repeatedly(&self, transaction: &Transaction) -> Result<(), ClusterError> {
        let mut tries = 3;
        loop {
            tries -= 1;
            match self.session.store.client.commit(transaction) {
                Ok(_) => return Ok(()),
                Err(WriteError::NotApplied(error)) => return Err(error),
                Err(WriteError::MaybeApplied(error)) if tries == 0 => {
                    // The key stands on the session and ends with it, so the caller has no lock.
                    let session = self.session.get()?;
                    session.note_gone();
                    let _ = session.revoke();
                    return Err(error);
                }
                Err(WriteError::MaybeApplied(_)) => {}
            }
        }
    }

    /// Revokes the leases of records that have been put on another, or deleted.
    fn revoke_replaced(&self, leases: &GrantedLeases) {
        let is_session = |lease: &LeaseId| Some(*lease) == leases.session;
        for lease in self.changes.replaced_leases().filter(|it| !is_session(it)) {
            // One that stays has no key any more, and ends by itself.
            let _ = self.session.store.client.revoke(lease);
        }
    }
}

/// Revokes leases that no key came to be on.
fn give_back(store: &EtcdLockStore, leases: &GrantedLeases) {
    for lease in leases.own.values() {
        // One that stays has no key, and ends by itself.
        let _ = store.client.revoke(*lease);
    }
}
