use super::member;

/// How a cluster is started.
#[derive(Debug, Clone)]
pub struct TestClusterOptions {
    /// How many members it has.
    pub members: usize,
    /// What clients must prove.
    pub tls: TestTls,
    /// The most bytes of the database; `None` for etcd's own limit.
    pub quota_bytes: Option<u64>,
    /// How long a token is valid, in seconds; `None` for etcd's own time.
    pub token_seconds: Option<u64>,
    /// The most milliseconds without a heartbeat before an election, at least 100; etcd's own is 1000.
    pub election_ms: u64,
}

impl Default for TestClusterOptions {
    fn default() -> Self {
        Self {
            members: 1,
            tls: TestTls::Off,
            quota_bytes: None,
            token_seconds: None,
            election_ms: 500,
        }
    }
}

/// Whether the members ask their clients for TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestTls {
    /// No TLS.
    Off,
    /// The server proves itself.
    Server,
    /// Both sides prove themselves.
    Mutual,
}

impl TestClusterOptions {
    /// The arguments of `etcd` that are the same for all members.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            "--initial-cluster-state=new".to_owned(),
            format!("--heartbeat-interval={}", self.election_ms / 10),
            format!("--election-timeout={}", self.election_ms),
            "--bcrypt-cost=4".to_owned(),
            "--logger=zap".to_owned(),
            "--log-outputs=stderr".to_owned(),
        ];
        if member::can_skip_fsync() {
            arguments.push("--unsafe-no-fsync".to_owned());
        }
        let quota = self.quota_bytes.map(|it| format!("--quota-backend-bytes={it}"));
        let token = self.token_seconds.map(|it| format!("--auth-token-ttl={it}"));
        arguments.extend(quota.into_iter().chain(token));
        arguments
    }
}
