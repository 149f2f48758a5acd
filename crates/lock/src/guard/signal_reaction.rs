use crate::sys::SignalNumber;
use nix::sys::signal::Signal;

/// What sent a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalOrigin {
    /// The kernel: the keyboard, a hang-up, a timer, the end of a child.
    Kernel,
    /// A process, with kill(2) or the like.
    Process,
}

/// Which processes got a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedSignalReach {
    /// All of the guard's process group: the command too, as long as it is in there.
    Group,
    /// The guard alone.
    Alone,
}

/// What a guard does about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalReaction {
    /// Forward it to a command that has its own process group; any other has got it already.
    Mirror,
    /// Give it to such a command, and stop when the command has stopped.
    MirrorAndStop,
    /// Continue what is stopped outside the guard's group, or about to stop.
    Continue,
    /// Pass it on to all of the command.
    Forward,
    /// Pass it on, and stop when the command has stopped.
    ForwardAndStop,
}

/// Decides what a guard does about a signal. A second signal is treated like the first.
pub fn react(signal: SignalNumber, reach: ReceivedSignalReach) -> SignalReaction {
    match reach {
        // Also where the terminal sent it: the command may have stopped in its own group, and must be running
        // again before its state is looked at.
        ReceivedSignalReach::Group if signal == Signal::SIGCONT => SignalReaction::Continue,
        ReceivedSignalReach::Group if signal.stops_by_default() => SignalReaction::MirrorAndStop,
        ReceivedSignalReach::Group => SignalReaction::Mirror,
        ReceivedSignalReach::Alone if signal.stops_by_default() => SignalReaction::ForwardAndStop,
        ReceivedSignalReach::Alone => SignalReaction::Forward,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_reactions() {
        use ReceivedSignalReach::{Alone, Group};
        use SignalReaction::{Continue, Forward, ForwardAndStop, Mirror, MirrorAndStop};
        for (signal, reach, expected) in [
            (Signal::SIGINT, Group, Mirror),
            (Signal::SIGTERM, Group, Mirror),
            (Signal::SIGWINCH, Group, Mirror),
            (Signal::SIGTSTP, Group, MirrorAndStop),
            (Signal::SIGTTIN, Group, MirrorAndStop),
            (Signal::SIGCONT, Group, Continue),
            (Signal::SIGINT, Alone, Forward),
            (Signal::SIGTERM, Alone, Forward),
            (Signal::SIGCHLD, Alone, Forward),
            (Signal::SIGTSTP, Alone, ForwardAndStop),
            (Signal::SIGTTOU, Alone, ForwardAndStop),
            (Signal::SIGCONT, Alone, Forward),
        ] {
            assert_eq!(react(signal.into(), reach), expected, "{signal} {reach:?}");
        }
        let real_time = SignalNumber::new(40).unwrap();
        assert_eq!(react(real_time, Alone), Forward, "real-time signals are passed on too");
    }
}
