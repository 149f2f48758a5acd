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
/// Those that have left the command's group are told when nothing is in it any more: until then somebody in
/// there may be passing it on, and who is told twice may break off what it does to end well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopping {
    /// Why.
    pub(super) cause: Cause,
    kill_at: Instant,
    killed_at: Option<Instant>,
    strays: Strays,
}

/// Whether those that have left the command's group have been told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strays {
    Untold,
    Told,
}

/// What is left of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The process that the guard started.
    Leader,
    /// Others of its processes, some of them in its group.
    Members,
    /// Only such as have left its group.
    Strays,
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
    /// Tell those that have left the command's group to stop.
    Tell,
    /// Kill what is left.
    Kill,
    /// It has stopped.
    Done,
}

impl Stopping {
    /// A command was told to stop `now`.
    pub(super) fn begin(cause: Cause, now: Instant, grace: Duration) -> Self {
        Self { cause, kill_at: now + grace, killed_at: None, strays: Strays::Untold }
    }

    /// Notes that those which have left the group were told.
    pub(super) fn told_strays(&mut self) {
        self.strays = Strays::Told;
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
            (Rest::Strays, None) if self.strays == Strays::Untold => Step::Tell,
            (Rest::Leader, Some(_)) => Step::WaitForLeader,
            (Rest::Members | Rest::Strays, Some(at)) if now >= at + AFTERMATH => Step::Done,
            // While some were killed, others may have started more.
            (Rest::Members | Rest::Strays, Some(_)) => Step::Kill,
            (Rest::Members | Rest::Strays, None) => self.then(rest, now),
        }
    }

    /// What to wait for after something was done.
    pub(super) fn then(&self, rest: Rest, now: Instant) -> Step {
        match (rest, self.killed_at) {
            (Rest::Nobody, _) => Step::Done,
            (Rest::Leader, Some(_)) => Step::WaitForLeader,
            (Rest::Leader, None) => Step::Wait(self.kill_at),
            (Rest::Members | Rest::Strays, None) => Step::Wait((now + LOOK).min(self.kill_at)),
            (Rest::Members | Rest::Strays, Some(_)) => Step::Wait(now + LOOK),
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
        let told = Stopping { strays: Strays::Told, ..begun };
        let killed = Stopping { killed_at: Some(after(1000)), ..begun };
        for (state, rest, at, expected) in [
            (begun, Rest::Nobody, 1, Step::Done),
            (begun, Rest::Leader, 1, Step::Wait(after(1000))),
            (begun, Rest::Members, 1, Step::Wait(after(21))),
            (begun, Rest::Strays, 1, Step::Tell),
            (told, Rest::Strays, 1, Step::Wait(after(21))),
            (told, Rest::Strays, 1000, Step::Kill),
            (killed, Rest::Strays, 2000, Step::Done),
            (begun, Rest::Members, 1000, Step::Kill),
            (told, Rest::Nobody, 1, Step::Done),
            (told, Rest::Leader, 1, Step::Wait(after(1000))),
            (told, Rest::Members, 1, Step::Wait(after(21))),
            (told, Rest::Members, 995, Step::Wait(after(1000))),
            (told, Rest::Leader, 1000, Step::Kill),
            (told, Rest::Members, 1000, Step::Kill),
            (killed, Rest::Leader, 9000, Step::WaitForLeader),
            (killed, Rest::Members, 1001, Step::Kill),
            (killed, Rest::Members, 2000, Step::Done),
            (killed, Rest::Nobody, 1001, Step::Done),
        ] {
            assert_eq!(state.step(rest, after(at)), expected, "{rest:?} after {at} ms");
        }
        assert_eq!(killed.then(Rest::Members, after(1001)), Step::Wait(after(1021)));
    }
}
