/// A member of the cluster, as the cluster lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: u64,
    /// Its name; empty until it has started once.
    pub name: String,
    /// Where the other members reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach it; empty until it has started once.
    pub client_urls: Vec<String>,
    /// Whether it only learns: it has no vote and answers few calls.
    pub is_learner: bool,
}

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStatus {
    /// The id of the member.
    pub member_id: u64,
    /// The version of etcd: `3.5.13`.
    pub version: String,
    /// The id of the member that it takes for the leader; `None` if it knows no leader.
    pub leader: Option<u64>,
    /// The size of its database file, in bytes.
    pub database_bytes: u64,
    /// How much of that file is in use, in bytes; 0 if the version of etcd does not say it.
    pub used_bytes: u64,
    /// The term of the election.
    pub raft_term: u64,
    /// The last entry of its log.
    pub raft_index: u64,
    /// The last entry that it has applied.
    pub raft_applied_index: u64,
    /// Whether it only learns.
    pub is_learner: bool,
    /// What it says is wrong: no leader, alarms.
    pub errors: Vec<String>,
}

/// An alarm, which stays until an operator disarms it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Alarm {
    /// The member that has raised it.
    pub member_id: u64,
    /// What is wrong.
    pub kind: AlarmKind,
}

/// What an alarm says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlarmKind {
    /// The database is full.
    NoSpace,
    /// The data differ between members.
    Corrupt,
    /// An alarm that this client does not know, by its number.
    Unknown(i32),
}
