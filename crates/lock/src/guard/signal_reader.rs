use super::SignalOrigin;
use crate::sys::{self, SignalNumber};
use nix::{
    errno::Errno,
    libc,
    sys::{
        signal::{SigSet, SigmaskHow, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

/// The signals that stop this process at first, and that are read only once they are held back too.
const STOPS: [Signal; 3] = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];

/// The signals that ask a program to end.
const ENDS: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// A signal that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedSignal {
    /// Which.
    pub signal: SignalNumber,
    /// From what.
    pub origin: SignalOrigin,
    /// The process that sent it; 0 where that was none, or one outside this pid namespace.
    pub sender: i32,
}

impl ReceivedSignal {
    /// Whether it would have ended this program, had it not been held back.
    pub fn ends_a_wait(self) -> bool {
        self.signal.ends_by_default() && !sys::is_ignored(self.signal)
    }

    /// Whether it asks this program to end, and would have ended it.
    pub fn asks_to_end(self) -> bool {
        self.signal.is_any(&ENDS) && !sys::is_ignored(self.signal)
    }
}

/// Holds signals back and reads them from a descriptor (signalfd(2)), for the rest of the process's life.
///
/// All signals are that can be: a command gets what its guard is sent. A fault of this program itself ends it
/// nevertheless (`force_sig()` in Linux). Dispositions are left as they are, so that a command started by `nohup lokt
/// guard` still ignores hang-ups.
#[derive(Debug)]
pub struct SignalReader {
    descriptor: SignalFd,
    before: SigSet,
}

impl SignalReader {
    /// Begins to hold signals back; Ctrl-Z still stops this process like the rest of a terminal's job, until
    /// [`hold_stop`](Self::hold_stop).
    ///
    /// # Errors
    /// When the kernel gives no descriptor.
    pub fn hold() -> io::Result<Self> {
        sys::expect_children();
        let read = SigSet::all();
        let mut held = read;
        for stop in STOPS {
            held.remove(stop);
        }
        let before = held.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self { descriptor: SignalFd::with_flags(&read, flags)?, before })
    }

    /// Holds Ctrl-Z back from now on, in this thread and those that it starts: while a command runs that gets it as
    /// well, this process stops when the command has. If it were the first to stop, the shell would have the
    /// terminal back while the command is about to read from it, and what is typed next could go to the wrong one.
    pub fn hold_stop(&self) {
        // Where it fails, this process stops at once.
        let _ = STOPS.into_iter().collect::<SigSet>().thread_block();
    }

    /// The next signal that arrived; `None` if no signal is there now.
    ///
    /// # Errors
    /// When the descriptor cannot be read.
    pub fn next(&self) -> io::Result<Option<ReceivedSignal>> {
        match self.descriptor.read_signal() {
            Ok(Some(found)) => match received(found.ssi_signo, found.ssi_code, found.ssi_pid) {
                None => self.next(),
                received => Ok(received),
            },
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
    /// it sees an interrupted program. Returns where the signal is ignored, and in process 1 of a container.
    pub fn die_of(&self, signal: SignalNumber) {
        sys::raise_through(signal);
    }
}

impl AsFd for SignalReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn received(number: u32, code: i32, sender: u32) -> Option<ReceivedSignal> {
    let signal = SignalNumber::new(i32::try_from(number).ok()?)?;
    if code == libc::SI_TIMER && signal == sys::TIME_IS_UP {
        // Of a wait for a kernel lock that is over.
        return None;
    }
    // Codes of at most 0 are those that a process can give (sigaction(2), SI_USER and below).
    let origin = if code > libc::SI_USER { SignalOrigin::Kernel } else { SignalOrigin::Process };
    // A child's end names the child.
    let sender = if origin == SignalOrigin::Kernel { 0 } else { sender.cast_signed() };
    Some(ReceivedSignal { signal, origin, sender })
}
