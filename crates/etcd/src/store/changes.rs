use super::{key_changes::KeyChanges, keys::KeySpace, name_state::NameState, ticket::TicketState};
use crate::values::{Change, Comparison, LeaseId, Revision, Transaction};
use lokt_lock::{
    record::HoldKind,
    words::{Fence, LockName, Timestamp},
};
use std::{collections::BTreeMap, sync::Arc};

/// The most holders that an entering guard compares one by one. An exclusive lock has one; those that share a lock do
/// not depend on each other.
const FEW: usize = 8;

/// The changes of a section of a name, and what must not have changed meanwhile for them to be right.
///
/// # Why these comparisons
/// * A holder is added only if no other was added since the read: the version key of the holders is compared and changed.
///   A holder that *ended* since then does not matter.
/// * A caller that does not stand in the queue also compares the version key of the queue: a waiter may have come before
///   it. One at the head of the queue does not, so newcomers cannot keep it from entering.
/// * A holder is added only if the freeze is as it was read.
/// * A ticket is added if it is not there yet, whatever else has changed.
#[derive(Debug)]
pub(super) struct PendingChanges {
    holders: Vec<(String, Revision)>,
    freeze: Revision,
    holders_version: (Revision, u64),
    queue_version: Revision,
    pub(super) keys: KeyChanges,
    adds_holder: bool,
    adds_waiter: bool,
    /// The caller enters with a ticket that has waited.
    pub(super) has_waited: bool,
    pub(super) drawn: Vec<Arc<TicketState>>,
    pub(super) entered: Vec<Arc<TicketState>>,
    pub(super) withdrawn: Vec<Arc<TicketState>>,
}

impl PendingChanges {
    pub(super) fn after(state: &NameState) -> Self {
        Self {
            holders: state.holders.iter().map(|it| (it.key.clone(), it.mod_revision)).collect(),
            keys: KeyChanges::begin(own_leases(state)),
            freeze: state.freeze.as_ref().map_or(Revision::ABSENT, |it| it.mod_revision),
            holders_version: state.holders_version,
            queue_version: state.queue_version,
            adds_holder: false,
            adds_waiter: false,
            has_waited: false,
            drawn: Vec::new(),
            entered: Vec::new(),
            withdrawn: Vec::new(),
        }
    }

    pub(super) fn add_holder(&mut self) {
        self.adds_holder = true;
    }

    pub(super) fn add_waiter(&mut self) {
        self.adds_waiter = true;
    }

    pub(super) fn next_fence(&mut self, floor: Fence, now: Timestamp) -> Fence {
        let fence = Fence::new(self.holders_version.1).max(floor).next(now);
        self.holders_version.1 = fence.get();
        fence
    }

    /// Adds the comparisons and the version keys to the transaction of the [keys](Self::keys).
    pub(super) fn complete(&self, transaction: &mut Transaction, keys: &KeySpace, name: &LockName) {
        if self.adds_holder {
            let version = keys.holders_version(name);
            let unchanged = Comparison::unchanged(version.as_str(), self.holders_version.0);
            transaction.comparisons.push(unchanged);
            transaction.changes.push(Change::put(version, self.holders_version.1.to_string()));
            transaction.comparisons.extend(self.entry_comparisons(keys, name));
        }
        if self.adds_waiter {
            transaction.changes.push(Change::put(keys.queue_version(name), ""));
        }
    }

    /// Tells the tickets what became of them.
    pub(super) fn settle_tickets(&self, revision: Revision) {
        self.drawn.iter().for_each(|it| it.is_drawn(revision));
        self.entered.iter().for_each(|it| it.is_entered());
        self.withdrawn.iter().for_each(|it| it.is_withdrawn());
    }

    /// What else must be as it was read where a holder is added.
    fn entry_comparisons(&self, keys: &KeySpace, name: &LockName) -> Vec<Comparison> {
        let mut comparisons = Vec::new();
        let freeze = keys.freeze(name);
        if !self.keys.relies_on(&freeze) {
            comparisons.push(Comparison::unchanged(freeze, self.freeze));
        }
        if !self.has_waited {
            comparisons.push(Comparison::unchanged(keys.queue_version(name), self.queue_version));
        }
        // A guard that enters under a lease relies on that lease.
        let others = self.holders.iter().filter(|(key, _)| !self.keys.relies_on(key));
        if self.holders.len() <= FEW {
            comparisons.extend(others.map(|(key, at)| Comparison::unchanged(key.as_str(), *at)));
        }
        comparisons
    }
}

/// The leases that belong to one record each. The record of a guard is on the session of its process, which may have other
/// keys, and one without an end may be on a session for a moment.
fn own_leases(state: &NameState) -> BTreeMap<String, LeaseId> {
    let records = state.holders.iter().chain(&state.freeze);
    let own = records.filter(|it| {
        let record = it.slot.record();
        record.is_some_and(|it| it.expiry().is_some() && it.hold != Some(HoldKind::Guard))
    });
    own.filter_map(|it| Some((it.key.clone(), it.lease?))).collect()
}
