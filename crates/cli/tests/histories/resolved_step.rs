//! A step with the guard that it applies to, and its command line.

use super::{
    expected::ExpectedOutcome,
    model::{BrokenRecord, Model, ModelGuard},
    queue::Obstacle,
    step::{
        ForeignRecordContent, GuardedLoktCommand, LockCommandOptions, Step, TestLockName,
        TestOwnerName, TiedProcessState, Ttl, UnlockForce, Victim,
    },
};

/// A guard whose lock is broken only warns. Its command runs on, so that the next steps find it.
const WARN: &[&str] = &["--on-lost", "warn"];

/// A step, and the number of the guard that it applies to or starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResolvedStep {
    pub(crate) step: Step,
    pub(crate) guard: usize,
}

impl Model {
    /// Resolves a step; `None` if it is not possible now.
    pub(crate) fn resolve(&self, step: Step) -> Option<ResolvedStep> {
        let oldest = |name| self.oldest_guard(name).map(|(_, guard)| guard);
        let (step, guard) = match step {
            Step::Lock(by, name, options) => {
                (Step::Lock(by, name, self.possible_options(options)), 0)
            }
            Step::StartGuard(..) | Step::StartWaitingGuard(..) => (step, self.guard_count),
            Step::EndFirstWaiter(name) => (step, self.state(name).queue.first()?.place),
            Step::EndOldestCommand(name) => (step, oldest(name)?.id),
            Step::Kill(name, victim) => {
                let guard = oldest(name)?;
                (Step::Kill(name, possible_victim(guard, victim)?), guard.id)
            }
            Step::EndTiedProcess if self.started_processes == self.ended_processes => return None,
            Step::DeleteRecord(name) => (step, self.state(name).record().map(|_| 0)?),
            Step::ExpireRecord(name) => (step, self.state(name).record()?.verdict().map(|_| 0)?),
            Step::AgeRecord(name) if !self.state(name).broken()?.is_young() => return None,
            _ => (step, 0),
        };
        Some(ResolvedStep { step, guard }).filter(|_| self.has_certain_outcome(step))
    }

    /// Whether the outcome of a step with waiters is certain. The documentation does not say when a waiter
    /// looks again at what it does not wait for, or which of two simultaneous events comes first.
    fn has_certain_outcome(&self, step: Step) -> bool {
        let line = |name| !self.state(name).queue.is_empty();
        let behind_record = |it: &Obstacle| matches!(it, Obstacle::Record(_));
        let behind_freeze = |it: &Obstacle| matches!(it, Obstacle::Freeze(_));
        match step {
            Step::StartWaitingGuard(_, name) => {
                !self.state(name).broken().is_some_and(BrokenRecord::is_young)
            }
            Step::RunGuard(_, name, GuardedLoktCommand::Unlock(command, UnlockForce::Force)) => {
                command != name || !line(name)
            }
            Step::BreakFreeze(name) => !self.state(name).has_waiter_for(behind_record),
            Step::CreateRecord(name, content) | Step::OverwriteRecord(name, content)
                if line(name) =>
            {
                match content {
                    ForeignRecordContent::Record(..) | ForeignRecordContent::DeadRecord(_) => true,
                    ForeignRecordContent::Folder => false,
                    ForeignRecordContent::Empty { young }
                    | ForeignRecordContent::Half { young } => {
                        !young && !self.state(name).has_waiter_for(behind_freeze)
                    }
                    ForeignRecordContent::Newer => !self.state(name).has_waiter_for(behind_freeze),
                }
            }
            _ => true,
        }
    }

    /// The options of a lease that are possible now.
    fn possible_options(&self, mut options: LockCommandOptions) -> LockCommandOptions {
        if !self.is_pruned && options.ttl == Some(Ttl::Short) {
            // The first `lokt lock` of a root prunes what has expired, which may include its own lease if it
            // is slow.
            options.ttl = Some(Ttl::Long);
        }
        if self.ended_processes == 0 && options.tied_to == Some(TiedProcessState::Gone) {
            options.tied_to = Some(TiedProcessState::Living);
        }
        options
    }

    /// Applies a step to the model. Returns its expected outcome.
    pub(crate) fn apply(&mut self, resolved: ResolvedStep) -> ExpectedOutcome {
        match resolved.step {
            Step::Exists(_, name) => self.exists(name),
            Step::GetMeta(_, name) => self.get_meta(name),
            Step::Status(_, name) => self.status(name),
            Step::Why(by, name) => self.why(by, name),
            Step::List(by) => self.list(by),
            Step::Prune(by) => self.prune(by),
            Step::Lock(by, name, options) => self.lock(by, name, options),
            Step::Unlock(by, name, force) => self.unlock(by, name, force),
            Step::UnlockAll(by) => self.unlock_all(by),
            Step::RunGuard(by, name, command) => self.run_guard(by, name, command),
            Step::StartGuard(by, name, ttl) => self.start_guard(by, name, ttl),
            Step::StartWaitingGuard(by, name) => self.start_waiting_guard(by, name),
            Step::EndFirstWaiter(name) => self.end_first_waiter(name),
            Step::EndOldestCommand(name) => self.end_guard(name, resolved.guard),
            Step::Kill(name, victim) => self.kill(name, resolved.guard, victim),
            Step::Freeze(by, name, ttl) => self.freeze(by, name, ttl),
            Step::Unfreeze(by, name, force) => self.unfreeze(by, name, force),
            Step::CreateRecord(name, content) => self.create(name, content),
            _ => {
                self.apply_silent_step(resolved.step);
                ExpectedOutcome::default()
            }
        }
    }

    /// Applies a step that prints nothing.
    fn apply_silent_step(&mut self, step: Step) {
        match step {
            Step::EndTiedProcess => self.end_tied_process(),
            Step::OverwriteRecord(name, content) => self.overwrite(name, content),
            Step::DeleteRecord(name) => self.state_mut(name).drop_record(),
            Step::ExpireRecord(name) => self.expire(name),
            Step::AgeRecord(name) => self.age(name),
            Step::BreakFreeze(name) => self.break_freeze(name),
            _ => {}
        }
    }
}

/// The processes of a guard that can still be killed.
fn possible_victim(guard: ModelGuard, victim: Victim) -> Option<Victim> {
    match (guard.supervisor, victim) {
        (true, victim) => Some(victim),
        (false, Victim::Supervisor) => None,
        (false, _) => Some(Victim::Command),
    }
}

/// Where a guard is after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardPosition {
    Inside,
    Queued,
    Gone,
}

impl Model {
    /// Where the guard of a step is.
    pub(crate) fn guard_position(&self, resolved: ResolvedStep) -> GuardPosition {
        let (Step::StartGuard(_, name, _) | Step::StartWaitingGuard(_, name)) = resolved.step
        else {
            return GuardPosition::Gone;
        };
        let state = self.state(name);
        if state.queue.iter().any(|waiter| waiter.place == resolved.guard) {
            return GuardPosition::Queued;
        }
        let inside = state.inside().filter_map(|holder| holder.guard());
        let is_in = inside.into_iter().any(|guard| guard.id == resolved.guard);
        if is_in { GuardPosition::Inside } else { GuardPosition::Gone }
    }
}

/// Queries everything. Every history ends with this.
pub(crate) fn final_queries() -> impl Iterator<Item = Step> {
    let of_name = |name: TestLockName| {
        let by = TestOwnerName::Ada;
        [
            Step::Exists(by, name),
            Step::GetMeta(by, name),
            Step::Status(by, name),
            Step::Why(by, name),
        ]
    };
    TestLockName::ALL.into_iter().flat_map(of_name).chain([Step::List(TestOwnerName::Ada)])
}

/// A call of `lokt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoktCall {
    /// `LOKT_OWNER`
    pub(crate) owner: &'static str,
    /// The arguments of `lokt`.
    pub(crate) arguments: Vec<String>,
    /// Whether a script makes the call.
    pub(crate) by_script: bool,
}

impl LoktCall {
    /// The call of a step, if it makes one. `pid` is the process that a lease is tied to, and `command` the
    /// command of a guard that stays.
    pub(crate) fn of_step(step: Step, pid: &str, command: &[&str]) -> Option<Self> {
        let (by, arguments) = match step {
            Step::Exists(by, name) => (by, strings(&["exists", name.as_str()])),
            Step::GetMeta(by, name) => (by, strings(&["get-meta", name.as_str(), "k"])),
            Step::Status(by, name) => (by, strings(&["status", name.as_str(), "--json"])),
            Step::Why(by, name) => (by, strings(&["why", name.as_str(), "--json"])),
            Step::List(by) => (by, strings(&["status", "--json"])),
            Step::Prune(by) => (by, strings(&["status", "--prune-expired", "--json"])),
            Step::Lock(by, name, options) => (by, lock_arguments(name, options, pid)),
            Step::Unlock(by, name, force) => (by, unlock_arguments(name, force)),
            Step::UnlockAll(by) => (by, strings(&["unlock", "--all"])),
            Step::RunGuard(by, name, command) => (by, guard_arguments(name, command)),
            Step::StartGuard(by, name, ttl) => {
                let ttl: &[&str] = if ttl.is_some() { &["--ttl", "1h"] } else { &[] };
                (by, strings(&[&["guard", name.as_str()], WARN, ttl, &["--"], command].concat()))
            }
            Step::StartWaitingGuard(by, name) => (
                by,
                strings(&[&["guard", name.as_str(), "--wait"], WARN, &["--"], command].concat()),
            ),
            Step::Freeze(by, name, ttl) => {
                (by, strings(&["freeze", name.as_str(), "--ttl", ttl_text(ttl)]))
            }
            Step::Unfreeze(by, name, force) => {
                (by, strings(&[&["unfreeze", name.as_str()], force.flag()].concat()))
            }
            _ => return None,
        };
        let by_script =
            matches!(step, Step::Lock(_, _, LockCommandOptions { by_script: true, .. }));
        Some(Self::by(by, arguments, by_script))
    }

    fn by(by: TestOwnerName, mut arguments: Vec<String>, by_script: bool) -> Self {
        let ignores_owner = |it: &String| ["exists", "get-meta", "status"].contains(&it.as_str());
        let takes_owner = arguments.iter().any(|it| it == "--prune-expired")
            || !arguments.first().is_some_and(ignores_owner);
        if by != TestOwnerName::Eve || !takes_owner {
            return Self { owner: by.as_str(), arguments, by_script };
        }
        arguments.splice(0..0, ["--owner".to_owned(), by.as_str().to_owned()]);
        Self { owner: TestOwnerName::Bob.as_str(), arguments, by_script }
    }
}

fn strings(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|&word| word.to_owned()).collect()
}

fn ttl_text(ttl: Ttl) -> &'static str {
    match ttl {
        Ttl::Long => "1h",
        Ttl::Short => "1ms",
    }
}

fn lock_arguments(name: TestLockName, options: LockCommandOptions, pid: &str) -> Vec<String> {
    let mut line = strings(&["lock", name.as_str()]);
    if let Some(ttl) = options.ttl {
        line.extend(strings(&["--ttl", ttl_text(ttl)]));
    }
    if let Some(value) = options.meta {
        line.extend(["--meta".to_owned(), format!("k={value}")]);
    }
    if options.tied_to.is_some() {
        line.extend(strings(&["--pid", pid]));
    }
    if options.json {
        line.push("--json".to_owned());
    }
    line
}

fn unlock_arguments(name: TestLockName, force: UnlockForce) -> Vec<String> {
    strings(&[&["unlock", name.as_str()], force.flag()].concat())
}

fn guard_arguments(name: TestLockName, command: GuardedLoktCommand) -> Vec<String> {
    let mut line = strings(&[&["guard", name.as_str()], WARN, &["--"]].concat());
    line.extend(match command {
        GuardedLoktCommand::Nothing => strings(&["true"]),
        GuardedLoktCommand::Guard(command) => {
            strings(&["lokt", "guard", command.as_str(), "--", "true"])
        }
        GuardedLoktCommand::Lock(command) => {
            strings(&["lokt", "lock", command.as_str(), "--ttl", "1h"])
        }
        GuardedLoktCommand::Unlock(command, force) => {
            [strings(&["lokt"]), unlock_arguments(command, force)].concat()
        }
    });
    line
}
