use super::{Origin, Seat};
use nix::{
    errno::Errno,
    libc,
    sys::{
        signal::{SigSet, SigmaskHow, Signal, raise},
        signalfd::{SfdFlags, SignalFd},
    },
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

/// The signals that a guard passes on or reacts to. Others keep their effect: they end or stop the guard,
/// while the command keeps the lock.
const WATCHED: [Signal; 10] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGWINCH,
    Signal::SIGCONT,
    Signal::SIGCHLD,
];

/// A signal that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which.
    pub signal: Signal,
    /// From whom.
    pub origin: Origin,
}

impl Received {
    /// Whether it asks this program to end, and would have.
    pub fn ends_a_wait(self) -> bool {
        let ends = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
        ends.contains(&self.signal) && !crate::sys::is_ignored(self.signal)
    }
}

/// Holds signals back and reads them from a descriptor (signalfd(2)), for the rest of the process's life.
///
/// Dispositions are left as they are, so that a command started by `nohup lokt guard` still ignores
/// hang-ups.
#[derive(Debug)]
pub struct Signals {
    descriptor: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Begins to hold signals back; in a terminal's job, Ctrl-Z still stops this process like the rest of
    /// the job, until [`hold_stop`](Self::hold_stop).
    ///
    /// # Errors
    /// When the kernel gives no descriptor.
    pub fn hold(seat: Seat) -> io::Result<Self> {
        crate::sys::expect_children();
        let mut watched: SigSet = WATCHED.into_iter().collect();
        let mut read = watched;
        read.add(Signal::SIGTSTP);
        if seat == Seat::OwnGroup {
            watched.add(Signal::SIGTSTP);
        }
        let before = watched.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self { descriptor: SignalFd::with_flags(&read, flags)?, before })
    }

    /// Holds Ctrl-Z back from now on, in this thread and those that it starts: while a command runs that gets it as
    /// well, this process stops when the command has. If it were the first to stop, the shell would have the
    /// terminal back while the command is about to read from it, and what is typed next could go to the wrong one.
    pub fn hold_stop(&self) {
        // Where it fails, this process stops at once.
        let _ = SigSet::from(Signal::SIGTSTP).thread_block();
    }

    /// The next signal that arrived; `None` when there is none at this moment.
    ///
    /// # Errors
    /// When the descriptor cannot be read.
    pub fn next(&self) -> io::Result<Option<Received>> {
        match self.descriptor.read_signal() {
            Ok(Some(found)) => Ok(received(found.ssi_signo, found.ssi_code)),
            Ok(None) | Err(Errno::EINTR) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// The signals that were held back before: what a command is to start with.
    pub fn before(&self) -> SigSet {
        self.before
    }

    /// Lets signals through again: what arrives from now on has its usual effect.
    pub fn release(&self) {
        // Where it fails, they stay held back.
        let _ = self.before.thread_set_mask();
    }

    /// Ends this process as the signal would have, had it not been held back; so a shell that started
    /// it sees an interrupted program. Returns where the signal is ignored.
    pub fn die_of(&self, signal: Signal) {
        // Nothing is left to do where either fails: the caller ends the process with a code.
        let _ = SigSet::from(signal).thread_unblock();
        let _ = raise(signal);
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn received(number: u32, code: i32) -> Option<Received> {
    let signal = Signal::try_from(i32::try_from(number).ok()?).ok()?;
    // Codes of at most 0 are those that a process can give (sigaction(2), SI_USER and below).
    let origin = if code > libc::SI_USER { Origin::Kernel } else { Origin::Process };
    Some(Received { signal, origin })
}
