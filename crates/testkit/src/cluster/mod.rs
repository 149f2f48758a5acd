//! Real clusters of etcd for tests.
//!
//! Each cluster listens on loopback addresses that it chooses at random, always on the ports 2379 and 2380: so no two
//! tests can meet, and no port can be taken between choosing and using it. Its data are in a temporary folder. The
//! members are killed when the cluster is dropped, and by the kernel (`PR_SET_PDEATHSIG`) when the thread that started
//! them ends, so also if the test is killed.

mod certificates;
mod member;
mod options;
mod proxy;

pub use certificates::TestCertificates;
pub use options::{TestClusterOptions, TestTls};
pub use proxy::LossyProxy;

use member::TestMember;
use nix::sys::signal::Signal;
use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Command, Output},
    time::Instant,
};
use tempfile::TempDir;

/// The name and the password of the account that may do everything, after [`TestCluster::enable_accounts`].
pub const ROOT_ACCOUNT: (&str, &str) = ("root", "root-secret");

/// A running cluster with one or more members.
#[derive(Debug)]
pub struct TestCluster {
    members: Vec<TestMember>,
    options: TestClusterOptions,
    certificates: Option<TestCertificates>,
    has_accounts: bool,
    folder: TempDir,
}

impl TestCluster {
    /// Starts a cluster without TLS and accounts, and waits until it serves.
    pub fn start(members: usize) -> Self {
        Self::with(TestClusterOptions { members, ..TestClusterOptions::default() })
    }

    /// Starts a cluster, and waits until it serves.
    pub fn with(options: TestClusterOptions) -> Self {
        member::require_etcd();
        let folder = tempfile::Builder::new().prefix("lokt-etcd-").tempdir();
        let folder = folder.expect("a temporary folder");
        let hosts = member::random_hosts(options.members);
        let certificates = match options.tls {
            TestTls::Off => None,
            _ => Some(TestCertificates::make(folder.path(), &hosts)),
        };
        let peers: Vec<String> = hosts.iter().map(|host| format!("http://{host}:2380")).collect();
        let cluster: Vec<String> =
            peers.iter().enumerate().map(|(index, peer)| format!("m{index}={peer}")).collect();
        let mut arguments = options.arguments();
        arguments.push(format!("--initial-cluster={}", cluster.join(",")));
        arguments.push(format!("--initial-cluster-token={}", hosts.join(",")));
        arguments.extend(certificates.iter().flat_map(|it| it.server_arguments(options.tls)));
        let scheme = if certificates.is_some() { "https" } else { "http" };
        let member = |(index, host): (usize, String)| {
            let data = folder.path().join(format!("m{index}"));
            TestMember::new(index, host, scheme, &data, &arguments)
        };
        let members = hosts.into_iter().enumerate().map(member).collect();
        let mut cluster = Self { members, options, certificates, has_accounts: false, folder };
        cluster.members.iter_mut().for_each(TestMember::spawn);
        cluster.members.iter_mut().for_each(TestMember::await_ready);
        cluster
    }

    /// The address as Lokt writes it, with the prefix `lokt`.
    pub fn address(&self) -> String {
        let scheme = if self.certificates.is_some() { "etcds" } else { "etcd" };
        format!("{scheme}://{}/lokt", self.endpoints().join(","))
    }

    /// The host and the port of each member.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| format!("{}:2379", member.host())).collect()
    }

    /// The folder of the cluster's files, for files that belong to it.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The certificates, if the cluster has TLS.
    pub fn certificates(&self) -> &TestCertificates {
        self.certificates.as_ref().expect("the cluster has TLS")
    }

    /// Kills a member (SIGKILL), and waits until it is gone.
    pub fn kill(&mut self, index: usize) {
        self.members[index].kill();
    }

    /// Stops a member (SIGSTOP): it accepts connections, and answers nothing.
    pub fn stop(&self, index: usize) {
        self.members[index].signal(Signal::SIGSTOP);
    }

    /// Lets a stopped member go on (SIGCONT).
    pub fn resume(&self, index: usize) {
        self.members[index].signal(Signal::SIGCONT);
    }

    /// Starts a killed member again with its data. It serves when [`await_ready`](Self::await_ready) returns.
    pub fn restart(&mut self, index: usize) {
        self.members[index].spawn();
    }

    /// Waits until a member that was started serves clients.
    pub fn await_ready(&mut self, index: usize) {
        self.members[index].await_ready();
    }

    /// Waits until the members at `alive` agree on one of them as the leader. Returns its index.
    #[track_caller]
    pub fn await_leader(&self, alive: &[usize]) -> usize {
        let deadline = Instant::now() + crate::PATIENCE;
        while Instant::now() < deadline {
            if let Some(leader) = self.leader(alive) {
                return leader;
            }
        }
        panic!("no leader in time: {self:#?}");
    }

    fn leader(&self, alive: &[usize]) -> Option<usize> {
        let endpoints: Vec<String> = alive.iter().map(|it| self.endpoints()[*it].clone()).collect();
        let status = ["endpoint", "status", "-w", "json", "--endpoints", &endpoints.join(",")];
        let status: Value = serde_json::from_slice(&self.run_etcdctl(&status).stdout).ok()?;
        let field = |entry: &Value, path: &str| entry.pointer(path).and_then(Value::as_u64);
        let statuses = status.as_array().filter(|it| it.len() == alive.len())?;
        let leaders: Option<Vec<u64>> =
            statuses.iter().map(|it| field(it, "/Status/leader").filter(|id| *id != 0)).collect();
        let leaders = leaders?;
        let leader = *leaders.first()?;
        let is_leader = |entry: &Value| field(entry, "/Status/header/member_id") == Some(leader);
        let place = statuses.iter().position(is_leader)?;
        leaders.iter().all(|it| *it == leader).then(|| alive[place])
    }

    /// Makes the account [`ROOT_ACCOUNT`], and lets the cluster ask for accounts.
    pub fn enable_accounts(&mut self) {
        let (root, password) = ROOT_ACCOUNT;
        self.etcdctl(&["user", "add", &format!("{root}:{password}")]);
        self.etcdctl(&["user", "grant-role", root, "root"]);
        self.etcdctl(&["auth", "enable"]);
        self.has_accounts = true;
    }

    /// Adds a user that may read and write all keys that begin with a prefix.
    pub fn add_user(&self, name: &str, password: &str, prefix: &str) {
        let role = format!("{name}-role");
        self.etcdctl(&["role", "add", &role]);
        self.etcdctl(&["role", "grant-permission", &role, "--prefix", "readwrite", prefix]);
        self.etcdctl(&["user", "add", &format!("{name}:{password}")]);
        self.etcdctl(&["user", "grant-role", name, &role]);
    }

    /// Runs etcdctl with the rights to do everything, and returns its output. Fails the test if it fails.
    #[track_caller]
    pub fn etcdctl(&self, arguments: &[&str]) -> String {
        let output = self.run_etcdctl(arguments);
        assert!(output.status.success(), "etcdctl {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn run_etcdctl(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("etcdctl");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("ETCDCTL_API", "3").env("ETCDCTL_DIAL_TIMEOUT", "5s");
        // One that is given as an argument wins over the variable, but both are an error.
        if !arguments.contains(&"--endpoints") {
            command.env("ETCDCTL_ENDPOINTS", self.endpoints().join(","));
        }
        if let Some(certificates) = &self.certificates {
            command.env("ETCDCTL_CACERT", certificates.authority());
            command.env("ETCDCTL_CERT", certificates.client_certificate());
            command.env("ETCDCTL_KEY", certificates.client_key());
        }
        if self.has_accounts {
            let (user, password) = ROOT_ACCOUNT;
            command.env("ETCDCTL_USER", format!("{user}:{password}"));
        }
        command.args(arguments).output().expect("etcdctl starts")
    }

    /// The options that it was started with.
    pub fn options(&self) -> &TestClusterOptions {
        &self.options
    }
}
