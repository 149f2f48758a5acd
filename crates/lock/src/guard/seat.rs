use crate::sys::Caller;

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
}
