use super::{ReceivedSignal, ReceivedSignalReach, SignalOrigin, SignalReader};
use crate::sys::{GroupSignalObserver, is_stopped, pending_signals};
use nix::{sys::signal::Signal, unistd::getpid};
use std::{
    io,
    time::{Duration, Instant},
};

/// How long a command runs before there is an observer. Most commands are over by then, and it costs a process.
const UNOBSERVED: Duration = Duration::from_millis(5);

/// How long a signal may come alone until it counts as sent to the guard alone. There are programs that send it to
/// one process after the other: systemd(1) to all of a unit, and others to all descendants of a process.
const DECISION_TIME: Duration = Duration::from_millis(20);

/// How often an observer is replaced before the command is looked at again: signals may come without end.
const ROUNDS: usize = 50;

/// The signals that a terminal sends to its foreground group.
const OF_TERMINAL: [Signal; 8] = [
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGHUP,
    Signal::SIGWINCH,
    Signal::SIGCONT,
];

/// The signals that have arrived, each until it is known whether it was sent to the guard alone.
///
/// An [observer](GroupSignalObserver) in the guard's group tells that. It takes note of a signal once; so when it has
/// noted one, a fresh one takes its place, before the old one is read for the last time.
#[derive(Debug)]
pub(super) struct GuardSignalTracker {
    command: i32,
    observer: Option<GroupSignalObserver>,
    /// When to start the first observer; none where there will be none.
    observe_at: Option<Instant>,
    undecided: Vec<SignalOfUnknownReach>,
    child: bool,
}

#[derive(Debug)]
struct SignalOfUnknownReach {
    received: ReceivedSignal,
    /// What it is taken for where nothing more is learnt by that time.
    reach: ReceivedSignalReach,
    until: Instant,
}

/// What has arrived.
#[derive(Debug, Default)]
pub(super) struct GuardSignalBatch {
    /// Signals, and which processes got each.
    pub(super) signals: Vec<(ReceivedSignal, ReceivedSignalReach)>,
    /// Whether the kernel reported a child.
    pub(super) child: bool,
}

impl GuardSignalTracker {
    pub(super) fn of(command: i32, now: Instant) -> Self {
        let observe_at = now.checked_add(UNOBSERVED);
        Self { command, observer: None, observe_at, undecided: Vec::new(), child: false }
    }

    /// When there is something to do, though no signal arrives.
    pub(super) fn next(&self) -> Option<Instant> {
        self.undecided.iter().map(|it| it.until).chain(self.observe_at).min()
    }

    /// The observer's process, which is not one of the command's.
    pub(super) fn observer(&self) -> Option<i32> {
        self.observer.as_ref().map(GroupSignalObserver::pid)
    }

    /// Takes an observer away that has ended.
    pub(super) fn forget_observer(&mut self) {
        self.observer = None;
    }

    /// The signals for which it is known by now which processes got them.
    pub(super) fn take(&mut self, signals: &SignalReader) -> io::Result<GuardSignalBatch> {
        if self.observe_at.is_some_and(|at| at <= Instant::now()) {
            self.observe(signals)?;
        }
        self.read(signals)?;
        let mut arrived = GuardSignalBatch::default();
        if !self.undecided.is_empty() {
            self.ask_observer(signals, &mut arrived)?;
        }
        let now = Instant::now();
        self.undecided.retain(|it| {
            let is_due = it.until <= now;
            arrived.signals.extend(is_due.then_some((it.received, it.reach)));
            !is_due
        });
        arrived.child = std::mem::take(&mut self.child);
        Ok(arrived)
    }

    /// Before this process stops: has it continued when the command is.
    pub(super) fn prepare_stop(&mut self, signals: &SignalReader) -> io::Result<()> {
        if self.observe_at.is_some() {
            self.observe(signals)?;
        }
        if let Some(observer) = &self.observer {
            observer.continue_with_command();
        }
        Ok(())
    }

    /// Decides what the observer has noted, and has a fresh one that has noted nothing in the end. What comes between
    /// is noted by both, and may have been decided already; so that fresh one is replaced too.
    fn ask_observer(
        &mut self,
        signals: &SignalReader,
        arrived: &mut GuardSignalBatch,
    ) -> io::Result<()> {
        for _ in 0..ROUNDS {
            let noted = self.noted();
            self.decide(noted, arrived);
            if noted == 0 {
                break;
            }
            let before = self.observer.take();
            self.observer = GroupSignalObserver::start(self.command);
            self.read(signals)?;
            let noted = before.as_ref().and_then(GroupSignalObserver::noted).unwrap_or(0);
            self.decide(noted, arrived);
        }
        Ok(())
    }

    /// Starts the first observer. Of what came before, it knows nothing.
    fn observe(&mut self, signals: &SignalReader) -> io::Result<()> {
        self.observe_at = None;
        self.read(signals)?;
        let observer = GroupSignalObserver::start(self.command);
        self.read(signals)?;
        self.observer = observer;
        Ok(())
    }

    /// What the observer has noted; nothing if there is no observer. An observer that was killed is replaced.
    fn noted(&mut self) -> u64 {
        let noted = self.observer.as_ref().map(GroupSignalObserver::noted);
        if noted == Some(None) {
            self.observer = None;
            self.observer = GroupSignalObserver::start(self.command);
        }
        noted.flatten().unwrap_or(0)
    }

    fn decide(&mut self, noted: u64, arrived: &mut GuardSignalBatch) {
        self.undecided.retain(|it| {
            let is_noted = noted & it.received.signal.bit() != 0;
            arrived.signals.extend(is_noted.then_some((it.received, ReceivedSignalReach::Group)));
            !is_noted
        });
    }

    fn read(&mut self, signals: &SignalReader) -> io::Result<()> {
        while let Some(received) = signals.next()? {
            if received.signal == Signal::SIGCHLD && received.origin == SignalOrigin::Kernel {
                self.child = true;
            } else if !self.is_own(received) {
                self.undecided.push(self.undecided(received));
            }
        }
        Ok(())
    }

    /// Whether this process sent it to itself, by a write to a closed pipe for instance, or its observer did.
    fn is_own(&self, received: ReceivedSignal) -> bool {
        received.sender == getpid().as_raw() || Some(received.sender) == self.observer()
    }

    fn undecided(&self, received: ReceivedSignal) -> SignalOfUnknownReach {
        let now = Instant::now();
        let is_known = self.observer.is_none() && self.seems_to_reach_all(received);
        let (reach, delay) = if is_known {
            (ReceivedSignalReach::Group, Duration::ZERO)
        } else {
            (ReceivedSignalReach::Alone, DECISION_TIME)
        };
        SignalOfUnknownReach { received, reach, until: now + delay }
    }

    /// Whether a signal seems to have been sent to the group, by its origin and by what has become of the command;
    /// for the time in which there is no observer.
    fn seems_to_reach_all(&self, received: ReceivedSignal) -> bool {
        let signal = received.signal;
        if received.origin == SignalOrigin::Kernel {
            return signal.is_any(&OF_TERMINAL);
        }
        // A signal that ends a process makes SIGKILL pending in it (complete_signal() in Linux).
        let traces = signal.bit() | 1 << (Signal::SIGKILL as i32 - 1);
        pending_signals(self.command).is_none_or(|pending| pending & traces != 0)
            || signal.stops_by_default() && is_stopped(self.command)
    }
}
