use super::age;
use crate::view::agent_label::OwnerLabelDisambiguator;
use lokt_lock::{
    audit::AuditLogLine,
    ops::LockStatusEntry,
    record::{HoldKind, LockRecord},
    reservation::{Reservation, WaitingReservation},
    rules::TicketContent,
    store::LockRecordKind,
    words::{AgentId, LockName, Timestamp},
};
use std::time::Duration;

/// What a look at a root found.
#[derive(Debug)]
pub(super) struct TopSnapshot {
    /// The root's path.
    pub(super) root: String,
    /// All names that are held, waited for or frozen, sorted.
    pub(super) names: Vec<LockNameStatus>,
    /// The reservations that stand, the oldest first.
    pub(super) reserved: Vec<Reservation>,
    /// The requests that wait for reservations.
    pub(super) requests: Vec<WaitingReservation>,
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

    /// The waiters, and the guards that no record speaks of.
    fn tickets(&self) -> impl Iterator<Item = &TicketContent> {
        self.lock.iter().flat_map(|lock| lock.waiters.iter().chain(&lock.inside))
    }

    /// The processes that hold or wait.
    fn processes(&self) -> impl Iterator<Item = i32> {
        self.records().filter_map(|it| it.pid).chain(self.tickets().map(|it| it.pid))
    }
}

impl TopSnapshot {
    /// Whether something has ended by the clock since the look.
    pub(super) fn is_outdated(&self, now: Timestamp) -> bool {
        self.ends().any(|end| end > self.looked && end <= now)
    }

    /// How long until anything that is shown looks different, though nothing happens.
    pub(super) fn until_change(&self, now: Timestamp) -> Option<Duration> {
        let ages = self.names.iter().flat_map(LockNameStatus::records).map(LockRecord::since);
        let ages = ages.chain(self.reserved.iter().map(Reservation::since));
        let arrivals =
            self.names.iter().flat_map(LockNameStatus::waiters).filter_map(TicketContent::arrived);
        let arrivals = arrivals.chain(self.requests.iter().map(|it| it.since));
        let ends: Vec<Timestamp> = self.ends().collect();
        let past = ends.iter().copied().filter(|end| *end <= now);
        let growing = ages.chain(arrivals).chain(past).map(|time| age::until_more(now.since(time)));
        let ahead = ends.iter().filter(|end| **end > now);
        let shrinking = ahead.map(|end| age::until_less(end.since(now)));
        growing.chain(shrinking).min()
    }

    /// When what is shown ends.
    fn ends(&self) -> impl Iterator<Item = Timestamp> {
        let records = self.names.iter().flat_map(LockNameStatus::records);
        let reserved = self.reserved.iter().filter_map(Reservation::expiry);
        records.filter_map(LockRecord::expiry).chain(reserved)
    }

    /// The processes that hold or wait, or that a reservation is tied to.
    pub(super) fn processes(&self) -> impl Iterator<Item = i32> {
        let tied = self.reserved.iter().filter(|it| it.hold == HoldKind::Process);
        let waiting = self.requests.iter().filter_map(|it| it.pid);
        let names = self.names.iter().flat_map(LockNameStatus::processes);
        names.chain(tied.filter_map(|it| it.pid)).chain(waiting)
    }

    /// The owners that have several agents in this view.
    pub(super) fn owners_of_several_agents(&self) -> OwnerLabelDisambiguator {
        fn agent(id: Option<&AgentId>) -> Option<&str> {
            id.map(AgentId::as_str)
        }
        let records = self.names.iter().flat_map(LockNameStatus::records);
        let records = records.map(|it| (it.owner.as_str(), agent(it.agent_id.as_ref())));
        let tickets = self.names.iter().flat_map(LockNameStatus::tickets);
        let tickets = tickets.map(|it| (it.owner.as_str(), Some(it.agent_id.as_str())));
        let reserved = self.reserved.iter();
        let reserved = reserved.map(|it| (it.owner.as_str(), agent(it.agent_id.as_ref())));
        let requests = self.requests.iter().map(|it| &it.identity);
        let requests = requests.map(|it| (it.owner.as_str(), agent(Some(&it.agent))));
        OwnerLabelDisambiguator::among(records.chain(tickets).chain(reserved).chain(requests))
    }
}
