use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    sync::{
        LazyLock,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Instant,
};

/// One member: a process of etcd with its data.
pub(super) struct TestMember {
    index: usize,
    host: String,
    arguments: Vec<String>,
    process: Option<(Child, Receiver<String>)>,
    log: String,
}

impl TestMember {
    pub(super) fn new(
        index: usize,
        host: String,
        scheme: &str,
        data: &Path,
        cluster: &[String],
    ) -> Self {
        let (client, peer) = (format!("{scheme}://{host}:2379"), format!("http://{host}:2380"));
        let mut arguments = vec![
            format!("--name=m{index}"),
            format!("--data-dir={}", data.display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
        ];
        arguments.extend_from_slice(cluster);
        Self { index, host, arguments, process: None, log: String::new() }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn spawn(&mut self) {
        assert!(self.process.is_none(), "member {} runs already", self.index);
        // The kernel kills it when this thread ends. etcd also reads ETCD_… variables, which are not meant here.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "etcd"])
            .args(&self.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("setpriv starts (Debian package: util-linux)");
        let lines = lines_of(child.stderr.take().expect("stderr is piped"));
        self.process = Some((child, lines));
    }

    /// Waits until it says that it serves clients: it knows a leader then.
    #[track_caller]
    pub(super) fn await_ready(&mut self) {
        let (_, lines) = self.process.as_ref().expect("it runs");
        let deadline = Instant::now() + crate::PATIENCE;
        loop {
            let line = lines.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let line =
                line.unwrap_or_else(|error| panic!("etcd must serve: {error}: {}", self.log));
            self.log.push_str(&line);
            if line.contains("serving client traffic") {
                return;
            }
        }
    }

    pub(super) fn kill(&mut self) {
        if let Some((mut child, _)) = self.process.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it can be waited for");
        }
    }

    pub(super) fn signal(&self, signal: Signal) {
        let (child, _) = self.process.as_ref().expect("it runs");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        kill(pid, signal).expect("it can be signalled");
    }
}

impl Drop for TestMember {
    fn drop(&mut self) {
        self.kill();
    }
}

impl fmt::Debug for TestMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log: Vec<String> =
            self.process.iter().flat_map(|(_, lines)| lines.try_iter()).collect();
        writeln!(f, "member {} at {}: {}{}", self.index, self.host, self.log, log.concat())
    }
}

/// Reads a log to its end, so that its writer never waits.
fn lines_of(log: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut log = BufReader::new(log);
        let mut line = String::new();
        while log.read_line(&mut line).is_ok_and(|length| length > 0) {
            let _ = sender.send(std::mem::take(&mut line));
        }
    });
    receiver
}

/// Loopback addresses that no other test has, with overwhelming probability.
pub(super) fn random_hosts(count: usize) -> Vec<String> {
    let mut random = [0; 3];
    File::open("/dev/urandom").and_then(|mut it| it.read_exact(&mut random)).expect("random bytes");
    // Not 127.0.…, where other programs listen, and neither the first nor the last addresses of a network.
    let [first, second, third] = random;
    let (first, third) = (first.max(1), third % 240 + 1);
    (0..count).map(|index| format!("127.{first}.{second}.{}", usize::from(third) + index)).collect()
}

/// Fails the test, with the names of the Debian packages, if etcd is not installed.
pub(super) fn require_etcd() {
    for (command, package) in [("etcd", "etcd-server"), ("etcdctl", "etcd-client")] {
        let found = Command::new(command).arg("--version").output().is_ok();
        assert!(found, "{command} is not installed: apt-get install {package}");
    }
}

/// Whether this etcd can do without fsync(2), which makes tests faster. Since 3.4.14 and 3.5, but 3.4 does not list it.
pub(super) fn can_skip_fsync() -> bool {
    static CAN_SKIP: LazyLock<bool> = LazyLock::new(|| {
        let output = Command::new("etcd").args(["--unsafe-no-fsync", "--version"]).output();
        output.is_ok_and(|it| it.status.success())
    });
    *CAN_SKIP
}
