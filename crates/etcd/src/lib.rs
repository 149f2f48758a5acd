//! Locks and reservations at a cluster of etcd, with a client that is made for them.
//!
//! Locks need more from a client than that it works: a command must fail within seconds if the cluster cannot be reached,
//! must say what each endpoint said, and must never do a change twice. The client does that for the dozen calls that
//! they need, and knows nothing of locks. The store and the keeper are built on it.
//!
//! # The modules
//! Each uses only those above it.
//! * [`address`]: the address of a cluster: `etcd://host:2379/prefix`.
//! * [`boot_time`]: points in time on the clock that suspend does not stop.
//! * [`credentials`]: what etcdctl's own variables say: certificates, a user, a password.
//! * [`error`]: what a call could not do, of which kind that is, and what each endpoint said.
//! * [`values`]: what calls take and return. They do nothing.
//! * `protocol`: the messages of etcd, written out by hand.
//! * `connection`: one connection to one member: TCP, TLS, HTTP/2, and what its failures mean.
//! * [`client`]: the client. One member after the other (`calls.rs`), what it remembers between calls (`session.rs`), and
//!   what goes on in the background (`watch_task.rs`, `keep_alive.rs`).
//! * [`keeper`]: the process beside a guard that keeps its session as long as its command lives.
//! * [`store`]: the store of locks and reservations. Start here.
//!
//! # What a caller can rely on
//! 1. A call ends within its [`CallLimits`]. A member that does not answer is not asked first the next time.
//! 2. A change is sent once. If its answer was lost, the error is [`WriteError::MaybeApplied`]; if no member got it,
//!    another member is asked. Reads are sent again.
//! 3. A watch misses nothing, or says that it is lost. A keepalive says when the last acknowledged one was *sent*.
//! 4. No error shows a password.
//!
//! # Limits
//! etcd 3.4 or newer, tested with 3.4. A watch keeps its events until they are taken, however many there are. A token is
//! got by the first call that needs one, which takes etcd some 70 ms by default.
//!
//! The library never prints, never ends the process, and reads nothing from the environment: [`Credentials`] asks a
//! function of the caller. Nothing runs before [`EtcdClient::connect`].

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
