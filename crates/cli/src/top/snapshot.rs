use super::age;
use lokt_lock::{
    audit::AuditLogLine,
    ops::LockStatusEntry,
    record::LockRecord,
    rules::TicketContent,
    store::LockRecordKind,
    words::{LockName, Timestamp},
};
use std::time::Duration;

/// What a look at a root found.
#[derive(Debug)]
pub(super) struct TopSnapshot {
    /// The root's path.
    pub(super) root: String,
    /// All names that are held, waited for or frozen, sorted.
    pub(super) names: Vec<LockNameStatus>,
    /// The last events, oldest first.
    pub(super) events: Vec<AuditLogLine>,
    /// When this was found out.
    pub(super) looked: Timestamp,
    /// What went wrong, where something did.
    pub(super) trouble: Option<String>,
}

/// What was found of one name: at least one of the two.
#[derive(Debug)]
pub(super) struct LockNameStatus {
    pub(super) name: LockName,
    pub(super) lock: Option<LockStatusEntry>,
    pub(super) freeze: Option<LockStatusEntry>,
}

impl LockNameStatus {
    /// Puts together what was found, name by name.
    pub(super) fn all(entries: Vec<LockStatusEntry>) -> Vec<Self> {
        let mut names: Vec<Self> = Vec::new();
        for entry in entries {
            let at =
                names.binary_search_by(|seen| seen.name.cmp(&entry.name)).unwrap_or_else(|at| {
                    names.insert(at, Self { name: entry.name.clone(), lock: None, freeze: None });
                    at
                });
            let Some(seen) = names.get_mut(at) else { continue };
            match entry.kind {
                LockRecordKind::Lock => seen.lock = Some(entry),
                LockRecordKind::Freeze => seen.freeze = Some(entry),
            }
        }
        names
    }

    fn entries(&self) -> impl Iterator<Item = &LockStatusEntry> {
        self.lock.iter().chain(&self.freeze)
    }

    /// All records: of every holder, and of the freeze.
    pub(super) fn records(&self) -> impl Iterator<Item = &LockRecord> {
        self.entries().filter_map(LockStatusEntry::record).flat_map(LockRecord::holders)
    }

    /// Those who wait, in their order.
    pub(super) fn waiters(&self) -> &[TicketContent] {
        self.lock.as_ref().map_or(&[], |lock| &lock.waiters)
    }

    /// The processes that hold or wait.
    pub(super) fn processes(&self) -> impl Iterator<Item = i32> {
        let tickets = self.lock.iter().flat_map(|lock| lock.waiters.iter().chain(&lock.inside));
        self.records().filter_map(|it| it.pid).chain(tickets.map(|it| it.pid))
    }
}

impl TopSnapshot {
    /// Whether something has ended by the clock since the look.
    pub(super) fn is_outdated(&self, now: Timestamp) -> bool {
        let ends =
            self.names.iter().flat_map(LockNameStatus::records).filter_map(LockRecord::expiry);
        ends.into_iter().any(|end| end > self.looked && end <= now)
    }

    /// How long until anything that is shown looks different, though nothing happens.
    pub(super) fn until_change(&self, now: Timestamp) -> Option<Duration> {
        let ages = self.names.iter().flat_map(LockNameStatus::records).map(LockRecord::since);
        let arrivals =
            self.names.iter().flat_map(LockNameStatus::waiters).filter_map(TicketContent::arrived);
        let ends: Vec<Timestamp> = self
            .names
            .iter()
            .flat_map(LockNameStatus::records)
            .filter_map(LockRecord::expiry)
            .collect();
        let past = ends.iter().copied().filter(|end| *end <= now);
        let growing = ages.chain(arrivals).chain(past).map(|time| age::until_more(now.since(time)));
        let ahead = ends.iter().filter(|end| **end > now);
        let shrinking = ahead.map(|end| age::until_less(end.since(now)));
        growing.chain(shrinking).min()
    }
}
