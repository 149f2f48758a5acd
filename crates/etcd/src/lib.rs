//! A client of etcd: one background thread, a time limit on every call, and errors that name each endpoint.
//!
//! # The modules
//! * [`address`]: the address of a cluster: `etcd://host:2379/prefix`.
//! * [`credentials`]: what etcdctl's own variables say: certificates, a user, a password.
//! * [`boot_time`]: points in time on the clock that suspend does not stop.
//! * [`values`]: what calls take and return.
//! * [`error`]: what a call could not do.
//! * `protocol`: the messages of etcd, written out by hand.
//! * `connection`: one connection to one member, and what its failures mean.
//! * [`client`]: the client: calls, leases, watches.

pub mod address;
pub mod boot_time;
pub mod client;
mod connection;
pub mod credentials;
pub mod error;
pub mod keeper;
mod protocol;
pub mod store;
pub mod values;

pub use address::{AddressError, ClusterAddress, Endpoint, TransportSecurity};
pub use boot_time::BootTime;
pub use client::{EtcdClient, KeepAlive, Watch};
pub use credentials::{CredentialSettings, Credentials, CredentialsError};
pub use error::{ClusterError, ClusterErrorKind, EndpointReply, TlsFailure, WriteError};
pub use values::{
    Alarm, AlarmKind, CallLimits, Change, CommitOutcome, CompareTarget, Comparison,
    KeepAliveOutcome, KeyRange, KeyValue, LeaseGrant, LeaseId, LeaseLife, Member, MemberStatus,
    RangeContent, RangeSnapshot, Relation, Revision, Snapshot, Transaction, WatchEvent,
    WatchedKinds, WatchedRange,
};
