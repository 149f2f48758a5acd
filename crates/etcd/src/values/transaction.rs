use super::{KeyRange, KeyValue, LeaseId, Revision};

/// A transaction: if all comparisons hold, all changes are made at one revision, else none.
///
/// A cluster accepts at most 128 operations of each part by default, and no key twice among the changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transaction {
    /// What must hold.
    pub comparisons: Vec<Comparison>,
    /// What is changed then.
    pub changes: Vec<Change>,
    /// What is read if a comparison does not hold, at the revision of the conflict.
    pub reads_on_conflict: Vec<KeyRange>,
}

/// A condition on one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The key.
    pub key: Vec<u8>,
    /// How the key's property must relate to the given one.
    pub relation: Relation,
    /// Which property, and what it is compared with.
    pub target: CompareTarget,
}

impl Comparison {
    /// The key does not exist.
    pub fn absent(key: impl Into<Vec<u8>>) -> Self {
        let target = CompareTarget::CreateRevision(Revision::ABSENT);
        Self { key: key.into(), relation: Relation::Equal, target }
    }

    /// The key exists.
    pub fn exists(key: impl Into<Vec<u8>>) -> Self {
        let target = CompareTarget::CreateRevision(Revision::ABSENT);
        Self { key: key.into(), relation: Relation::NotEqual, target }
    }

    /// The key was last changed at a revision; [`Revision::ABSENT`]: it does not exist.
    pub fn unchanged(key: impl Into<Vec<u8>>, mod_revision: Revision) -> Self {
        let target = CompareTarget::ModRevision(mod_revision);
        Self { key: key.into(), relation: Relation::Equal, target }
    }

    /// A property of the key equals the given one.
    pub fn equal(key: impl Into<Vec<u8>>, target: CompareTarget) -> Self {
        Self { key: key.into(), relation: Relation::Equal, target }
    }
}

/// How the property of a key relates to what it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// They are equal.
    Equal,
    /// They differ.
    NotEqual,
    /// The key's is greater.
    Greater,
    /// The key's is less.
    Less,
}

/// The property of a key that is compared, with what it is compared with. A key that does not exist has zero
/// everywhere, and compares to no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompareTarget {
    /// The revision of its creation.
    CreateRevision(Revision),
    /// The revision of its last change.
    ModRevision(Revision),
    /// How many times it was put since its creation.
    Version(i64),
    /// Its value.
    Value(Vec<u8>),
    /// Its lease; `None`: no lease.
    Lease(Option<LeaseId>),
}

/// A change of one key or one range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Puts a key, whether it exists or not.
    Put {
        /// The key.
        key: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
        /// The lease that it ends with. A put on a lease that has ended fails the whole transaction
        /// ([`LeaseNotFound`](crate::ClusterErrorKind::LeaseNotFound)).
        lease: Option<LeaseId>,
    },
    /// Deletes all keys of a range.
    Delete(KeyRange),
}

impl Change {
    /// Puts a key that lives until it is deleted.
    pub fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self::Put { key: key.into(), value: value.into(), lease: None }
    }

    /// Puts a key that ends with a lease.
    pub fn put_on(lease: LeaseId, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self::Put { key: key.into(), value: value.into(), lease: Some(lease) }
    }

    /// Deletes one key.
    pub fn delete(key: impl Into<Vec<u8>>) -> Self {
        Self::Delete(KeyRange::key(key))
    }
}

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOutcome {
    /// All comparisons held, and all changes were made.
    Committed {
        /// The revision of the changes. If a transaction changes nothing, the current one.
        revision: Revision,
    },
    /// A comparison did not hold, and nothing was changed.
    Conflict {
        /// The revision of the store at that moment.
        revision: Revision,
        /// The keys of each range of [`reads_on_conflict`](Transaction::reads_on_conflict), at that revision.
        ranges: Vec<Vec<KeyValue>>,
    },
}
