//! What calls take and return: ranges, keys, transactions, leases, members, events. Plain values, which do nothing.
//!
//! Keys and values are bytes, as in etcd. A revision of zero means "does not exist" where a comparison or a key has one.

mod key;
mod lease;
mod limits;
mod member;
mod range;
mod transaction;
mod watch;

pub use key::{KeyValue, RangeSnapshot, Revision, Snapshot};
pub use lease::{KeepAliveOutcome, LeaseGrant, LeaseId, LeaseLife};
pub use limits::CallLimits;
pub use member::{Alarm, AlarmKind, Member, MemberStatus};
pub use range::{KeyRange, RangeContent};
pub use transaction::{Change, CommitOutcome, CompareTarget, Comparison, Relation, Transaction};
pub use watch::{WatchEvent, WatchedKinds, WatchedRange};
