//! The audit log at the cluster: one key for each event, in the order of time, which ends with the lease of its hour.

use super::{etcd_store::EtcdLockStore, session::grant};
use crate::{
    error::{ClusterError, WriteError},
    values::{Change, KeyRange, LeaseId, Transaction},
};
use lokt_lock::{sys::random_bytes, words::Timestamp};
use std::time::Duration;

/// How long an event is kept.
const RETENTION: Duration = Duration::from_hours(24 * 30);

/// The puts of some events, for the transaction of the change that they tell of.
pub(super) fn entries(
    store: &EtcdLockStore,
    events: &[String],
) -> Result<Vec<Change>, ClusterError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let now = Timestamp::now();
    let lease = lease_of(store, now)?;
    let random = random_bytes().ok().and_then(|it| it.first_chunk::<8>().copied());
    let id = u64::from_ne_bytes(random.unwrap_or_default());
    let entry = |(index, line): (usize, &String)| {
        Change::put_on(lease, store.keys.event(now, index, id), line.as_str())
    };
    Ok(events.iter().enumerate().map(entry).collect())
}

/// Writes one event that is part of no change.
pub(super) fn log(store: &EtcdLockStore, line: &str) -> Result<(), ClusterError> {
    let changes = entries(store, &[line.to_owned()])?;
    let transaction = Transaction { changes, ..Transaction::default() };
    store.client.commit(&transaction).map(drop).map_err(WriteError::into_cluster_error)
}

/// The lease of the events of an hour: the one that another process has made, or a new one.
fn lease_of(store: &EtcdLockStore, now: Timestamp) -> Result<LeaseId, ClusterError> {
    if let Some(lease) = store.known_audit_lease(now) {
        return Ok(lease);
    }
    let key = store.keys.audit_lease(now);
    let read = store.client.read(&[KeyRange::key(key.as_str())])?;
    let found = read.ranges.iter().flatten().find_map(|it| it.lease);
    let lease = if let Some(lease) = found {
        lease
    } else {
        let lease = grant(&store.client, RETENTION)?.id;
        // Two processes may both make one: each then has its events on its own lease.
        let changes = vec![Change::put_on(lease, key, "")];
        let transaction = Transaction { changes, ..Transaction::default() };
        store.client.commit(&transaction).map_err(WriteError::into_cluster_error)?;
        lease
    };
    store.note_audit_lease(now, Some(lease));
    Ok(lease)
}
