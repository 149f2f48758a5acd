//! What the caller has: its locks and its reservations, for `whoami`.

use crate::{
    failure::{CliFailure, chain},
    project_store::ProjectStore,
    span,
    view::reservation::{self as shown, ListedReservationJson},
};
use lokt_lock::{
    caller::Caller,
    ops::{ReservationList, list_reservations, survey_all},
    record::{HoldKind, LockRecord},
    reservation::{Reservation, is_own},
    store::LockRecordKind,
    words::{LockId, Timestamp},
};
use serde::Serialize;

/// The caller's locks and reservations.
pub(super) struct CallerHoldings {
    locks: Vec<LockRecord>,
    /// `None` on a cluster, which has no reservations yet.
    list: Option<ReservationList>,
    seen: Timestamp,
}

/// One of the caller's locks as JSON.
#[derive(Serialize)]
pub(super) struct HeldLockJson<'a> {
    name: &'a str,
    hold: Option<&'a str>,
    lock_id: Option<&'a str>,
    expires_at: Option<String>,
}

impl CallerHoldings {
    /// Looks for them in all locks and reservations of a root.
    pub(super) fn find(store: &ProjectStore, caller: &Caller) -> Result<Self, CliFailure> {
        let me = &caller.identity;
        let entries = survey_all(store, caller)?;
        let held = entries.into_iter().filter(|it| it.kind == LockRecordKind::Lock && it.taken > 0);
        let records = held.filter_map(|it| it.record().cloned());
        let locks = records.flat_map(LockRecord::into_holders).filter(|it| me.owns(it)).collect();
        let mut list = store.files().map(|it| list_reservations(it, caller)).transpose()?;
        if let Some(list) = &mut list {
            list.standing.retain(|it| is_own(me, &it.owner, it.agent_id.as_ref()));
        }
        Ok(Self { locks, list, seen: Timestamp::now() })
    }

    /// The locks as JSON.
    pub(super) fn locks_json<'a>(&'a self) -> Vec<HeldLockJson<'a>> {
        let lock = |it: &'a LockRecord| {
            let LockRecord { name, hold, lock_id, .. } = it;
            HeldLockJson {
                name: name.as_str(),
                hold: hold.as_ref().map(HoldKind::as_str),
                lock_id: lock_id.as_ref().map(LockId::as_str),
                expires_at: it.expiry().map(|end| end.to_string()),
            }
        };
        self.locks.iter().map(lock).collect()
    }

    /// The reservations as JSON, each as `reservations --json` shows it; `None` on a cluster.
    pub(super) fn reservations_json(
        &self,
        caller: &Caller,
    ) -> Option<Vec<ListedReservationJson<'_>>> {
        let list = self.list.as_ref()?;
        Some(list.standing.iter().map(|it| shown::json(it, list, caller)).collect())
    }

    /// A line for each lock and each reservation, in two columns, and one for what cannot be read.
    pub(super) fn lines(&self) -> Vec<String> {
        let left = |end: Option<Timestamp>| match end {
            Some(end) => format!(", for another {}", span::show(end.since(self.seen))),
            None => String::new(),
        };
        let lock = |it: &LockRecord| {
            let hold = it.hold.as_ref().map_or("lock", HoldKind::as_str);
            format!("holds    {} ({hold}){}", it.name, left(it.expiry()))
        };
        let reservation = |it: &Reservation| {
            format!("reserved {}{}", shown::list(&it.patterns), left(it.expiry()))
        };
        let mut lines: Vec<String> = self.locks.iter().map(lock).collect();
        let Some(list) = &self.list else {
            if lines.is_empty() {
                lines.push("holds    no lock".to_owned());
            }
            lines.push("reserved nothing: a cluster has no reservations yet".to_owned());
            return lines;
        };
        lines.extend(list.standing.iter().map(reservation));
        if lines.is_empty() {
            lines.push("holds    no lock, and has reserved nothing".to_owned());
        }
        lines.extend(list.faults.iter().map(|it| format!("unclear  {}", chain(it))));
        lines
    }
}
