use super::Seat;
use nix::sys::signal::Signal;

/// Who sent a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The kernel: for the signals of a terminal, that means the keyboard or a hang-up, which the whole
    /// foreground job gets.
    Kernel,
    /// A process, with kill(2) or the like.
    Process,
}

/// What a guard does about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Nothing: the command has got it already.
    Nothing,
    /// See what became of the command.
    Collect,
    /// Send it to the command.
    Forward,
    /// Send it to the command, then stop too.
    ForwardAndStop,
    /// Stop when the command has stopped, which has got it already.
    StopWithCommand,
    /// Stop, and leave the command to itself.
    Stop,
}

/// Decides what a guard does about a signal. A second signal is treated like the first.
pub fn react(seat: Seat, signal: Signal, origin: Origin) -> Reaction {
    match (signal, seat, origin) {
        (Signal::SIGCHLD, _, _) => Reaction::Collect,
        // Also where the terminal sent it: the command may have stopped in a group of its own, and must be
        // running again before its state is looked at.
        (Signal::SIGCONT, _, _) => Reaction::Forward,
        (Signal::SIGTSTP, Seat::Terminal, Origin::Kernel) => Reaction::StopWithCommand,
        (Signal::SIGTSTP, Seat::Terminal, Origin::Process) => Reaction::Stop,
        (_, Seat::Terminal, Origin::Kernel) => Reaction::Nothing,
        (Signal::SIGTSTP, Seat::OwnGroup, _) => Reaction::ForwardAndStop,
        _ => Reaction::Forward,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_reactions() {
        use Origin::{Kernel, Process};
        use Reaction::{Collect, Forward, ForwardAndStop, Nothing, Stop, StopWithCommand};
        use Seat::{OwnGroup, Terminal};
        for (seat, signal, origin, expected) in [
            (Terminal, Signal::SIGINT, Kernel, Nothing),
            (Terminal, Signal::SIGQUIT, Kernel, Nothing),
            (Terminal, Signal::SIGHUP, Kernel, Nothing),
            (Terminal, Signal::SIGINT, Process, Forward),
            (Terminal, Signal::SIGTERM, Process, Forward),
            (Terminal, Signal::SIGTSTP, Kernel, StopWithCommand),
            (Terminal, Signal::SIGTSTP, Process, Stop),
            (Terminal, Signal::SIGCONT, Kernel, Forward),
            (OwnGroup, Signal::SIGINT, Process, Forward),
            (OwnGroup, Signal::SIGTSTP, Process, ForwardAndStop),
            (OwnGroup, Signal::SIGCONT, Process, Forward),
            (OwnGroup, Signal::SIGCHLD, Kernel, Collect),
            (Terminal, Signal::SIGCHLD, Kernel, Collect),
        ] {
            assert_eq!(react(seat, signal, origin), expected, "{seat:?} {signal} {origin:?}");
        }
    }
}
