use super::{
    cluster::{AlarmMember, MemberMessage, StatusResponse},
    keys::{
        Compare, CompareProperty, CompareResult, CompareUnion, DeleteRangeRequest, KeyValueMessage,
        Operation, PutRequest, RangeRequest, RequestOperation, TxnRequest, TxnResponse,
    },
    lease::{LeaseGrantResponse, LeaseKeepAliveResponse, LeaseTimeToLiveResponse},
    watch::{
        Event, EventType, FilterType, WatchCreateRequest, WatchProgressRequest, WatchRequest,
        WatchRequestKind,
    },
};
use crate::{
    boot_time::BootTime,
    values::{
        Alarm, AlarmKind, Change, CompareTarget, Comparison, KeepAliveOutcome, KeyRange, KeyValue,
        LeaseGrant, LeaseId, LeaseLife, Member, MemberStatus, RangeContent, Relation, Revision,
        Transaction, WatchEvent, WatchedKinds, WatchedRange,
    },
};
use std::time::Duration;

impl RangeRequest {
    /// A read at a revision, or at the current one.
    pub(crate) fn at(range: &KeyRange, revision: Option<Revision>) -> Self {
        Self {
            key: range.start.clone(),
            range_end: range.end.clone(),
            limit: range.limit.into(),
            revision: revision.map_or(0, Revision::get),
            keys_only: range.content == RangeContent::KeysOnly,
        }
    }
}

impl From<RangeRequest> for RequestOperation {
    fn from(request: RangeRequest) -> Self {
        Self { operation: Some(Operation::Range(request)) }
    }
}

impl From<&Change> for RequestOperation {
    fn from(change: &Change) -> Self {
        let operation = match change {
            Change::Put { key, value, lease } => Operation::Put(PutRequest {
                key: key.clone(),
                value: value.clone(),
                lease: lease_number(*lease),
            }),
            Change::Delete(range) => Operation::DeleteRange(DeleteRangeRequest {
                key: range.start.clone(),
                range_end: range.end.clone(),
            }),
        };
        Self { operation: Some(operation) }
    }
}

impl From<&Comparison> for Compare {
    fn from(comparison: &Comparison) -> Self {
        let result = match comparison.relation {
            Relation::Equal => CompareResult::Equal,
            Relation::NotEqual => CompareResult::NotEqual,
            Relation::Greater => CompareResult::Greater,
            Relation::Less => CompareResult::Less,
        };
        let (target, union) = match &comparison.target {
            CompareTarget::CreateRevision(it) => {
                (CompareProperty::Create, CompareUnion::CreateRevision(it.get()))
            }
            CompareTarget::ModRevision(it) => {
                (CompareProperty::Mod, CompareUnion::ModRevision(it.get()))
            }
            CompareTarget::Version(it) => (CompareProperty::Version, CompareUnion::Version(*it)),
            CompareTarget::Value(it) => (CompareProperty::Value, CompareUnion::Value(it.clone())),
            CompareTarget::Lease(it) => {
                (CompareProperty::Lease, CompareUnion::Lease(lease_number(*it)))
            }
        };
        let key = comparison.key.clone();
        Self { result: result.into(), target: target.into(), key, target_union: Some(union) }
    }
}

impl From<&Transaction> for TxnRequest {
    fn from(transaction: &Transaction) -> Self {
        let reads = transaction.reads_on_conflict.iter();
        Self {
            compare: transaction.comparisons.iter().map(Compare::from).collect(),
            success: transaction.changes.iter().map(RequestOperation::from).collect(),
            failure: reads.map(|range| RangeRequest::at(range, None).into()).collect(),
        }
    }
}

impl TxnResponse {
    /// The revision of the answer; `None` if it has none, which etcd never sends.
    pub(crate) fn revision(&self) -> Option<Revision> {
        self.header.as_ref().map(|header| Revision::new(header.revision))
    }

    /// The keys of each range that was read.
    pub(crate) fn into_ranges(self) -> Vec<Vec<KeyValue>> {
        let ranges = self.responses.into_iter().filter_map(|response| response.range);
        ranges.map(|range| range.kvs.into_iter().map(key_value).collect()).collect()
    }
}

impl WatchRequest {
    /// Watches one range from a revision on.
    pub(crate) fn create(watched: &WatchedRange, watch_id: i64, start: Revision) -> Self {
        let filters = match watched.kinds {
            WatchedKinds::All => Vec::new(),
            WatchedKinds::Puts => vec![FilterType::NoDelete.into()],
            WatchedKinds::Deletions => vec![FilterType::NoPut.into()],
        };
        let request = WatchCreateRequest {
            key: watched.range.start.clone(),
            range_end: watched.range.end.clone(),
            start_revision: start.get(),
            filters,
            watch_id,
        };
        Self { request: Some(WatchRequestKind::Create(request)) }
    }

    /// Asks for a sign of life.
    pub(crate) fn progress() -> Self {
        Self { request: Some(WatchRequestKind::Progress(WatchProgressRequest {})) }
    }
}

/// Makes an event of its message; `None` if it has no key, which etcd never sends.
pub(crate) fn watch_event(message: Event) -> Option<WatchEvent> {
    let kv = message.kv?;
    if message.kind == i32::from(EventType::Delete) {
        let mod_revision = Revision::new(kv.mod_revision);
        return Some(WatchEvent::Deleted { key: kv.key, mod_revision });
    }
    Some(WatchEvent::Put(key_value(kv)))
}

fn lease_number(lease: Option<LeaseId>) -> i64 {
    lease.map_or(0, LeaseId::get)
}

/// Makes a key of its message.
pub(crate) fn key_value(message: KeyValueMessage) -> KeyValue {
    KeyValue {
        key: message.key,
        value: message.value,
        create_revision: Revision::new(message.create_revision),
        mod_revision: Revision::new(message.mod_revision),
        version: message.version,
        lease: LeaseId::new(message.lease),
    }
}

fn seconds(number: i64) -> Duration {
    Duration::from_secs(number.try_into().unwrap_or(0))
}

/// Makes a grant of its answer; `None` if the answer has no id, which etcd never sends.
pub(crate) fn grant_of(answer: &LeaseGrantResponse, sent: BootTime) -> Option<LeaseGrant> {
    Some(LeaseGrant { id: LeaseId::new(answer.id)?, ttl: seconds(answer.ttl), sent })
}

/// Tells what a keepalive did.
pub(crate) fn keep_alive_outcome(
    answer: &LeaseKeepAliveResponse,
    sent: BootTime,
) -> KeepAliveOutcome {
    match answer.ttl {
        ..=0 => KeepAliveOutcome::Gone,
        ttl => KeepAliveOutcome::Alive { ttl: seconds(ttl), sent },
    }
}

/// Tells how long a lease lives; `None` if it has ended. What is left can be negative for a moment, until etcd ends it.
pub(crate) fn life_of(answer: &LeaseTimeToLiveResponse) -> Option<LeaseLife> {
    (answer.granted_ttl > 0)
        .then(|| LeaseLife { granted: seconds(answer.granted_ttl), left: seconds(answer.ttl) })
}

impl From<MemberMessage> for Member {
    fn from(message: MemberMessage) -> Self {
        let MemberMessage { id, name, peer_urls, client_urls, is_learner } = message;
        Self { id, name, peer_urls, client_urls, is_learner }
    }
}

impl From<&AlarmMember> for Alarm {
    fn from(message: &AlarmMember) -> Self {
        let kind = match message.alarm {
            1 => AlarmKind::NoSpace,
            2 => AlarmKind::Corrupt,
            other => AlarmKind::Unknown(other),
        };
        Self { member_id: message.member_id, kind }
    }
}

/// Makes the state of a member of its answer.
pub(crate) fn status_of(answer: StatusResponse) -> MemberStatus {
    let bytes = |number: i64| u64::try_from(number).unwrap_or(0);
    MemberStatus {
        member_id: answer.header.map_or(0, |header| header.member_id),
        version: answer.version,
        leader: Some(answer.leader).filter(|it| *it != 0),
        database_bytes: bytes(answer.db_size),
        used_bytes: bytes(answer.db_size_in_use),
        raft_term: answer.raft_term,
        raft_index: answer.raft_index,
        raft_applied_index: answer.raft_applied_index,
        is_learner: answer.is_learner,
        errors: answer.errors,
    }
}
