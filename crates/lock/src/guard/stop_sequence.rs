use super::GuardStopCause;
use std::time::{Duration, Instant};

/// How often to look whether the other processes of a command are gone; the kernel reports nothing to a guard
/// about processes that are not its children.
const LOOK: Duration = Duration::from_millis(20);

/// How long to wait for processes that were killed and are not the guard's child: one that the kernel cannot
/// end now must not keep the guard forever.
const AFTERMATH: Duration = Duration::from_secs(1);

/// A command that is being stopped: SIGTERM was sent, and SIGKILL follows after the grace period, to all that
/// is left of it.
///
/// Processes that were started while the others got SIGTERM get it when the first one has ended: until then
/// they may be what it does to end well.
#[derive(Clone, Copy, Debug)]
pub(super) struct StopSequence {
    /// Why.
    pub(super) cause: GuardStopCause,
    kill_at: Instant,
    killed_at: Option<Instant>,
    late: LateProcessSignalState,
}

/// Whether the processes that were not found at first have got SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LateProcessSignalState {
    Unsignaled,
    Signaled,
}

/// What is left of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RemainingProcesses {
    /// The process that the guard started.
    Leader,
    /// Others of its processes.
    Others,
    /// Nothing.
    Ended,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopStep {
    /// Wait until then, or until a child ends.
    Wait(Instant),
    /// Wait for the end of a child, which must come.
    WaitForLeader,
    /// Send SIGTERM to the processes that have not got it.
    Signal,
    /// Kill what is left.
    Kill,
    /// It has stopped.
    Done,
}

impl StopSequence {
    /// A command got SIGTERM `now`.
    pub(super) fn begin(cause: GuardStopCause, now: Instant, grace: Duration) -> Self {
        Self {
            cause,
            kill_at: now + grace,
            killed_at: None,
            late: LateProcessSignalState::Unsignaled,
        }
    }

    /// Kills at the latest `by`.
    pub(super) fn limit(&mut self, by: Instant) {
        self.kill_at = self.kill_at.min(by);
    }

    /// Notes that all processes that were found late have got SIGTERM.
    pub(super) fn note_late_signaled(&mut self) {
        self.late = LateProcessSignalState::Signaled;
    }

    /// Notes that what was left has been killed, and says whether that is the first time.
    pub(super) fn kill(&mut self, now: Instant) -> bool {
        let first = self.killed_at.is_none();
        self.killed_at.get_or_insert(now);
        first
    }

    /// What is to be done `now`.
    pub(super) fn step(&self, rest: RemainingProcesses, now: Instant) -> StopStep {
        match (rest, self.killed_at) {
            (RemainingProcesses::Ended, _) => StopStep::Done,
            (_, None) if now >= self.kill_at => StopStep::Kill,
            (RemainingProcesses::Leader, None) => StopStep::Wait(self.kill_at),
            (RemainingProcesses::Others, None)
                if self.late == LateProcessSignalState::Unsignaled =>
            {
                StopStep::Signal
            }
            (RemainingProcesses::Leader, Some(_)) => StopStep::WaitForLeader,
            (RemainingProcesses::Others, Some(at)) if now >= at + AFTERMATH => StopStep::Done,
            // While some were killed, others may have started more.
            (RemainingProcesses::Others, Some(_)) => StopStep::Kill,
            (RemainingProcesses::Others, None) => self.then(rest, now),
        }
    }

    /// What to wait for after something was done.
    pub(super) fn then(&self, rest: RemainingProcesses, now: Instant) -> StopStep {
        match (rest, self.killed_at) {
            (RemainingProcesses::Ended, _) => StopStep::Done,
            (RemainingProcesses::Leader, Some(_)) => StopStep::WaitForLeader,
            (RemainingProcesses::Leader, None) => StopStep::Wait(self.kill_at),
            (RemainingProcesses::Others, None) => StopStep::Wait((now + LOOK).min(self.kill_at)),
            (RemainingProcesses::Others, Some(_)) => StopStep::Wait(now + LOOK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_steps() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let grace = Duration::from_secs(1);
        let begun = StopSequence::begin(GuardStopCause::Lost, start, grace);
        let signaled = StopSequence { late: LateProcessSignalState::Signaled, ..begun };
        let killed = StopSequence { killed_at: Some(after(1000)), ..begun };
        for (state, rest, at, expected) in [
            (begun, RemainingProcesses::Ended, 1, StopStep::Done),
            (begun, RemainingProcesses::Leader, 1, StopStep::Wait(after(1000))),
            (begun, RemainingProcesses::Others, 1, StopStep::Signal),
            (begun, RemainingProcesses::Others, 1000, StopStep::Kill),
            (signaled, RemainingProcesses::Ended, 1, StopStep::Done),
            (signaled, RemainingProcesses::Leader, 1, StopStep::Wait(after(1000))),
            (signaled, RemainingProcesses::Others, 1, StopStep::Wait(after(21))),
            (signaled, RemainingProcesses::Others, 995, StopStep::Wait(after(1000))),
            (signaled, RemainingProcesses::Leader, 1000, StopStep::Kill),
            (signaled, RemainingProcesses::Others, 1000, StopStep::Kill),
            (killed, RemainingProcesses::Leader, 9000, StopStep::WaitForLeader),
            (killed, RemainingProcesses::Others, 1001, StopStep::Kill),
            (killed, RemainingProcesses::Others, 2000, StopStep::Done),
            (killed, RemainingProcesses::Ended, 1001, StopStep::Done),
        ] {
            assert_eq!(state.step(rest, after(at)), expected, "{rest:?} after {at} ms");
        }
        assert_eq!(
            killed.then(RemainingProcesses::Others, after(1001)),
            StopStep::Wait(after(1021))
        );
    }
}
