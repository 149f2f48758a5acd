use super::{
    audit,
    etcd_store::EtcdLockStore,
    key_changes::{GrantedLeases, KeyChanges, KeyLease},
    session::Session,
};
use crate::{
    error::{ClusterError, ClusterErrorKind, WriteError},
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

/// How often a transaction is sent that gets no answer. Each sending asks all members.
const SENDINGS: u32 = 3;

/// Why changes were not committed, as far as is known.
struct CommitFailure {
    error: ClusterError,
    /// No answer came, so it may have been applied all the same, or may be later.
    may_be_applied: bool,
}

/// The key of a put.
fn put_key(change: &Change) -> Option<&[u8]> {
    match change {
        Change::Put { key, .. } => Some(key),
        Change::Delete(_) => None,
    }
}

impl Commit<'_, '_> {
    /// Commits the changes in one transaction, which `complete` may add to.
    ///
    /// A key that has to stay is put on the session first. When that has been acknowledged, a second transaction takes the
    /// session's lease off it. Otherwise a process that never got the answer would leave a lock that it does not know of.
    ///
    /// # Lost answers
    /// A transaction without an answer may have been applied, or may be applied later. It is sent again until there is an
    /// answer. Each transaction compares a key that it changes itself, so it is applied once at most, and after a conflict
    /// an earlier sending can take effect no more. Whether that one was applied is shown by its keys. Without any answer,
    /// the leases that it puts keys on are revoked, and the caller hears of the failure.
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
        let log = log.inspect_err(|_| give_back(store, &leases))?;
        let proof = log.first().and_then(put_key).map(<[u8]>::to_vec);
        transaction.changes.extend(log);
        let committed = self.commit_until_answered(&transaction, proof.as_deref());
        let committed = committed.and_then(|committed| {
            committed.map_or(Ok(()), |revision| self.make_permanent(revision)).map(|()| committed)
        });
        match committed {
            Ok(Some(revision)) => {
                self.revoke_replaced(&leases);
                Ok(CommitResult::Done(Some(revision)))
            }
            Ok(None) => {
                give_back(store, &leases);
                Ok(CommitResult::Conflict)
            }
            Err(failure) => {
                give_back(store, &leases);
                if failure.may_be_applied {
                    self.give_up_session(&leases);
                }
                Err(failure.error)
            }
        }
    }

    /// Sends a transaction until there is an answer. `None`: it was not applied, and will not be.
    fn commit_until_answered(
        &self,
        transaction: &Transaction,
        proof: Option<&[u8]>,
    ) -> Result<Option<Revision>, CommitFailure> {
        let mut lost = None;
        for _ in 0..SENDINGS {
            match self.session.store.client.commit(transaction) {
                Ok(CommitOutcome::Committed { revision }) => return Ok(Some(revision)),
                Ok(CommitOutcome::Conflict { .. }) if lost.is_none() => return Ok(None),
                Ok(CommitOutcome::Conflict { .. }) => return self.applied_at(proof),
                Err(WriteError::NotApplied(error)) if lost.is_none() => {
                    return Err(CommitFailure { error, may_be_applied: false });
                }
                Err(error) => lost = Some(error.into_cluster_error()),
            }
        }
        let error = lost.unwrap_or_else(|| ClusterError {
            call: "commit",
            kind: ClusterErrorKind::Unreachable,
            replies: Vec::new(),
        });
        Err(CommitFailure { error, may_be_applied: true })
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

    /// The revision of the changes, if they were applied: the event that they are logged with, if there is one, else the
    /// keys that they put, which may have been changed since.
    fn applied_at(&self, proof: Option<&[u8]>) -> Result<Option<Revision>, CommitFailure> {
        let puts: Vec<(&[u8], Option<&[u8]>)> = match proof {
            Some(key) => vec![(key, None)],
            None => self.changes.puts().map(|(key, value)| (key.as_bytes(), Some(value))).collect(),
        };
        let ranges: Vec<KeyRange> = puts.iter().map(|(key, _)| KeyRange::key(*key)).collect();
        if ranges.is_empty() {
            // What was to be deleted is gone, or another has changed it: to decide again is right in both cases.
            return Ok(None);
        }
        let unclear = |error| CommitFailure { error, may_be_applied: true };
        let read = self.session.store.client.read(&ranges).map_err(unclear)?;
        let revisions = puts.iter().zip(&read.ranges).map(|((_, value), found)| {
            let found = found.first()?;
            value.is_none_or(|value| found.value == value).then_some(found.mod_revision)
        });
        Ok(revisions.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max()))
    }

    /// Takes the session's lease off the keys that are to stay.
    fn make_permanent(&self, revision: Revision) -> Result<(), CommitFailure> {
        let is_permanent = |key: &str| {
            self.changes.leases().any(|(it, lease)| it == key && lease == KeyLease::Never)
        };
        for (key, value) in self.changes.puts().filter(|(key, _)| is_permanent(key)) {
            let transaction = Transaction {
                comparisons: vec![Comparison::unchanged(key, revision)],
                changes: vec![Change::put(key, value)],
                reads_on_conflict: Vec::new(),
            };
            // A conflict: this was applied before, or another has changed the key since, and that counts.
            let sent = self.commit_until_answered(&transaction, Some(key.as_bytes()));
            sent.map_err(|it| CommitFailure { may_be_applied: true, ..it })?;
        }
        Ok(())
    }

    /// Ends the session, so that nothing stays that was put on it. The process has no lock then that it does not know of.
    fn give_up_session(&self, leases: &GrantedLeases) {
        if let (Some(_), Ok(session)) = (leases.session, self.session.get()) {
            session.note_gone();
            // If it cannot be revoked, it ends by itself when nothing keeps it any more.
            let _ = session.revoke();
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
