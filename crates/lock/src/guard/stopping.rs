use super::Cause;
use std::time::{Duration, Instant};

/// How often to look whether the rest of a command's processes is gone; nobody tells a guard about
/// processes that are not its children.
const LOOK: Duration = Duration::from_millis(20);

/// How long to wait for processes that were killed and are not the guard's child: one that the kernel cannot
/// end now must not keep the guard for ever.
const AFTERMATH: Duration = Duration::from_secs(1);

/// A command that is being stopped: SIGTERM was sent, and SIGKILL follows after the grace period, to all that
/// is left of it.
///
/// Processes that were started while the others were told are told when the first one has ended: until then they may
/// be what it does to end well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopping {
    /// Why.
    pub(super) cause: Cause,
    kill_at: Instant,
    killed_at: Option<Instant>,
    late: Late,
}

/// Whether those that were not found at first have been told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Late {
    Untold,
    Told,
}

/// What is left of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The process that the guard started.
    Leader,
    /// Others of its processes.
    Others,
    /// Nothing.
    Nobody,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Wait until then, or until a child ends.
    Wait(Instant),
    /// Wait for the end of a child, which must come.
    WaitForLeader,
    /// Tell those to stop that have not been told.
    Tell,
    /// Kill what is left.
    Kill,
    /// It has stopped.
    Done,
}

impl Stopping {
    /// A command was told to stop `now`.
    pub(super) fn begin(cause: Cause, now: Instant, grace: Duration) -> Self {
        Self { cause, kill_at: now + grace, killed_at: None, late: Late::Untold }
    }

    /// Notes that all which were found late have been told.
    pub(super) fn told_late(&mut self) {
        self.late = Late::Told;
    }

    /// Notes that what was left has been killed, and says whether that is the first time.
    pub(super) fn kill(&mut self, now: Instant) -> bool {
        let first = self.killed_at.is_none();
        self.killed_at.get_or_insert(now);
        first
    }

    /// What is to be done `now`.
    pub(super) fn step(&self, rest: Rest, now: Instant) -> Step {
        match (rest, self.killed_at) {
            (Rest::Nobody, _) => Step::Done,
            (_, None) if now >= self.kill_at => Step::Kill,
            (Rest::Leader, None) => Step::Wait(self.kill_at),
            (Rest::Others, None) if self.late == Late::Untold => Step::Tell,
            (Rest::Leader, Some(_)) => Step::WaitForLeader,
            (Rest::Others, Some(at)) if now >= at + AFTERMATH => Step::Done,
            // While some were killed, others may have started more.
            (Rest::Others, Some(_)) => Step::Kill,
            (Rest::Others, None) => self.then(rest, now),
        }
    }

    /// What to wait for after something was done.
    pub(super) fn then(&self, rest: Rest, now: Instant) -> Step {
        match (rest, self.killed_at) {
            (Rest::Nobody, _) => Step::Done,
            (Rest::Leader, Some(_)) => Step::WaitForLeader,
            (Rest::Leader, None) => Step::Wait(self.kill_at),
            (Rest::Others, None) => Step::Wait((now + LOOK).min(self.kill_at)),
            (Rest::Others, Some(_)) => Step::Wait(now + LOOK),
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
        let begun = Stopping::begin(Cause::Lost, start, grace);
        let told = Stopping { late: Late::Told, ..begun };
        let killed = Stopping { killed_at: Some(after(1000)), ..begun };
        for (state, rest, at, expected) in [
            (begun, Rest::Nobody, 1, Step::Done),
            (begun, Rest::Leader, 1, Step::Wait(after(1000))),
            (begun, Rest::Others, 1, Step::Tell),
            (begun, Rest::Others, 1000, Step::Kill),
            (told, Rest::Nobody, 1, Step::Done),
            (told, Rest::Leader, 1, Step::Wait(after(1000))),
            (told, Rest::Others, 1, Step::Wait(after(21))),
            (told, Rest::Others, 995, Step::Wait(after(1000))),
            (told, Rest::Leader, 1000, Step::Kill),
            (told, Rest::Others, 1000, Step::Kill),
            (killed, Rest::Leader, 9000, Step::WaitForLeader),
            (killed, Rest::Others, 1001, Step::Kill),
            (killed, Rest::Others, 2000, Step::Done),
            (killed, Rest::Nobody, 1001, Step::Done),
        ] {
            assert_eq!(state.step(rest, after(at)), expected, "{rest:?} after {at} ms");
        }
        assert_eq!(killed.then(Rest::Others, after(1001)), Step::Wait(after(1021)));
    }
}
