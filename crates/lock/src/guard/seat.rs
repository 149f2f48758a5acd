use crate::sys::{self, Caller};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

/// Where a command runs, as far as signals are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// In the guard's own process group, as one job of a terminal.
    Terminal,
    /// In a process group of its own.
    OwnGroup,
}

impl Seat {
    /// The seat that fits the caller: with a controlling terminal the command is part of its job.
    pub fn of(caller: &Caller) -> Self {
        if caller.has_terminal() { Self::Terminal } else { Self::OwnGroup }
    }

    /// Sends a signal to the whole command.
    ///
    /// In a terminal's job the group also has the guard itself, and what stands beside it in a pipeline or
    /// a script; so there the command's descendants in the group are sought out.
    pub(super) fn send(self, command: Pid, signal: Signal) {
        // Those that have ended meanwhile need no signal.
        match self {
            Self::OwnGroup => drop(killpg(command, signal)),
            Self::Terminal => sys::tree_in_group(command.as_raw()).into_iter().for_each(|pid| {
                let _ = kill(Pid::from_raw(pid), signal);
            }),
        }
    }
}
