//! The part of etcd's protocol that this client speaks: messages, and the paths of its calls.
//!
//! Written out by hand from the definitions that etcd publishes: `api/etcdserverpb/rpc.proto`, `api/mvccpb/kv.proto` and
//! the message texts of `api/v3rpc/rpctypes/error.go`, in version 3.4 (and the same in 3.5 and 3.6). Field numbers never
//! change there. Fields that no call here needs are left out: protobuf skips fields that it does not know.
//! `docs/decisions/0054-a-client-of-our-own.md` says why they are not generated.
//!
//! This room converts the values of [`values`](crate::values) to messages and back. It sends nothing.

pub(crate) mod cluster;
mod convert;
pub(crate) mod keys;
pub(crate) mod lease;
pub(crate) mod watch;

pub(crate) use convert::{
    grant_of, keep_alive_outcome, key_value, life_of, status_of, watch_event,
};
