use super::KeeperOrders;
use crate::{
    boot_time::BootTime,
    client::{EtcdClient, KeepAlive},
    credentials::Credentials,
    error::ClusterError,
    values::CallLimits,
};
use lokt_lock::sys::{FileId, writers_of};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, setsid},
};
use std::{
    env,
    fs::File,
    io::{self, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// How often the keeper looks whether the time of the session is over.
const LOOK: Duration = Duration::from_millis(100);

/// A keeper cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The file of a ticket cannot be opened: the guard is gone already.
    #[error("cannot open {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The keeper cannot be started.
    #[error("cannot start the keeper")]
    Start(#[source] io::Error),
    /// The cluster cannot be reached.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

/// Starts this program again with the given words in a new session, and does not wait for it: the started process is no
/// child of the guard.
///
/// # Errors
/// [`KeeperError::Start`].
pub fn detach(program: &Path, words: &[String]) -> Result<(), KeeperError> {
    // No signal of a terminal reaches a process of another session.
    let _ = setsid();
    let mut command = Command::new(program);
    // What `ps` shows, as far as there is room: not the path of a link.
    command.arg0("lokt-keeper").args(words).stdin(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop).map_err(KeeperError::Start)
}

/// Keeps a session until no process has the files of its tickets open and locked, and then ends it.
///
/// # Errors
/// [`KeeperError`]. The session is then left to the guard, or to the end of its TTL.
pub fn run(orders: &KeeperOrders, credentials: &Credentials) -> Result<(), KeeperError> {
    let files = open(&orders.files)?;
    let _ = env::set_current_dir("/");
    say_ready()?;
    let ids: Vec<FileId> = files.iter().filter_map(FileId::of).collect();
    let released = watch_release(files);
    let keeper = Keeper { orders, ids };
    let Some(client) = keeper.connect(credentials, &released) else { return Ok(()) };
    let client =
        client.with_limits(CallLimits { per_member: orders.ttl / 6, total: orders.ttl / 3 });
    let keep_alive = client.keep_alive(orders.lease, orders.ttl / 6, |_| {})?;
    loop {
        match released.recv_timeout(LOOK) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if keep_alive.is_gone() || BootTime::now() >= keeper.stop_at(keep_alive.acknowledged()) {
            keeper.stop_command(Some(&keep_alive), &released);
            break;
        }
    }
    // If it cannot be revoked, it ends by itself.
    client.revoke(orders.lease)?;
    Ok(())
}

/// Opens the files for this process alone, so that their locks are waited for; only for reading, because who has one open
/// for writing is a process of the command.
fn open(paths: &[PathBuf]) -> Result<Vec<File>, KeeperError> {
    let open_one = |path: &PathBuf| {
        File::open(path).map_err(|source| KeeperError::File { path: path.clone(), source })
    };
    paths.iter().map(open_one).collect()
}

/// Tells the guard that the files are open. The output stays open, as the sign that this process lives.
fn say_ready() -> Result<(), KeeperError> {
    let mut output = io::stdout();
    output.write_all(b"k").and_then(|()| output.flush()).map_err(KeeperError::Start)
}

/// Waits in a thread until every file can be locked.
fn watch_release(files: Vec<File>) -> Receiver<()> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for file in &files {
            let _ = file.lock();
        }
        // The receiver may have ended.
        let _ = sender.send(());
    });
    receiver
}

struct Keeper<'a> {
    orders: &'a KeeperOrders,
    /// The files of the tickets.
    ids: Vec<FileId>,
}

impl Keeper<'_> {
    fn sent(&self, acknowledged: Option<BootTime>) -> BootTime {
        acknowledged.map_or(self.orders.sent, |it| it.max(self.orders.sent))
    }

    /// When the command has to be stopped, unless another keepalive is acknowledged.
    fn stop_at(&self, acknowledged: Option<BootTime>) -> BootTime {
        self.sent(acknowledged).after(self.orders.ttl * 2 / 3)
    }

    /// When the command has to be dead.
    fn kill_at(&self, acknowledged: Option<BootTime>) -> BootTime {
        self.sent(acknowledged).after(self.orders.ttl * 11 / 12)
    }

    /// Connects to the cluster; `None` where all is over before that.
    fn connect(&self, credentials: &Credentials, released: &Receiver<()>) -> Option<EtcdClient> {
        let limits = CallLimits::for_ttl(self.orders.ttl);
        loop {
            if let Ok(client) = EtcdClient::connect(&self.orders.address, credentials, limits) {
                return Some(client);
            }
            if !matches!(released.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout)) {
                // The guard has given the lock back, or the session ends by itself.
                return None;
            }
            if BootTime::now() >= self.stop_at(None) {
                self.stop_command(None, released);
                return None;
            }
        }
    }

    /// Stops what is left of the command before the cluster gives its lock to another: SIGTERM, then SIGKILL. If the guard
    /// lives, it does the same.
    fn stop_command(&self, keep_alive: Option<&KeepAlive>, released: &Receiver<()>) {
        self.signal(Signal::SIGTERM);
        let acknowledged = keep_alive.and_then(KeepAlive::acknowledged);
        let kill_at = self.kill_at(acknowledged);
        loop {
            if !matches!(released.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout)) {
                return;
            }
            if keep_alive.is_none_or(KeepAlive::is_gone) || BootTime::now() >= kill_at {
                break;
            }
        }
        // Processes may start others meanwhile: until none is left.
        for _ in 0..20 {
            if !self.signal(Signal::SIGKILL) {
                return;
            }
            thread::sleep(LOOK / 5);
        }
    }

    /// Sends a signal to every process of the command, and says whether there was one.
    fn signal(&self, signal: Signal) -> bool {
        let me = i32::try_from(std::process::id()).unwrap_or(0);
        let others =
            writers_of(&self.ids).into_iter().filter(|pid| *pid != me && *pid != self.orders.guard);
        others.fold(false, |_, pid| {
            let _ = kill(Pid::from_raw(pid), signal);
            true
        })
    }
}
