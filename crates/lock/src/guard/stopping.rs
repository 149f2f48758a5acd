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
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopping {
    /// Why.
    pub(super) cause: Cause,
    kill_at: Instant,
    killed_at: Option<Instant>,
}

/// What is left of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The process that the guard started.
    Leader,
    /// Others of its processes.
    Members,
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
    /// Kill what is left.
    Kill,
    /// It has stopped.
    Done,
}

impl Stopping {
    /// A command was told to stop `now`.
    pub(super) fn begin(cause: Cause, now: Instant, grace: Duration) -> Self {
        Self { cause, kill_at: now + grace, killed_at: None }
    }

    /// Notes that what was left has been killed.
    pub(super) fn killed(&mut self, now: Instant) {
        self.killed_at = Some(now);
    }

    /// Whether what was left has been killed.
    pub(super) fn has_killed(&self) -> bool {
        self.killed_at.is_some()
    }

    /// What is to be done `now`.
    pub(super) fn step(&self, rest: Rest, now: Instant) -> Step {
        match (rest, self.killed_at) {
            (Rest::Nobody, _) => Step::Done,
            (_, None) if now >= self.kill_at => Step::Kill,
            (Rest::Leader, None) => Step::Wait(self.kill_at),
            (Rest::Members, None) => Step::Wait((now + LOOK).min(self.kill_at)),
            (Rest::Leader, Some(_)) => Step::WaitForLeader,
            (Rest::Members, Some(at)) if now >= at + AFTERMATH => Step::Done,
            (Rest::Members, Some(_)) => Step::Wait(now + LOOK),
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
        let told = Stopping::begin(Cause::Lost, start, grace);
        let killed = Stopping { killed_at: Some(after(1000)), ..told };
        for (state, rest, at, expected) in [
            (told, Rest::Nobody, 1, Step::Done),
            (told, Rest::Leader, 1, Step::Wait(after(1000))),
            (told, Rest::Members, 1, Step::Wait(after(21))),
            (told, Rest::Members, 995, Step::Wait(after(1000))),
            (told, Rest::Leader, 1000, Step::Kill),
            (told, Rest::Members, 1000, Step::Kill),
            (killed, Rest::Leader, 9000, Step::WaitForLeader),
            (killed, Rest::Members, 1001, Step::Wait(after(1021))),
            (killed, Rest::Members, 2000, Step::Done),
            (killed, Rest::Nobody, 1001, Step::Done),
        ] {
            assert_eq!(state.step(rest, after(at)), expected, "{rest:?} after {at} ms");
        }
    }
}
