//! Members, their state, and signing in: the services `Cluster`, `Maintenance` and `Auth`.

use super::keys::ResponseHeader;

/// Lists the members.
pub(crate) const MEMBER_LIST: &str = "/etcdserverpb.Cluster/MemberList";
/// Tells the state of the member that is asked.
pub(crate) const STATUS: &str = "/etcdserverpb.Maintenance/Status";
/// Lists the alarms.
pub(crate) const ALARM: &str = "/etcdserverpb.Maintenance/Alarm";
/// Gives a token for a user and a password.
pub(crate) const AUTHENTICATE: &str = "/etcdserverpb.Auth/Authenticate";

/// `Member`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MemberMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) peer_urls: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub(crate) client_urls: Vec<String>,
    #[prost(bool, tag = "5")]
    pub(crate) is_learner: bool,
}

/// `MemberListRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MemberListRequest {}

/// `MemberListResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MemberListResponse {
    #[prost(message, repeated, tag = "2")]
    pub(crate) members: Vec<MemberMessage>,
}

/// `StatusRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StatusRequest {}

/// `StatusResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<ResponseHeader>,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
    #[prost(int64, tag = "3")]
    pub(crate) db_size: i64,
    #[prost(uint64, tag = "4")]
    pub(crate) leader: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) raft_index: u64,
    #[prost(uint64, tag = "6")]
    pub(crate) raft_term: u64,
    #[prost(uint64, tag = "7")]
    pub(crate) raft_applied_index: u64,
    #[prost(string, repeated, tag = "8")]
    pub(crate) errors: Vec<String>,
    #[prost(int64, tag = "9")]
    pub(crate) db_size_in_use: i64,
    #[prost(bool, tag = "10")]
    pub(crate) is_learner: bool,
}

/// `AlarmRequest`: without fields, it reads all alarms.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AlarmRequest {}

/// `AlarmMember`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AlarmMember {
    #[prost(uint64, tag = "1")]
    pub(crate) member_id: u64,
    /// `AlarmType`: 1 is `NOSPACE`, 2 is `CORRUPT`.
    #[prost(int32, tag = "2")]
    pub(crate) alarm: i32,
}

/// `AlarmResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AlarmResponse {
    #[prost(message, repeated, tag = "2")]
    pub(crate) alarms: Vec<AlarmMember>,
}

/// `AuthenticateRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AuthenticateRequest {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) password: String,
}

/// `AuthenticateResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AuthenticateResponse {
    #[prost(string, tag = "2")]
    pub(crate) token: String,
}
