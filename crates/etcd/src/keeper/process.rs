use super::KeeperOrders;
use std::{
    ffi::OsString,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// How this program starts a keeper.
#[derive(Clone, Debug)]
pub struct KeeperProgram {
    /// The program.
    pub program: PathBuf,
    /// Its name in the list of processes.
    pub title: OsString,
    /// Its first words; the orders follow them.
    pub words: Vec<OsString>,
}

/// The keeper of a process, which is started again if it dies.
#[derive(Debug, Default)]
pub(crate) struct KeeperSlot {
    program: Option<KeeperProgram>,
    running: Mutex<Option<RunningKeeper>>,
}

/// A keeper and what it was told.
#[derive(Debug)]
struct RunningKeeper {
    /// Hung up when the keeper is dead.
    alive: io::PipeReader,
    orders: KeeperOrders,
}

impl KeeperSlot {
    pub(crate) fn of(program: KeeperProgram) -> Self {
        Self { program: Some(program), running: Mutex::default() }
    }

    /// Starts the keeper, and waits until it has opened the files. Without a program, nothing is started.
    pub(crate) fn start(&self, orders: KeeperOrders) -> io::Result<()> {
        let Some(program) = &self.program else { return Ok(()) };
        let alive = start(program, &orders)?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = Some(RunningKeeper { alive, orders });
        Ok(())
    }

    /// Starts another keeper if the one that was started is dead; `true` if it was. `orders` brings its orders up to date.
    pub(crate) fn restart_if_dead(
        &self,
        orders: impl FnOnce(KeeperOrders) -> KeeperOrders,
    ) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(program), Some(keeper)) = (&self.program, running.as_mut()) else { return false };
        if !is_hung_up(keeper.alive.as_fd()) {
            return false;
        }
        let orders = orders(keeper.orders.clone());
        // Without one, the guard alone keeps the session; the next look tries again.
        if let Ok(alive) = start(program, &orders) {
            *keeper = RunningKeeper { alive, orders };
        }
        true
    }

    /// Calls `with` with the descriptor that is hung up when the keeper is dead.
    pub(crate) fn with_source<T>(&self, with: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().map(|keeper| with(keeper.alive.as_fd()))
    }
}

fn is_hung_up(pipe: BorrowedFd<'_>) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut fds = [PollFd::new(pipe, PollFlags::POLLIN)];
    let ready = poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0);
    ready && fds.iter().any(|it| it.revents().is_some_and(|it| it.contains(PollFlags::POLLHUP)))
}

/// Starts a process that starts the keeper and ends, so that the keeper is no child of the guard: the guard waits for its
/// command, and must find no other child.
fn start(program: &KeeperProgram, orders: &KeeperOrders) -> io::Result<io::PipeReader> {
    let (mut alive, keeps) = io::pipe()?;
    let mut command = Command::new(&program.program);
    command.arg0(&program.title).args(&program.words).args(orders.to_words());
    command.stdin(Stdio::null()).stdout(keeps).stderr(Stdio::null());
    let started = command.spawn();
    // The write end is the keeper's alone: it is closed when the keeper is dead.
    drop(command);
    // Where the children of this process are reaped by the kernel, there is nothing to wait for.
    let ended = started?.wait();
    let mut ready = [0];
    match alive.read(&mut ready)? {
        1 => Ok(alive),
        _ => Err(io::Error::other(format!("the keeper of the session does not start ({ended:?})"))),
    }
}
