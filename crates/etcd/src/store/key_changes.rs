use crate::values::{Change, Comparison, LeaseId, Revision, Transaction};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What the key of a change ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyLease {
    /// The session of this process.
    Session,
    /// A separate lease, which ends after a time.
    For(Duration),
    /// Nothing: it stays until it is deleted.
    Never,
}

/// The leases that a transaction puts keys on.
#[derive(Debug, Default)]
pub(super) struct GrantedLeases {
    pub(super) session: Option<LeaseId>,
    /// By key.
    pub(super) own: BTreeMap<String, LeaseId>,
}

/// The keys that a section puts and deletes, and those that must be as they were read.
///
/// A key that is changed, deleted or relied on must be as it was read: a renewal must not bring back a record that the
/// cluster has ended.
#[derive(Debug, Default)]
pub(super) struct KeyChanges {
    puts: BTreeMap<String, (Vec<u8>, KeyLease)>,
    deletes: BTreeSet<String>,
    relied_on: BTreeMap<String, Revision>,
    /// The leases of records that have a lease of their own.
    own_leases: BTreeMap<String, LeaseId>,
    pub(super) events: Vec<String>,
}

impl KeyChanges {
    /// No changes yet; `own_leases` are those of the records that were read, by key.
    pub(super) fn begin(own_leases: BTreeMap<String, LeaseId>) -> Self {
        Self { own_leases, ..Self::default() }
    }

    /// Whether nothing is to be committed.
    pub(super) fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty() && self.events.is_empty()
    }

    /// A key must be as it was read.
    pub(super) fn rely_on(&mut self, key: &str, revision: Revision) {
        self.relied_on.entry(key.to_owned()).or_insert(revision);
    }

    pub(super) fn relies_on(&self, key: &str) -> bool {
        self.relied_on.contains_key(key)
    }

    pub(super) fn put(&mut self, key: &str, value: Vec<u8>, lease: KeyLease) {
        self.deletes.remove(key);
        self.puts.insert(key.to_owned(), (value, lease));
    }

    /// Deletes a key that was read at a revision, or takes back what this section put.
    pub(super) fn delete(&mut self, key: &str, revision: Revision) {
        self.puts.remove(key);
        if revision != Revision::ABSENT {
            self.rely_on(key, revision);
            self.deletes.insert(key.to_owned());
        }
    }

    /// Deletes a key if it is there.
    pub(super) fn delete_whatever(&mut self, key: &str) {
        if self.puts.remove(key).is_none() {
            self.deletes.insert(key.to_owned());
        }
    }

    /// The keys that are put, with what they end with.
    pub(super) fn leases(&self) -> impl Iterator<Item = (&str, KeyLease)> {
        self.puts.iter().map(|(key, (_, lease))| (key.as_str(), *lease))
    }

    /// The keys that are put, with their values.
    pub(super) fn puts(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.puts.iter().map(|(key, (value, _))| (key.as_str(), value.as_slice()))
    }

    /// The leases of records that are replaced or deleted.
    pub(super) fn replaced_leases(&self) -> impl Iterator<Item = LeaseId> {
        let is_replaced = |key: &String| self.puts.contains_key(key) || self.deletes.contains(key);
        self.own_leases.iter().filter(move |(key, _)| is_replaced(key)).map(|(_, lease)| *lease)
    }

    /// The changes as one transaction, without the events.
    pub(super) fn transaction(&self, leases: &GrantedLeases) -> Transaction {
        let comparisons = self.relied_on.iter();
        let comparisons =
            comparisons.map(|(key, revision)| Comparison::unchanged(key.as_str(), *revision));
        let deletes = self.deletes.iter().map(|key| Change::delete(key.as_str()));
        let puts = self.puts.iter().map(|(key, (value, _))| {
            let lease = leases.own.get(key).copied().or(leases.session);
            Change::Put { key: key.clone().into(), value: value.clone(), lease }
        });
        Transaction {
            comparisons: comparisons.collect(),
            changes: deletes.chain(puts).collect(),
            reads_on_conflict: Vec::new(),
        }
    }
}
