use lokt_lock::{
    reservation::ReservationId,
    words::{LockId, LockName, Timestamp},
};

/// How many version keys there are of each kind. Names share them, so that their number stays small; two names that
/// share one make each other decide again now and then.
const BUCKETS: u32 = 4096;

/// The keys below the prefix of a cluster's address.
///
/// | key | value | ends with |
/// | --- | --- | --- |
/// | `v1/name/NAME/holder/ID` | the record of one holder | a session, a separate lease, or never |
/// | `v1/name/NAME/queue/ID` | a ticket | a session |
/// | `v1/name/NAME/freeze` | the record of a freeze | a separate lease |
/// | `v1/reservation/ID` | a reservation | a separate lease |
/// | `v1/reservation-queue/NUMBER-ID` | a request that waits | a session |
/// | `v1/version/reservations` | nothing; changes with each reservation and request | never |
/// | `v1/nested/ID` | the ticket of a waiter that runs under other locks | a session |
/// | `v1/audit/HOUR/TIME-ID-INDEX` | an event of the audit log | the lease of its hour |
/// | `v1/audit-lease/HOUR` | the id of that lease | the lease itself |
/// | `v1/version/holders/BUCKET` | the last fence; changes with each new holder | never |
/// | `v1/version/queue/BUCKET` | nothing; changes with each new ticket | never |
#[derive(Clone, Debug)]
pub(super) struct KeySpace {
    base: String,
}

impl KeySpace {
    pub(super) fn below(prefix: &str) -> Self {
        Self { base: format!("{prefix}/v1/") }
    }

    /// The prefix of all keys of all names.
    pub(super) fn names(&self) -> String {
        format!("{}name/", self.base)
    }

    /// The prefix of all keys of one name.
    pub(super) fn name(&self, name: &LockName) -> String {
        format!("{}name/{name}/", self.base)
    }

    pub(super) fn holder(&self, name: &LockName, id: &LockId) -> String {
        format!("{}{HOLDER}{}", self.name(name), id.as_str())
    }

    /// The prefix of all holders of a name.
    pub(super) fn holders(&self, name: &LockName) -> String {
        format!("{}{HOLDER}", self.name(name))
    }

    pub(super) fn ticket(&self, name: &LockName, id: &LockId) -> String {
        format!("{}{QUEUE}{}", self.name(name), id.as_str())
    }

    pub(super) fn freeze(&self, name: &LockName) -> String {
        format!("{}{FREEZE}", self.name(name))
    }

    pub(super) fn holders_version(&self, name: &LockName) -> String {
        format!("{}version/holders/{:03x}", self.base, bucket(name))
    }

    pub(super) fn queue_version(&self, name: &LockName) -> String {
        format!("{}version/queue/{:03x}", self.base, bucket(name))
    }

    /// The prefix of the waiters that run under other locks.
    pub(super) fn all_nested(&self) -> String {
        format!("{}nested/", self.base)
    }

    pub(super) fn nested(&self, id: &LockId) -> String {
        format!("{}nested/{}", self.base, id.as_str())
    }

    /// The prefix of all reservations.
    pub(super) fn reservations(&self) -> String {
        format!("{}reservation/", self.base)
    }

    pub(super) fn reservation(&self, id: &ReservationId) -> String {
        format!("{}{id}", self.reservations())
    }

    /// The prefix of the requests that wait for reservations.
    pub(super) fn reservation_queue(&self) -> String {
        format!("{}reservation-queue/", self.base)
    }

    /// The key of a request, in the order of arrival.
    pub(super) fn waiting_reservation(&self, number: u64, id: &ReservationId) -> String {
        format!("{}{number:020}-{id}", self.reservation_queue())
    }

    pub(super) fn reservations_version(&self) -> String {
        format!("{}version/reservations", self.base)
    }

    /// The prefix of all events.
    pub(super) fn all_events(&self) -> String {
        format!("{}audit/", self.base)
    }

    /// The key of an event, in the order of time, and of the events of one change. The id tells apart what two processes
    /// log at the same time.
    pub(super) fn event(&self, time: Timestamp, index: usize, id: u64) -> String {
        let micros = time.as_microseconds();
        format!("{}audit/{}/{micros:017}-{id:016x}-{index:03}", self.base, hour(time))
    }

    pub(super) fn audit_lease(&self, time: Timestamp) -> String {
        format!("{}audit-lease/{}", self.base, hour(time))
    }

    /// What a key of a name is, after the prefix of that name.
    pub(super) fn kind(suffix: &str) -> KeyKind<'_> {
        if suffix.starts_with(HOLDER) {
            KeyKind::Holder
        } else if let Some(id) = suffix.strip_prefix(QUEUE) {
            KeyKind::Ticket(id)
        } else if suffix == FREEZE {
            KeyKind::Freeze
        } else {
            KeyKind::Unknown
        }
    }

    /// Splits a key below [`names`](Self::names) into the name and the rest.
    pub(super) fn split<'k>(&self, key: &'k str) -> Option<(&'k str, &'k str)> {
        key.strip_prefix(&self.names())?.split_once('/')
    }
}

const HOLDER: &str = "holder/";
const QUEUE: &str = "queue/";
const FREEZE: &str = "freeze";

/// What stands at a key of a name.
pub(super) enum KeyKind<'k> {
    Holder,
    Ticket(&'k str),
    Freeze,
    /// Nothing that this version knows.
    Unknown,
}

/// The hour of a time, counted from 1970.
pub(super) fn hour(time: Timestamp) -> i64 {
    time.as_microseconds().div_euclid(3_600_000_000)
}

/// The bucket of a name: its 32-bit FNV-1a hash (Fowler, Noll, Vo, 1991), modulo the number of buckets.
fn bucket(name: &LockName) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    name.as_str().bytes().fold(0x811c_9dc5, step) % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_split_into_what_it_was_made_of() {
        let keys = KeySpace::below("team/project");
        let (name, id) = (LockName::new("db.main").unwrap(), LockId::from_random([7; 16]));
        let key = keys.holder(&name, &id);
        let (found, suffix) = keys.split(&key).unwrap();
        assert_eq!(found, "db.main", "a name has no slash, so the first one ends it");
        assert!(matches!(KeySpace::kind(suffix), KeyKind::Holder));
        let key = keys.freeze(&name);
        assert!(
            matches!(keys.split(&key), Some((_, suffix)) if matches!(KeySpace::kind(suffix), KeyKind::Freeze))
        );
        assert!(matches!(KeySpace::kind("later/x"), KeyKind::Unknown));
    }

    #[test]
    fn a_bucket_is_the_published_hash() {
        let hash = |text: &str| bucket(&LockName::new(text).unwrap());
        assert_eq!(hash("a"), 0xe40c_292c % BUCKETS, "FNV-1a of one letter");
        assert_eq!(hash("foobar"), 0xbf9c_f968 % BUCKETS, "FNV-1a of a word");
    }
}
